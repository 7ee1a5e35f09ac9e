"""What the public status page says, for the tenant in scope."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from reporting.availability import Span, clip, length
from reporting.models import (
    DownInterval,
    Incident,
    IncidentKind,
    IntervalKind,
    MaintenanceWindow,
)

DAYS = 90
STEP, BAR, HEIGHT = 7, 5, 40
_BAD = timedelta(minutes=30)


@dataclass(frozen=True)
class DayBar:
    """One day as a bar: `tone` is "ok", "warn", "breach" or "none" for a day without watching."""

    x: int
    tone: str
    title: str


@dataclass(frozen=True)
class Status:
    """All that the page shows; nothing of it is about a visitor."""

    is_down: bool
    is_watched: bool
    bars: Sequence[DayBar]
    width: int
    incidents: Sequence[Incident]
    maintenance: Sequence[MaintenanceWindow]


def status(now: datetime, zone: ZoneInfo, watched_since: datetime | None) -> Status:
    """Return what the page shows at `now`; days are cut in the zone."""
    today = now.astimezone(zone).date()
    first = today - timedelta(days=DAYS - 1)
    start = datetime.combine(first, datetime.min.time(), zone)
    rows = DownInterval.objects.filter(kind=IntervalKind.DOWN, withdrawn_at=None, end_at__gt=start)
    down = [Span(row.start_at, row.end_at) for row in rows]
    return Status(
        is_down=any(row.is_open for row in rows),
        is_watched=watched_since is not None,
        bars=[
            _bar(number, first + timedelta(days=number), down, zone, watched_since)
            for number in range(DAYS)
        ],
        width=DAYS * STEP,
        # Security incidents are told to whom they concern, not to everybody.
        incidents=list(
            Incident.objects.filter(opened_at__gte=start)
            .exclude(kind=IncidentKind.SECURITY)
            .prefetch_related("updates")
            .order_by("-opened_at")[:20]
        ),
        maintenance=list(
            MaintenanceWindow.objects.filter(cancelled_at=None, end_at__gt=now).order_by("start_at")
        ),
    )


def _bar(
    number: int, day: date, down: Sequence[Span], zone: ZoneInfo, since: datetime | None
) -> DayBar:
    begins = datetime.combine(day, datetime.min.time(), zone)
    whole = Span(begins, datetime.combine(day + timedelta(days=1), datetime.min.time(), zone))
    if since is None or whole.end <= since:
        return DayBar(number * STEP, "none", _("%(day)s: not measured") % {"day": day.isoformat()})
    lost = length(clip(down, whole))
    if not lost:
        return DayBar(number * STEP, "ok", _("%(day)s: no down time") % {"day": day.isoformat()})
    minutes = max(1, round(lost.total_seconds() / 60))
    title = _("%(day)s: down for %(minutes)s min") % {"day": day.isoformat(), "minutes": minutes}
    return DayBar(number * STEP, "breach" if lost >= _BAD else "warn", title)
