"""The working-day calendar in force, and deadlines counted by it (R1-R4)."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from tenants import workdays
from tenants.models import CalendarDay, CalendarYear
from tenants.workdays import Calendar, StatutoryCalendar


def calendar() -> Calendar:
    """Return the working days of mainland China as they are known now.

    The library's, with the days entered by hand before them. It raises YearNotPublishedError for
    a year that neither knows.
    """
    return StatutoryCalendar(
        frozenset(CalendarYear.objects.values_list("year", flat=True)),
        dict(CalendarDay.objects.values_list("date", "is_off")),
    )


def due_at(start: datetime, days: int, zone: tzinfo) -> datetime:
    """Return 24:00 of the `days`-th working day after the day of `start` in `zone`, in UTC (R3).

    Raises YearNotPublishedError.
    """
    return deadline(calendar(), start, days, zone)


def deadline(known: Calendar, start: datetime, days: int, zone: tzinfo) -> datetime:
    """Return the same as `due_at` by a calendar that the caller has read already."""
    day = workdays.add_working_days(known, start.astimezone(zone).date(), days)
    return midnight(day + timedelta(days=1), zone)


def midnight(day: date, zone: tzinfo) -> datetime:
    """Return the instant at which this day begins in `zone`, in UTC."""
    return datetime.combine(day, time(0), zone).astimezone(UTC)
