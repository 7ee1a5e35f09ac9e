"""What the assistant decided, and what visitors thought of it, to read."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    DropdownFilter,
    MultipleChoicesDropdownFilter,
)
from unfold.decorators import display

from conversations import explanations
from conversations.admin.counting import of_demonstrations, of_real_conversations
from conversations.admin.links import conversation_link
from conversations.models import BotDecision, DecisionOutcome, Feedback, Message
from conversations.services import fidelity
from knowledge.models import EntryVersion
from tenants.admin_base import ReadOnlyAdmin, badge, moment
from tenants.admin_filters import counted, period_on, states
from tenants.scoping import as_uuid
from tenants.services.subprocessors import CAUSES

OUTCOME_TONES = {
    DecisionOutcome.ANSWERED: "ok",
    DecisionOutcome.CLARIFY: "info",
    DecisionOutcome.HANDOFF: "warn",
    DecisionOutcome.SMALLTALK: "",
}
FEEDBACK_TONES = {Feedback.HELPFUL: "ok", Feedback.UNHELPFUL: "breach"}
_QUOTED = 80


@admin.register(BotDecision)
class BotDecisionAdmin(ReadOnlyAdmin):
    """Shows each decision with everything it was made from."""

    capabilities = {"view": "conversation.view"}
    list_display = ("state", "asked", "why", "release", "latency", "at", "where")
    list_display_links = ("asked",)
    list_filter = (
        ("outcome", ChoicesDropdownFilter),
        ("reason", MultipleChoicesDropdownFilter),
        period_on("decided_at"),
    )
    list_filter_submit = True
    list_select_related = ("question", "release")
    search_fields = ("question__text",)
    fields = (
        "state",
        "question_text",
        "why",
        "sounds_like",
        "considered",
        "in_scope_percent",
        "model_advice",
        "release",
        "rule",
        "latency",
        "at",
        "where",
    )
    ordering = ("-decided_at",)
    empty_text = _("Each question the assistant decides about leaves a line here.")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("at",)

    def title_of(self, row: BotDecision) -> str:
        return self.asked(row)

    @display(description=_("outcome"))
    def state(self, decision: BotDecision) -> SafeString:
        outcome = DecisionOutcome(decision.outcome)
        return badge(outcome.label, OUTCOME_TONES[outcome])

    @display(description=_("question"))
    def asked(self, decision: BotDecision) -> str:
        return Truncator(decision.question.words).chars(_QUOTED)

    @display(description=_("question"))
    def question_text(self, decision: BotDecision) -> str:
        return decision.question.words

    @display(description=_("why"))
    def why(self, decision: BotDecision) -> str:
        return explanations.why(decision)

    @display(description=_("sounds like"))
    def sounds_like(self, decision: BotDecision) -> str:
        return explanations.sounds_like(decision.topics) or "–"

    @display(description=_("probability that an entry fits"))
    def in_scope_percent(self, decision: BotDecision) -> str:
        return "–" if decision.in_scope is None else f"{round(decision.in_scope * 100)}%"

    @display(description=_("considered"))
    def considered(self, decision: BotDecision) -> Any:
        if not decision.candidates:
            return "–"
        return render_to_string(
            "admin/conversations/_candidates.html",
            candidates_context(decision),
        )

    @display(description=_("language model"))
    def model_advice(self, decision: BotDecision) -> str:
        names = {"pick": gettext("Choice"), "wording": gettext("Wording")}
        went = {
            **CAUSES,
            "well": gettext("heard"),
            "refused": gettext("refused: it does not say the same"),
            "unusable": gettext("it said something nobody asked for"),
        }
        lines = [
            f"{names[kind]}: {facts.get('model', '–')} · {went[facts['went']]} · {facts['ms']} ms"
            f" · {facts['prompt']}"
            for kind, facts in decision.advice.items()
        ]
        return "\n".join(lines) or "–"

    @display(description=_("latency"))
    def latency(self, decision: BotDecision) -> str:
        return f"{decision.latency_ms} ms"

    @display(description=_("decided at"), ordering="decided_at")
    def at(self, decision: BotDecision) -> str:
        return moment(decision.decided_at)

    @display(description=_("conversation"))
    def where(self, decision: BotDecision) -> str:
        return conversation_link(decision.conversation_id)


class VersionFilter(DropdownFilter):
    """The replies that one entry version gave, reached from a mismatch report."""

    title = _("entry version")
    parameter_name = "version"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        asked = request.GET.get(self.parameter_name)
        if not asked:
            return []
        version = EntryVersion.objects.filter(pk=as_uuid(asked)).first()
        # Without a choice the filter would not apply, and every message be shown.
        return [(asked, str(version) if version else "–")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.value()
        return queryset.filter(entry_version=as_uuid(asked)) if asked else queryset


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """Shows single messages, above all those a visitor judged."""

    capabilities = {"view": "conversation.view"}
    list_display = ("judged", "author", "said", "comment", "at", "where")
    list_display_links = ("said",)
    list_filter = (
        ("feedback", ChoicesDropdownFilter),
        ("author_kind", ChoicesDropdownFilter),
        counted(of_real_conversations, of_demonstrations),
        states(compared=(_("compared with its source"), fidelity.COMPARABLE)),
        period_on("created_at"),
        VersionFilter,
    )
    list_filter_submit = True
    list_select_related = ("entry_version",)
    search_fields = ("text",)
    fields = ("judged", "comment", "author", "text", "entry_version", "at", "where")
    # Keys are made in the order of time, and unlike the time they are indexed.
    ordering = ("-pk",)

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ()

    def title_of(self, row: Message) -> str:
        return self.said(row)

    @display(description=_("feedback"))
    def judged(self, message: Message) -> str:
        return feedback_badge(message) or "–"

    @display(description=_("author"))
    def author(self, message: Message) -> str:
        return message.get_author_kind_display()

    @display(description=_("text"))
    def said(self, message: Message) -> str:
        return Truncator(message.text).chars(_QUOTED)

    @display(description=_("comment"))
    def comment(self, message: Message) -> str:
        return message.feedback_comment or "–"

    @display(description=_("created at"))
    def at(self, message: Message) -> str:
        return moment(message.created_at)

    @display(description=_("conversation"))
    def where(self, message: Message) -> str:
        return conversation_link(message.conversation_id)


def feedback_badge(message: Message) -> SafeString | str:
    """Return what the visitor thought of the message, as a label; "" if they said nothing."""
    if not message.feedback:
        return ""
    feedback = Feedback(message.feedback)
    return badge(feedback.label, FEEDBACK_TONES[feedback])


def candidates_context(
    decision: BotDecision, candidates: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Return what the bars need: each candidate's probability and the thresholds, in percent.

    `candidates` may tell more than the decision keeps.
    """
    return {
        "candidates": [
            {**candidate, "percent": round(candidate["p"] * 100)}
            for candidate in (decision.candidates if candidates is None else candidates)
        ],
        "answer_from": round((decision.answer_threshold or 0) * 100),
        "clarify_from": round((decision.clarify_threshold or 0) * 100),
        "in_scope": None if decision.in_scope is None else round(decision.in_scope * 100),
    }
