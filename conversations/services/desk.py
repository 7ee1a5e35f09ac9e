"""What agents do with a conversation: take, reply, note, give back, close."""

import uuid
from collections.abc import Callable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from conversations import events
from conversations.models import (
    TEXT_LENGTH,
    AuthorKind,
    Conversation,
    Handoff,
    Inquiry,
    Message,
    MessageKind,
    Note,
)
from conversations.services import learning, messages, phrases
from conversations.services.handoff import end_open, first_reply
from conversations.services.intake import EmptyMessageError, TooLongError
from conversations.services.transitions import move
from conversations.states import (
    AlreadyTakenError,
    ConversationClosedError,
    ConversationStatus,
    NotYoursError,
)
from tenants import clock
from tenants.errors import DomainError
from tenants.models import Membership
from tenants.services import ledger
from tenants.services.ledger import Event


class ReusedIdError(DomainError):
    """The client's id for a message was used before, in another conversation."""

    code = "client_msg_id_used"
    status = 409
    message = _("This message was already sent in another conversation.")


def take(conversation_id: uuid.UUID, *, by: Membership) -> Conversation:
    """Give a waiting conversation to this agent and tell the visitor who has joined.

    Of two agents at once exactly one gets it; the other gets AlreadyTakenError. Taking what one
    has already changes nothing. A conversation that is with the assistant can be taken too: the
    assistant is silent from then on.
    """
    with transaction.atomic():
        conversation = messages.lock_conversation(conversation_id)
        if conversation.status == ConversationStatus.HUMAN:
            if conversation.agent_id == by.pk:
                return conversation
            name = conversation.agent.display_name if conversation.agent else ""
            raise AlreadyTakenError(name=name)
        at = clock.now()
        if conversation.status == ConversationStatus.BOT:
            move(conversation, ConversationStatus.WAITING)
        move(conversation, ConversationStatus.HUMAN)
        conversation.agent = by
        handoff = Handoff.objects.filter(conversation=conversation, ended_at=None).first()
        if handoff is not None:
            Handoff.objects.filter(pk=handoff.pk).update(accepted_at=at, accepted_by=by)
        with phrases.language_of(conversation.contact):
            text = phrases.agent_joined(by.display_name)
        message, event = messages.say(
            conversation, text, author_kind=AuthorKind.SYSTEM, kind=MessageKind.NOTICE, at=at
        )
        conversation.agent_read_seq = conversation.last_seq
        messages.store(conversation)
        # R52: where a person comes before the assistant spoke, their reply stops the clock.
        ledger.append(Event("conversation.taken", conversation.pk, {"by": by.pk}, at), event)
        events.announce_conversation(conversation)
        events.announce_message(message)
        events.announce_read(conversation, by="agent", up_to_seq=conversation.last_seq)
    return conversation


def reply(
    conversation_id: uuid.UUID, text: str, *, by: Membership, client_msg_id: str
) -> tuple[Message, bool]:
    """Send the agent's words to the visitor, once per `client_msg_id`; return (message, created).

    Raises NotYoursError unless the agent has the conversation, ConversationClosedError,
    EmptyMessageError, TooLongError, ReusedIdError.
    """
    text = _checked(text)
    try:
        with transaction.atomic():
            conversation = _own(conversation_id, by)
            at = clock.now()
            message, event = messages.say(
                conversation,
                text,
                author_kind=AuthorKind.AGENT,
                at=at,
                agent=by,
                client_msg_id=client_msg_id,
            )
            conversation.agent_read_seq = message.seq
            messages.store(conversation)
            learning.from_agent(message)
            ledger.append(event, *first_reply(conversation, at))
            events.announce_message(message)
            events.announce_conversation(conversation, to_visitor=False)
    except (IntegrityError, ConversationClosedError, NotYoursError):
        # What was stored is answered with the first result, whatever has happened since.
        stored = _stored_reply(by, client_msg_id)
        if stored is None:
            raise
        if stored.conversation_id != conversation_id:
            raise ReusedIdError from None
        return stored, False
    return message, True


def note(
    conversation_id: uuid.UUID, text: str, *, by: Membership, client_msg_id: str
) -> tuple[Note, bool]:
    """Leave a private remark, once per `client_msg_id`; return (note, created).

    Any agent of the tenant may, in any state. Raises EmptyMessageError, TooLongError,
    ReusedIdError.
    """
    text = _checked(text)
    try:
        with transaction.atomic():
            conversation = messages.lock_conversation(conversation_id)
            at = clock.now()
            conversation.last_note += 1
            remark = Note.objects.create(
                conversation=conversation,
                number=conversation.last_note,
                after_seq=conversation.last_seq,
                author=by,
                client_msg_id=client_msg_id,
                text=text,
                created_at=at,
            )
            messages.store(conversation)
            facts = {
                "conversation": conversation.pk,
                "by": by.pk,
                "text_sha256": ledger.fingerprint(text),
            }
            ledger.append(Event("note.created", remark.pk, facts, at))
            events.announce_note(conversation, remark)
    except IntegrityError:
        stored = (
            Note.objects.filter(author=by, client_msg_id=client_msg_id)
            .select_related("author")
            .first()
        )
        if stored is None:
            raise
        if stored.conversation_id != conversation_id:
            raise ReusedIdError from None
        return stored, False
    return remark, True


def return_to_bot(conversation_id: uuid.UUID, *, by: Membership) -> Conversation:
    """Give the conversation back to the assistant and tell the visitor so."""
    with transaction.atomic():
        conversation = _own(conversation_id, by)
        at = clock.now()
        move(conversation, ConversationStatus.BOT)
        _end(conversation, phrases.returned, "conversation.returned", by, at)
    return conversation


def close(conversation_id: uuid.UUID, *, by: Membership) -> Conversation:
    """End the conversation; the visitor's next message reopens it with the assistant.

    Its agent may, and any agent while it waits. Raises NotYoursError.
    """
    with transaction.atomic():
        conversation = messages.lock_conversation(conversation_id)
        if conversation.status == ConversationStatus.HUMAN and conversation.agent_id != by.pk:
            raise NotYoursError
        if conversation.status == ConversationStatus.CLOSED:
            return conversation
        at = clock.now()
        move(conversation, ConversationStatus.CLOSED)
        conversation.closed_at = at
        conversation.closed_by_contact = False
        _close_inquiry(conversation, at)
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
        move(conversation, ConversationStatus.CLOSED)
        conversation.closed_at = at
        conversation.closed_by_contact = True
        _close_inquiry(conversation, at)
        _end(conversation, lambda: phrases.closed(by_agent=False), "conversation.closed", None, at)
    return conversation


def mark_read(conversation_id: uuid.UUID, up_to_seq: int, *, by: str) -> None:
    """Note how far `by` ("customer" or "agent") has read, and tell the other side; never back."""
    field = "contact_read_seq" if by == "customer" else "agent_read_seq"
    with transaction.atomic():
        moved = Conversation.objects.filter(
            pk=conversation_id, last_seq__gte=up_to_seq, **{f"{field}__lt": up_to_seq}
        ).update(**{field: up_to_seq})
        if moved:
            conversation = Conversation.objects.select_related("channel", "contact", "agent").get(
                pk=conversation_id
            )
            events.announce_read(conversation, by=by, up_to_seq=up_to_seq)
            if by == "agent":
                events.announce_conversation(conversation, to_visitor=False)


def _own(conversation_id: uuid.UUID, by: Membership) -> Conversation:
    conversation = messages.lock_conversation(conversation_id)
    if conversation.status == ConversationStatus.CLOSED:
        raise ConversationClosedError
    if conversation.status != ConversationStatus.HUMAN or conversation.agent_id != by.pk:
        raise NotYoursError
    return conversation


def _end(
    conversation: Conversation,
    sentence: Callable[[], str],
    event_kind: str,
    by: Membership | None,
    at: datetime,
) -> None:
    with phrases.language_of(conversation.contact):
        text = sentence()
    message, event = messages.say(
        conversation, text, author_kind=AuthorKind.SYSTEM, kind=MessageKind.NOTICE, at=at
    )
    ended = end_open(conversation, at)
    messages.store(conversation)
    ledger.append(
        Event(event_kind, conversation.pk, {"by": by.pk if by else None}, at), event, *ended
    )
    events.announce_conversation(conversation)
    events.announce_message(message)


def _close_inquiry(conversation: Conversation, at: datetime) -> None:
    if conversation.inquiry_id:
        Inquiry.objects.filter(pk=conversation.inquiry_id, closed_at=None).update(closed_at=at)


def _stored_reply(by: Membership, client_msg_id: str) -> Message | None:
    return (
        Message.objects.filter(agent=by, client_msg_id=client_msg_id)
        .select_related("conversation", "conversation__channel", "agent")
        .first()
    )


def _checked(text: str) -> str:
    text = text.replace("\x00", "").strip()
    if not text:
        raise EmptyMessageError
    if len(text) > TEXT_LENGTH:
        raise TooLongError(limit=TEXT_LENGTH)
    return text
