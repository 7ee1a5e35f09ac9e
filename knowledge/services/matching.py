"""Read and change how sure the assistant must be."""

from django.db import transaction

from knowledge.models import MatchingSettings
from tenants.models import User
from tenants.scoping import active_tenant_id
from tenants.services import ledger
from tenants.services.ledger import Event

THRESHOLDS = ("answer_threshold", "clarify_threshold")
OF_MODEL = ("model_picks", "model_words", "model_drafts")
CHOSEN = (*THRESHOLDS, "synonyms", "embedder", *OF_MODEL)


def current() -> MatchingSettings:
    """Return the tenant's settings, made with the product's defaults if there are none."""
    settings, _created = MatchingSettings.objects.get_or_create(tenant_id=active_tenant_id())
    return settings


def locked() -> MatchingSettings:
    """Return the tenant's settings, locked until the transaction ends."""
    return MatchingSettings.objects.select_for_update().get(pk=current().pk)


def change(settings: MatchingSettings, *, by: User) -> MatchingSettings:
    """Write what people choose in `settings`; old and new stand in the ledger.

    Nothing else of it is written, and nothing at all where nothing differs. Holds from the next
    question on.
    """
    with transaction.atomic():
        standing = locked()
        changed = [name for name in CHOSEN if getattr(standing, name) != getattr(settings, name)]
        if not changed:
            return standing
        old = {name: getattr(standing, name) for name in changed}
        new = {name: getattr(settings, name) for name in changed}
        for name in changed:
            setattr(standing, name, new[name])
        standing.updated_by = by
        standing.save()
        ledger.append(Event("matching.changed", standing.pk, {"by": by.pk, "old": old, "new": new}))
    return standing
