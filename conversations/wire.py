"""How conversations look on the wire: one shape for REST and sockets (protocols §3.3)."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import prefetch_related_objects
from django.utils.translation import gettext as _

from conversations import explanations, survey_wire
from conversations.files import link_to
from conversations.hours import opens_at
from conversations.instants import instant as instant
from conversations.models import (
    Attachment,
    AuthorKind,
    BotDecision,
    Contact,
    Conversation,
    Mention,
    Message,
    MessageKind,
    Note,
    Notice,
    NoticeKind,
    WrapUp,
)
from conversations.queries import pick_ups, queue_position, unsettled_ticket, wait_estimate
from conversations.states import ConversationStatus, HandoffReason

# The fixed words of the label law (contract L9): constants, not settings.
AI_NOTICE = {
    "zh-CN": "您正在与 AI 智能助手对话，内容由 AI 生成",
    "en": "You are chatting with an AI assistant; its content is AI-generated",
}
AI_BADGE = {"zh-CN": "AI 生成", "en": "AI-generated"}

# Of a quoted message, this much is shown.
EXCERPT_LENGTH = 120


def message_object(message: Message) -> dict[str, Any]:
    """Return the message as its visitor sees it."""
    shown: dict[str, Any] = {
        "id": str(message.pk),
        "seq": message.seq,
        "client_msg_id": message.client_msg_id,
        "conversation_id": str(message.conversation_id),
        "author": _author(message),
        "type": "text",
        "kind": message.kind,
        "text": message.text,
        "attachments": [],
        "buttons": message.buttons,
        "sources": [],
        "quote": quote_object(message),
        "created_at": instant(message.created_at),
        "edited_at": None,
        "withdrawn_at": instant(message.withdrawn_at),
        "status": _status(message),
        "feedback": message.feedback or None,
    }
    if message.withdrawn_at is not None:
        shown.update(text="", buttons=[], quote=None)
    elif message.stand_in:
        shown["attachments"] = files = [
            attachment_object(each)
            for each in sorted(message.attachments.all(), key=lambda each: each.place)
        ]
        shown["type"] = "image" if all(_is_image(each) for each in files) else "file"
    if message.author_kind == AuthorKind.BOT:
        shown["ai"] = True
    if message.kind == MessageKind.SURVEY:
        shown["survey"] = survey_wire.survey_object(message, for_visitor=True)
    return shown


def attachment_object(attachment: Attachment) -> dict[str, Any]:
    """Return a picture or file as both sides see it; a removed one has no name and no address."""
    return {
        "id": str(attachment.pk),
        "name": attachment.name,
        "mime": attachment.mime,
        "size": attachment.size,
        "width": attachment.width,
        "height": attachment.height,
        "url": link_to(attachment) if attachment.removed_at is None else None,
    }


def quote_object(message: Message) -> dict[str, Any] | None:
    """Return the message that this one quotes: who said it, and how it begins."""
    quote = message.quote if message.quote_id else None
    if quote is None:
        return None
    quote.conversation = message.conversation
    gone = quote.withdrawn_at is not None
    return {
        "id": str(quote.pk),
        "seq": quote.seq,
        "author": _author(quote),
        "excerpt": "" if gone else " ".join(quote.words.split())[:EXCERPT_LENGTH],
        "withdrawn": gone,
    }


def with_files(page: Sequence[Message]) -> None:
    """Load attachments and quotes of a page of messages, if it has any, in a query for each."""
    prefetch_related_objects([each for each in page if each.stand_in], "attachments")
    prefetch_related_objects([each for each in page if each.quote_id], "quote__agent")


def desk_message_object(message: Message, decision: BotDecision | None) -> dict[str, Any]:
    """Return the message as agents see it: with the reason for what the assistant said."""
    shown = message_object(message)
    shown["decision"] = (
        {"outcome": decision.outcome, "why": explanations.why(decision)} if decision else None
    )
    shown["feedback_reason"] = message.feedback_reason or None
    shown["feedback_comment"] = message.feedback_comment
    if message.kind == MessageKind.SURVEY:
        shown["survey"] = survey_wire.survey_object(message, for_visitor=False)
    shown["inquiry_id"] = str(message.inquiry_id) if message.inquiry_id else None
    if message.agent_id:
        shown["author"]["id"] = str(message.agent_id)
        shown["cites"] = str(message.entry_version_id) if message.entry_version_id else None
    return shown


def note_object(note: Note) -> dict[str, Any]:
    """Return a private note as agents see it."""
    return {
        "id": str(note.pk),
        "number": note.number,
        "after_seq": note.after_seq,
        "client_msg_id": note.client_msg_id,
        "author": {"id": str(note.author_id), "name": note.author.display_name},
        "text": note.text,
        "mentions": [
            {"id": str(mention.member_id), "name": mention.member.display_name}
            for mention in note.mentions.all()
        ],
        "created_at": instant(note.created_at),
    }


def notice_object(notice: Notice) -> dict[str, Any]:
    """Return a notice as consoles get it; `member_id` and `for_supervisors` say whose it is."""
    return {
        "id": str(notice.pk),
        "kind": notice.kind,
        "conversation_id": str(notice.conversation_id),
        "contact": contact_object(notice.conversation.contact),
        "text": notice_text(notice),
        "member_id": str(notice.member_id) if notice.member_id else None,
        "for_supervisors": notice.for_supervisors,
        "created_at": instant(notice.created_at),
    }


def notice_text(notice: Notice) -> str:
    """Return what a notice says, in the language in use."""
    if notice.kind == NoticeKind.SILENT_AGENT:
        return _("The visitor waits for your reply.")
    if notice.kind == NoticeKind.ESCALATION:
        return _("The agent has not replied for too long.")
    return notice.text


def conversation_object(conversation: Conversation) -> dict[str, Any]:
    """Return the conversation as its visitor sees it."""
    name = None
    if conversation.status == ConversationStatus.HUMAN:
        there = conversation.elsewhere.get("agent") or conversation.channel.brand_name
        name = conversation.agent.display_name if conversation.agent else there
    position = queue_position(conversation)
    opening = opens_at(conversation)
    kept = unsettled_ticket(conversation) if opening else None
    return {
        "id": str(conversation.pk),
        "status": conversation.status,
        "last_seq": conversation.last_seq,
        "queue_position": position,
        "wait_estimate_seconds": wait_estimate(position, pick_ups(conversation.group_id))
        if position
        else None,
        "opens_at": instant(opening),
        "ticket": kept.number if kept else None,
        "agent": {"name": name, "avatar": None} if name else None,
        "created_at": instant(conversation.created_at),
        "closed_at": instant(conversation.closed_at),
    }


def row_object(conversation: Conversation) -> dict[str, Any]:
    """Return the conversation as a row of the console's lists."""
    agent = conversation.agent
    group = conversation.group
    reason = conversation.handoff_reason
    return {
        "id": str(conversation.pk),
        "contact": contact_object(conversation.contact),
        "channel": {"name": conversation.channel.name, "kind": conversation.channel.kind},
        "status": conversation.status,
        "last_text": conversation.last_text,
        "last_author": conversation.last_author,
        "last_at": instant(conversation.last_at),
        "last_seq": conversation.last_seq,
        "last_note": conversation.last_note,
        "waiting_since": instant(conversation.waiting_since),
        "unread": max(0, conversation.last_seq - conversation.agent_read_seq)
        if conversation.status in (ConversationStatus.WAITING, ConversationStatus.HUMAN)
        and not conversation.held_elsewhere
        else 0,
        "agent": {"id": str(agent.pk), "name": agent.display_name} if agent else None,
        "group": {"id": str(group.pk), "name": group.name, "auto_assign": group.auto_assign}
        if group
        else None,
        "offer": {
            "to": str(conversation.offered_to_id),
            "until": instant(conversation.offered_until),
        }
        if conversation.offered_to_id
        else None,
        "elsewhere": {**conversation.elsewhere, "held": conversation.held_elsewhere}
        if conversation.elsewhere
        else None,
        "reason": reason or None,
        "reason_label": str(HandoffReason(reason).label) if reason else None,
        "snoozed_until": instant(conversation.snoozed_until),
        "wrap_up": wrap_up_object(conversation),
        "demo": conversation.is_demo,
    }


def wrap_up_object(conversation: Conversation) -> dict[str, Any] | None:
    """Return what the agent said came of the latest inquiry; None while it is going on."""
    if conversation.status != ConversationStatus.CLOSED or conversation.inquiry is None:
        return None
    row: WrapUp | None = getattr(conversation.inquiry, "wrap_up", None)
    if row is None:
        return None
    return {
        "category": {"id": str(row.category_id), "name": row.category.name}
        if row.category
        else None,
        "resolved": row.resolved,
        "summary": row.summary,
        "by": row.by.display_name,
        "at": instant(row.at),
    }


def mention_object(mention: Mention) -> dict[str, Any]:
    """Return where a colleague was called, as the console's list of mentions shows it."""
    note = mention.note
    return {
        "id": str(mention.pk),
        "conversation_id": str(mention.conversation_id),
        "contact": contact_object(mention.conversation.contact),
        "note": note.number,
        "author": {"id": str(note.author_id), "name": note.author.display_name},
        "text": note.text[:200],
        "at": instant(mention.created_at),
        "read": mention.read_at is not None,
    }


def contact_object(contact: Contact) -> dict[str, Any]:
    """Return who writes, as the console's lists name them."""
    return {
        "id": str(contact.pk),
        "name": contact.known("name")
        or _("Visitor %(mark)s") % {"mark": contact.pk.hex[-6:].upper()},
        "verified": contact.verified,
    }


def _status(message: Message) -> str:
    conversation = message.conversation
    if message.author_kind == AuthorKind.CUSTOMER:
        return "read" if message.seq <= conversation.agent_read_seq else "sent"
    if message.seq <= conversation.contact_read_seq:
        return "read"
    return "delivered" if message.seq <= conversation.contact_delivered_seq else "sent"


def _is_image(shown: Mapping[str, Any]) -> bool:
    return shown["width"] is not None


def _author(message: Message) -> dict[str, Any]:
    name: str | None = None
    if message.author_kind == AuthorKind.AGENT:
        name = message.agent.display_name if message.agent else message.author_name or None
    elif message.author_kind == AuthorKind.BOT:
        name = message.conversation.channel.assistant_name
    return {"kind": message.author_kind, "name": name, "avatar": None}
