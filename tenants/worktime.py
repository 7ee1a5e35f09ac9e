"""When people work: weekly spans, holidays, make-up days and exceptions, in a zone of their own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

import holidays

# A calendar that has not opened within this many days never does.
LOOK_AHEAD_DAYS = 400
# How far ahead working time is counted before it is taken never to come round.
_LONGEST_DAYS = 366 * 5
_WORKDAYS = range(5)


class NeverOpenError(ValueError):
    """The doors do not open often enough, or never, so the working time asked for never passes."""


@dataclass(frozen=True, order=True)
class Span:
    """From one time of a day to another; at or before the first one means of the next day."""

    start: time
    end: time

    @property
    def passes_midnight(self) -> bool:
        """Whether it ends on the day after, midnight itself included."""
        return self.end <= self.start


@dataclass(frozen=True)
class Hours:
    """The hours of one group.

    `weekly` maps weekdays (0 is Monday) to spans; without any the doors never close. An exception
    replaces a whole day: no spans mean closed. `statutory` says whether the holidays and make-up
    days of mainland China are kept.
    """

    zone: tzinfo
    weekly: Mapping[int, Sequence[Span]] = field(default_factory=dict)
    exceptions: Mapping[date, Sequence[Span]] = field(default_factory=dict)
    statutory: bool = False


WHOLE_DAY = Span(time(0), time(0))


def weekdays(
    zone: tzinfo, opens: time = time(9), closes: time = time(18), *, statutory: bool = False
) -> Hours:
    """Return hours from Monday to Friday, from `opens` to `closes`."""
    return Hours(zone, dict.fromkeys(_WORKDAYS, (Span(opens, closes),)), statutory=statutory)


def is_open(hours: Hours, at: datetime) -> bool:
    """Return whether people work at the aware instant `at`; a span's end is no longer in it."""
    day = at.astimezone(hours.zone).date()
    return any(
        opening <= at < closing
        for opening, closing in _intervals(hours, day - timedelta(days=1), days=2)
    )


def next_opening(hours: Hours, at: datetime) -> datetime | None:
    """Return the first instant from `at` on at which people work, in UTC; None if there is none.

    Where they work already it is `at`. Looks ahead for 400 days.
    """
    day = at.astimezone(hours.zone).date()
    best: datetime | None = None
    for opening, closing in _intervals(
        hours, day - timedelta(days=1), days=LOOK_AHEAD_DAYS, past=at
    ):
        if closing <= at:
            continue
        if opening <= at:
            return at.astimezone(UTC)
        if best is None or opening < best:
            best = opening
        if opening > best:
            break
    return best


def add_working_time(hours: Hours, start: datetime, amount: timedelta) -> datetime:
    """Return the instant `amount` of working time after `start`, in UTC.

    Both instants are aware. While nobody works no time passes, and spans that overlap pass once;
    nothing to add gives `start` itself. Raises NeverOpenError where it would take over five years.
    """
    if amount <= timedelta(0):
        return start.astimezone(UTC)
    for opening, closing in _openings(hours, start, days=_LONGEST_DAYS):
        open_for = closing - opening
        if open_for >= amount:
            return opening + amount
        amount -= open_for
    raise NeverOpenError


def working_time_between(hours: Hours, start: datetime, end: datetime) -> timedelta:
    """Return how much working time lies between two aware instants; zero where none does."""
    total = timedelta(0)
    # Days of the zone that the interval may touch: its own, and one at either side.
    for opening, closing in _openings(hours, start, days=max(0, (end - start).days + 3)):
        if opening >= end:
            break
        total += min(closing, end.astimezone(UTC)) - opening
    return total


def spans_of(hours: Hours, day: date) -> Sequence[Span]:
    """Return the spans that begin on this day.

    An exception wins over the statutory calendar, that one over the weekday. A make-up day on a
    weekend has the spans of its own weekday, or else those of the first workday that has any.
    """
    if day in hours.exceptions:
        return hours.exceptions[day]
    ordinary = _weekly(hours, day.weekday())
    if not hours.statutory or not is_published(day.year):
        return ordinary
    calendar = _calendar(day.year)
    if day in calendar:
        return ()
    if day.weekday() not in _WORKDAYS and calendar.is_working_day(day) and not ordinary:
        return next((spans for each in _WORKDAYS if (spans := _weekly(hours, each))), ())
    return ordinary


@lru_cache(maxsize=32)
def is_published(year: int) -> bool:
    """Return whether the calendar of this year with its make-up days is known.

    The library gives the holidays of any year, the days that make up for them only once the
    State Council has announced them; a year without any is not there yet.
    """
    calendar = _calendar(year)
    return any(day.year == year for day in calendar.weekend_workdays)


def is_statutory_workday(day: date) -> bool:
    """Return whether the library has this day as a working day; only for a published year."""
    return bool(_calendar(day.year).is_working_day(day))


def _weekly(hours: Hours, weekday: int) -> Sequence[Span]:
    return hours.weekly.get(weekday, ()) if hours.weekly else (WHOLE_DAY,)


def _openings(hours: Hours, start: datetime, *, days: int) -> Iterator[tuple[datetime, datetime]]:
    """Yield when people work from `start` on, in order and apart, the running span cut there."""
    first = start.astimezone(hours.zone).date() - timedelta(days=1)
    reached = start.astimezone(UTC)
    for opening, closing in _intervals(hours, first, days=days, past=start):
        begin = max(opening, reached)
        if closing > begin:
            yield begin, closing
            reached = closing


def _intervals(
    hours: Hours, first: date, *, days: int, past: datetime | None = None
) -> Iterator[tuple[datetime, datetime]]:
    for offset in range(days):
        day = first + timedelta(days=offset)
        for span in sorted(spans_of(hours, day)):
            end_day = day + timedelta(days=1) if span.passes_midnight else day
            opening = datetime.combine(day, span.start, hours.zone).astimezone(UTC)
            closing = datetime.combine(end_day, span.end, hours.zone).astimezone(UTC)
            if past is None or closing > past:
                yield opening, closing


@lru_cache(maxsize=32)
def _calendar(year: int) -> holidays.HolidayBase:
    # Make-up days before a holiday may stand in the year before it.
    return holidays.country_holidays("CN", years=year, expand=False)
