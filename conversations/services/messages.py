"""Say something in a conversation: the one place where `seq` rises."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from conversations.models import (
    AuthorKind,
    Channel,
    Contact,
    Conversation,
    Message,
    MessageKind,
)
from conversations.states import ConversationClosedError, ConversationStatus, NotYoursError
from tenants.errors import NotFoundError
from tenants.models import Membership
from tenants.services.ledger import Event, fingerprint


def lock_conversation(
    conversation_id: UUID, *, contact: Contact | None = None, channel: Channel | None = None
) -> Conversation:
    """Return the conversation, its row locked until the transaction ends.

    Channel, contact, agent and latest inquiry are loaded with it; those of the turn that the
    caller has at hand are not read again, because joins cost a turn more than its writes. Raises
    DoesNotExist for another tenant's conversation as for one that is not there.
    """
    if connection.features.has_select_for_update:
        # Locked first, joined after: a statement that had to wait for the lock would join the rows
        # of before the wait, and find no inquiry where the other transaction has just opened one.
        Conversation.objects.select_for_update().values_list("pk").get(pk=conversation_id)
    rows = Conversation.objects.all()
    if contact is None or channel is None:
        joined = rows.select_related("channel", "contact", "agent", "inquiry")
        return adopt(joined.get(pk=conversation_id))
    conversation = rows.select_related("inquiry").get(pk=conversation_id)
    if conversation.contact_id == contact.pk:
        conversation.contact = contact
    if conversation.channel_id == channel.pk:
        conversation.channel = channel
    return adopt(conversation)


def lock_own(conversation_id: UUID, *, by: Membership) -> Conversation:
    """Return the conversation that this agent has, locked as by `lock_conversation`.

    Raises ConversationClosedError, NotYoursError.
    """
    conversation = lock_conversation(conversation_id)
    if conversation.status == ConversationStatus.CLOSED:
        raise ConversationClosedError
    if conversation.status != ConversationStatus.HUMAN or conversation.agent_id != by.pk:
        raise NotYoursError
    return conversation


def say(
    conversation: Conversation,
    text: str,
    *,
    author_kind: AuthorKind,
    at: datetime,
    kind: MessageKind = MessageKind.TEXT,
    buttons: Sequence[dict[str, Any]] = (),
    **fields: Any,
) -> tuple[Message, Event]:
    """Write the next message of a locked conversation; return it with its ledger event.

    Gives it the next `seq` and moves the conversation's last-message fields on the object; the
    caller saves the conversation and appends the event in the same transaction.
    """
    conversation.last_seq += 1
    shown = f"{text} {fields.get('stand_in', '')}".strip()
    conversation.last_text = shown[:120].replace("\n", " ")
    conversation.last_author = author_kind
    conversation.last_at = at
    _count_silence(conversation, author_kind, at)
    fields.setdefault("received_at", at)
    message = Message.objects.create(
        conversation=conversation,
        inquiry=conversation.inquiry,
        seq=conversation.last_seq,
        author_kind=author_kind,
        kind=kind,
        text=text,
        buttons=list(buttons),
        created_at=at,
        **fields,
    )
    facts: dict[str, Any] = {
        "conversation": conversation.pk,
        "seq": message.seq,
        "author": author_kind,
        "kind": kind,
        "text_sha256": fingerprint(text),
        "received_at": message.received_at,
    }
    if message.quote_id:
        facts["quote"] = message.quote_id
    if message.entry_version_id:
        facts["entry_version"] = message.entry_version_id
    return message, Event("message.created", message.pk, facts, at)


def quoted(conversation: Conversation, quote_id: UUID | None) -> Message | None:
    """Return the earlier message of the conversation that a new one quotes, or None.

    Raises NotFoundError for what is no message of this conversation.
    """
    if quote_id is None:
        return None
    found = (
        Message.objects.filter(conversation=conversation, pk=quote_id)
        .select_related("agent")
        .first()
    )
    if found is None:
        raise NotFoundError
    return found


def _count_silence(conversation: Conversation, author_kind: AuthorKind, at: datetime) -> None:
    if conversation.status != ConversationStatus.HUMAN:
        return
    if author_kind == AuthorKind.CUSTOMER:
        conversation.visitor_silent_since = None
        conversation.unanswered_since = conversation.unanswered_since or at
    elif author_kind == AuthorKind.AGENT:
        conversation.visitor_silent_since = at
        conversation.unanswered_since = None


def store(conversation: Conversation) -> None:
    """Write what services changed on a locked conversation object, in one statement."""
    changed = {
        name: getattr(conversation, name)
        for name in _STORED
        if getattr(conversation, name) != conversation.as_locked[name]
    }
    if changed:
        Conversation.objects.filter(pk=conversation.pk).update(**changed)
        conversation.as_locked.update(changed)


def adopt(conversation: Conversation) -> Conversation:
    """Take a row that this transaction has locked or made, as `store()` needs it; return it."""
    conversation.as_locked = {name: getattr(conversation, name) for name in _STORED}
    return conversation


# Columns, so that a foreign key is compared and written by id: its row was read in this tenant.
_STORED = (
    "status",
    "epoch",
    "agent_id",
    "closed_by_contact",
    "inquiry_id",
    "last_seq",
    "last_note",
    "last_text",
    "last_author",
    "last_at",
    "contact_delivered_seq",
    "contact_read_seq",
    "agent_read_seq",
    "failed_turns",
    "undecided_seq",
    "undecided_since",
    "advice_until",
    "waiting_since",
    "group_id",
    "offered_to_id",
    "offered_until",
    "passed_over",
    "handoff_reason",
    "held_elsewhere",
    "elsewhere",
    "snoozed_until",
    "closed_at",
    "close_reason",
    "visitor_silent_since",
    "unanswered_since",
)
