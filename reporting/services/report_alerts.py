"""Tell of reports: what waits for approval, what was sent, answered, is late or not mailed.

Source: contract R33, R35 and the notification matrix. Every function writes rows only, in the
caller's transaction.
"""

from django.urls import reverse
from django.utils.translation import gettext as _

from reporting.models import Report, ReportAnswer, ReportDelivery, ReportDue, ReportVerdict
from tenants.models import AlertLevel
from tenants.roles import FOR_CLIENT, FOR_PROVIDER, Role
from tenants.services.notifications import in_tenants_words, notify


def report_waits(report: Report) -> None:
    """Tell account managers that a report is to be approved."""
    with in_tenants_words():
        notify(
            "report.waiting",
            title=_("To be approved: %(report)s") % {"report": report},
            body=_("It is sent once you have approved it."),
            roles=FOR_PROVIDER,
            subject=str(report.pk),
            level=AlertLevel.WARNING,
            link=reverse("admin:reporting_report_change", args=[report.pk]),
            dedupe=f"report.waiting:{report.pk}",
        )


def report_sent(report: Report) -> None:
    """Tell client administrators that a report is there to be confirmed or objected to (R35)."""
    with in_tenants_words():
        notify(
            "report.sent",
            title=_("New report: %(report)s") % {"report": report},
            body=_("Read it, then confirm it or object."),
            roles=FOR_CLIENT,
            subject=str(report.pk),
            link=reverse("admin:reporting_report_read_page", args=[report.pk]),
            dedupe=f"report.sent:{report.pk}",
        )


def report_overdue(row: ReportDue) -> None:
    """Tell account managers and who is on call of a report that is two hours late (R33).

    The one alert of its breach: see `breach_alerts.TOLD_ELSEWHERE`.
    """
    with in_tenants_words():
        notify(
            "report.overdue",
            title=_("Report not delivered in time: %(report)s") % {"report": row},
            body=row.error or _("See Reports due: it may wait for an approval."),
            roles=FOR_PROVIDER | {Role.SUPERVISOR},
            subject=str(row.pk),
            level=AlertLevel.CRITICAL,
            link=reverse("admin:reporting_reportdue_changelist"),
            dedupe=f"report.overdue:{row.pk}",
        )


def report_answered(report: Report, answer: ReportAnswer) -> None:
    """Tell account managers what the client says to a report (R35)."""
    objected = answer.verdict == ReportVerdict.OBJECTED
    with in_tenants_words():
        title = _("Objection to %(report)s") if objected else _("Confirmed: %(report)s")
        notify(
            "report.answered",
            title=title % {"report": report},
            body=answer.text,
            roles=FOR_PROVIDER,
            subject=str(report.pk),
            level=AlertLevel.WARNING if objected else AlertLevel.INFO,
            link=reverse("admin:reporting_report_change", args=[report.pk]),
            dedupe=f"report.answered:{answer.pk}",
        )


def report_not_mailed(row: ReportDelivery, error: str) -> None:
    """Tell account managers that a report's mail does not go out; once for each mail."""
    with in_tenants_words():
        notify(
            "report.not_mailed",
            title=_("Report not mailed: %(report)s") % {"report": row.report},
            body=_("To %(name)s: %(error)s. It can be mailed again under Report deliveries.")
            % {"name": row.name, "error": error},
            roles=FOR_PROVIDER,
            subject=str(row.pk),
            level=AlertLevel.WARNING,
            link=reverse("admin:reporting_reportdelivery_changelist"),
            dedupe=f"report.not_mailed:{row.pk}",
        )
