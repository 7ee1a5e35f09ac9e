"""Working time: counted while people work, in the zone of the hours."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tenants.worktime import (
    Hours,
    NeverOpenError,
    Span,
    add_working_time,
    is_open,
    weekdays,
    working_time_between,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
WEEK = weekdays(SHANGHAI)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """An instant of November 2026 in Shanghai; the 23rd is a Monday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        (at(23, 10), 2, at(23, 12)),
        (at(23, 7), 2, at(23, 11)),
        (at(23, 17), 2, at(24, 10)),
        (at(23, 9), 9, at(23, 18)),
        (at(23, 18), 1, at(24, 10)),
        (at(27, 17), 2, at(30, 10)),
        (at(28, 12), 9, at(30, 18)),
        (at(23, 12), 36, at(27, 12)),
        (at(28, 12), 0, at(28, 12)),
    ],
    ids=[
        "within a day",
        "before opening",
        "over night",
        "to the end of the day",
        "from the end of the day",
        "over the weekend",
        "from the weekend",
        "four days",
        "nothing",
    ],
)
def test_working_time_is_added_in_opening_spans(start: datetime, hours: int, due: datetime) -> None:
    found = add_working_time(WEEK, start, timedelta(hours=hours))

    assert found == due
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        (at(23, 10), at(23, 12), 2),
        (at(23, 6), at(23, 22), 9),
        (at(27, 17), at(30, 10), 2),
        (at(28, 1), at(29, 23), 0),
        (at(23, 12), at(23, 10), 0),
    ],
)
def test_working_time_between_counts_opening_spans_alone(
    start: datetime, end: datetime, hours: int
) -> None:
    assert working_time_between(WEEK, start, end) == timedelta(hours=hours)


def test_what_was_added_lies_between() -> None:
    for minutes in range(0, 6000, 77):
        start = at(20, 3) + timedelta(minutes=minutes)
        amount = timedelta(minutes=7 * minutes)
        due = add_working_time(WEEK, start, amount)
        assert working_time_between(WEEK, start, due) == amount


def test_several_spans_a_day_and_a_day_of_changing_clocks() -> None:
    london = ZoneInfo("Europe/London")
    halves = Hours(london, {6: (Span(time(0), time(4)), Span(time(12), time(14)))})
    # On 25 October 2026 London's clocks go back: four hours on the wall are five.
    start = datetime(2026, 10, 24, 12, tzinfo=UTC)

    due = add_working_time(halves, start, timedelta(hours=6))

    assert due == datetime(2026, 10, 25, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "opened"),
    [(at(23, 9), True), (at(23, 18), False), (at(23, 8, 59), False), (at(28, 12), False)],
)
def test_is_open_from_the_first_to_before_the_last_instant(instant: datetime, opened: bool) -> None:
    assert is_open(WEEK, instant) is opened


def test_hours_that_never_open_promise_nothing() -> None:
    closed = Hours(SHANGHAI, {0: ()})

    with pytest.raises(NeverOpenError):
        add_working_time(closed, at(23, 9), timedelta(minutes=1))
    assert working_time_between(closed, at(1, 9), at(28, 9)) == timedelta(0)


def test_hours_that_would_take_ages_promise_nothing() -> None:
    rare = Hours(SHANGHAI, {0: (Span(time(9), time(9, 1)),)})

    assert add_working_time(rare, at(23, 8), timedelta(minutes=2)) == at(30, 9, 1)
    with pytest.raises(NeverOpenError):
        add_working_time(rare, at(23, 8), timedelta(hours=5))


def test_doors_that_never_close_count_every_second() -> None:
    # London's clocks go back within this month.
    always = Hours(ZoneInfo("Europe/London"))
    start = datetime(2026, 10, 5, 13, 7, 11, tzinfo=UTC)
    amount = timedelta(days=30, seconds=1)

    assert add_working_time(always, start, amount) == start + amount
    assert working_time_between(always, start, start + amount) == amount


def test_spans_that_overlap_or_pass_midnight_count_once() -> None:
    nights = Hours(
        SHANGHAI,
        {
            0: (Span(time(9), time(12)), Span(time(11), time(13)), Span(time(22), time(2))),
            1: (Span(time(1), time(3)),),
        },
    )

    assert working_time_between(nights, at(23, 0), at(24, 12)) == timedelta(hours=9)
    assert working_time_between(nights, at(24, 1, 30), at(24, 12)) == timedelta(minutes=90)
    assert add_working_time(nights, at(23, 10), timedelta(hours=4)) == at(23, 23)
    assert add_working_time(nights, at(24, 0), timedelta(hours=3)) == at(24, 3)


def test_holidays_are_left_out_and_make_up_days_counted() -> None:
    office = weekdays(SHANGHAI, statutory=True)
    # The National Day holiday of 2026 is 1 to 7 October; Saturday the 10th makes up for it.
    before = datetime(2026, 9, 30, 17, tzinfo=SHANGHAI)

    assert add_working_time(office, before, timedelta(hours=2)) == datetime(
        2026, 10, 8, 10, tzinfo=SHANGHAI
    )
    assert working_time_between(
        office, before, datetime(2026, 10, 11, tzinfo=SHANGHAI)
    ) == timedelta(hours=1 + 3 * 9)


def test_exceptions_are_counted_as_they_are() -> None:
    day = at(24, 0).date()
    week = Hours(SHANGHAI, WEEK.weekly, {day: (Span(time(9), time(10)),)})

    assert add_working_time(week, at(23, 17), timedelta(hours=3)) == at(25, 10)
