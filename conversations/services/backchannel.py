"""What a client's system says back: that it took the hand-off, its agents' words, the end (§5.2)."""

import hashlib
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from conversations import events
from conversations.adapters.base import Inbound
from conversations.models import (
    TEXT_LENGTH,
    AuthorKind,
    Conversation,
    Handoff,
    HandoffTarget,
    Message,
)
from conversations.services import elsewhere, endings, failover, messages
from conversations.services.elsewhere import Ack
from conversations.services.handoff import first_reply
from conversations.services.intake import EmptyMessageError, TooLongError
from conversations.states import HandoffState
from tenants import clock
from tenants.errors import DomainError, NotFoundError
from tenants.scoping import as_uuid
from tenants.services import ledger

_THERE = frozenset(
    {
        HandoffState.CREATED,
        HandoffState.DELIVERING,
        HandoffState.DELIVERED,
        HandoffState.ACCEPTED,
    }
)


class NotAtTargetError(DomainError):
    """The hand-off is over, or people here look after it."""

    code = "not_at_target"
    status = 409
    message = _("This hand-off is over, or others look after it now.")


def handoff_of(target: HandoffTarget, handoff_id: object) -> Handoff:
    """Return the target's hand-off with this id of ours. Raises NotFoundError."""
    found = Handoff.objects.filter(pk=as_uuid(handoff_id), target=target).first()
    if found is None:
        raise NotFoundError
    return found


def acknowledge(handoff: Handoff, ack: Ack) -> Handoff:
    """Take the target's word that it has the hand-off, or will not; return the hand-off.

    "rejected" puts it into our own queue at once; "accepted" tells the visitor who looks after it.
    The same again changes nothing.
    """
    if ack.status == "rejected":
        failover.fail_over(handoff.pk, cause="rejected")
        handoff.refresh_from_db()
        return handoff
    return elsewhere.acknowledge(handoff.pk, ack, at=clock.now())


def relay(handoff: Handoff, *, message_id: str, text: str, agent: str) -> tuple[Message, bool]:
    """Pass an agent's words on to the visitor, once per id of theirs; return (message, created).

    Whoever writes has taken the hand-off. Raises NotAtTargetError, EmptyMessageError, TooLongError.
    """
    # Never longer than the column, never to be read by the visitor.
    client_msg_id = hashlib.sha256(f"{handoff.pk}:{message_id}".encode()).hexdigest()
    text = text.replace("\x00", "").strip()
    if not text:
        raise EmptyMessageError
    if len(text) > TEXT_LENGTH:
        raise TooLongError(limit=TEXT_LENGTH)
    stored = _stored(handoff, client_msg_id)
    if stored is not None:
        return stored, False
    try:
        with transaction.atomic():
            conversation, current = _held(handoff)
            if current.state in (HandoffState.CREATED, HandoffState.DELIVERING):
                # Only who has it can answer it.
                elsewhere.acknowledge(current.pk, Ack(), at=clock.now())
                conversation, current = _held(handoff)
            assert current.target is not None
            at = clock.now()
            accepted = elsewhere.accept(conversation, current, current.target, agent=agent, at=at)
            message, event = messages.say(
                conversation,
                text,
                author_kind=AuthorKind.AGENT,
                at=at,
                author_name=agent or current.external_agent or conversation.channel.brand_name,
                client_msg_id=client_msg_id,
            )
            recorded = [*accepted, event, *first_reply(conversation, at)]
            messages.store(conversation)
            ledger.append(*recorded)
            events.announce_message(message)
            events.announce_conversation(conversation)
    except IntegrityError:
        stored = _stored(handoff, client_msg_id)
        if stored is None:
            raise
        return stored, False
    return message, True


def close(handoff: Handoff, *, resume_bot: bool) -> bool:
    """End the conversation, or give it back to the assistant; return whether this call did.

    Nothing happens where the hand-off is not with the target any more.
    """
    with transaction.atomic():
        try:
            conversation, _current = _held(handoff)
        except NotAtTargetError:
            return False
        endings.end_elsewhere(conversation, resume_bot=resume_bot, at=clock.now())
    return True


def take_events(target: HandoffTarget, told: list[Inbound]) -> None:
    """Do what a system tells by events of its own kind.

    What is about hand-offs unknown here, or no longer with the target, is nothing to us: such a
    system reports everything that happens in it.
    """
    for each in told:
        handoff = (
            Handoff.objects.filter(target=target, external_id=each.external_id)
            .exclude(external_id="")
            .order_by("-decided_at")
            .first()
        )
        if handoff is None:
            continue
        if each.kind == "message" and each.id:
            _relay_parts(handoff, each)
        elif each.kind == "close":
            close(handoff, resume_bot=False)


def _relay_parts(handoff: Handoff, told: Inbound) -> None:
    text = told.text.replace("\x00", "").strip()
    for place in range(0, len(text), TEXT_LENGTH):
        part = text[place : place + TEXT_LENGTH]
        if not part.strip():
            continue
        try:
            relay(
                handoff,
                message_id=f"{told.id}/{place}" if place else told.id,
                text=part,
                agent=told.agent,
            )
        except NotAtTargetError:
            return


def _held(handoff: Handoff) -> tuple[Conversation, Handoff]:
    """Return conversation, locked, and hand-off as they stand. Raises NotAtTargetError."""
    conversation = messages.lock_conversation(handoff.conversation_id)
    current = Handoff.objects.select_related("target").get(pk=handoff.pk)
    if (
        not conversation.held_elsewhere
        or current.ended_at is not None
        or current.state not in _THERE
    ):
        raise NotAtTargetError
    return conversation, current


def _stored(handoff: Handoff, client_msg_id: str) -> Any:
    return (
        Message.objects.filter(
            conversation=handoff.conversation_id,
            client_msg_id=client_msg_id,
            author_kind=AuthorKind.AGENT,
            agent=None,
        )
        .select_related("conversation", "conversation__channel")
        .first()
    )
