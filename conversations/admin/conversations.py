"""Conversations with their transcripts, and the hand-offs to people, to read."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    DropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import display

from conversations import explanations, wire
from conversations.admin.counting import taken_handoffs
from conversations.admin.decisions import feedback_badge
from conversations.admin.links import conversation_link
from conversations.admin.targets import cause_in_words
from conversations.models import AuthorKind, BotDecision, Contact, Conversation, Handoff, Message
from conversations.states import ConversationStatus, HandoffState
from tenants import clock
from tenants.admin_base import ReadOnlyAdmin, badge, moment, second
from tenants.admin_filters import counted, period_on
from tenants.durations import in_words
from tenants.scoping import as_uuid

STATE_TONES = {
    ConversationStatus.BOT: "info",
    ConversationStatus.WAITING: "warn",
    ConversationStatus.HUMAN: "ok",
    ConversationStatus.CLOSED: "",
}
HANDOFF_TONES = {
    HandoffState.CREATED: "info",
    HandoffState.DELIVERING: "info",
    HandoffState.DELIVERED: "ok",
    HandoffState.ACCEPTED: "ok",
    HandoffState.CLOSED: "",
    HandoffState.FALLBACK_CONSOLE: "warn",
    HandoffState.WITHDRAWN: "ok",
    HandoffState.FAILED: "breach",
}
# A transcript shows the latest of them; who needs more reads the evidence.
SHOWN_MESSAGES = 500


class ContactFilter(DropdownFilter):
    """The conversations of one contact, reached from the contact's page."""

    title = _("contact")
    parameter_name = "contact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        asked = request.GET.get(self.parameter_name)
        if not asked:
            return []
        contact = Contact.objects.filter(pk=as_uuid(asked)).first()
        # Without a choice the filter would not apply, and everybody's conversations be shown.
        return [(asked, contact.display_name if contact else "–")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.value()
        return queryset.filter(contact=as_uuid(asked)) if asked else queryset


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    """Shows what was said, by whom, and why the assistant said it."""

    capabilities = {"view": "conversation.view"}
    list_display = ("state", "who", "channel", "last_text", "agent_name", "last_seq", "active_at")
    list_display_links = ("who",)
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("channel", RelatedDropdownFilter),
        ("handoff_reason", ChoicesDropdownFilter),
        period_on("last_at"),
        ContactFilter,
    )
    list_filter_submit = True
    list_select_related = ("channel", "contact", "agent")
    search_fields = ("contact__name", "contact__phone", "last_text")
    search_help_text = _("Name or phone number of the visitor, or words of the last message")
    fields = (
        ("state", "contact_link"),
        ("channel", "demo"),
        ("served_by", "reasons"),
        ("began_at", "ended_at"),
        "waiting",
    )
    change_form_outer_after_template = "admin/conversations/transcript.html"
    empty_text = _("Conversations appear here as soon as a visitor writes.")

    def title_of(self, row: Conversation) -> str:
        return f"{row.contact.display_name} {moment(row.created_at)}"

    def more_about(self, request: HttpRequest, row: Conversation) -> dict[str, Any]:
        return {
            "lines": transcript(row),
            "shown": SHOWN_MESSAGES,
            "conversation": row,
            "ai_badge": wire.AI_BADGE["en" if get_language() == "en" else "zh-CN"],
        }

    @display(description=_("status"), ordering="status")
    def state(self, conversation: Conversation) -> SafeString:
        status = ConversationStatus(conversation.status)
        return badge(status.label, STATE_TONES[status])

    @display(description=_("contact"), ordering="contact__name")
    def who(self, conversation: Conversation) -> str:
        demo = f" ({gettext('Demonstration')})" if conversation.is_demo else ""
        return f"{conversation.contact.display_name}{demo}"

    @display(description=_("contact"))
    def contact_link(self, conversation: Conversation) -> SafeString:
        return format_html(
            '<a class="y-link" href="{}">{}</a>',
            reverse("admin:conversations_contact_change", args=[conversation.contact_id]),
            conversation.contact.display_name,
        )

    @display(description=_("agent"), ordering="agent__display_name")
    def agent_name(self, conversation: Conversation) -> str:
        return str(conversation.agent or "–")

    @display(description=_("agent"))
    def served_by(self, conversation: Conversation) -> str:
        taken = conversation.handoffs.filter(accepted_by__isnull=False).order_by("decided_at")
        names = taken.values_list("accepted_by__display_name", flat=True)
        return ", ".join(dict.fromkeys(names)) or "–"

    @display(description=_("waiting"))
    def waiting(self, conversation: Conversation) -> str:
        if conversation.waiting_since is None:
            return "–"
        return in_words(clock.now() - conversation.waiting_since)

    @display(description=_("hand-off reason"))
    def reasons(self, conversation: Conversation) -> str:
        handoffs = conversation.handoffs.order_by("decided_at")
        return ", ".join(handoff.get_reason_display() for handoff in handoffs) or "–"

    @display(description=_("last activity"), ordering="last_at")
    def active_at(self, conversation: Conversation) -> str:
        return moment(conversation.last_at)

    @display(description=_("created at"))
    def began_at(self, conversation: Conversation) -> str:
        return moment(conversation.created_at)

    @display(description=_("closed at"))
    def ended_at(self, conversation: Conversation) -> str:
        return moment(conversation.closed_at) or "–"

    @display(description=_("demonstration"))
    def demo(self, conversation: Conversation) -> str:
        return badge(gettext("Demonstration"), "info") if conversation.is_demo else "–"


@admin.register(Handoff)
class HandoffAdmin(ReadOnlyAdmin):
    """Shows each passing from the assistant to people, and how long it took."""

    capabilities = {"view": "conversation.view"}
    list_display = (
        "progress",
        "reason_name",
        "who",
        "where",
        "asked_at",
        "delivery",
        "acceptance",
        "taken_by",
    )
    list_display_links = ("reason_name",)
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("reason", ChoicesDropdownFilter),
        counted(taken_handoffs),
        period_on("triggered_at"),
    )
    list_filter_submit = True
    list_select_related = ("conversation__contact", "accepted_by", "target")
    fields = (
        "progress",
        "reason_name",
        "who",
        "where",
        "there",
        "cause",
        "note",
        "asked_at",
        "delivery",
        "acceptance",
        "taken_by",
        "over_at",
    )
    ordering = ("-decided_at",)

    def title_of(self, row: Handoff) -> str:
        return f"{row.get_reason_display()} {moment(row.triggered_at)}"

    @display(description=_("state"), ordering="state")
    def progress(self, handoff: Handoff) -> SafeString:
        if handoff.ended_at is not None:
            return badge(gettext("Over"))
        state = HandoffState(handoff.state)
        if handoff.target_id is None:
            if handoff.accepted_at is not None:
                return badge(gettext("With an agent"), "ok")
            return badge(gettext("Waiting for an agent"), "warn")
        return badge(state.label, HANDOFF_TONES[state])

    @display(description=_("target"))
    def where(self, handoff: Handoff) -> str:
        return str(handoff.target or gettext("Agent console"))

    @display(description=_("there"))
    def there(self, handoff: Handoff) -> SafeString | str:
        words = " · ".join(filter(None, (handoff.external_id, handoff.external_agent)))
        if handoff.external_url:
            return format_html(
                '<a class="y-link" href="{}" target="_blank" rel="noopener noreferrer">{}</a>',
                handoff.external_url,
                words or handoff.external_url,
            )
        return words or "–"

    @display(description=_("why in our console"))
    def cause(self, handoff: Handoff) -> str:
        return cause_in_words(handoff.fallback_cause) or "–"

    @display(description=_("reason"), ordering="reason")
    def reason_name(self, handoff: Handoff) -> str:
        return handoff.get_reason_display()

    @display(description=_("conversation"))
    def who(self, handoff: Handoff) -> str:
        return conversation_link(handoff.conversation_id, handoff.conversation.contact.display_name)

    @display(description=_("triggered at"), ordering="triggered_at")
    def asked_at(self, handoff: Handoff) -> str:
        return second(handoff.triggered_at)

    @display(description=_("delivered after"))
    def delivery(self, handoff: Handoff) -> str:
        if handoff.delivered_at is None:
            return "–"
        return in_words(handoff.delivered_at - handoff.triggered_at, precise=True)

    @display(description=_("taken after"))
    def acceptance(self, handoff: Handoff) -> str:
        if handoff.accepted_at is None or handoff.delivered_at is None:
            return "–"
        return in_words(handoff.accepted_at - handoff.delivered_at)

    @display(description=_("taken by"))
    def taken_by(self, handoff: Handoff) -> str:
        return str(handoff.accepted_by or handoff.external_agent or "–")

    @display(description=_("ended at"))
    def over_at(self, handoff: Handoff) -> str:
        return moment(handoff.ended_at) or "–"


def transcript(conversation: Conversation) -> list[dict[str, Any]]:
    """Return the latest messages, in order, with their author and reason, and the notes between."""
    latest = (
        Message.objects.filter(conversation=conversation)
        .select_related("agent", "decision")
        .order_by("-seq")[:SHOWN_MESSAGES]
    )
    messages = list(reversed(latest))
    wire.with_files(messages)
    lines = [_line(conversation, message) for message in messages]
    first = lines[0]["message"].seq if lines else 0
    notes = conversation.notes.select_related("author").filter(after_seq__gte=first - 1)
    lines += [{"note": note, "at": moment(note.created_at)} for note in notes]
    return sorted(lines, key=_place)


def _place(line: dict[str, Any]) -> tuple[int, int]:
    if "note" in line:
        return line["note"].after_seq, line["note"].number
    return line["message"].seq, 0


def _line(conversation: Conversation, message: Message) -> dict[str, Any]:
    decision: BotDecision | None = getattr(message, "decision", None)
    names = {
        AuthorKind.CUSTOMER: conversation.contact.display_name,
        AuthorKind.BOT: conversation.channel.assistant_name,
        AuthorKind.AGENT: str(message.agent or message.author_name),
    }
    return {
        "message": message,
        "author": names.get(AuthorKind(message.author_kind), ""),
        "at": moment(message.created_at),
        "decision": decision,
        "why": explanations.why(decision) if decision else "",
        "feedback": feedback_badge(message),
        "files": _files(message),
        "is_ai": message.author_kind == AuthorKind.BOT,
    }


def _files(message: Message) -> list[dict[str, Any]]:
    files = message.attachments.all() if message.stand_in else ()
    shown = [wire.attachment_object(each) for each in files]
    # The address of a withdrawn one leads nowhere.
    return [{**each, "url": None} for each in shown] if message.withdrawn_at else shown
