"""Read and change how a tenant wants to be told."""

from django.db import transaction

from tenants.models import NotificationSettings, User
from tenants.scoping import active_tenant_id
from tenants.services import ledger
from tenants.services.ledger import Event

CHOSEN = ("quiet_from", "quiet_until", "mail_levels")


def current() -> NotificationSettings:
    """Return the tenant's settings, made with the defaults if there are none."""
    row, _created = NotificationSettings.objects.get_or_create(tenant_id=active_tenant_id())
    return row


def change(settings: NotificationSettings, *, by: User) -> NotificationSettings:
    """Write what people choose in `settings`; old and new stand in the ledger."""
    with transaction.atomic():
        standing = NotificationSettings.objects.select_for_update().get(pk=current().pk)
        changed = [name for name in CHOSEN if getattr(standing, name) != getattr(settings, name)]
        if not changed:
            return standing
        old = {name: getattr(standing, name) for name in changed}
        for name in changed:
            setattr(standing, name, getattr(settings, name))
        standing.updated_by = by
        standing.save()
        new = {name: getattr(standing, name) for name in changed}
        facts = {"by": by.pk, "old": old, "new": new}
        ledger.append(Event("notification_settings.changed", standing.pk, facts))
    return standing
