"""Working hours: spans, lunch, midnight, exceptions, the statutory calendar."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tenants.worktime import Hours, Span, is_open, is_published, next_opening, spans_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
MORNING, AFTERNOON = Span(time(9), time(12)), Span(time(13, 30), time(18))
WEEK = dict.fromkeys(range(5), (MORNING, AFTERNOON))
OFFICE = Hours(SHANGHAI, WEEK)
STATUTORY = Hours(SHANGHAI, WEEK, statutory=True)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("moment", "opened"),
    [
        ("2026-11-23 08:59:59", False),
        ("2026-11-23 09:00:00", True),
        ("2026-11-23 11:59:59", True),
        ("2026-11-23 12:00:00", False),
        ("2026-11-23 13:29:59", False),
        ("2026-11-23 13:30:00", True),
        ("2026-11-23 17:59:59", True),
        ("2026-11-23 18:00:00", False),
        ("2026-11-28 10:00:00", False),
        ("2026-11-29 10:00:00", False),
    ],
)
def test_spans_include_their_start_and_not_their_end(moment: str, opened: bool) -> None:
    assert is_open(OFFICE, at(moment)) is opened


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        ("2026-11-23 07:00", "2026-11-23 09:00"),
        ("2026-11-23 09:00", "2026-11-23 09:00"),
        ("2026-11-23 11:30", "2026-11-23 11:30"),
        ("2026-11-23 12:00", "2026-11-23 13:30"),
        ("2026-11-23 18:00", "2026-11-24 09:00"),
        ("2026-11-27 18:00", "2026-11-30 09:00"),
        ("2026-11-29 23:59", "2026-11-30 09:00"),
    ],
)
def test_next_opening(moment: str, opening: str) -> None:
    found = next_opening(OFFICE, at(moment))

    assert found == at(opening)
    assert found.utcoffset() == timedelta(0)


def test_without_weekly_spans_the_doors_never_close() -> None:
    always = Hours(SHANGHAI)

    for hour in range(0, 24 * 8, 5):
        moment = at("2026-11-23 00:00") + timedelta(hours=hour)
        assert is_open(always, moment)
        assert next_opening(always, moment) == moment


def test_a_calendar_that_never_opens_has_no_next_opening() -> None:
    closed = Hours(SHANGHAI, {0: ()})

    assert not is_open(closed, at("2026-11-23 10:00"))
    assert next_opening(closed, at("2026-11-23 10:00")) is None


def test_a_span_may_pass_midnight() -> None:
    night = Hours(SHANGHAI, {4: (Span(time(22), time(6)),)})

    assert not is_open(night, at("2026-11-27 21:59"))
    assert is_open(night, at("2026-11-27 23:00"))
    assert is_open(night, at("2026-11-28 05:59"))
    assert not is_open(night, at("2026-11-28 06:00"))
    assert next_opening(night, at("2026-11-28 03:00")) == at("2026-11-28 03:00")
    assert next_opening(night, at("2026-11-28 06:00")) == at("2026-12-04 22:00")


def test_midnight_as_the_end_is_the_end_of_the_day() -> None:
    late = Hours(SHANGHAI, {0: (Span(time(18), time(0)),)})

    assert is_open(late, at("2026-11-23 23:59:59"))
    assert not is_open(late, at("2026-11-24 00:00"))


def test_an_exception_closes_a_day_or_gives_it_spans_of_its_own() -> None:
    hours = Hours(
        SHANGHAI, WEEK, {date(2026, 11, 24): (), date(2026, 11, 28): (Span(time(10), time(11)),)}
    )

    assert not is_open(hours, at("2026-11-24 10:00"))
    assert next_opening(hours, at("2026-11-23 18:00")) == at("2026-11-25 09:00")
    assert is_open(hours, at("2026-11-28 10:30"))
    assert next_opening(hours, at("2026-11-27 18:00")) == at("2026-11-28 10:00")


@pytest.mark.parametrize(
    ("day", "spans"),
    [
        ("2026-10-01", ()),  # National Day, a Thursday
        ("2026-10-06", ()),  # a Tuesday off, made up for
        ("2026-10-08", (MORNING, AFTERNOON)),
        ("2026-10-10", (MORNING, AFTERNOON)),  # a Saturday that makes up
        ("2026-09-20", (MORNING, AFTERNOON)),  # a Sunday that makes up
        ("2026-10-17", ()),  # an ordinary Saturday
        ("2026-02-28", (MORNING, AFTERNOON)),
    ],
)
def test_statutory_calendar_of_2026(day: str, spans: tuple[Span, ...]) -> None:
    assert spans_of(STATUTORY, date.fromisoformat(day)) == spans


def test_make_up_day_has_the_spans_of_its_own_weekday_where_there_are_any() -> None:
    short = Hours(SHANGHAI, {**WEEK, 5: (MORNING,)}, statutory=True)

    assert spans_of(short, date(2026, 10, 10)) == (MORNING,)
    assert spans_of(short, date(2026, 10, 17)) == (MORNING,)


def test_exception_wins_over_the_statutory_calendar() -> None:
    hours = Hours(SHANGHAI, WEEK, {date(2026, 10, 1): (MORNING,)}, statutory=True)

    assert is_open(hours, at("2026-10-01 10:00"))
    assert not is_open(hours, at("2026-10-02 10:00"))


def test_holidays_are_workdays_to_whom_does_not_keep_the_calendar() -> None:
    assert spans_of(OFFICE, date(2026, 10, 1)) == (MORNING, AFTERNOON)
    assert spans_of(OFFICE, date(2026, 10, 10)) == ()


def test_an_unpublished_year_is_unknown_and_weekdays_apply() -> None:
    assert is_published(2026)
    assert is_published(2025)
    assert not is_published(2027)
    assert spans_of(STATUTORY, date(2027, 10, 1)) == (MORNING, AFTERNOON)
    assert spans_of(STATUTORY, date(2027, 10, 2)) == ()


def test_around_the_clock_rests_on_holidays_where_the_calendar_is_kept() -> None:
    always = Hours(SHANGHAI, statutory=True)

    assert not is_open(always, at("2026-10-01 10:00"))
    assert is_open(always, at("2026-10-08 03:00"))


def test_spans_follow_the_clocks_of_the_zone() -> None:
    """At the end of March Berlin moves an hour ahead."""
    berlin = Hours(BERLIN, {day: (Span(time(9), time(17)),) for day in range(7)})

    assert next_opening(berlin, datetime(2027, 3, 27, 20, tzinfo=UTC)) == datetime(
        2027, 3, 28, 7, tzinfo=UTC
    )
    assert next_opening(berlin, datetime(2027, 3, 26, 20, tzinfo=UTC)) == datetime(
        2027, 3, 27, 8, tzinfo=UTC
    )


def test_every_minute_of_a_week_agrees_with_its_next_opening() -> None:
    moment = at("2026-09-18 00:00")
    for _ in range(7 * 24 * 4):
        found = next_opening(STATUTORY, moment)
        assert found is not None
        assert is_open(STATUTORY, moment) is (found == moment)
        assert is_open(STATUTORY, found)
        assert found == moment or not is_open(STATUTORY, found - timedelta(seconds=1))
        moment += timedelta(minutes=15)
