"""The demonstration's reports: those of the last two whole weeks, made as the schedule would have."""

from datetime import datetime, time, timedelta

from reporting.models import ReportDue, ReportKind
from reporting.periods import first_day
from reporting.services import due, figures, reports
from tenants import clock
from tenants.models import Tenant


def write(tenant: Tenant) -> None:
    """Plan from two weeks before this one on, and make each report at the time it was due."""
    this_week = first_day(ReportKind.WEEKLY, clock.now().astimezone(tenant.zone).date())
    with clock.travel(datetime.combine(this_week - timedelta(weeks=2), time(9), tenant.zone)):
        due.plan()
    for row in ReportDue.objects.filter(due_at__lte=clock.now()).order_by("due_at"):
        assert row.due_at is not None
        with clock.travel(row.due_at):
            reports.make(row.kind, row.period_start, row.stage)
    due.plan()
    # The hourly count of a schedule that has been at work all the time.
    figures.catch_up()
