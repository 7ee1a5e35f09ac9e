"""Whether the reports themselves came in time (R31, R33)."""

from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from reporting.models import ReportDue
from reporting.sections import Column, Period, Section, Table
from reporting.services import due
from reporting.services.figures import Sum
from reporting.services.sections import ALL, days_of, share
from tenants.models import Obligation, ObligationKind, ObligationState


def build(period: Period, previous: Period | None) -> Section:
    """Return the section of the reports whose clock began in the period: kept, and every breach."""
    filters = {**days_of(period), "kind__exact": str(ObligationKind.REPORT_DUE)}
    running = _begun_in(period).filter(state=ObligationState.RUNNING).count()
    return Section(
        key="report_due",
        title=_("Delivery of reports"),
        clause=due.CLAUSE,
        figures=[
            share(
                "report_due",
                _kept_in(period),
                _kept_in(previous) if previous else None,
                target=ALL,
                rows="tenants_obligation",
                filters=filters,
            )
        ],
        tables=[
            Table(
                "report_due_breaches",
                _("Breaches"),
                [
                    Column("report", _("Report")),
                    Column("stage", _("Stage")),
                    Column("due_at", _("Due at")),
                    Column("sent_at", _("Sent at")),
                ],
                _breaches(period),
                empty=_("No promise of this kind was broken."),
            )
        ],
        notes=[_("Clocks still running: %(count)s.") % {"count": running}] if running else [],
    )


def _begun_in(period: Period) -> QuerySet[Obligation]:
    return Obligation.objects.filter(
        kind=ObligationKind.REPORT_DUE,
        started_at__gte=period.start_at,
        started_at__lt=period.end_at,
    )


def _kept_in(period: Period) -> Sum:
    rows = _begun_in(period)
    kept = rows.filter(state=ObligationState.MET).count()
    return Sum(kept, kept + rows.filter(state=ObligationState.BREACHED).count())


def _breaches(period: Period) -> list[list[str | None]]:
    broken = _begun_in(period).filter(state=ObligationState.BREACHED)
    rows = list(broken.order_by("started_at", "due_at", "pk"))
    owed = {
        row.pk: row for row in ReportDue.objects.filter(pk__in=[each.subject_id for each in rows])
    }
    return [
        [
            str(owed[each.subject_id]),
            owed[each.subject_id].get_stage_display(),
            _moment(owed[each.subject_id].due_at, period),
            _moment(each.met_at, period),
        ]
        for each in rows
        if each.subject_id in owed
    ]


def _moment(at: datetime | None, period: Period) -> str | None:
    return at.astimezone(period.zone).isoformat(timespec="seconds") if at else None
