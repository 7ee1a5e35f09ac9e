"""The calendar loaded by hand, deadlines that wait for it, and the alarm while it is missing."""

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction

from tenants import clock
from tenants.models import (
    Breach,
    CalendarYear,
    LedgerEntry,
    Obligation,
    ObligationKind,
    ObligationState,
    Tenant,
)
from tenants.services import calendar_years, calendars, ledger, obligations
from tenants.services.calendar_years import (
    IncompleteYearError,
    NamedDay,
    ProofNeededError,
    UnreadableDayError,
)
from tenants.tasks import ask_for_calendar, find_breaches, follow_calendar
from tenants.workdays import YearNotPublishedError

# Not the real notice of 2027: days enough to be one.
NOTICE = """
2027-01-01..2027-01-03 off 元旦
2027-02-05~2027-02-11 休 春节
2027-02-13 班
2027-05-01..2027-05-05 off
"""
KIND = ObligationKind.KNOWLEDGE_UPDATE
SUBJECT = uuid.UUID(int=3)


def shanghai(text: str) -> datetime:
    return (datetime.fromisoformat(text) - timedelta(hours=8)).replace(tzinfo=UTC)


def load(text: str = NOTICE, year: int = 2027) -> CalendarYear:
    return calendar_years.load_year(
        year,
        notice_number="国办发明电〔2026〕0 号",
        source_url="https://www.gov.cn/example",
        days=calendar_years.read_days(text),
        by=None,
    )


def start(at: datetime, days: int = 2) -> Obligation:
    with transaction.atomic():
        ledger.append(
            obligations.start_working_days(
                KIND, clause="1.1(5)", subject_id=SUBJECT, at=at, days=days, terms_version="t"
            )
        )
    return Obligation.objects.get()


def meet(at: datetime) -> list[str]:
    with transaction.atomic():
        events = obligations.meet(KIND, subject_id=SUBJECT, at=at)
        ledger.append(*events)
    return [event.kind for event in events]


def state() -> tuple[str, datetime | None]:
    row = Obligation.objects.get()
    return row.state, row.due_at


def test_due_at_the_end_of_the_last_working_day_in_the_zone(in_tenant: Tenant) -> None:
    # 23:30 in Shanghai is still the 12th, though the 12th in UTC is not over either.
    at = shanghai("2026-02-12 23:30")

    assert calendars.due_at(at, 2, in_tenant.zone) == shanghai("2026-02-15 00:00")
    with pytest.raises(YearNotPublishedError):
        calendars.due_at(shanghai("2026-12-30 09:00"), 2, in_tenant.zone)


def test_a_year_loaded_by_hand_counts(in_tenant: Tenant) -> None:
    load()

    assert calendars.due_at(shanghai("2026-12-30 09:00"), 2, in_tenant.zone) == shanghai(
        "2027-01-05 00:00"
    )
    assert calendars.calendar().is_working_day(date(2027, 2, 13))
    assert not calendars.calendar().is_working_day(date(2027, 2, 8))
    with pytest.raises(YearNotPublishedError):
        calendars.calendar().is_working_day(date(2028, 1, 3))


def test_a_known_year_is_corrected_by_single_days(in_tenant: Tenant) -> None:
    load("2026-09-03 off", 2026)

    assert not calendars.calendar().is_working_day(date(2026, 9, 3))
    assert calendars.calendar().is_working_day(date(2026, 9, 20))


def test_lines_are_read_and_anything_else_is_refused() -> None:
    days = calendar_years.read_days(NOTICE)

    assert len(days) == 16
    assert days[date(2027, 2, 5)] == NamedDay(True, "春节")
    assert days[date(2027, 2, 13)] == NamedDay(False)
    for line in (
        "2027-13-01 off",
        "2027-01-01",
        "1 January off",
        "2027-01-03..2027-01-01 off",
        "2027-01-01 off\n2027-01-01 work",
    ):
        with pytest.raises(UnreadableDayError):
            calendar_years.read_days(line)


@pytest.mark.parametrize(
    "text", ["", "2027-01-01 off", NOTICE + "2028-01-01 off", NOTICE + "2026-11-30 off"]
)
def test_half_a_notice_is_refused(db: None, text: str) -> None:
    with pytest.raises(IncompleteYearError):
        load(text)
    assert not CalendarYear.objects.exists()


def test_a_year_needs_its_proof_and_is_replaced_whole(db: None) -> None:
    with pytest.raises(ProofNeededError):
        calendar_years.load_year(
            2027,
            notice_number=" ",
            source_url="https://x.example",
            days=calendar_years.read_days(NOTICE),
            by=None,
        )
    load()
    year = load(NOTICE.replace("2027-02-13 班", ""))

    assert year.days.count() == 15
    assert CalendarYear.objects.count() == 1


def test_a_deadline_waits_for_the_year_and_follows_it(in_tenant: Tenant) -> None:
    row = start(shanghai("2026-12-30 09:00"))
    assert (row.state, row.due_at, row.working_days) == (ObligationState.WAITING, None, 2)
    assert obligations.recompute_after_calendar() == 0
    find_breaches()
    load()

    follow_calendar()
    follow_calendar()

    due = shanghai("2027-01-05 00:00")
    assert state() == (ObligationState.RUNNING, due)
    changed = LedgerEntry.objects.get(kind="obligation.due_changed")
    assert changed.data == {
        "kind": "knowledge_update",
        "old": None,
        "new": due.isoformat(timespec="microseconds"),
    }
    with clock.travel(due + timedelta(seconds=1)):
        find_breaches()
    assert state() == (ObligationState.BREACHED, due)
    assert Breach.objects.get().terms_version == "t"


def test_a_corrected_calendar_moves_a_running_deadline(in_tenant: Tenant) -> None:
    start(shanghai("2026-12-01 09:00"))
    assert state() == (ObligationState.RUNNING, shanghai("2026-12-04 00:00"))
    load("2026-12-03 off", 2026)

    assert obligations.recompute_after_calendar() == 1

    assert state() == (ObligationState.RUNNING, shanghai("2026-12-05 00:00"))


def test_what_waits_and_is_kept_this_year_is_kept_in_time(in_tenant: Tenant) -> None:
    start(shanghai("2026-12-30 09:00"))

    assert meet(shanghai("2026-12-31 23:00")) == ["obligation.met"]

    assert state() == (ObligationState.MET, None)


@pytest.mark.parametrize(
    ("kept", "verdict"),
    [("2027-01-04 12:00", ObligationState.MET), ("2027-01-05 00:00:01", ObligationState.BREACHED)],
)
def test_what_is_kept_in_the_unknown_year_is_judged_once_it_is_known(
    in_tenant: Tenant, kept: str, verdict: ObligationState
) -> None:
    start(shanghai("2026-12-30 09:00"))
    assert meet(shanghai(kept)) == ["obligation.kept_waiting"]
    assert state() == (ObligationState.WAITING, None)
    load()

    follow_calendar()

    assert state() == (verdict, shanghai("2027-01-05 00:00"))
    assert Obligation.objects.get().met_at == shanghai(kept)
    assert Breach.objects.count() == (verdict == ObligationState.BREACHED)


@pytest.mark.parametrize(
    ("share", "warned"), [(0.49, []), (0.5, [50]), (0.79, [50]), (0.8, [80]), (1.01, [])]
)
def test_early_warnings_come_at_half_and_at_four_fifths(
    in_tenant: Tenant, share: float, warned: list[int]
) -> None:
    row = start(shanghai("2026-12-01 00:00"))
    assert row.due_at is not None

    with clock.travel(row.started_at + (row.due_at - row.started_at) * share):
        found = obligations.early_warnings()

    assert [each.percent for each in found] == warned
    assert [each.key for each in found] == [f"{row.pk}:{percent}" for percent in warned]


@pytest.mark.parametrize(
    ("today", "missing"),
    [("2026-10-31 23:59", None), ("2026-11-01 00:00", 2027), ("2027-01-02 00:00", 2027)],
)
def test_the_next_year_is_missed_from_november_on(
    in_tenant: Tenant, today: str, missing: int | None
) -> None:
    with clock.travel(shanghai(today)):
        assert calendar_years.missing_year() == missing
        load()
        assert calendar_years.missing_year() is None


def test_the_alarm_is_raised_once_a_day_until_the_year_is_there(in_tenant: Tenant) -> None:
    alarms = LedgerEntry.objects.filter(kind="calendar.missing")
    for hour in (9, 15, 33):
        with clock.travel(shanghai("2026-11-20 00:00") + timedelta(hours=hour)):
            ask_for_calendar()
    assert [entry.subject for entry in alarms] == ["2027", "2027"]
    load()

    with clock.travel(shanghai("2026-11-23 09:00")):
        ask_for_calendar()

    assert alarms.count() == 2
