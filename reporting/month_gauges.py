"""The running month against the contract, for the admin's home: one figure beside each promise."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from django.utils.translation import gettext as _

from conversations.satisfaction import month_bounds
from conversations.survey_figures import month_figures
from reporting import availability, links, metrics
from reporting.sections import Period, Verdict
from reporting.services import figures, uptime
from reporting.services.sections import days_of
from tenants import clock
from tenants.actors import Actor
from tenants.models import Tenant
from tenants.scoping import active_tenant_id
from tenants.services import contracts
from tenants.terms import Terms

# So much of the month's budget for down time is left before the gauge warns (R11: 50 %).
_BUDGET_LEFT = Fraction(1, 2)


@dataclass(frozen=True)
class MonthGauge:
    """One promise: what the month has come to, what is promised, and from what that is reckoned.

    `tone` is "ok", "warn", "breach", or "info" where there is nothing to judge yet. `is_small`
    marks figures of fewer cases than 30.
    """

    key: str
    label: str
    shown: str
    promised: str
    basis: str
    tone: str
    link: str
    is_small: bool = False


def of(actor: Actor) -> list[MonthGauge]:
    """Return the gauges of the running month that this person may see."""
    zone = Tenant.objects.get(pk=active_tenant_id()).zone
    now = clock.now()
    today = now.astimezone(zone).date()
    period = Period(today.replace(day=1), today + timedelta(days=1), zone)
    terms = contracts.terms_at(now)
    return [make(period, terms) for capability, make in _GAUGES if actor.can(capability)]


def _first_reply(period: Period, terms: Terms) -> MonthGauge:
    return _kept(_("First reply"), "first_reply", period)


def _handoff(period: Period, terms: Terms) -> MonthGauge:
    return _kept(_("Delivered to agents"), "handoff", period)


def _kept(label: str, metric: str, period: Period) -> MonthGauge:
    counted = {"kind__exact": metric, "counted": "yes"}
    return _share(metric, label, period, Fraction(1), "tenants_obligation", counted)


def _auto_answer(period: Period, terms: Terms) -> MonthGauge:
    return _share(
        "auto_answer",
        _("Auto-answer rate"),
        period,
        Fraction(terms.auto_answer_target),
        "reporting_question",
        {"counted": "yes"},
    )


def _share(
    metric: str,
    label: str,
    period: Period,
    target: Fraction,
    rows: str,
    filters: Mapping[str, str | Sequence[str]],
) -> MonthGauge:
    found = figures.total(period, metric)
    value = metrics.ratio(found.part, found.whole)
    return MonthGauge(
        key=metric,
        label=label,
        shown=metrics.shown_percent(value),
        promised=_("promised: %(target)s") % {"target": metrics.shown_percent(target)},
        basis=_("%(part)s of %(whole)s, up to yesterday")
        % {"part": found.part, "whole": found.whole},
        tone=_tone(metrics.verdict(value, target)),
        link=links.rows(rows, {**days_of(period), **filters}),
        is_small=value is not None and metrics.is_small(found.whole),
    )


def _satisfaction(period: Period, terms: Terms) -> MonthGauge:
    bot = month_figures(period.first).bot
    tone = _tone(metrics.verdict(bot.score, terms.satisfaction_target))
    # R11 warns before the target is missed.
    line = terms.satisfaction_target + metrics.WARNED_ABOVE
    near = bot.score is not None and bot.score < line
    return MonthGauge(
        key="satisfaction",
        label=_("Satisfaction"),
        shown=bot.shown,
        promised=_("promised: %(target)s") % {"target": f"{terms.satisfaction_target:.2f}"},
        basis=_("%(count)s answers so far") % {"count": bot.responses},
        tone="warn" if tone == "ok" and near else tone,
        link=links.rows(
            "conversations_rating",
            {"month": f"{period.first:%Y-%m}", "part__exact": "bot", "counted": "yes"},
        ),
        is_small=bot.score is not None and metrics.is_small(bot.responses),
    )


def _availability(period: Period, terms: Terms) -> MonthGauge:
    start, end = month_bounds(period.first, period.zone)
    found = uptime.measured(start, end).figures
    net = found.net if found else None
    target = Fraction(terms.availability_target)
    tone = _tone(metrics.verdict(net, target))
    basis = _("no prober watches yet")
    if found is not None:
        seconds = int(found.down_net.total_seconds())
        basis = _("down for %(seconds)s s so far") % {"seconds": seconds}
        allowed = availability.budget(availability.month(period.first, period.zone), target)
        if tone == "ok" and found.down_net > allowed * float(_BUDGET_LEFT):
            tone = "warn"
    return MonthGauge(
        key="availability",
        label=_("Availability"),
        shown=metrics.shown_percent(net),
        promised=_("promised: %(target)s") % {"target": metrics.shown_percent(target)},
        basis=basis,
        tone=tone,
        link=links.rows(
            "reporting_downinterval", {**days_of(period), "kind__exact": "down", "counted": "yes"}
        ),
    )


def _tone(verdict: Verdict) -> str:
    return {Verdict.KEPT: "ok", Verdict.MISSED: "breach"}.get(verdict, "info")


_GAUGES: tuple[tuple[str, Callable[[Period, Terms], MonthGauge]], ...] = (
    ("obligation.view", _first_reply),
    ("question.view", _auto_answer),
    ("obligation.view", _handoff),
    ("survey.view", _satisfaction),
    ("availability.view", _availability),
)
