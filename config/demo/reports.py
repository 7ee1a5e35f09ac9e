"""The demonstration's reports: the last two whole weeks, made as the schedule would have."""

from datetime import datetime, time, timedelta

from reporting.models import ReportKind, ReportStage
from reporting.periods import first_day
from reporting.services import due, reports
from tenants import clock
from tenants.models import Tenant

# The hour of the day after a week at which its report is made.
_MORNING = time(9)


def write(tenant: Tenant) -> None:
    """Plan what is owed and make the reports of the two weeks before this one."""
    this_week = first_day(ReportKind.WEEKLY, clock.now().astimezone(tenant.zone).date())
    for weeks, stage in ((2, ReportStage.FINAL), (1, ReportStage.PROVISIONAL)):
        first = this_week - timedelta(weeks=weeks)
        made_at = datetime.combine(first + timedelta(weeks=1), _MORNING, tenant.zone)
        with clock.travel(min(made_at, clock.now())):
            reports.make(ReportKind.WEEKLY, first, stage)
    due.plan()
