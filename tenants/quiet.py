"""Hours in which people are left alone. Pure."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


def quiet_until(at: datetime, zone: ZoneInfo, start: time | None, end: time | None) -> datetime:
    """Return when somebody may be told of what happened at `at`: then, or as the quiet ends.

    `start` and `end` are wall-clock times of the zone; the span may pass midnight and holds its
    start but not its end. Equal or missing times mean never quiet.
    """
    if start is None or end is None or start == end:
        return at
    local = at.astimezone(zone)
    clock = local.time()
    quiet = start <= clock < end if start < end else clock >= start or clock < end
    if not quiet:
        return at
    day = local.date() if clock < end else local.date() + timedelta(days=1)
    return datetime.combine(day, end, tzinfo=zone).astimezone(at.tzinfo)
