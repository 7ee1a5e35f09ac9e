"""The regular chores of counting and reporting: each finds its rows, then works by tenant."""

import logging
from datetime import datetime

from celery import shared_task
from django.conf import settings

from reporting.availability import SLOT, Span
from reporting.models import DeliveryChannel, ProcessKind, Report, ReportDelivery, ReportDue
from tenants import clock
from tenants.chores import every_tenant, for_each, safely
from tenants.models import (
    Obligation,
    ObligationKind,
    ObligationState,
    Tenant,
    TenantStatus,
)
from tenants.scoping import platform_scope, tenant_scope

logger = logging.getLogger(__name__)

_BATCH = 50


@shared_task(name="reporting.roll_up_days", platform=True, alone_for=3600)
def roll_up_days() -> None:
    """Count the days that are over and not counted yet, of every tenant (R34)."""
    from reporting.services import figures  # noqa: PLC0415 -- leaf

    for_each(every_tenant(), figures.catch_up)


@shared_task(name="reporting.warn_early", platform=True, alone_for=1800)
def warn_early() -> None:
    """Tell of figures that threaten to fail this month, each once a day (R11, R62)."""
    from reporting.services import early_warnings, figure_alerts  # noqa: PLC0415 -- leaf

    def work() -> None:
        for warned in early_warnings.all_at_risk():
            figure_alerts.figure_at_risk(warned)

    for_each(every_tenant(), work)


@shared_task(name="reporting.follow_satisfaction", platform=True, alone_for=1800)
def follow_satisfaction() -> None:
    """Open or amend rectification plans where two low months call for one (R76)."""
    from reporting.services import rectification  # noqa: PLC0415 -- leaf

    for_each(every_tenant(), rectification.follow)


@shared_task(name="reporting.draw_audits", platform=True, alone_for=1800)
def draw_audits() -> None:
    """Draw the audits of labels and of answers that are owed, once a month is over (R61, R90)."""
    from reporting.services import answer_audits, label_audits  # noqa: PLC0415 -- leaf

    for_each(every_tenant(), label_audits.draw_due, answer_audits.draw_due)


@shared_task(name="reporting.plan_reports", platform=True, alone_for=600)
def plan_reports() -> None:
    """Write down the reports that will be due in the next 60 days (R33)."""
    from reporting.services import due  # noqa: PLC0415 -- leaf

    for_each(every_tenant(), due.plan)


@shared_task(name="reporting.make_reports", platform=True, alone_for=600)
def make_reports() -> None:
    """Make every report that is due and missing, then look for those not delivered (R33)."""
    from reporting.services import due, reports  # noqa: PLC0415 -- leaf

    with platform_scope("reports that are due, of all tenants"):
        rows = ReportDue.objects.using(settings.PLATFORM_DATABASE)
        sent = Report.objects.using(settings.PLATFORM_DATABASE)
        suspended = Obligation.objects.using(settings.PLATFORM_DATABASE).filter(
            kind=ObligationKind.REPORT_DUE,
            state=ObligationState.RUNNING,
            tenant__status=TenantStatus.SUSPENDED,
        )
        tenants = {
            *rows.filter(due_at__lte=clock.now(), made_at__isnull=True).values_list(
                "tenant_id", flat=True
            ),
            *due.overdue(rows, sent).values_list("tenant_id", flat=True),
            *suspended.values_list("tenant_id", flat=True),
        }
    for_each(sorted(tenants), due.keep_promises, reports.make_due, due.find_overdue)


@shared_task(name="reporting.send_reports", platform=True, alone_for=300)
def send_reports() -> None:
    """Send the mails of reports that are due (R35)."""
    from reporting.services import report_mails  # noqa: PLC0415 -- leaf

    with platform_scope("mails of reports that are due, of all tenants"):
        rows = list(
            ReportDelivery.objects.using(settings.PLATFORM_DATABASE)
            .filter(channel=DeliveryChannel.MAIL, sent_at=None, due_at__lte=clock.now())
            .order_by("due_at")
            .values_list("tenant_id", "pk")[:_BATCH]
        )
    for tenant_id, delivery_id in rows:
        with tenant_scope(tenant_id):
            safely(report_mails.deliver, delivery_id)


@shared_task(name="reporting.beat", platform=True)
def beat() -> None:
    """Beat for the worker that runs this, the schedule that sent it, and the database."""
    from reporting.services import heartbeats  # noqa: PLC0415 -- leaf

    # All workers are one: it is enough that any of them works.
    heartbeats.beat(
        ProcessKind.WORKER,
        ProcessKind.BEAT,
        ProcessKind.DATABASE,
        host=heartbeats.this_host("jobs"),
    )


@shared_task(name="reporting.judge_availability", platform=True, alone_for=120)
def judge_availability() -> None:
    """Judge what happened since the last time, for every tenant."""
    judge_all()


def judge_all(*, starting: bool = False) -> None:
    """Judge the time since the last judgement for every tenant; `starting` before serving (R83)."""
    from reporting.services import availability_alerts, downtime, sightings, uptime  # noqa: PLC0415 -- leaf

    tenants = list(Tenant.objects.values_list("pk", flat=True))
    windows: dict[int, Span] = {}
    for tenant_id in tenants:
        with tenant_scope(tenant_id):
            try:
                window = downtime.window(clock.now())
            except Exception:
                logger.exception("Availability not judged")
                continue
        if window is not None:
            windows[tenant_id] = window
    if not windows:
        return
    whole = Span(
        min(window.start for window in windows.values()) - SLOT,
        max(window.end for window in windows.values()) + SLOT,
    )
    served: set[datetime] = set()
    for tenant_id in tenants:
        with tenant_scope(tenant_id):
            served |= sightings.served(whole)
    for tenant_id, window in windows.items():
        with tenant_scope(tenant_id):
            try:
                downtime.judge_time(window, sorted(served), starting=starting)
                availability_alerts.of_budget(uptime.burn_now(), clock.now())
            except Exception:
                # One tenant's damage must not leave all others unjudged.
                logger.exception("Availability not judged")
