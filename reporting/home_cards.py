"""What may need somebody now, for the admin's home: a card for each thing this person sees to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from conversations.states import ConversationStatus
from reporting import links, queries
from reporting.models import (
    ClaimDecision,
    ExclusionClaim,
    Incident,
    PlanState,
    RectificationPlan,
    Report,
)
from reporting.services import answer_audits, label_audits, labels, reports
from tenants import clock
from tenants.actors import Actor
from tenants.durations import in_words
from tenants.models import Approval, ApprovalState
from tenants.services import contracts


@dataclass(frozen=True)
class Card:
    """One thing that may need somebody now: `tone` is "ok", "warn" or "breach"."""

    label: str
    figure: int
    words: str
    tone: str
    link: str


def of(actor: Actor) -> list[Card]:
    """Return the cards that this person may see.

    What goes on always has one in any case, what comes now and then only while there is any.
    """
    return [
        *(card() for capability, card in _ALWAYS if actor.can(capability)),
        *(each for each in (to_do(actor) for to_do in _TO_DO) if each is not None),
    ]


def unanswered_link(words: str = "") -> str:
    """Return the list of the last days' questions without an answer, narrowed to these words."""
    filters: dict[str, str | Sequence[str]] = {
        "reason__exact": [reason.value for reason in queries.UNANSWERED_REASONS],
        "period": "week",
    }
    return links.rows("conversations_botdecision", {**filters, "q": words} if words else filters)


def _waiting() -> Card:
    queue = queries.queue()
    late = queue.is_over(contracts.terms_at(clock.now()).handoff)
    words = (
        _("longest wait %(span)s") % {"span": in_words(queue.longest)}
        if queue.longest is not None
        else _("nobody waits for an agent")
    )
    return Card(
        label=_("Visitors waiting"),
        figure=queue.waiting,
        words=words,
        tone="breach" if late else "warn" if queue.waiting else "ok",
        link=links.rows(
            "conversations_conversation", {"status__exact": ConversationStatus.WAITING}
        ),
    )


def _breaches() -> Card:
    count = queries.breaches_today()
    return Card(
        label=_("Promises broken today"),
        figure=count,
        words=_("each one opens into its conversation") if count else _("none so far"),
        tone="breach" if count else "ok",
        link=links.rows("tenants_breach", {"period": "today"}),
    )


def _unpublished() -> Card:
    changes = queries.pending_changes()
    words = (
        _("%(added)s added, %(changed)s changed, %(removed)s removed")
        % {"added": changes.added, "changed": changes.changed, "removed": changes.removed}
        if changes.total
        else _("visitors hear the latest state")
    )
    return Card(
        label=_("Changes not published"),
        figure=changes.total,
        words=words,
        tone="warn" if changes.total else "ok",
        link=links.rows("knowledge_entry", {"state": "pending"}),
    )


def _unanswered() -> Card:
    count = queries.unanswered().total
    return Card(
        label=_("Questions without an answer"),
        figure=count,
        words=_("in the last 7 days"),
        tone="warn" if count else "ok",
        link=unanswered_link(),
    )


def _incidents(actor: Actor) -> Card | None:
    if not actor.can("incident.view"):
        return None
    return _to_do(
        _("Open incidents"),
        Incident.objects.filter(restored_at=None).count(),
        _("their clocks run"),
        links.rows("reporting_incident", {"standing": "open"}),
        tone="breach",
    )


def _reports_to_approve(actor: Actor) -> Card | None:
    if not actor.can("report.approve"):
        return None
    return _to_do(
        _("Reports to approve"),
        Report.objects.filter(approved_at=None).count(),
        _("they are sent once you approve them"),
        links.rows("reporting_report", {"standing": "approve"}),
    )


def _reports_to_answer(actor: Actor) -> Card | None:
    if not actor.can("report.answer"):
        return None
    return _to_do(
        _("Reports to confirm"),
        reports.to_answer().count(),
        _("confirm them, or object"),
        links.rows("reporting_report", {"standing": "answer"}),
    )


def _to_sign(actor: Actor) -> Card | None:
    if not actor.can("contract.sign"):
        return None
    return _to_do(
        _("To be signed"),
        Approval.objects.filter(state=ApprovalState.OPEN)
        .exclude(signatures__signer=actor.user)
        .count(),
        _("read and sign, or refuse"),
        links.rows("tenants_approval", {"state__exact": ApprovalState.OPEN}),
    )


def _claims(actor: Actor) -> Card | None:
    if not actor.can("availability.decide"):
        return None
    return _to_do(
        _("Exclusion claims to decide"),
        ExclusionClaim.objects.filter(decision=ClaimDecision.PENDING).count(),
        _("until then the time counts as down"),
        links.rows("reporting_exclusionclaim"),
    )


def _plans(actor: Actor) -> Card | None:
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
        links.rows("reporting_rectificationplan"),
        tone="breach",
    )


def _label_audits(actor: Actor) -> Card | None:
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


def _labels_again(actor: Actor) -> Card | None:
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


def _answer_audits(actor: Actor) -> Card | None:
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


def _to_do(label: str, count: int, words: str, link: str, *, tone: str = "warn") -> Card | None:
    return Card(label, count, words, tone, link) if count else None


_ALWAYS: tuple[tuple[str, Callable[[], Card]], ...] = (
    ("conversation.view", _waiting),
    ("obligation.view", _breaches),
    ("knowledge.view", _unpublished),
    ("conversation.view", _unanswered),
)
_TO_DO: tuple[Callable[[Actor], Card | None], ...] = (
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
