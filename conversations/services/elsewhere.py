"""What an acknowledgement of a client's system means for the conversation it was handed."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from conversations import events
from conversations.models import (
    AuthorKind,
    Conversation,
    Handoff,
    HandoffTarget,
    MessageKind,
    OutboundDelivery,
    OutboundKind,
    OutboundState,
)
from conversations.services import messages, outbox, phrases
from conversations.services.transitions import move, move_handoff
from conversations.states import ConversationStatus, HandoffState
from tenants.models import ObligationKind
from tenants.services import ledger, obligations
from tenants.services.ledger import Event


@dataclass(frozen=True)
class Ack:
    """What a target said when it took a hand-off: how it calls it, and who looks after it."""

    status: str = ""
    external_id: str = ""
    external_url: str = ""
    agent: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)


def label(target: HandoffTarget, state: str, agent: str = "") -> dict[str, str]:
    """Return what agents here are told of a conversation that another system has or may get.

    `state` is delivering, delivered, accepted or fallback.
    """
    return {"system": target.name, "state": state, "agent": agent}


def acknowledge(
    handoff_id: uuid.UUID, ack: Ack, *, at: datetime, began: datetime | None = None
) -> Handoff:
    """Take note that the target has the hand-off; return it.

    In time: it is delivered, the promise met. After our console took it over: a slow retry, begun
    since then (`began`), brings it to the target after all while nobody here has taken it; any other
    acknowledgement is stored as late, and the hand-off taken back there (R66). Again: changes no more
    than names.
    """
    with transaction.atomic():
        found = Handoff.objects.only("conversation_id").get(pk=handoff_id)
        conversation = messages.lock_conversation(found.conversation_id)
        handoff = Handoff.objects.select_related("target").get(pk=handoff_id)
        assert handoff.target is not None
        OutboundDelivery.objects.filter(handoff=handoff, kind=OutboundKind.CREATED).exclude(
            state=OutboundState.DROPPED
        ).update(state=OutboundState.DONE, done_at=at, claimed_until=None, body="")
        recorded = _judge(conversation, handoff, handoff.target, ack, at, began)
        messages.store(conversation)
        if recorded:
            ledger.append(*recorded)
        events.announce_conversation(conversation)
        outbox.wake(handoff.pk, handoff.target_id)
    return handoff


def _judge(
    conversation: Conversation,
    handoff: Handoff,
    target: HandoffTarget,
    ack: Ack,
    at: datetime,
    began: datetime | None,
) -> list[Event]:
    names = _names(handoff, ack)
    facts = {
        "conversation": conversation.pk,
        "target": target.pk,
        "external_id": ack.external_id,
        "package_sha256": handoff.package_hash,
    }
    recorded: list[Event] = []
    if outbox.unsent(handoff):
        move_handoff(handoff, HandoffState.DELIVERED, delivered_at=at, **names)
        recorded.append(Event("handoff.delivered", handoff.pk, facts, at))
        recorded += obligations.meet(ObligationKind.HANDOFF, subject_id=handoff.pk, at=at)
        conversation.elsewhere = label(target, "delivered")
    elif _is_free(conversation, handoff, began):
        move_handoff(handoff, HandoffState.DELIVERED, **names)
        recorded.append(Event("handoff.delivered", handoff.pk, {**facts, "after": "fallback"}, at))
        conversation.held_elsewhere = True
        conversation.elsewhere = label(target, "delivered")
        recorded.append(_say(conversation, phrases.delivered_late, at))
    elif handoff.state in (HandoffState.DELIVERED, HandoffState.ACCEPTED):
        Handoff.objects.filter(pk=handoff.pk).update(**names)
    else:
        first = handoff.late_ack_at is None
        Handoff.objects.filter(pk=handoff.pk).update(late_ack_at=handoff.late_ack_at or at, **names)
        if handoff.state == HandoffState.FALLBACK_CONSOLE:
            conversation.elsewhere = {}
        if first and target.is_active:
            outbox.take_back(handoff, at=at)
            recorded.append(Event("handoff.acknowledged_late", handoff.pk, facts, at))
        return recorded
    if ack.status == "accepted":
        recorded += accept(conversation, handoff, target, agent=ack.agent, at=at)
    return recorded


def accept(
    conversation: Conversation, handoff: Handoff, target: HandoffTarget, *, agent: str, at: datetime
) -> list[Event]:
    """Note that an agent over there looks after a locked conversation; return the ledger events."""
    known = handoff.external_agent
    if handoff.state == HandoffState.ACCEPTED and (not agent or agent == known):
        return []
    moved = move_handoff(
        handoff,
        HandoffState.ACCEPTED,
        accepted_at=handoff.accepted_at or at,
        external_agent=agent or known,
    )
    if not moved:
        return []
    if conversation.status == ConversationStatus.WAITING:
        move(conversation, ConversationStatus.HUMAN)
    conversation.elsewhere = label(target, "accepted", agent or known)
    name = agent or known or conversation.channel.brand_name
    said = _say(conversation, lambda: phrases.agent_joined(name), at)
    facts = {"conversation": conversation.pk, "target": target.pk}
    return [Event("handoff.accepted", handoff.pk, facts, at), said]


def _is_free(conversation: Conversation, handoff: Handoff, began: datetime | None) -> bool:
    """Whether a slow retry may give it to the target: our console has it, nobody has taken it."""
    return (
        handoff.state == HandoffState.FALLBACK_CONSOLE
        and conversation.status == ConversationStatus.WAITING
        and began is not None
        and handoff.fell_back_at is not None
        and began >= handoff.fell_back_at
    )


def _names(handoff: Handoff, ack: Ack) -> dict[str, Any]:
    names: dict[str, Any] = {}
    if ack.external_id:
        names["external_id"] = ack.external_id
    if ack.external_url:
        names["external_url"] = ack.external_url
    if ack.ids:
        names["external_ids"] = {**handoff.external_ids, **ack.ids}
    return names


def _say(conversation: Conversation, sentence: Any, at: datetime) -> Event:
    with phrases.language_of(conversation.contact):
        text = sentence()
    message, event = messages.say(
        conversation, text, author_kind=AuthorKind.SYSTEM, kind=MessageKind.NOTICE, at=at
    )
    events.announce_message(message)
    return event
