"""The periods of reports: ISO weeks, calendar months and years (R31). Pure."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from reporting.sections import Period

KINDS = ("weekly", "monthly", "annual")


def first_day(kind: str, day: date) -> date:
    """Return the first day of the period of this kind in which the day lies."""
    if kind == "weekly":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if kind == "monthly" else day.replace(month=1, day=1)


def day_after(kind: str, first: date) -> date:
    """Return the first day of the next period."""
    if kind == "weekly":
        return first + timedelta(days=7)
    if kind == "monthly":
        return (first + timedelta(days=31)).replace(day=1)
    return first.replace(year=first.year + 1)


def period(kind: str, first: date, zone: ZoneInfo) -> Period:
    """Return the period that begins on this day. Raises ValueError if none of this kind does."""
    if first_day(kind, first) != first:
        raise ValueError(f"no {kind} period begins on {first}")
    return Period(first, day_after(kind, first), zone)


def before(kind: str, first: date, zone: ZoneInfo) -> Period:
    """Return the period before the one that begins on this day."""
    return period(kind, first_day(kind, first - timedelta(days=1)), zone)


def months(span: Period) -> list[date]:
    """Return the first day of each calendar month that the period touches."""
    month, found = span.first.replace(day=1), []
    while month < span.end:
        found.append(month)
        month = day_after("monthly", month)
    return found
