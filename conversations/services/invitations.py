"""Invitations of visitors: kept by people, shown by the widget, counted without names."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from conversations.models import Channel, Invitation
from tenants import clock
from tenants.models import Tenant, User
from tenants.scoping import active_tenant_id, as_uuid
from tenants.services import ledger
from tenants.services.ledger import Event

# What a browser may tell of an invitation, and where it is counted.
COUNTERS = {
    "shown": "shown_count",
    "clicked": "clicked_count",
    "dismissed": "dismissed_count",
}


def save_invitation(invitation: Invitation, *, by: User | None) -> Invitation:
    """Write an invitation; pages opened from now on show it. Recorded in the ledger."""
    with transaction.atomic():
        created = invitation._state.adding
        names = [
            field.name
            for field in Invitation._meta.concrete_fields
            if field.name not in COUNTERS.values() and not field.primary_key
        ]
        # What visitors' browsers counted meanwhile is not written back.
        invitation.save(update_fields=None if created else names)
        facts = {
            "by": by.pk if by else None,
            "channel": invitation.channel_id,
            "active": invitation.is_active,
            "words": ledger.fingerprint(f"{invitation.words_zh}\n{invitation.words_en}"),
        }
        kind = "invitation.created" if created else "invitation.changed"
        ledger.append(Event(kind, invitation.pk, facts))
    return invitation


def delete_invitation(invitation: Invitation, *, by: User | None) -> None:
    """Remove an invitation. Recorded in the ledger."""
    with transaction.atomic():
        key = invitation.pk
        invitation.delete()
        ledger.append(Event("invitation.deleted", key, {"by": by.pk if by else None}))


def offered(channel: Channel) -> dict[str, Any] | None:
    """Return what the widget needs to invite visitors of the channel; None where nothing is on.

    `zone_minutes` is how far the tenant's time of day is ahead of UTC now; hours are minutes of
    that day.
    """
    rows = [
        {
            "id": str(row.pk),
            "patterns": row.patterns,
            "seconds": row.seconds,
            "audience": row.audience,
            "from": _minutes(row.hours_from),
            "until": _minutes(row.hours_until),
            "words": {"zh-CN": row.words_zh, "en": row.words_en},
            "every_days": row.every_days,
        }
        for row in Invitation.objects.filter(channel=channel, is_active=True)
    ]
    if not rows:
        return None
    zone = Tenant.objects.get(pk=active_tenant_id()).zone
    ahead = timezone.localtime(clock.now(), zone).utcoffset() or timedelta()
    return {"zone_minutes": int(ahead.total_seconds() // 60), "list": rows}


def count(channel: Channel, invitation_id: object, what: str) -> bool:
    """Count that some browser showed, followed or put away an invitation; return whether it did.

    Nothing else is kept: not who, not where, not when.
    """
    key, column = as_uuid(invitation_id), COUNTERS.get(what)
    if key is None or column is None:
        return False
    rows = Invitation.objects.filter(pk=key, channel=channel, is_active=True)
    return bool(rows.update(**{column: F(column) + 1}))


def _minutes(hour: Any) -> int | None:
    return None if hour is None else hour.hour * 60 + hour.minute
