"""The running month against the contract, for the admin's home: one figure beside each promise."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from conversations.satisfaction import month_bounds
from conversations.survey_figures import month_figures
from reporting import metrics
from reporting.sections import Period, Verdict
from reporting.services import figures, uptime
from tenants import clock
from tenants.actors import Actor
from tenants.models import Tenant
from tenants.scoping import active_tenant_id
from tenants.services import contracts
from tenants.terms import Terms


@dataclass(frozen=True)
class MonthGauge:
    """One promise: what the month has come to, what is promised, and from what that is reckoned."""

    label: str
    shown: str
    promised: str
    basis: str
    tone: str
    link: str


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
    found = figures.total(period, metric)
    return _share(
        label, found.part, found.whole, Fraction(1), _link("tenants_obligation", kind__exact=metric)
    )


def _auto_answer(period: Period, terms: Terms) -> MonthGauge:
    found = figures.total(period, "auto_answer")
    return _share(
        _("Auto-answer rate"),
        found.part,
        found.whole,
        Fraction(terms.auto_answer_target),
        _link("reporting_question"),
    )


def _share(label: str, part: int, whole: int, target: Fraction, link: str) -> MonthGauge:
    value = metrics.ratio(part, whole)
    return MonthGauge(
        label=label,
        shown=metrics.shown_percent(value),
        promised=_("promised: %(target)s") % {"target": metrics.shown_percent(target)},
        basis=_("%(part)s of %(whole)s, up to yesterday") % {"part": part, "whole": whole},
        tone=_tone(metrics.verdict(value, target)),
        link=link,
    )


def _satisfaction(period: Period, terms: Terms) -> MonthGauge:
    bot = month_figures(period.first).bot
    return MonthGauge(
        label=_("Satisfaction"),
        shown=bot.shown,
        promised=_("promised: %(target)s") % {"target": f"{terms.satisfaction_target:.2f}"},
        basis=_("%(count)s answers so far") % {"count": bot.responses},
        tone=_tone(metrics.verdict(bot.score, terms.satisfaction_target)),
        link=_link("conversations_rating"),
    )


def _availability(period: Period, terms: Terms) -> MonthGauge:
    start, end = month_bounds(period.first, period.zone)
    found = uptime.measured(start, end).figures
    net = found.net if found else None
    target = Fraction(terms.availability_target)
    basis = _("no prober watches yet")
    if found is not None:
        seconds = int(found.down_net.total_seconds())
        basis = _("down for %(seconds)s s so far") % {"seconds": seconds}
    return MonthGauge(
        label=_("Availability"),
        shown=metrics.shown_percent(net),
        promised=_("promised: %(target)s") % {"target": metrics.shown_percent(target)},
        basis=basis,
        tone=_tone(metrics.verdict(net, target)),
        link=_link("reporting_downinterval"),
    )


def _tone(verdict: Verdict) -> str:
    return {Verdict.KEPT: "ok", Verdict.MISSED: "breach"}.get(verdict, "info")


def _link(model: str, **filters: Any) -> str:
    path = reverse(f"admin:{model}_changelist")
    return f"{path}?{'&'.join(f'{name}={value}' for name, value in filters.items())}"


_GAUGES: tuple[tuple[str, Callable[[Period, Terms], MonthGauge]], ...] = (
    ("obligation.view", _first_reply),
    ("question.view", _auto_answer),
    ("obligation.view", _handoff),
    ("survey.view", _satisfaction),
    ("availability.view", _availability),
)
