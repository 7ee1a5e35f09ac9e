"""End conversations, or give them back to the assistant: by agents, visitors, or nobody."""

import uuid
from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from conversations import events
from conversations.models import AuthorKind, Conversation, MessageKind
from conversations.services import messages, phrases, routing, surveys, wrap_ups
from conversations.services.handoff import end_open
from conversations.services.transitions import move
from conversations.services.wrap_ups import Account
from conversations.states import CloseReason, ConversationStatus, NotYoursError, TransitionError
from tenants import clock
from tenants.models import Membership
from tenants.services import ledger
from tenants.services.ledger import Event


def return_to_bot(conversation_id: uuid.UUID, *, by: Membership) -> Conversation:
    """Give the conversation back to the assistant and tell the visitor so."""
    with transaction.atomic():
        conversation = messages.lock_own(conversation_id, by=by)
        at = clock.now()
        move(conversation, ConversationStatus.BOT)
        _end(conversation, phrases.returned, "conversation.returned", by, at)
    return conversation


def resume_by_contact(conversation_id: uuid.UUID) -> Conversation:
    """Give a waiting conversation back to the assistant because the visitor would rather.

    Changes nothing where the assistant has it. Raises TransitionError once an agent has taken it,
    or after it was closed.
    """
    with transaction.atomic():
        conversation = messages.lock_conversation(conversation_id)
        if conversation.status == ConversationStatus.BOT:
            return conversation
        if conversation.status != ConversationStatus.WAITING:
            raise TransitionError(status=ConversationStatus(conversation.status).label)
        at = clock.now()
        move(conversation, ConversationStatus.BOT)
        _end(conversation, phrases.returned, "conversation.resumed", None, at)
    return conversation


def close(
    conversation_id: uuid.UUID,
    *,
    by: Membership,
    account: Account | None = None,
    reason: CloseReason = CloseReason.AGENT,
) -> Conversation:
    """End the conversation; the visitor's next message reopens it with the assistant.

    Its agent may, and any agent while it waits. `account` is what came of its inquiry; a tenant
    may demand one for what an agent had. Raises NotYoursError, WrapUpNeededError, NotFoundError
    for a category that is not there.
    """
    with transaction.atomic():
        conversation = messages.lock_conversation(conversation_id)
        if conversation.status == ConversationStatus.HUMAN and conversation.agent_id != by.pk:
            raise NotYoursError
        at = clock.now()
        if account is not None:
            ledger.append(*wrap_ups.record(conversation, account, by=by, at=at))
        elif conversation.status == ConversationStatus.HUMAN:
            wrap_ups.ensure_written(conversation)
        if conversation.status == ConversationStatus.CLOSED:
            events.announce_conversation(conversation, to_visitor=False)
            return conversation
        _close(conversation, reason, at)
        _end(conversation, lambda: phrases.closed(by_agent=True), "conversation.closed", by, at)
    return conversation


def close_by_contact(conversation_id: uuid.UUID) -> Conversation:
    """End the conversation for the visitor; it stays ended. Closing twice changes nothing."""
    with transaction.atomic():
        conversation = messages.lock_conversation(conversation_id)
        if conversation.status == ConversationStatus.CLOSED:
            if not conversation.closed_by_contact:
                conversation.closed_by_contact = True
                messages.store(conversation)
                ledger.append(Event("conversation.closed", conversation.pk, {"by": None}))
            return conversation
        at = clock.now()
        _close(conversation, CloseReason.VISITOR, at)
        _end(conversation, lambda: phrases.closed(by_agent=False), "conversation.closed", None, at)
    return conversation


def close_unattended(
    conversation: Conversation, *, reason: CloseReason, sentence: Callable[[], str], at: datetime
) -> None:
    """End a locked conversation for nobody in particular, with a last line to the visitor.

    Inside the caller's transaction; the visitor's next message reopens it. Raises TransitionError
    where it is closed already.
    """
    _close(conversation, reason, at)
    _end(conversation, sentence, "conversation.closed", None, at)


def end(conversation_id: uuid.UUID, *, by: Membership) -> None:
    """End a conversation for good reasons outside it, whoever holds it; a closed one stays so."""
    with transaction.atomic():
        conversation = messages.lock_conversation(conversation_id)
        if conversation.status == ConversationStatus.CLOSED:
            return
        at = clock.now()
        _close(conversation, CloseReason.AGENT, at)
        _end(conversation, phrases.ended, "conversation.closed", by, at)


def end_elsewhere(conversation: Conversation, *, resume_bot: bool, at: datetime) -> None:
    """End a locked conversation, or give it back to the assistant, because the other system did."""
    if resume_bot:
        move(conversation, ConversationStatus.BOT)
        sentence, kind = phrases.returned, "conversation.returned"
    else:
        _close(conversation, CloseReason.AGENT, at)
        sentence, kind = lambda: phrases.closed(by_agent=True), "conversation.closed"
    _end(conversation, sentence, kind, None, at, tell=False)


def _close(conversation: Conversation, reason: CloseReason, at: datetime) -> None:
    move(conversation, ConversationStatus.CLOSED)
    conversation.closed_at = at
    conversation.closed_by_contact = reason == CloseReason.VISITOR
    conversation.close_reason = reason


def _end(
    conversation: Conversation,
    sentence: Callable[[], str],
    event_kind: str,
    by: Membership | None,
    at: datetime,
    *,
    tell: bool = True,
) -> None:
    with phrases.language_of(conversation.contact):
        text = sentence()
    message, event = messages.say(
        conversation, text, author_kind=AuthorKind.SYSTEM, kind=MessageKind.NOTICE, at=at
    )
    ended = end_open(conversation, at, tell=tell)
    events.announce_conversation(conversation)
    events.announce_message(message)
    if conversation.status == ConversationStatus.CLOSED:
        ended += surveys.end_inquiry(conversation, at)
    messages.store(conversation)
    ledger.append(
        Event(event_kind, conversation.pk, {"by": by.pk if by else None}, at), event, *ended
    )
    routing.drain_soon()
