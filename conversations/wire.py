"""How conversations look on the wire: one shape for REST and sockets (protocols §3.3)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from conversations.models import (
    AuthorKind,
    BotDecision,
    Contact,
    Conversation,
    Message,
    Note,
)
from conversations.queries import queue_position
from conversations.states import ConversationStatus, HandoffReason

# The fixed words of the label law (contract L9): constants, not settings.
AI_NOTICE = {
    "zh-CN": "您正在与 AI 智能助手对话，内容由 AI 生成",
    "en": "You are chatting with an AI assistant; its content is AI-generated",
}
AI_BADGE = {"zh-CN": "AI 生成", "en": "AI-generated"}


def instant(value: datetime | None) -> str | None:
    """Return the instant as RFC 3339 in UTC with milliseconds, or None."""
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z") if value else None


def message_object(message: Message) -> dict[str, Any]:
    """Return the message as its visitor sees it."""
    conversation = message.conversation
    read_up_to = (
        conversation.agent_read_seq
        if message.author_kind == AuthorKind.CUSTOMER
        else conversation.contact_read_seq
    )
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
        "created_at": instant(message.created_at),
        "edited_at": None,
        "status": "read" if message.seq <= read_up_to else "sent",
        "feedback": message.feedback or None,
    }
    if message.author_kind == AuthorKind.BOT:
        shown["ai"] = True
    return shown


def desk_message_object(message: Message, decision: BotDecision | None) -> dict[str, Any]:
    """Return the message as agents see it: with the reason for what the assistant said."""
    shown = message_object(message)
    shown["decision"] = {"outcome": decision.outcome, "why": why(decision)} if decision else None
    shown["inquiry_id"] = str(message.inquiry_id) if message.inquiry_id else None
    if message.agent_id:
        shown["author"]["id"] = str(message.agent_id)
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
        "created_at": instant(note.created_at),
    }


def conversation_object(conversation: Conversation) -> dict[str, Any]:
    """Return the conversation as its visitor sees it."""
    agent = conversation.agent if conversation.status == ConversationStatus.HUMAN else None
    return {
        "id": str(conversation.pk),
        "status": conversation.status,
        "last_seq": conversation.last_seq,
        "queue_position": queue_position(conversation),
        "agent": {"name": agent.display_name, "avatar": None} if agent else None,
        "created_at": instant(conversation.created_at),
        "closed_at": instant(conversation.closed_at),
    }


def row_object(conversation: Conversation) -> dict[str, Any]:
    """Return the conversation as a row of the console's lists."""
    agent = conversation.agent
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
        else 0,
        "agent": {"id": str(agent.pk), "name": agent.display_name} if agent else None,
        "reason": reason or None,
        "reason_label": str(HandoffReason(reason).label) if reason else None,
        "demo": conversation.is_demo,
    }


def contact_object(contact: Contact) -> dict[str, Any]:
    """Return who writes, as the console's lists name them."""
    return {
        "id": str(contact.pk),
        "name": contact.name or _("Visitor %(mark)s") % {"mark": contact.pk.hex[-6:].upper()},
        "verified": contact.verified,
    }


def why(decision: BotDecision) -> str:
    """Return a sentence a person understands: why the assistant did what it did."""
    best = decision.candidates[0] if decision.candidates else None
    facts = {
        "question": best["question"] if best else "",
        "percent": round(best["p"] * 100) if best else 0,
        "answer_from": round((decision.answer_threshold or 0) * 100),
        "reason": decision.get_reason_display(),
        "topics": sounds_like(decision.topics),
    }
    return _sentence(decision) % facts


def sounds_like(topics: Mapping[str, float]) -> str:
    """Return what a message may be about in words, likeliest first: "Legal dispute 93%"; or ""."""
    likeliest = sorted(topics.items(), key=lambda item: -item[1])
    return _(", ").join(f"{_topic(code)} {round(p * 100)}%" for code, p in likeliest)


def _topic(code: str) -> str:
    names = {
        "human": _("Asks for a person"),
        "ordinary": _("Ordinary question"),
        "smalltalk": _("Small talk"),
    }
    return names.get(code) or (
        str(HandoffReason(code).label) if code in HandoffReason.values else code
    )


def _sentence(decision: BotDecision) -> str:
    rule, _dot, which = decision.rule.partition(".")
    # Where a rule decided without asking the knowledge base there are no likelihoods either.
    likely = bool(decision.topics)
    if rule == "gate":
        return _by_gate(which, decision)
    if rule == "button":
        return _("Answered with the question the visitor chose.")
    if rule == "several":
        return _("The message asks several things; offered the entry for each as a choice.")
    if rule == "low_content":
        return _("Too few words to look for; asked for more.")
    if rule == "smalltalk" and likely:
        return _("Sounds like small talk (%(topics)s), and no entry fits well enough to answer.")
    if rule == "smalltalk":
        return _("Small talk; the knowledge base was not asked.")
    if rule in ("topic", "asked") and likely:
        return _("Handed to people (%(reason)s) because of what it sounds like: %(topics)s.")
    if rule == "topic":
        return _(
            "Handed to people (%(reason)s): it holds words that always go to people, whatever the "
            "knowledge base says."
        )
    if decision.rule == "asked.button":
        return _("Handed to people: the visitor pressed the button for a person.")
    if rule == "repeated":
        return _("Handed to people (%(reason)s): the answers before did not settle it.")
    if rule == "failed":
        return _("Handed to people (%(reason)s): an error occurred while it was thinking.")
    return _("Handed to people: %(reason)s.")


def _by_gate(which: str, decision: BotDecision) -> str:
    if which == "answer":
        return _(
            "Answered with “%(question)s”: %(percent)s%% sure, and %(answer_from)s%% is enough."
        )
    if which == "clarify":
        return _(
            "Offered a choice: “%(question)s” fits best with %(percent)s%%, "
            "less than the %(answer_from)s%% an answer needs."
        )
    if decision.reason == HandoffReason.LANGUAGE:
        return _("Handed to people (%(reason)s): most of it is written in another script.")
    if decision.reason in (HandoffReason.FAULT, HandoffReason.OFFTOPIC) and decision.topics:
        return _(
            "Handed to people (%(reason)s): no entry answers it, and it sounds like: %(topics)s."
        )
    if decision.candidates:
        return _(
            "Handed to people (%(reason)s): the closest entry, “%(question)s”, "
            "fits with only %(percent)s%%."
        )
    return _("Handed to people: %(reason)s.")


def _author(message: Message) -> dict[str, Any]:
    name: str | None = None
    if message.author_kind == AuthorKind.AGENT and message.agent is not None:
        name = message.agent.display_name
    elif message.author_kind == AuthorKind.BOT:
        name = message.conversation.channel.assistant_name
    return {"kind": message.author_kind, "name": name, "avatar": None}
