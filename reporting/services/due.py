"""Know which reports are owed, and when: rows made ahead, so nothing is forgotten (R31, R33)."""

import logging
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from reporting import periods
from reporting.models import Report, ReportDue, ReportKind, ReportStage
from reporting.services import report_alerts
from tenants import clock
from tenants.models import Obligation, ObligationKind, Tenant, YearKind
from tenants.scoping import active_tenant_id
from tenants.services import calendars, contracts, ledger, obligations
from tenants.services.ledger import Event
from tenants.workdays import Calendar, YearNotPublishedError, add_working_days

logger = logging.getLogger(__name__)

AHEAD = timedelta(days=60)
# R33: whoever should have a report by now and has none is told.
OVERDUE_AFTER = timedelta(hours=2)
CLAUSE = "1.1(4)"

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
    rows whose report is still to be made, are reckoned anew each time, and their promises with them.
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
        for row in changed:
            events.append(Event("report.due_changed", row.pk, _facts(row)))
            events += obligations.move(
                ObligationKind.REPORT_DUE, subject_id=row.pk, due_at=_promised_by(row)
            )
        if events:
            ledger.append(*events)
    keep_promises()
    waiting = sum(row.waits_for_calendar for row in new)
    if waiting:
        logger.warning("Reports that wait for next year's holiday notice: %s", waiting)
    return new


def keep_promises() -> None:
    """Start the promise of each report whose period is over (R31, R33).

    From the end of the period to two hours after the report is due: it is made when it is due, from
    the figures of that minute, and what is not delivered two hours later is late. A demonstration
    and a tenant whose service is suspended are promised nothing: what runs is let go.
    """
    tenant = Tenant.objects.get(pk=active_tenant_id())
    with transaction.atomic():
        if _is_promised(tenant):
            events = [event for row in _unpromised(tenant) for event in promise(row, tenant)]
        else:
            events = obligations.void(ObligationKind.REPORT_DUE)
        if events:
            ledger.append(*events)


def promise(row: ReportDue, tenant: Tenant) -> list[Event]:
    """Start the promise of this report unless it was; return the events for the ledger.

    Nothing is promised before its period is over and its day known, nor to whom nothing is owed.
    """
    at = periods.period(row.kind, row.period_start, tenant.zone).end_at
    if row.due_at is None or clock.now() < at or not _is_promised(tenant):
        return []
    if Obligation.objects.filter(kind=ObligationKind.REPORT_DUE, subject_id=row.pk).exists():
        return []
    return [
        obligations.start(
            ObligationKind.REPORT_DUE,
            clause=CLAUSE,
            subject_id=row.pk,
            conversation_id=None,
            at=at,
            limit=_promised_by(row) - at,
            terms_version=contracts.terms_at(at).version,
        )
    ]


def keep(report: Report, at: datetime) -> list[Event]:
    """Note that the report was sent at `at`; return the events for the ledger.

    A corrected version is no report that was owed: it keeps no promise and breaks none.
    """
    row = ReportDue.objects.filter(
        kind=report.kind, period_start=report.period_start, stage=report.stage
    ).first()
    if row is None:
        return []
    return obligations.meet(ObligationKind.REPORT_DUE, subject_id=row.pk, at=at)


def overdue(rows: QuerySet[ReportDue], reports: QuerySet[Report]) -> QuerySet[ReportDue]:
    """Return those rows of which none of the reports was sent in time, and nobody was told yet."""
    in_time = reports.filter(
        tenant=OuterRef("tenant"),
        kind=OuterRef("kind"),
        period_start=OuterRef("period_start"),
        stage=OuterRef("stage"),
        sent_at__lte=OuterRef("due_at") + OVERDUE_AFTER,
    )
    return rows.filter(
        ~Exists(in_time), due_at__lt=clock.now() - OVERDUE_AFTER, overdue_since__isnull=True
    )


def find_overdue() -> list[ReportDue]:
    """Note which reports were not sent two hours after they were due; return the new ones."""
    found = []
    for row in overdue(ReportDue.objects.all(), Report.objects.all()):
        with transaction.atomic():
            at = clock.now()
            marked = ReportDue.objects.filter(pk=row.pk, overdue_since__isnull=True)
            if not marked.update(overdue_since=at):
                continue
            ledger.append(Event("report.overdue", row.pk, _facts(row)))
            report_alerts.report_overdue(row)
        found.append(row)
        logger.error("Report not delivered in time: %s %s", row.kind, row.period_start)
    return found


def _reports_of_row() -> QuerySet[Report]:
    """Return the reports that the row of the outer query owes."""
    return Report.objects.filter(
        kind=OuterRef("kind"), period_start=OuterRef("period_start"), stage=OuterRef("stage")
    )


def _unpromised(tenant: Tenant) -> QuerySet[ReportDue]:
    """Return the rows that may have to be promised: neither promised, nor sent, nor told as late."""
    promised = Obligation.objects.filter(kind=ObligationKind.REPORT_DUE, subject_id=OuterRef("pk"))
    return ReportDue.objects.filter(
        ~Exists(promised),
        ~Exists(_reports_of_row().filter(sent_at__isnull=False)),
        due_at__isnull=False,
        overdue_since__isnull=True,
        period_start__lt=clock.now().astimezone(tenant.zone).date(),
    ).select_for_update(of=("self",))


def _is_promised(tenant: Tenant) -> bool:
    return tenant.is_active and not tenant.is_demo


def _promised_by(row: ReportDue) -> datetime:
    assert row.due_at is not None
    return row.due_at + OVERDUE_AFTER


def _firsts(kind: str, zone: ZoneInfo) -> Iterator[date]:
    today = clock.now().astimezone(zone).date()
    last = ReportDue.objects.filter(kind=kind).order_by("-period_start").first()
    begun = _contract_begun(today) if kind == ReportKind.ANNUAL else None
    if begun is not None:
        first = _contract_year(begun, last.period_start if last else None, today)
    else:
        first = last.period_start if last else periods.first_day(kind, today)
    # A report is due after its period: from then on it is known.
    while periods.day_after(kind, first) <= today + AHEAD:
        yield first
        first = periods.day_after(kind, first)


def _contract_begun(today: date) -> date | None:
    """Return when the contract began whose own years are reported; None for calendar years."""
    if contracts.terms_at(clock.now()).year_kind != YearKind.CONTRACT:
        return None
    contract = contracts.contract_in_force(today)
    return contract.effective_from if contract else None


def _contract_year(begun: date, last: date | None, today: date) -> date:
    """Return the year of the contract to go on from: after the last one reported, or today's."""
    years = [periods.years_on(begun, number) for number in range(today.year - begun.year + 2)]
    if last is not None:
        return next(first for first in years if first >= last)
    return max((first for first in years if first <= today), default=begun)


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
