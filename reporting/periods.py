"""The periods of reports: ISO weeks, calendar months, and years (R31). Pure.

A year is a calendar year unless it is the contract's, which begins on any day (contract Q13).
"""

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
    return years_on(first, 1)


def years_on(first: date, years: int) -> date:
    """Return the same day so many years later; 1 March where that year has no 29 February."""
    try:
        return first.replace(year=first.year + years)
    except ValueError:
        return first.replace(year=first.year + years, month=3, day=1)


def period(kind: str, first: date, zone: ZoneInfo) -> Period:
    """Return the period that begins on this day. Raises ValueError if none of this kind does."""
    if kind != "annual" and first_day(kind, first) != first:
        raise ValueError(f"no {kind} period begins on {first}")
    return Period(first, day_after(kind, first), zone)


def before(kind: str, first: date, zone: ZoneInfo) -> Period:
    """Return the period before the one that begins on this day."""
    if kind == "annual":
        return period(kind, years_on(first, -1), zone)
    return period(kind, first_day(kind, first - timedelta(days=1)), zone)


def months(span: Period) -> list[date]:
    """Return the first day of each calendar month that the period touches."""
    month, found = span.first.replace(day=1), []
    while month < span.end:
        found.append(month)
        month = day_after("monthly", month)
    return found
