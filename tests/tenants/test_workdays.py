"""Working days: every golden vector of the contract, and what must hold of any calendar."""

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.workdays import (
    StatutoryCalendar,
    YearNotPublishedError,
    add_working_days,
    subtract_working_days,
    working_days_between,
)

LIBRARY = StatutoryCalendar()


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("start", "n", "due"),
    [
        ("2026-02-12", 2, "2026-02-14"),
        ("2026-02-13", 2, "2026-02-24"),
        ("2026-04-30", 2, "2026-05-07"),
        ("2026-09-18", 2, "2026-09-21"),
        ("2026-09-30", 2, "2026-10-09"),
        ("2025-01-27", 2, "2025-02-06"),
        ("2026-05-01", 7, "2026-05-13"),
        ("2026-09-01", 7, "2026-09-10"),
        ("2026-10-01", 7, "2026-10-15"),
        ("2025-10-01", 7, "2025-10-16"),
        ("2025-02-01", 7, "2025-02-12"),
    ],
)
def test_golden_due_days(start: str, n: int, due: str) -> None:
    assert add_working_days(LIBRARY, day(start), n) == day(due)
    assert working_days_between(LIBRARY, day(start), day(due)) == n


@pytest.mark.parametrize(
    ("wanted", "latest"),
    [
        ("2026-02-24", "2026-02-10"),
        ("2026-03-02", "2026-02-24"),
        ("2026-05-06", "2026-04-24"),
        ("2026-10-08", "2026-09-23"),
        ("2026-10-12", "2026-09-29"),
        ("2025-10-09", "2025-09-25"),
    ],
)
def test_golden_latest_submissions(wanted: str, latest: str) -> None:
    assert subtract_working_days(LIBRARY, day(wanted), 5) == day(latest)
    assert add_working_days(LIBRARY, day(latest), 5) <= day(wanted)
    next_day = add_working_days(LIBRARY, day(latest), 1)
    assert add_working_days(LIBRARY, next_day, 5) > day(wanted)


def test_a_year_without_notice_is_refused() -> None:
    with pytest.raises(YearNotPublishedError) as refused:
        add_working_days(LIBRARY, day("2026-12-30"), 2)

    assert refused.value.year == 2027
    assert add_working_days(LIBRARY, day("2026-12-30"), 1) == day("2026-12-31")


def test_days_by_hand_win_and_weekdays_fill_the_rest() -> None:
    calendar = StatutoryCalendar(
        frozenset({2027}),
        {day("2027-01-01"): True, day("2027-01-03"): False, day("2026-11-30"): True},
    )

    assert add_working_days(calendar, day("2026-12-30"), 2) == day("2027-01-03")
    assert add_working_days(calendar, day("2026-12-30"), 3) == day("2027-01-04")
    assert add_working_days(calendar, day("2026-11-27"), 1) == day("2026-12-01")
    assert not calendar.is_working_day(day("2026-10-01"))


def test_days_are_not_counted_backwards_by_a_negative_number() -> None:
    for count in (add_working_days, subtract_working_days):
        with pytest.raises(ValueError, match="forwards or backwards"):
            count(LIBRARY, day("2026-03-02"), -1)
    assert working_days_between(LIBRARY, day("2026-03-02"), day("2026-02-02")) == 0


@dataclass(frozen=True)
class Drawn:
    """Any calendar that works at least once a week."""

    pattern: tuple[bool, ...]

    def is_working_day(self, day: date) -> bool:
        return day.weekday() == 2 or self.pattern[day.toordinal() % len(self.pattern)]


CALENDARS = st.lists(st.booleans(), min_size=1, max_size=30).map(tuple).map(Drawn)
DAYS = st.dates(date(2019, 1, 10), date(2026, 6, 1))
COUNTS = st.integers(0, 40)


@given(CALENDARS, DAYS, COUNTS)
def test_due_day_is_a_working_day_and_so_many_lie_between(
    calendar: Drawn, start: date, n: int
) -> None:
    due = add_working_days(calendar, start, n)

    assert working_days_between(calendar, start, due) == n
    assert n == 0 or calendar.is_working_day(due)


@given(CALENDARS, DAYS, COUNTS)
def test_subtracting_undoes_adding(calendar: Drawn, start: date, n: int) -> None:
    start = add_working_days(calendar, start, 1)

    assert subtract_working_days(calendar, add_working_days(calendar, start, n), n) == start


@given(CALENDARS, DAYS, COUNTS, st.integers(0, 60), st.integers(0, 5))
def test_later_starts_and_more_days_are_never_due_earlier(
    calendar: Drawn, start: date, n: int, later: int, more: int
) -> None:
    due = add_working_days(calendar, start, n)

    assert due <= add_working_days(calendar, start + timedelta(days=later), n + more)


@given(CALENDARS, DAYS, COUNTS)
def test_latest_submission_is_in_time_and_the_next_working_day_is_not(
    calendar: Drawn, wanted: date, n: int
) -> None:
    latest = subtract_working_days(calendar, wanted, n)

    assert calendar.is_working_day(latest)
    assert add_working_days(calendar, latest, n) <= wanted
    assert add_working_days(calendar, add_working_days(calendar, latest, 1), n) > wanted
