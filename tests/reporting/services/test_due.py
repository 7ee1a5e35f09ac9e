"""Reports that are owed: which came too late, and what it costs to see it (R33)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reporting import tasks
from reporting.models import ReportDue
from reporting.services import due, reports
from tenants import clock
from tenants.models import LedgerEntry, Tenant, User

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
