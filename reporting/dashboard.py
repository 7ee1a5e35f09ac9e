"""The admin's home: what is due and wrong, then today against the contract, then the trend."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversations.models import BotDecision, Conversation, Message
from conversations.states import ConversationStatus
from knowledge import search
from knowledge.models import Entry
from reporting import charts, month_gauges, portfolio, queries
from reporting.charts import Value
from reporting.models import (
    ClaimDecision,
    ExclusionClaim,
    Incident,
    PlanState,
    RectificationPlan,
    Report,
)
from reporting.queries import Kept, Share
from reporting.services import answer_audits, label_audits, labels, reports
from tenants import terms
from tenants.actors import SESSION_TENANT, Actor, oversees_several, tenants_of
from tenants.durations import in_words
from tenants.models import (
    Approval,
    ApprovalState,
    Breach,
    Obligation,
    ObligationKind,
    ObligationState,
)

# How much of an unanswered question its link searches for.
_QUOTED = 60


@dataclass(frozen=True)
class Due:
    """One thing that may need somebody now: `tone` is "ok", "warn" or "breach"."""

    label: str
    figure: int
    words: str
    tone: str
    link: str


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
        "due": [
            *(card() for capability, card in _DUE if actor.can(capability)),
            *(each for each in (to_do(actor) for to_do in _TO_DO) if each is not None),
        ],
        "gauges": [gauge() for capability, gauge in _GAUGES if actor.can(capability)],
        "month_gauges": month_gauges.of(actor),
        **(_conversations() if actor.can("conversation.view") else {}),
        "words_only": actor.can("knowledge.view") and not search.is_semantic(),
        "may_edit": actor.can("knowledge.change"),
        "may_publish": actor.can("knowledge.publish"),
    }


def _waiting() -> Due:
    queue = queries.queue()
    late = queue.longest is not None and queue.longest > terms.HANDOFF
    words = (
        _("longest wait %(span)s") % {"span": in_words(queue.longest)}
        if queue.longest is not None
        else _("nobody waits for an agent")
    )
    return Due(
        label=_("Visitors waiting"),
        figure=queue.waiting,
        words=words,
        tone="breach" if late else "warn" if queue.waiting else "ok",
        link=_list(Conversation, status__exact=ConversationStatus.WAITING),
    )


def _breaches() -> Due:
    count = queries.breaches_today()
    return Due(
        label=_("Promises broken today"),
        figure=count,
        words=_("each one opens into its conversation") if count else _("none so far"),
        tone="breach" if count else "ok",
        link=_list(Breach, period="today"),
    )


def _unpublished() -> Due:
    changes = queries.pending_changes()
    words = (
        _("%(added)s added, %(changed)s changed, %(removed)s removed")
        % {"added": changes.added, "changed": changes.changed, "removed": changes.removed}
        if changes.total
        else _("visitors hear the latest state")
    )
    return Due(
        label=_("Changes not published"),
        figure=changes.total,
        words=words,
        tone="warn" if changes.total else "ok",
        link=_list(Entry, state="pending"),
    )


def _unanswered() -> Due:
    count = queries.unanswered().total
    return Due(
        label=_("Questions without an answer"),
        figure=count,
        words=_("in the last 7 days"),
        tone="warn" if count else "ok",
        link=_unanswered_link(),
    )


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
        link=_list(Obligation, **filters),
        promised=True,
    )


def _first_reply() -> Gauge:
    return _promise(ObligationKind.FIRST_REPLY, _("First reply"), terms.FIRST_REPLY)


def _handoff() -> Gauge:
    return _promise(ObligationKind.HANDOFF, _("Delivered to agents"), terms.HANDOFF)


def _answered() -> Gauge:
    return _share(
        _("Answered by the assistant"),
        queries.answered_today(),
        _("of today's questions; the contract judges the month"),
        _list(BotDecision, period="today"),
    )


def _helpful() -> Gauge:
    return _share(
        _("Found helpful"),
        queries.helpful_today(),
        _("of today's judged answers"),
        _list(Message, period="today", feedback__exact="unhelpful"),
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


def _reports_to_approve(actor: Actor) -> Due | None:
    if not actor.can("report.approve"):
        return None
    return _to_do(
        _("Reports to approve"),
        Report.objects.filter(approved_at=None).count(),
        _("they are sent once you approve them"),
        _list(Report, standing="approve"),
    )


def _reports_to_answer(actor: Actor) -> Due | None:
    if not actor.can("report.answer"):
        return None
    return _to_do(
        _("Reports to confirm"),
        reports.to_answer().count(),
        _("confirm them, or object"),
        _list(Report, standing="answer"),
    )


def _to_sign(actor: Actor) -> Due | None:
    if not actor.can("contract.sign"):
        return None
    return _to_do(
        _("To be signed"),
        Approval.objects.filter(state=ApprovalState.OPEN)
        .exclude(signatures__signer=actor.user)
        .count(),
        _("read and sign, or refuse"),
        _list(Approval, state__exact=ApprovalState.OPEN),
    )


def _incidents(actor: Actor) -> Due | None:
    if not actor.can("incident.view"):
        return None
    return _to_do(
        _("Open incidents"),
        Incident.objects.filter(restored_at=None).count(),
        _("their clocks run"),
        _list(Incident, standing="open"),
        tone="breach",
    )


def _claims(actor: Actor) -> Due | None:
    if not actor.can("availability.decide"):
        return None
    return _to_do(
        _("Exclusion claims to decide"),
        ExclusionClaim.objects.filter(decision=ClaimDecision.PENDING).count(),
        _("until then the time counts as down"),
        _list(ExclusionClaim),
    )


def _plans(actor: Actor) -> Due | None:
    mine = {
        "plan.write": (PlanState.TRIGGERED, PlanState.RETURNED),
        "plan.decide": (PlanState.SUBMITTED,),
    }
    states = [each for name, found in mine.items() if actor.can(name) for each in found]
    if not states:
        return None
    return _to_do(
        _("Rectification plans"),
        RectificationPlan.objects.filter(state__in=states).count(),
        _("waiting for you"),
        _list(RectificationPlan),
        tone="breach",
    )


def _label_audits(actor: Actor) -> Due | None:
    if not actor.can("question.label"):
        return None
    waiting = label_audits.waiting_for(actor.user)
    if not waiting:
        return None
    return _to_do(
        _("Labels to audit"),
        sum(each.left for each in waiting),
        _("see the words alone and say what each question is"),
        reverse("admin:reporting_labelreview_review_page", args=[waiting[0].review.pk]),
    )


def _labels_again(actor: Actor) -> Due | None:
    months = labels.months_redone() if actor.can("question.label") else []
    if not months:
        return None
    found = labels.progress(months[0])
    page = reverse("admin:reporting_question_review_page")
    return _to_do(
        _("Labels to give again"),
        found.total - found.done,
        _("of %(month)s, as its reviewers agreed too little") % {"month": f"{months[0]:%Y-%m}"},
        f"{page}?month={months[0]:%Y-%m}",
        tone="breach",
    )


def _answer_audits(actor: Actor) -> Due | None:
    if not actor.can("mismatch.change"):
        return None
    waiting = answer_audits.left()
    if not waiting:
        return None
    return _to_do(
        _("Answers to check"),
        sum(count for _audit, count in waiting),
        _("against the versions they cite"),
        reverse("admin:reporting_accuracyaudit_check_page", args=[waiting[0][0].pk]),
    )


def _to_do(label: str, count: int, words: str, link: str, *, tone: str = "warn") -> Due | None:
    """What comes only now and then is shown only while there is any."""
    return Due(label, count, words, tone, link) if count else None


_TO_DO: tuple[Callable[[Actor], Due | None], ...] = (
    _incidents,
    _reports_to_approve,
    _reports_to_answer,
    _to_sign,
    _claims,
    _plans,
    _label_audits,
    _labels_again,
    _answer_audits,
)
_DUE: tuple[tuple[str, Callable[[], Due]], ...] = (
    ("conversation.view", _waiting),
    ("obligation.view", _breaches),
    ("knowledge.view", _unpublished),
    ("conversation.view", _unanswered),
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
            (question, _unanswered_link(q=question.text[:_QUOTED]))
            for question in queries.unanswered().top
        ],
        "unanswered_link": _unanswered_link(),
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
                    link=_list(BotDecision, period=f"{day.date:%Y-%m-%d}"),
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
                    link=_list(Breach, period=f"{day.date:%Y-%m-%d}"),
                )
                for day in days
            ]
        ),
        "breaches_total": sum(day.breaches for day in days),
    }


def _unanswered_link(**filters: str) -> str:
    reasons = [reason.value for reason in queries.UNANSWERED_REASONS]
    return _list(BotDecision, reason__exact=reasons, period="week", **filters)


def _list(model: Any, **filters: Any) -> str:
    meta = model._meta
    path = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    return f"{path}?{urlencode(filters, doseq=True)}"
