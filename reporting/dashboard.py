"""The admin's home: what is due and wrong, then today against the contract, then the trend."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from knowledge import search
from reporting import charts, home_cards, links, month_gauges, portfolio, queries
from reporting.charts import Value
from reporting.queries import Kept, Share
from tenants import clock
from tenants.actors import SESSION_TENANT, Actor, oversees_several, tenants_of
from tenants.durations import in_words
from tenants.models import ObligationKind, ObligationState
from tenants.services import contracts

# How much of an unanswered question its link searches for.
_QUOTED = 60


@dataclass(frozen=True)
class Gauge:
    """One of today's figures: a share, and whether the contract promises all of it."""

    label: str
    part: int
    whole: int
    percent: str
    words: str
    tone: str
    link: str
    promised: bool

    @property
    def is_empty(self) -> bool:
        return self.whole == 0


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add to the context what the home page shows this person.

    Who has several tenants and has chosen none sees how all of them stand.
    """
    actor = getattr(request, "actor", None)
    if not isinstance(actor, Actor):
        return context
    several = oversees_several(actor.user)
    chosen = actor.tenant is not None and request.session.get(SESSION_TENANT) == actor.tenant.pk
    if several and not chosen:
        context = {**context, "portfolio": portfolio.of(actor.user)}
    if actor.tenant is None:
        return {**context, "tenant_choices": tenants_of(actor.user)}
    if "portfolio" in context:
        return context
    return {
        **context,
        "oversees": several,
        "tenant": actor.tenant,
        "due": home_cards.of(actor),
        "gauges": [gauge() for capability, gauge in _GAUGES if actor.can(capability)],
        "month_gauges": month_gauges.of(actor),
        **(_conversations() if actor.can("conversation.view") else {}),
        "words_only": actor.can("knowledge.view") and not search.is_semantic(),
        "may_edit": actor.can("knowledge.change"),
        "may_publish": actor.can("knowledge.publish"),
    }


def _promise(kind: ObligationKind, label: str, limit: timedelta) -> Gauge:
    kept: Kept = queries.kept_today(kind)
    words = _("every one is promised within %(limit)s") % {"limit": in_words(limit)}
    if kept.running:
        running = ngettext("%(count)s still running", "%(count)s still running", kept.running)
        words = f"{words} · {running % {'count': kept.running}}"
    filters = {"kind__exact": kind, "period": "today"}
    if kept.breached:
        filters["state__exact"] = ObligationState.BREACHED
    return Gauge(
        label=label,
        part=kept.met,
        whole=kept.judged,
        percent=charts.percent(kept.met, kept.judged) if kept.judged else "",
        words=words,
        tone="breach" if kept.breached else "ok",
        link=links.rows("tenants_obligation", filters),
        promised=True,
    )


def _first_reply() -> Gauge:
    limit = contracts.terms_at(clock.now()).first_reply
    return _promise(ObligationKind.FIRST_REPLY, _("First reply"), limit)


def _handoff() -> Gauge:
    limit = contracts.terms_at(clock.now()).handoff
    return _promise(ObligationKind.HANDOFF, _("Delivered to agents"), limit)


def _answered() -> Gauge:
    return _share(
        _("Answered by the assistant"),
        queries.answered_today(),
        _("of today's questions; the contract judges the month"),
        links.rows("conversations_botdecision", {"period": "today"}),
    )


def _helpful() -> Gauge:
    return _share(
        _("Found helpful"),
        queries.helpful_today(),
        _("of today's judged answers"),
        links.rows("conversations_message", {"period": "today", "feedback__exact": "unhelpful"}),
    )


def _share(label: str, share: Share, words: str, link: str) -> Gauge:
    return Gauge(
        label=label,
        part=share.part,
        whole=share.whole,
        percent=charts.percent(share.part, share.whole) if share.whole else "",
        words=words,
        tone="info",
        link=link,
        promised=False,
    )


_GAUGES: tuple[tuple[str, Callable[[], Gauge]], ...] = (
    ("obligation.view", _first_reply),
    ("obligation.view", _handoff),
    ("conversation.view", _answered),
    ("conversation.view", _helpful),
)


def _conversations() -> dict[str, Any]:
    days = queries.trend()
    return {
        "unanswered": [
            (question, home_cards.unanswered_link(question.text[:_QUOTED]))
            for question in queries.unanswered().top
        ],
        "unanswered_link": home_cards.unanswered_link(),
        "has_past": any(day.questions for day in days),
        "questions_chart": charts.bars(
            [
                Value(
                    label=f"{day.date:%d}",
                    part=day.answered,
                    whole=day.questions,
                    title=_("%(date)s: %(questions)s questions, %(answered)s answered")
                    % {
                        "date": f"{day.date:%Y-%m-%d}",
                        "questions": day.questions,
                        "answered": day.answered,
                    },
                    link=links.rows(
                        "conversations_botdecision", {"period": f"{day.date:%Y-%m-%d}"}
                    ),
                )
                for day in days
            ]
        ),
        "breaches_chart": charts.bars(
            [
                Value(
                    label=f"{day.date:%d}",
                    part=day.breaches,
                    whole=day.breaches,
                    title=_("%(date)s: %(breaches)s promises broken")
                    % {"date": f"{day.date:%Y-%m-%d}", "breaches": day.breaches},
                    link=links.rows("tenants_breach", {"period": f"{day.date:%Y-%m-%d}"}),
                )
                for day in days
            ]
        ),
        "breaches_total": sum(day.breaches for day in days),
    }
