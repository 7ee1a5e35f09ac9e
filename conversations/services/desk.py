"""What agents do with a conversation: take, reply, note, read."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from conversations import events
from conversations.models import (
    TEXT_LENGTH,
    AuthorKind,
    Conversation,
    Message,
    MessageKind,
    Note,
)
from conversations.services import (
    attachments,
    learning,
    messages,
    phrases,
    presences,
    routing,
    standard_answers,
)
from conversations.services import mentions as mentioning
from conversations.services.handoff import first_reply, take_open
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
    assistant is silent from then on. So can one that another system has; it is taken back there.
    """
    with transaction.atomic():
        conversation = messages.lock_conversation(conversation_id)
        if conversation.status == ConversationStatus.HUMAN and not conversation.held_elsewhere:
            if conversation.agent_id == by.pk:
                return conversation
            name = conversation.agent.display_name if conversation.agent else ""
            raise AlreadyTakenError(name=name)
        at = clock.now()
        # From the assistant, or from an agent of another system.
        if conversation.status in (ConversationStatus.BOT, ConversationStatus.HUMAN):
            move(conversation, ConversationStatus.WAITING)
        move(conversation, ConversationStatus.HUMAN)
        conversation.agent = by
        conversation.unanswered_since = at
        taken = take_open(conversation, by=by, at=at)
        with phrases.language_of(conversation.contact):
            text = phrases.agent_joined(by.display_name)
        message, event = messages.say(
            conversation, text, author_kind=AuthorKind.SYSTEM, kind=MessageKind.NOTICE, at=at
        )
        conversation.agent_read_seq = conversation.last_seq
        messages.store(conversation)
        # R52: where a person comes before the assistant spoke, their reply stops the clock.
        ledger.append(
            Event("conversation.taken", conversation.pk, {"by": by.pk}, at), event, *taken
        )
        events.announce_conversation(conversation)
        events.announce_message(message)
        events.announce_read(conversation, by="agent", up_to_seq=conversation.last_seq)
    presences.note_work(by)
    routing.drain_soon(conversation.group_id)
    return conversation


def reply(
    conversation_id: uuid.UUID,
    text: str,
    *,
    by: Membership,
    client_msg_id: str,
    attached: Sequence[uuid.UUID] = (),
    quote: uuid.UUID | None = None,
    version_id: uuid.UUID | None = None,
) -> tuple[Message, bool]:
    """Send the agent's words to the visitor, once per `client_msg_id`; return (message, created).

    `attached` are uploads of the agent, which may stand without words; `quote` is an earlier
    message of the conversation. The message cites `version_id` where its words are that version's
    answer, as visitors hear it now; words that the agent changed are the agent's own. Raises
    NotYoursError unless the agent has the conversation, ConversationClosedError,
    EmptyMessageError, TooLongError, ReusedIdError, NotFoundError, and what `attachments.chosen`
    raises.
    """
    text = _checked(text, may_be_blank=bool(attached))
    source = standard_answers.cited(version_id, text) if version_id else None
    try:
        with transaction.atomic():
            conversation = messages.lock_own(conversation_id, by=by)
            at = clock.now()
            sent = attachments.chosen(attached, conversation, contact_id=None, member_id=by.pk)
            message, event = messages.say(
                conversation,
                text,
                author_kind=AuthorKind.AGENT,
                at=at,
                agent=by,
                client_msg_id=client_msg_id,
                stand_in=attachments.stand_in(sent, conversation.contact),
                quote=messages.quoted(conversation, quote),
                entry_version_id=source,
            )
            attachments.bind(sent, message)
            conversation.agent_read_seq = message.seq
            messages.store(conversation)
            learning.from_agent(message)
            ledger.append(event, *first_reply(conversation, at))
            events.announce_message(message)
            events.announce_conversation(conversation, to_visitor=False)
    except (
        IntegrityError,
        ConversationClosedError,
        NotYoursError,
        attachments.AttachmentUnavailableError,
    ):
        # What was stored is answered with the first result, whatever has happened since.
        stored = _stored_reply(by, client_msg_id)
        if stored is None:
            raise
        if stored.conversation_id != conversation_id:
            raise ReusedIdError from None
        return stored, False
    return message, True


def note(
    conversation_id: uuid.UUID,
    text: str,
    *,
    by: Membership,
    client_msg_id: str,
    mentions: Collection[uuid.UUID] = (),
) -> tuple[Note, bool]:
    """Leave a private remark, once per `client_msg_id`; return (note, created).

    Any agent of the tenant may, in any state. `mentions` are the members called to look at it.
    Raises EmptyMessageError, TooLongError, ReusedIdError, NotFoundError for a member without a
    seat at the console.
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
            called = mentioning.call(remark, mentions, at=at)
            facts: dict[str, Any] = {
                "conversation": conversation.pk,
                "by": by.pk,
                "text_sha256": ledger.fingerprint(text),
            }
            if called:
                facts["mentions"] = [mention.member_id for mention in called]
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


def mark_delivered(conversation: Conversation, up_to_seq: int) -> None:
    """Note up to where the visitor's device has really got what was said, and tell the agents.

    Costs nothing but a comparison while no person holds the conversation, or where it is known
    already; the row is not locked, and the mark never goes back.
    """
    up_to_seq = min(up_to_seq, conversation.last_seq)
    if (
        conversation.status != ConversationStatus.HUMAN
        or max(conversation.contact_delivered_seq, conversation.contact_read_seq) >= up_to_seq
    ):
        return
    with transaction.atomic():
        moved = Conversation.objects.filter(
            pk=conversation.pk, contact_delivered_seq__lt=up_to_seq
        ).update(contact_delivered_seq=up_to_seq)
        if moved:
            events.announce_delivered(conversation.pk, up_to_seq=up_to_seq)


def _stored_reply(by: Membership, client_msg_id: str) -> Message | None:
    return (
        Message.objects.filter(agent=by, client_msg_id=client_msg_id)
        .select_related("conversation", "conversation__channel", "agent")
        .first()
    )


def _checked(text: str, *, may_be_blank: bool = False) -> str:
    text = text.replace("\x00", "").strip()
    if not text and not may_be_blank:
        raise EmptyMessageError
    if len(text) > TEXT_LENGTH:
        raise TooLongError(limit=TEXT_LENGTH)
    return text
