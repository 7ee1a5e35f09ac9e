"""Working days of mainland China: the deadlines that a contract counts in them (R1-R4).

Pure: a calendar comes in, days go out. A year that the State Council has not announced yet
answers nothing.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

from tenants import worktime

_DAY = timedelta(days=1)
_WEEKEND = (5, 6)


class YearNotPublishedError(Exception):
    """The calendar of `year` is not known, so nothing that touches it can be counted (R2)."""

    def __init__(self, year: int) -> None:
        super().__init__(f"the working days of {year} are not announced")
        self.year = year


class Calendar(Protocol):
    """Which days people work."""

    def is_working_day(self, day: date) -> bool:
        """Return whether people work on this day. Raises YearNotPublishedError."""


@dataclass(frozen=True)
class StatutoryCalendar:
    """The calendar of the library, with what was entered by hand before it.

    `years` are the years loaded by hand; `days` says of single days whether they are off, and
    wins. Any other day follows the library where that knows the year, and else its weekday.
    """

    years: Set[int] = frozenset()
    days: Mapping[date, bool] = field(default_factory=dict)

    def is_working_day(self, day: date) -> bool:
        """Return whether people work on this day. Raises YearNotPublishedError."""
        known = worktime.is_published(day.year)
        if not known and day.year not in self.years:
            raise YearNotPublishedError(day.year)
        if day in self.days:
            return not self.days[day]
        return worktime.is_statutory_workday(day) if known else day.weekday() not in _WEEKEND


def add_working_days(calendar: Calendar, day: date, n: int) -> date:
    """Return the `n`-th working day after `day`, which is not counted itself (R3).

    With `n` 0 it is `day`. Raises YearNotPublishedError, and ValueError for a negative `n`.
    """
    _check(n)
    while n:
        day += _DAY
        n -= calendar.is_working_day(day)
    return day


def subtract_working_days(calendar: Calendar, day: date, n: int) -> date:
    """Return the last working day whose `n`-th working day after it is `day` or earlier (R3).

    So late may be submitted what must lie there `n` working days ahead. Raises
    YearNotPublishedError, and ValueError for a negative `n`.
    """
    _check(n)
    while n:
        n -= calendar.is_working_day(day)
        day -= _DAY
    while not calendar.is_working_day(day):
        day -= _DAY
    return day


def working_days_between(calendar: Calendar, start: date, end: date) -> int:
    """Return how many working days lie after `start` up to and with `end`; 0 where none do.

    Raises YearNotPublishedError.
    """
    return sum(
        calendar.is_working_day(start + offset * _DAY)
        for offset in range(1, (end - start).days + 1)
    )


def _check(n: int) -> None:
    if n < 0:
        raise ValueError("working days are counted forwards or backwards by their own function")
