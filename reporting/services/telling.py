"""Tell people what happens to reports, availability and figures, in the tenant's language.

Source: contract R11, R33-R35, R61, R62, R85, R87, R90, I1, I2 and the notification matrix. Every
function writes rows only, in the caller's transaction.
"""

from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from reporting import metrics
from reporting.availability import Burn
from reporting.models import (
    AccuracyAudit,
    ClaimDecision,
    ExclusionClaim,
    Incident,
    IncidentLevel,
    LabelReview,
    MaintenanceWindow,
    PlanState,
    RectificationPlan,
    Report,
    ReportAnswer,
    ReportDelivery,
    ReportDue,
    ReportVerdict,
)
from reporting.services.early_warnings import Warned
from tenants import clock
from tenants.models import AlertLevel
from tenants.roles import SUPERVISING, Role
from tenants.services.notifications import in_tenants_words, notify

_PROVIDER = frozenset({Role.ACCOUNT_MANAGER})
_CLIENT = frozenset({Role.CLIENT_ADMIN})
_BOTH = _PROVIDER | _CLIENT
_ALL = frozenset({*SUPERVISING, *_BOTH})


def report_waits(report: Report) -> None:
    """Tell account managers that a report is to be approved."""
    with in_tenants_words():
        notify(
            "report.waiting",
            title=_("To be approved: %(report)s") % {"report": report},
            body=_("It is sent once you have approved it."),
            roles=_PROVIDER,
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
            roles=_CLIENT,
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
            roles=_PROVIDER | {Role.SUPERVISOR},
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
            roles=_PROVIDER,
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
            roles=_PROVIDER,
            subject=str(row.pk),
            level=AlertLevel.WARNING,
            link=reverse("admin:reporting_reportdelivery_changelist"),
            dedupe=f"report.not_mailed:{row.pk}",
        )


def incident_opened(incident: Incident) -> None:
    """Tell both parties and who supervises of an incident (I1); P1 and P2 are critical."""
    grave = incident.level in (IncidentLevel.P1, IncidentLevel.P2)
    with in_tenants_words():
        notify(
            "incident.opened",
            title=f"{incident.level.upper()} {incident.title}",
            body=_("Since %(start)s. Somebody has to acknowledge it by %(due)s.")
            % {"start": _moment(incident.opened_at), "due": _moment(incident.acknowledge_due_at)},
            roles=_ALL,
            subject=str(incident.pk),
            level=AlertLevel.CRITICAL if grave else AlertLevel.WARNING,
            link=_incident(incident),
            dedupe=f"incident.opened:{incident.pk}",
        )


def incident_told(incident: Incident, text: str, key: object) -> None:
    """Pass on how an incident stands."""
    with in_tenants_words():
        notify(
            "incident.told",
            title=_("How it stands: %(incident)s") % {"incident": incident.title},
            body=text,
            roles=_ALL,
            subject=str(incident.pk),
            link=_incident(incident),
            dedupe=f"incident.told:{key}",
        )


def incident_restored(incident: Incident) -> None:
    """Tell that the service works again, and since when."""
    assert incident.restored_at is not None
    with in_tenants_words():
        notify(
            "incident.restored",
            title=_("Works again: %(incident)s") % {"incident": incident.title},
            body=_("Since %(end)s.") % {"end": _moment(incident.restored_at)},
            roles=_ALL,
            subject=str(incident.pk),
            link=_incident(incident),
            dedupe=f"incident.restored:{incident.pk}",
        )


def claim_made(row: ExclusionClaim) -> None:
    """Ask client administrators to decide about a claim (R85)."""
    with in_tenants_words():
        notify(
            "availability.claimed",
            title=_("Down time that the provider wants left out"),
            body=_("%(start)s – %(end)s. It counts until you accept the claim.")
            % {"start": _moment(row.start_at), "end": _moment(row.end_at)},
            roles=_CLIENT,
            subject=str(row.pk),
            level=AlertLevel.WARNING,
            link=_claim(row),
            dedupe=f"claim:{row.pk}",
        )


def claim_decided(row: ExclusionClaim) -> None:
    """Tell account managers what the client decided."""
    accepted = row.decision == ClaimDecision.ACCEPTED
    with in_tenants_words():
        notify(
            "availability.decided",
            title=_("Exclusion claim accepted") if accepted else _("Exclusion claim rejected"),
            body=row.remark,
            roles=_PROVIDER,
            subject=str(row.pk),
            link=_claim(row),
            dedupe=f"claim.decided:{row.pk}",
        )


def maintenance_announced(row: MaintenanceWindow) -> None:
    """Announce planned work to the client (I2)."""
    with in_tenants_words():
        notify(
            "maintenance.announced",
            title=_("Planned work: %(title)s") % {"title": row.title},
            body=f"{_moment(row.start_at)} – {_moment(row.end_at)}\n{row.description}",
            roles=_ALL,
            subject=str(row.pk),
            level=AlertLevel.WARNING,
            link=reverse("admin:reporting_maintenancewindow_change", args=[row.pk]),
            dedupe=maintenance_key(row),
        )


def maintenance_key(row: MaintenanceWindow) -> str:
    """Return the key of the notification that announced planned work."""
    return f"maintenance:{row.pk}"


def maintenance_cancelled(row: MaintenanceWindow) -> None:
    """Tell the client that planned work is called off."""
    with in_tenants_words():
        notify(
            "maintenance.cancelled",
            title=_("Called off: %(title)s") % {"title": row.title},
            body=f"{_moment(row.start_at)} – {_moment(row.end_at)}",
            roles=_ALL,
            subject=str(row.pk),
            link=reverse("admin:reporting_maintenancewindow_change", args=[row.pk]),
            dedupe=f"maintenance.cancelled:{row.pk}",
        )


def of_budget(burn: Burn, now: datetime) -> None:
    """Tell how much of the month's down time is spent, each step once (R87).

    Account managers hear of the steps; who is on call hears if the last hour alone took more than
    5 % of it.
    """
    if not burn.step and not burn.pages:
        return
    with in_tenants_words():
        month = timezone.localtime(now).strftime("%Y-%m")
        if burn.step:
            notify(
                "availability.budget",
                title=_("%(percent)s %% of the down time of %(month)s is spent")
                % {"percent": burn.step, "month": month},
                body=_("%(spent)s of %(budget)s seconds.")
                % {
                    "spent": int(burn.spent.total_seconds()),
                    "budget": int(burn.budget.total_seconds()),
                },
                roles=_PROVIDER,
                level=AlertLevel.CRITICAL if burn.step >= 100 else AlertLevel.WARNING,
                link=reverse("admin:reporting_downinterval_changelist"),
                dedupe=f"budget:{month}:{burn.step}",
            )
        if burn.pages:
            notify(
                "availability.burning",
                title=_("The last hour took more than 5 %% of the down time of %(month)s")
                % {"month": month},
                body=_("Look at the incidents now."),
                roles=_ALL,
                level=AlertLevel.CRITICAL,
                link=reverse("admin:reporting_incident_changelist"),
                dedupe=f"burning:{now:%Y-%m-%dT%H}",
            )


def plan_triggered(plan: RectificationPlan) -> None:
    """Tell both parties that two low months call for a plan, or a further one amends it (R76)."""
    with in_tenants_words():
        notify(
            "plan.triggered",
            title=_("Rectification plan to be written: %(months)s") % {"months": plan},
            body=_("Satisfaction: %(scores)s; promised: %(target)s.")
            % {"scores": " · ".join(plan.scores), "target": plan.target},
            roles=_BOTH,
            subject=str(plan.pk),
            level=AlertLevel.CRITICAL,
            link=_plan(plan),
            dedupe=f"plan.triggered:{plan.pk}:{plan.months[-1]}",
        )


def plan_submitted(plan: RectificationPlan) -> None:
    """Ask client administrators to accept a plan or return it."""
    with in_tenants_words():
        notify(
            "plan.submitted",
            title=_("Rectification plan to be accepted: %(months)s") % {"months": plan},
            body=plan.measures[:500],
            roles=_CLIENT,
            subject=str(plan.pk),
            level=AlertLevel.WARNING,
            link=_plan(plan),
            dedupe=f"plan.submitted:{plan.pk}:{plan.submitted_at}",
        )


def plan_decided(plan: RectificationPlan) -> None:
    """Tell account managers whether the client accepted a plan."""
    returned = plan.state == PlanState.RETURNED
    with in_tenants_words():
        title = (
            _("Rectification plan returned: %(months)s")
            if returned
            else _("Rectification plan accepted: %(months)s")
        )
        notify(
            "plan.decided",
            title=title % {"months": plan},
            body=plan.remark,
            roles=_PROVIDER,
            subject=str(plan.pk),
            level=AlertLevel.WARNING if returned else AlertLevel.INFO,
            link=_plan(plan),
            dedupe=f"plan.decided:{plan.pk}:{plan.decided_at}",
        )


def figure_at_risk(warned: Warned) -> None:
    """Tell account managers of a figure that threatens to fail this month; once a day (R11, R62)."""
    if warned.metric == "auto_answer":
        shown = metrics.shown_percent(warned.value)
        line = metrics.shown_percent(warned.line)
    else:
        shown, line = metrics.shown_score(warned.value), metrics.shown_score(warned.line)
    with in_tenants_words():
        notify(
            f"{warned.metric}.at_risk",
            title=_("At risk this month: %(figure)s")
            % {"figure": _(metrics.BY_KEY[warned.metric].name)},
            body=_("%(value)s so far, of %(count)s; below %(line)s.")
            % {"value": shown, "count": warned.whole, "line": line},
            roles=_PROVIDER,
            level=AlertLevel.WARNING,
            dedupe=f"risk:{warned.metric}:{timezone.localtime(clock.now()):%Y-%m-%d}",
        )


def label_audit_drawn(row: LabelReview) -> None:
    """Ask both parties for the labels of an audit: two people, one from each at best (R61)."""
    with in_tenants_words():
        notify(
            "label_audit.drawn",
            title=_("Label audit to be done: %(month)s") % {"month": row},
            body=_(
                "%(count)s questions, to be labelled by two people who do not consult each other."
            )
            % {"count": row.size},
            roles=_BOTH,
            subject=str(row.pk),
            level=AlertLevel.WARNING,
            link=reverse("admin:reporting_labelreview_review_page", args=[row.pk]),
            dedupe=f"label_audit.drawn:{row.pk}",
        )


def label_audit_finished(row: LabelReview) -> None:
    """Tell both parties what an audit came to, and that all labels are given again if it failed."""
    with in_tenants_words():
        if row.is_failed:
            title = _("All labels of %(month)s are to be given again")
            body = _(
                "The two reviewers agree too little: kappa %(kappa)s, and 0.8 is needed. Until a "
                "person has labelled every question of the month, those without an answer count "
                "as common. Then a new audit is drawn."
            ) % {"kappa": row.kappa_shown}
            page = reverse("admin:reporting_question_review_page")
            link = f"{page}?month={row.month:%Y-%m}"
        else:
            title = _("Label audit done: %(month)s")
            body = _(
                "Kappa %(kappa)s; %(agreed)s labelled alike, %(relabelled)s relabelled, "
                "%(disputed)s disputed and to be reviewed once more."
            ) % {
                "kappa": row.kappa_shown,
                "agreed": row.agreed,
                "relabelled": row.relabelled,
                "disputed": row.disputed,
            }
            link = reverse("admin:reporting_labelreview_change", args=[row.pk])
        notify(
            "label_audit.finished",
            title=title % {"month": row},
            body=body,
            roles=_BOTH,
            subject=str(row.pk),
            level=AlertLevel.WARNING if row.is_failed else AlertLevel.INFO,
            link=link,
            dedupe=f"label_audit.finished:{row.pk}",
        )


def accuracy_audit_drawn(row: AccuracyAudit) -> None:
    """Ask account managers to check a sample of answers (R90)."""
    with in_tenants_words():
        notify(
            "accuracy_audit.drawn",
            title=_("Accuracy audit to be done: %(month)s") % {"month": row},
            body=_("%(count)s answers, to be checked against the versions they cite.")
            % {"count": row.size},
            roles=_PROVIDER,
            subject=str(row.pk),
            level=AlertLevel.WARNING,
            link=reverse("admin:reporting_accuracyaudit_check_page", args=[row.pk]),
            dedupe=f"accuracy_audit.drawn:{row.pk}",
        )


def accuracy_audit_finished(row: AccuracyAudit, *, wrong: int, checked: int) -> None:
    """Tell both parties what an audit of answers found (R90)."""
    with in_tenants_words():
        notify(
            "accuracy_audit.finished",
            title=_("Accuracy audit done: %(month)s") % {"month": row},
            body=_("%(wrong)s of %(checked)s answers found wrong.")
            % {"wrong": wrong, "checked": checked},
            roles=_BOTH,
            subject=str(row.pk),
            level=AlertLevel.WARNING if wrong else AlertLevel.INFO,
            link=reverse("admin:reporting_accuracyaudit_change", args=[row.pk]),
            dedupe=f"accuracy_audit.finished:{row.pk}",
        )


def _moment(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S")


def _incident(row: Incident) -> str:
    return reverse("admin:reporting_incident_change", args=[row.pk])


def _plan(row: RectificationPlan) -> str:
    return reverse("admin:reporting_rectificationplan_change", args=[row.pk])


def _claim(row: ExclusionClaim) -> str:
    return reverse("admin:reporting_exclusionclaim_change", args=[row.pk])
