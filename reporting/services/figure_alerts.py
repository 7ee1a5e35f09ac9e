"""Tell of figures that fall short: those at risk this month, and the plans that low months call for.

Source: contract R11, R62, R76 and the notification matrix. Every function writes rows only, in the
caller's transaction.
"""

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from reporting import metrics
from reporting.models import PlanState, RectificationPlan
from reporting.services.early_warnings import Warned
from tenants import clock
from tenants.models import AlertLevel
from tenants.roles import FOR_BOTH, FOR_CLIENT, FOR_PROVIDER
from tenants.services.notifications import in_tenants_words, notify


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
            roles=FOR_PROVIDER,
            level=AlertLevel.WARNING,
            dedupe=f"risk:{warned.metric}:{timezone.localtime(clock.now()):%Y-%m-%d}",
        )


def plan_triggered(plan: RectificationPlan) -> None:
    """Tell both parties that two low months call for a plan, or a further one amends it (R76)."""
    with in_tenants_words():
        notify(
            "plan.triggered",
            title=_("Rectification plan to be written: %(months)s") % {"months": plan},
            body=_("Satisfaction: %(scores)s; promised: %(target)s.")
            % {"scores": " · ".join(plan.scores), "target": plan.target},
            roles=FOR_BOTH,
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
            roles=FOR_CLIENT,
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
            roles=FOR_PROVIDER,
            subject=str(plan.pk),
            level=AlertLevel.WARNING if returned else AlertLevel.INFO,
            link=_plan(plan),
            dedupe=f"plan.decided:{plan.pk}:{plan.decided_at}",
        )


def _plan(row: RectificationPlan) -> str:
    return reverse("admin:reporting_rectificationplan_change", args=[row.pk])
