"""What a tenant shows of its availability, and how evidence is named to people."""

from collections.abc import Iterable
from datetime import tzinfo

from django.db import transaction
from django.utils.translation import gettext, gettext_noop

from conversations.models import ChannelKind
from reporting.models import AvailabilitySettings, DownInterval
from tenants.models import User
from tenants.services import ledger
from tenants.services.ledger import Event

_SOURCES = {
    "probes": gettext_noop("external probes"),
    "own_probes": gettext_noop("probes of the client's own channel"),
    "no_evidence": gettext_noop("no evidence that it was up"),
    "traffic": gettext_noop("real inquiries"),
    "heartbeats": gettext_noop("heartbeats"),
}


def current() -> AvailabilitySettings:
    """Return the settings of the tenant in scope, made where there are none."""
    row, _created = AvailabilitySettings.objects.get_or_create()
    found: AvailabilitySettings = row
    return found


def show_status_page(*, shown: bool, by: User) -> AvailabilitySettings:
    """Open or close the public status page of the tenant in scope."""
    with transaction.atomic():
        row = current()
        row.has_status_page = shown
        row.save(update_fields=["has_status_page"])
        ledger.append(Event("status_page.changed", row.pk, {"shown": shown, "by": by.pk}))
    return row


def apart(row: DownInterval, zone: tzinfo) -> list[str]:
    """Return in words when only some channels were down, and how much of the service they are."""
    kinds = dict(ChannelKind.choices)
    return [
        gettext("%(start)s to %(end)s only %(channels)s, counts as %(share)s")
        % {
            "start": f"{share.span.start.astimezone(zone):%H:%M:%S}",
            "end": f"{share.span.end.astimezone(zone):%H:%M:%S}",
            "channels": ", ".join(str(kinds.get(way, way)) for way in part["ways"]),
            "share": f"{float(share.weight):.1%}",
        }
        for part, share in zip(row.parts, row.shares, strict=True)
    ]


def in_words(sources: Iterable[str]) -> str:
    """Return what the evidence of an interval is called."""
    return " · ".join(gettext(_SOURCES[name]) for name in sources if name in _SOURCES)
