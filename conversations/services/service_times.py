"""Read and change how long silence may last."""

from django.db import transaction

from conversations.models import ServiceTimes
from tenants.models import User
from tenants.scoping import active_tenant_id
from tenants.services import ledger
from tenants.services.ledger import Event

CHOSEN = (
    "visitor_reminder_minutes",
    "visitor_words_zh",
    "visitor_words_en",
    "agent_reminder_seconds",
    "agent_escalation_seconds",
    "idle_close_minutes",
    "idle_warning_minutes",
    "bot_close_hours",
)
# What the tenant says to its visitors stands in the ledger as its hash.
_WORDS = ("visitor_words_zh", "visitor_words_en")


def current() -> ServiceTimes:
    """Return the tenant's times, made with nothing switched on if there are none."""
    times, _created = ServiceTimes.objects.get_or_create(tenant_id=active_tenant_id())
    return times


def change(times: ServiceTimes, *, by: User) -> ServiceTimes:
    """Write what people choose in `times`; old and new stand in the ledger.

    Nothing is written where nothing differs. Holds at once, for silences under way, too.
    """
    with transaction.atomic():
        standing = ServiceTimes.objects.select_for_update().get(pk=current().pk)
        changed = [name for name in CHOSEN if getattr(standing, name) != getattr(times, name)]
        if not changed:
            return standing
        old = {name: _shown(standing, name) for name in changed}
        for name in changed:
            setattr(standing, name, getattr(times, name))
        standing.updated_by = by
        standing.save()
        new = {name: _shown(standing, name) for name in changed}
        facts = {"by": by.pk, "old": old, "new": new}
        ledger.append(Event("service_times.changed", standing.pk, facts))
    return standing


def _shown(times: ServiceTimes, name: str) -> object:
    value = getattr(times, name)
    return ledger.fingerprint(value) if name in _WORDS else value
