"""Accept what a visitor sends: durable, exactly once, with its promises started."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from conversations import events
from conversations.models import (
    TEXT_LENGTH,
    AuthorKind,
    Channel,
    Contact,
    Conversation,
    Inquiry,
    Message,
)
from conversations.services import attachments, messages, outbox, snoozes, surveys
from conversations.services.attachments import AttachmentUnavailableError
from conversations.services.transitions import move
from conversations.states import ConversationClosedError, ConversationStatus
from tenants import clock, terms
from tenants.errors import DomainError, NotFoundError
from tenants.models import ObligationKind
from tenants.services import contracts, ledger, obligations
from tenants.services.ledger import Event


class EmptyMessageError(DomainError):
    """The message says nothing."""

    code = "invalid"
    status = 422
    message = _("Please write something before sending.")


class TooLongError(DomainError):
    """The message is longer than a message may be."""

    code = "too_large"
    status = 413
    message = _("The message is longer than %(limit)s characters. Please shorten it.")


@dataclass(frozen=True)
class Inbound:
    """What a visitor's device sends: its own id for the message, the words, and their context.

    `attachments` are uploads of the visitor, `quote` an earlier message of the conversation.
    `received_at` is when it reached this server, if that was before the call that stores it.
    """

    client_msg_id: str
    text: str
    context: Mapping[str, Any] = field(default_factory=dict)
    notice_version: int | None = None
    first_attempt: datetime | None = None
    received_at: datetime | None = None
    attachments: Sequence[uuid.UUID] = ()
    quote: uuid.UUID | None = None


@dataclass(frozen=True)
class Received:
    """The stored message, whether this call stored it, and whether it is a question by itself.

    `alone` is False where it continues the visitor's words before it.
    """

    message: Message
    created: bool
    alone: bool = False

    @property
    def needs_turn(self) -> bool:
        """Whether the assistant has to decide about it."""
        return self.created and self.message.conversation.undecided_seq == self.message.seq


def receive(
    contact: Contact,
    channel: Channel,
    inbound: Inbound,
    *,
    conversation_id: uuid.UUID | None = None,
) -> Received:
    """Store a visitor's message, once per `client_msg_id`, and start what it promises.

    One transaction: the message with the next `seq` of its conversation (the given one, else the
    contact's open one, else a new one), its inquiry, the first-reply obligation, the ledger. When
    this returns, the message cannot be lost; the same id again returns the first result. Raises
    EmptyMessageError, TooLongError, NotFoundError, ConversationClosedError, and what
    `attachments.chosen` raises. Source: R19, R50.
    """
    text = inbound.text.replace("\x00", "").strip()
    if not text and not inbound.attachments:
        raise EmptyMessageError
    if len(text) > TEXT_LENGTH:
        raise TooLongError(limit=TEXT_LENGTH)
    # Before the locks are waited for: the wait is part of what was promised (R50).
    inbound = replace(inbound, text=text, received_at=inbound.received_at or clock.now())
    try:
        with transaction.atomic():
            return _store(contact, channel, inbound, conversation_id)
    except (IntegrityError, AttachmentUnavailableError):
        # The constraint is the judge of duplicates: looking first would let two through. What a
        # repeat attaches went with the first.
        stored = find(contact, inbound.client_msg_id)
        if stored is None:
            raise
        return Received(stored, created=False)


def is_stored(contact: Contact, client_msg_id: str) -> bool:
    """Return whether the contact's message with this id of theirs is stored."""
    return Message.objects.filter(contact=contact, client_msg_id=client_msg_id).exists()


def find(contact: Contact, client_msg_id: str) -> Message | None:
    """Return the contact's message with this id of theirs, or None."""
    return (
        Message.objects.filter(contact=contact, client_msg_id=client_msg_id)
        .select_related("conversation", "conversation__channel", "conversation__contact", "agent")
        .first()
    )


def open_conversation(contact: Contact, channel: Channel, *, fresh: bool = False) -> Conversation:
    """Return the contact's open conversation on the channel, made if there is none.

    `fresh` starts another one after the visitor ended the last. Two calls at once make one: the
    contact's row is locked meanwhile.
    """
    with transaction.atomic():
        _lock_contact(contact)
        conversation = current_conversation(contact, channel)
        if conversation is None or (fresh and conversation.closed_by_contact):
            conversation, opened = _open(contact, channel)
            ledger.append(opened)
    return conversation


def current_conversation(contact: Contact, channel: Channel) -> Conversation | None:
    """Return the contact's latest conversation on the channel, whatever its state, or None."""
    return (
        Conversation.objects.filter(contact=contact, channel=channel)
        .select_related("channel", "contact", "agent", "inquiry")
        .order_by("-created_at")
        .first()
    )


def _store(
    contact: Contact,
    channel: Channel,
    inbound: Inbound,
    conversation_id: uuid.UUID | None,
) -> Received:
    conversation, opened = _conversation_for(contact, channel, conversation_id)
    recorded: list[Event] = []
    at = clock.now()
    received_at = inbound.received_at or at
    reopened = conversation.status == ConversationStatus.CLOSED
    if reopened:
        if conversation.closed_by_contact:
            if is_stored(contact, inbound.client_msg_id):
                raise IntegrityError("sent before the conversation ended")
            raise ConversationClosedError
        move(conversation, ConversationStatus.BOT)
        recorded.append(Event("conversation.reopened", conversation.pk, {}, at))
    recorded += _inquire(conversation, inbound, received_at)
    sent = attachments.chosen(
        inbound.attachments, conversation, contact_id=contact.pk, member_id=None
    )
    alone = conversation.undecided_seq is None and conversation.last_author != AuthorKind.CUSTOMER
    message, event = messages.say(
        conversation,
        inbound.text,
        author_kind=AuthorKind.CUSTOMER,
        at=at,
        received_at=received_at,
        contact=contact,
        client_msg_id=inbound.client_msg_id,
        context=dict(inbound.context),
        stand_in=attachments.stand_in(sent, contact),
        quote=messages.quoted(conversation, inbound.quote),
    )
    attachments.bind(sent, message)
    recorded = [*opened, event, *recorded, *snoozes.wake_for_visitor(conversation)]
    conversation.contact_read_seq = message.seq
    if conversation.status == ConversationStatus.BOT:
        conversation.undecided_seq = message.seq
        conversation.undecided_since = at
        conversation.advice_until = None
    messages.store(conversation)
    outbox.add_message(conversation, message, at)
    ledger.append(*recorded)
    events.announce_message(message)
    events.announce_conversation(conversation, to_visitor=reopened)
    return Received(message, created=True, alone=alone)


def _conversation_for(
    contact: Contact, channel: Channel, conversation_id: uuid.UUID | None
) -> tuple[Conversation, list[Event]]:
    if conversation_id is None:
        _lock_contact(contact)
        latest = (
            Conversation.objects.filter(contact=contact, channel=channel)
            .order_by("-created_at")
            .values_list("pk", "closed_by_contact")
            .first()
        )
        if latest is None or latest[1]:
            conversation, opened = _open(contact, channel)
            return messages.adopt(conversation), [opened]
        conversation_id = latest[0]
    try:
        conversation = messages.lock_conversation(conversation_id, contact=contact, channel=channel)
    except Conversation.DoesNotExist:
        raise NotFoundError from None
    if conversation.contact_id != contact.pk:
        raise NotFoundError
    return conversation, []


def _lock_contact(contact: Contact) -> None:
    # Held to the end of the transaction, so that two first messages at once open one conversation.
    Contact.objects.select_for_update().values_list("pk", flat=True).get(pk=contact.pk)


def _open(contact: Contact, channel: Channel) -> tuple[Conversation, Event]:
    at = clock.now()
    conversation = Conversation.objects.create(
        channel=channel,
        contact=contact,
        created_at=at,
        last_at=at,
        is_demo=contact.is_demo,
        is_probe=contact.is_probe,
    )
    return conversation, Event("conversation.opened", conversation.pk, {"channel": channel.pk}, at)


def _inquire(conversation: Conversation, inbound: Inbound, at: datetime) -> list[Event]:
    recorded: list[Event] = []
    latest = conversation.inquiry
    if latest is not None and latest.closed_at is None:
        if not latest.is_idle(at, contracts.terms_at(at).inquiry_idle):
            Inquiry.objects.filter(pk=latest.pk).update(last_at=at)
            return []
        recorded += surveys.end_inquiry(conversation, at)
    inquiry = Inquiry.objects.create(
        conversation=conversation,
        number=latest.number + 1 if latest else 1,
        opened_at=at,
        last_at=at,
        first_attempt_at=inbound.first_attempt,
        notice_version=inbound.notice_version,
    )
    conversation.inquiry = inquiry
    invite, drawn = surveys.draw(inquiry, at=at)
    facts = {
        "conversation": conversation.pk,
        "late_ingest": inbound.first_attempt is not None,
        "invited": invite.is_invited,
    }
    recorded += [*drawn, Event("inquiry.opened", inquiry.pk, facts, at)]
    if conversation.status == ConversationStatus.BOT and not conversation.is_probe:
        # R52: an inquiry opened while people hold the conversation has no first-reply clock.
        agreed = contracts.terms_at(at)
        recorded.append(
            obligations.start(
                ObligationKind.FIRST_REPLY,
                clause=terms.CLAUSE_FIRST_REPLY,
                subject_id=inquiry.pk,
                conversation_id=conversation.pk,
                at=at,
                limit=agreed.first_reply,
                terms_version=agreed.version,
            )
        )
    return recorded
