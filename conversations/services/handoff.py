"""Pass a conversation from the assistant to people."""

import uuid
from datetime import datetime

from django.db import transaction

from conversations import events
from conversations.models import (
    AuthorKind,
    BotDecision,
    Conversation,
    DecisionOutcome,
    Handoff,
    Inquiry,
    Message,
    MessageKind,
)
from conversations.queries import queue_position
from conversations.services import messages, phrases
from conversations.services.transitions import move
from conversations.states import ConversationClosedError, ConversationStatus, HandoffReason
from tenants import clock, terms
from tenants.models import ObligationKind
from tenants.services import ledger, obligations
from tenants.services.ledger import Event


def request_handoff(conversation_id: uuid.UUID, *, note: str = "") -> Conversation:
    """Hand the conversation to people because the visitor pressed the button; return it.

    Idempotent while one is open: a second press changes nothing. State, queue and promise are
    committed before the words are sent. Raises ConversationClosedError after the visitor ended
    the conversation.
    """
    with transaction.atomic():
        conversation = messages.lock_conversation(conversation_id)
        if conversation.status in (ConversationStatus.WAITING, ConversationStatus.HUMAN):
            return conversation
        if conversation.status == ConversationStatus.CLOSED:
            if conversation.closed_by_contact:
                raise ConversationClosedError
            move(conversation, ConversationStatus.BOT)
            conversation.closed_at = None
        at = clock.now()
        recorded = _decide_pending(conversation, at)
        recorded += hand_off(
            conversation,
            reason=HandoffReason.ASKED,
            triggered_at=at,
            trigger_seq=conversation.last_seq,
            note=note,
            at=at,
        )
        with phrases.language_of(conversation.contact):
            text = phrases.handed_off(HandoffReason.ASKED, position=queue_position(conversation))
        message, event = messages.say(
            conversation, text, author_kind=AuthorKind.SYSTEM, kind=MessageKind.NOTICE, at=at
        )
        recorded += [event, *first_reply(conversation, at)]
        messages.store(conversation)
        ledger.append(*recorded)
        events.announce_conversation(conversation)
        events.announce_message(message)
    return conversation


def hand_off(
    conversation: Conversation,
    *,
    reason: str,
    triggered_at: datetime,
    trigger_seq: int,
    at: datetime,
    note: str = "",
) -> list[Event]:
    """Put a locked conversation into the queue; return the ledger events.

    The built-in console lists it with the commit, so the 60 s promise, counted from the triggering
    message, is met at `at` (R63, R65). The caller says so to the visitor, stores and announces.
    """
    move(conversation, ConversationStatus.WAITING)
    conversation.waiting_since = at
    conversation.handoff_reason = reason
    handoff = Handoff.objects.create(
        conversation=conversation,
        inquiry=conversation.inquiry,
        trigger_seq=trigger_seq,
        reason=reason,
        note=note[:300],
        triggered_at=triggered_at,
        decided_at=at,
        delivered_at=at,
    )
    started = obligations.start(
        ObligationKind.HANDOFF,
        clause=terms.CLAUSE_HANDOFF,
        subject_id=handoff.pk,
        conversation_id=conversation.pk,
        at=triggered_at,
        limit=terms.HANDOFF,
    )
    met = obligations.meet(ObligationKind.HANDOFF, subject_id=handoff.pk, at=at)
    facts = {"conversation": conversation.pk, "reason": reason, "trigger_seq": trigger_seq}
    return [Event("handoff.requested", handoff.pk, facts, at), started, *met]


def _decide_pending(conversation: Conversation, at: datetime) -> list[Event]:
    # R21: the question that the visitor did not want to wait for has its decision, too.
    question = Message.objects.filter(
        conversation=conversation, seq=conversation.undecided_seq
    ).first()
    if question is None:
        return []
    BotDecision.objects.create(
        conversation=conversation,
        inquiry=conversation.inquiry,
        question=question,
        outcome=DecisionOutcome.HANDOFF,
        rule="asked.button",
        reason=HandoffReason.ASKED,
        latency_ms=max(0, round((at - question.received_at).total_seconds() * 1000)),
        decided_at=at,
    )
    facts = {"outcome": DecisionOutcome.HANDOFF, "rule": "asked.button", "release": None}
    return [Event("question.decided", question.pk, facts, at)]


def end_open(conversation: Conversation, at: datetime) -> list[Event]:
    """End the conversation's open hand-off, if there is one; return the ledger events."""
    handoff = Handoff.objects.filter(conversation=conversation, ended_at=None).first()
    if handoff is None:
        return []
    Handoff.objects.filter(pk=handoff.pk).update(ended_at=at)
    return [Event("handoff.ended", handoff.pk, {"conversation": conversation.pk}, at)]


def first_reply(conversation: Conversation, at: datetime) -> list[Event]:
    """Note the first visible reply of the conversation's inquiry; return the ledger events."""
    inquiry = conversation.inquiry
    if inquiry is None or inquiry.first_reply_at is not None:
        return []
    inquiry.first_reply_at = at
    Inquiry.objects.filter(pk=inquiry.pk, first_reply_at=None).update(first_reply_at=at)
    return obligations.meet(ObligationKind.FIRST_REPLY, subject_id=inquiry.pk, at=at)
