"""Know which reports are owed, and when: rows made ahead, so nothing is forgotten (R31, R33)."""

import logging
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from reporting import periods
from reporting.models import Report, ReportDue, ReportKind, ReportStage
from reporting.services import telling
from tenants import clock
from tenants.models import Tenant
from tenants.scoping import active_tenant_id
from tenants.services import calendars, ledger
from tenants.services.ledger import Event
from tenants.workdays import Calendar, YearNotPublishedError, add_working_days

logger = logging.getLogger(__name__)

AHEAD = timedelta(days=60)
# R33: whoever should have a report by now and has none is told.
OVERDUE_AFTER = timedelta(hours=2)

_MORNING, _EVENING = time(9), time(18)
# Working days after the last day of the period, to the final figures of 18:00.
_FINAL_WORKING_DAYS = {ReportKind.WEEKLY: 3, ReportKind.MONTHLY: 5, ReportKind.ANNUAL: 10}
_STAGES = {
    ReportKind.WEEKLY: (ReportStage.PROVISIONAL, ReportStage.FINAL),
    ReportKind.MONTHLY: (ReportStage.PROVISIONAL, ReportStage.FINAL),
    ReportKind.ANNUAL: (ReportStage.FINAL,),
}


def due_at(
    kind: str, first: date, stage: str, zone: ZoneInfo, calendar: Calendar | None = None
) -> datetime:
    """Return when a report is due: 09:00 on the day after the period, or 18:00 of a working day.

    Raises YearNotPublishedError where the working days are not known yet (R2).
    """
    end = periods.day_after(kind, first)
    if stage == ReportStage.PROVISIONAL:
        return datetime.combine(end, _MORNING, zone)
    day = add_working_days(
        calendar or calendars.calendar(),
        end - timedelta(days=1),
        _FINAL_WORKING_DAYS[ReportKind(kind)],
    )
    return datetime.combine(day, _EVENING, zone)


def plan() -> list[ReportDue]:
    """Write the rows of all reports due in the next 60 days that are not there; return the new ones.

    It goes on from the last row of each kind, however long ago that was; a tenant without any
    begins with the period of today. Due times that waited for the holidays of a year, and those of
    rows whose report is still to be made, are reckoned anew each time.
    """
    tenant = Tenant.objects.get(pk=active_tenant_id())
    calendar = calendars.calendar()
    with transaction.atomic():
        changed = _reckon(tenant.zone, calendar)
        rows = [
            ReportDue(
                kind=kind,
                period_start=first,
                stage=stage,
                due_at=_due_or_none(kind, first, stage, tenant.zone, calendar),
            )
            for kind in ReportKind
            for first in _firsts(kind, tenant.zone)
            for stage in _STAGES[kind]
        ]
        known = set(ReportDue.objects.values_list("kind", "period_start", "stage"))
        new = [row for row in rows if (row.kind, row.period_start, row.stage) not in known]
        ReportDue.objects.bulk_create(new, ignore_conflicts=True)
        events = [Event("report.planned", row.pk, _facts(row)) for row in new]
        events += [Event("report.due_changed", row.pk, _facts(row)) for row in changed]
        if events:
            ledger.append(*events)
    waiting = sum(row.waits_for_calendar for row in new)
    if waiting:
        logger.warning("Reports that wait for next year's holiday notice: %s", waiting)
    return new


def find_overdue() -> list[ReportDue]:
    """Note which reports were not sent two hours after they were due; return the new ones."""
    late = ReportDue.objects.filter(
        ~Exists(_reports_of_row().filter(sent_at__lte=OuterRef("due_at") + OVERDUE_AFTER)),
        due_at__lt=clock.now() - OVERDUE_AFTER,
        overdue_since__isnull=True,
    )
    found = []
    for row in late:
        with transaction.atomic():
            at = clock.now()
            marked = ReportDue.objects.filter(pk=row.pk, overdue_since__isnull=True)
            if not marked.update(overdue_since=at):
                continue
            ledger.append(Event("report.overdue", row.pk, _facts(row)))
            telling.report_overdue(row)
        found.append(row)
        logger.error("Report not delivered in time: %s %s", row.kind, row.period_start)
    return found


def _reports_of_row() -> QuerySet[Report]:
    """Return the reports that the row of the outer query owes."""
    return Report.objects.filter(
        kind=OuterRef("kind"), period_start=OuterRef("period_start"), stage=OuterRef("stage")
    )


def _firsts(kind: str, zone: ZoneInfo) -> Iterator[date]:
    today = clock.now().astimezone(zone).date()
    last = ReportDue.objects.filter(kind=kind).order_by("-period_start").first()
    first = last.period_start if last else periods.first_day(kind, today)
    # A report is due after its period: from then on it is known.
    while periods.day_after(kind, first) <= today + AHEAD:
        yield first
        first = periods.day_after(kind, first)


def _reckon(zone: ZoneInfo, calendar: Calendar) -> list[ReportDue]:
    changed = []
    for row in ReportDue.objects.filter(made_at__isnull=True, stage=ReportStage.FINAL):
        at = _due_or_none(row.kind, row.period_start, row.stage, zone, calendar)
        if at is not None and at != row.due_at:
            row.due_at = at
            row.save(update_fields=["due_at"])
            changed.append(row)
    return changed


def _due_or_none(
    kind: str, first: date, stage: str, zone: ZoneInfo, calendar: Calendar
) -> datetime | None:
    try:
        return due_at(kind, first, stage, zone, calendar)
    except YearNotPublishedError:
        return None


def _facts(row: ReportDue) -> dict[str, object]:
    return {
        "kind": row.kind,
        "period_start": row.period_start,
        "stage": row.stage,
        "due_at": row.due_at,
    }
