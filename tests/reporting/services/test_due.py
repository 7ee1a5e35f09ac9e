"""Reports that are owed: which came too late, and what it costs to see it (R33)."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reporting import tasks
from reporting.models import ReportDue
from reporting.services import due, evidence, proving, reports
from tenants import clock
from tenants.models import (
    Breach,
    LedgerEntry,
    Notification,
    Obligation,
    Tenant,
    TenantStatus,
    User,
)
from tenants.roles import Role
from tenants.services import calendar_years, ledger
from tenants.tasks import find_breaches
from tests.tenants.agreements import Parties, draft_contract, draft_terms

WEEK = date(2026, 11, 9)
DUE = datetime(2026, 11, 16, 1, tzinfo=UTC)
LIMIT = DUE + due.OVERDUE_AFTER
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def approving(in_tenant: Tenant, settings: Any) -> Tenant:
    """A tenant whose weekly report is planned and waits for a person before it is sent."""
    settings.REPORTS_NEED_APPROVAL = True
    with clock.travel(datetime(2026, 11, 10, tzinfo=UTC)):
        due.plan()
    with clock.travel(DUE):
        tasks.make_reports()
    return in_tenant


def send(at: datetime, by: User) -> None:
    with clock.travel(at):
        report = reports.make("weekly", WEEK, "provisional")
        reports.approve(report, by=by)
        reports.send(report, by=by)


@pytest.mark.parametrize(
    ("sent", "late"),
    [(LIMIT, False), (LIMIT + MOMENT, True), (None, True)],
    ids=["at the limit", "after it", "never"],
)
def test_a_report_is_overdue_two_hours_after_it_was_due(
    approving: Tenant, operator: User, sent: datetime | None, late: bool
) -> None:
    if sent is not None:
        send(sent, operator)
    with clock.travel(LIMIT):
        tasks.make_reports()
    assert not ReportDue.objects.filter(overdue_since__isnull=False).exists()

    with clock.travel(LIMIT + timedelta(minutes=1)):
        tasks.make_reports()
        tasks.make_reports()

    found = ReportDue.objects.filter(overdue_since__isnull=False)
    assert [(row.kind, row.stage) for row in found] == ([("weekly", "provisional")] if late else [])
    assert LedgerEntry.objects.filter(kind="report.overdue").count() == int(late)


def test_many_rows_in_time_cost_as_much_as_one(in_tenant: Tenant) -> None:
    def queries(weeks: int) -> int:
        for number in range(weeks):
            first = WEEK - timedelta(days=7 * number)
            ReportDue.objects.get_or_create(
                kind="weekly",
                period_start=first,
                stage="provisional",
                defaults={"due_at": due.due_at("weekly", first, "provisional", in_tenant.zone)},
            )
        for row in ReportDue.objects.filter(made_at__isnull=True):
            assert row.due_at is not None
            with clock.travel(row.due_at):
                reports.make("weekly", row.period_start, "provisional")
        with CaptureQueriesContext(connection) as counted, clock.travel(LIMIT + MOMENT):
            assert due.find_overdue() == []
        return len(counted)

    assert queries(1) == queries(4) == 1


def promised() -> list[tuple[str, datetime | None, str]]:
    rows = Obligation.objects.filter(kind="report_due").order_by("due_at")
    stages = {row.pk: row.stage for row in ReportDue.objects.all()}
    return [(stages[row.subject_id], row.due_at, row.state) for row in rows]


def test_a_report_is_promised_from_the_end_of_its_period_and_kept_when_sent(
    in_tenant: Tenant,
) -> None:
    end = datetime(2026, 11, 15, 16, tzinfo=UTC)
    with clock.travel(datetime(2026, 11, 10, tzinfo=UTC)):
        tasks.plan_reports()
    assert ReportDue.objects.filter(due_at__isnull=False).count() > 10
    with clock.travel(end - MOMENT):
        tasks.plan_reports()
    assert promised() == []

    with clock.travel(end):
        tasks.plan_reports()
        tasks.plan_reports()
    final = datetime(2026, 11, 18, 12, tzinfo=UTC)
    assert promised() == [("provisional", LIMIT, "running"), ("final", final, "running")]
    assert set(Obligation.objects.values_list("started_at", "clause")) == {(end, "1.1(4)")}
    # Nobody is to be mailed: it is delivered where the client reads it.
    with clock.travel(DUE + timedelta(seconds=40)):
        tasks.make_reports()
        tasks.make_reports()
    with clock.travel(LIMIT + timedelta(hours=1)):
        find_breaches()
        tasks.make_reports()

    assert promised() == [("provisional", LIMIT, "met"), ("final", final, "running")]
    assert not Breach.objects.exists()
    assert not Notification.objects.filter(kind="report.overdue").exists()
    kinds = LedgerEntry.objects.filter(data__kind="report_due").order_by("position")
    assert list(kinds.values_list("kind", flat=True)) == [
        "obligation.started",
        "obligation.started",
        "obligation.met",
    ]
    assert ledger.verify()[1] is None


def test_a_report_that_nobody_sends_is_a_breach_with_one_alert(
    approving: Tenant, operator: User, make_member: Callable[..., User]
) -> None:
    manager = make_member(approving, Role.ACCOUNT_MANAGER)
    on_call = make_member(approving, Role.SUPERVISOR)

    for at in (LIMIT, LIMIT + MOMENT, LIMIT + timedelta(minutes=1)):
        with clock.travel(at):
            find_breaches()
            tasks.make_reports()
    send(LIMIT + timedelta(hours=5), operator)

    breach = Breach.objects.get()
    assert (breach.due_at, breach.detected_at) == (LIMIT, LIMIT + MOMENT)
    assert breach.actual_at == LIMIT + timedelta(hours=5)
    alerts = Notification.objects.filter(level="critical")
    assert [row.kind for row in alerts] == ["report.overdue"]
    told = alerts.get().recipients.values_list("user_id", flat=True)
    assert set(told) == {manager.pk, on_call.pk}
    assert not Breach.objects.filter(is_untold=True).exists()


def test_what_a_dead_scheduler_left_was_promised_all_the_same(in_tenant: Tenant) -> None:
    with clock.travel(datetime(2026, 11, 15, 15, tzinfo=UTC)):
        due.plan()
    back = datetime(2026, 11, 18, 15, tzinfo=UTC)
    with clock.travel(back):
        tasks.make_reports()
        find_breaches()
        tasks.plan_reports()

    assert [(stage, state) for stage, _due, state in promised()] == [
        ("provisional", "breached"),
        ("final", "breached"),
    ]
    assert set(Breach.objects.values_list("actual_at", flat=True)) == {back}
    assert Notification.objects.filter(kind="report.overdue").count() == 2
    assert not Notification.objects.filter(kind="obligation.report_due").exists()


def test_a_promise_follows_the_calendar(in_tenant: Tenant) -> None:
    with clock.travel(datetime(2026, 11, 10, tzinfo=UTC)):
        due.plan()
    with clock.travel(datetime(2026, 11, 16, tzinfo=UTC)):
        due.plan()
        before = promised()
        calendar_years.load_year(
            2026,
            notice_number="国办发明电〔2025〕0 号",
            source_url="https://www.gov.cn/example",
            days=calendar_years.read_days("2026-11-17 off\n2026-11-18 off"),
            by=None,
        )
        due.plan()

    moved = [each for each in promised() if each[0] == "final"]
    assert [each[1] for each in before if each[0] == "final"] == [
        datetime(2026, 11, 18, 12, tzinfo=UTC)
    ]
    assert moved == [("final", datetime(2026, 11, 20, 12, tzinfo=UTC), "running")]
    assert LedgerEntry.objects.filter(kind="obligation.due_changed").count() == 1


@pytest.mark.parametrize("change", [{"is_demo": True}, {"status": "suspended"}], ids=str)
def test_whom_nothing_is_owed_has_no_promise(approving: Tenant, change: dict[str, Any]) -> None:
    Tenant.objects.filter(pk=approving.pk).update(**change)
    Obligation.objects.filter(kind="report_due").delete()
    for at in (DUE, LIMIT + timedelta(minutes=1)):
        with clock.travel(at):
            tasks.plan_reports()
            tasks.make_reports()
            find_breaches()

    assert promised() == []


def test_promises_are_let_go_when_the_service_is_suspended(approving: Tenant) -> None:
    assert {state for _stage, _due, state in promised()} == {"running"}
    Tenant.objects.filter(pk=approving.pk).update(status=TenantStatus.SUSPENDED)

    with clock.travel(DUE + timedelta(minutes=1)):
        tasks.make_reports()
    with clock.travel(LIMIT + timedelta(days=9)):
        find_breaches()
        tasks.plan_reports()

    assert {state for _stage, _due, state in promised()} == {"void"}
    assert not Breach.objects.exists()
    assert LedgerEntry.objects.filter(kind="obligation.voided").count() == 2


def test_the_report_of_the_next_week_counts_it_and_its_pack_proves_it(
    approving: Tenant, operator: User
) -> None:
    with clock.travel(LIMIT + MOMENT):
        find_breaches()
    with clock.travel(datetime(2026, 11, 17, tzinfo=UTC)):
        tasks.make_reports()
    made_at = datetime(2026, 11, 23, 1, tzinfo=UTC)
    with clock.travel(made_at):
        report = reports.make("weekly", date(2026, 11, 16), "provisional", by=operator)
    # What comes later is not in its pack.
    send(made_at + timedelta(days=1), operator)

    section = next(s for s in report.data["sections"]["zh-hans"] if s["key"] == "report_due")
    figure = section["figures"][0]
    assert (figure["part"], figure["whole"], figure["verdict"]) == (0, 1, "missed")
    (row,) = section["tables"][0]["rows"]
    assert (row[0][-10:], row[2], row[3]) == ("2026-11-09", "2026-11-16T09:00:00+08:00", None)
    assert section["notes"] != []
    summary = report.data["sections"]["zh-hans"][0]["figures"]
    assert "report_due.report_due" in {each["key"] for each in summary}
    with evidence.open_pack(report) as pack:
        assert proving.verify(pack).is_good


def test_annual_report_covers_the_years_of_the_contract_where_that_is_agreed(
    in_tenant: Tenant, make_member: Callable[..., User]
) -> None:
    with clock.travel(datetime(2026, 10, 20, tzinfo=UTC)):
        due.plan()
        parties = Parties(make_member, in_tenant)
        parties.sign(draft_terms(draft_contract(), year_kind="contract"))
    for year, month in ((2026, 12), (2027, 9), (2028, 9)):
        with clock.travel(datetime(year, month, 10, tzinfo=UTC)):
            due.plan()
            due.plan()

    firsts = ReportDue.objects.filter(kind="annual").order_by("period_start")
    assert list(firsts.values_list("period_start", flat=True)) == [
        date(2026, 11, 1),
        date(2027, 11, 1),
    ]


@pytest.mark.parametrize(
    ("begun", "last", "today", "expected"),
    [
        (date(2026, 11, 1), None, date(2026, 12, 1), date(2026, 11, 1)),
        (date(2024, 11, 1), None, date(2026, 10, 31), date(2025, 11, 1)),
        (date(2026, 11, 1), date(2026, 1, 1), date(2026, 12, 1), date(2026, 11, 1)),
        (date(2024, 11, 1), date(2025, 11, 1), date(2026, 12, 1), date(2025, 11, 1)),
        (date(2024, 2, 29), None, date(2025, 3, 1), date(2025, 3, 1)),
    ],
)
def test_year_of_the_contract(begun: date, last: date | None, today: date, expected: date) -> None:
    assert due._contract_year(begun, last, today) == expected
