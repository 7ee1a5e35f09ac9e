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
    OutboundKind,
)
from conversations.queries import queue_position
from conversations.services import (
    elsewhere,
    groups,
    messages,
    out_of_hours,
    outbox,
    phrases,
    routing,
    targets,
)
from conversations.services.transitions import move, move_handoff
from conversations.states import (
    ConversationClosedError,
    ConversationStatus,
    HandoffReason,
    HandoffState,
)
from tenants import clock, terms
from tenants.models import Membership, ObligationKind
from tenants.services import contracts, ledger, obligations
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
        if conversation.is_probe:
            return conversation
        if conversation.status == ConversationStatus.CLOSED:
            if conversation.closed_by_contact:
                raise ConversationClosedError
            move(conversation, ConversationStatus.BOT)
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
            text = words(conversation, HandoffReason.ASKED, at)
        message, event = messages.say(
            conversation, text, author_kind=AuthorKind.SYSTEM, kind=MessageKind.NOTICE, at=at
        )
        recorded += [event, *first_reply(conversation, at)]
        messages.store(conversation)
        ledger.append(*recorded)
        events.announce_conversation(conversation)
        events.announce_message(message)
        routing.drain_soon(conversation.group_id)
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
    """Put a locked conversation into the queue, or on its way to the client's own system.

    Returns the ledger events. Without an active target that is to be reached, the built-in console
    lists it with the commit, so the 60 s promise, counted from the triggering message, is met at
    `at` (R63, R65). Otherwise it is met once the target acknowledges, or our console takes it over;
    sending begins right after the commit. Where it waits here and its group is closed, a ticket is
    opened (R67). The caller tells the visitor, stores, announces, and lets the queue be drained.
    """
    agreed = contracts.terms_at(triggered_at)
    deadline = triggered_at + agreed.handoff
    target = targets.current()
    begin = None
    if target is not None:
        latest = triggered_at + agreed.failover
        begin = targets.admit(target, at, latest=latest)
    goes_out = target is not None and begin is not None
    move(conversation, ConversationStatus.WAITING)
    conversation.waiting_since = at
    conversation.handoff_reason = reason
    _enter_group(conversation, at)
    conversation.held_elsewhere = goes_out
    conversation.elsewhere = elsewhere.label(target, "delivering") if goes_out and target else {}
    handoff = Handoff.objects.create(
        conversation=conversation,
        inquiry=conversation.inquiry,
        target=target if goes_out else None,
        state=HandoffState.CREATED if goes_out else HandoffState.DELIVERED,
        trigger_seq=trigger_seq,
        reason=reason,
        note=note[:300],
        triggered_at=triggered_at,
        decided_at=at,
        deadline_at=deadline,
        delivered_at=None if goes_out else at,
        fallback_cause="circuit" if target is not None and not goes_out else "",
        package_seq=conversation.last_seq,
    )
    started = obligations.start(
        ObligationKind.HANDOFF,
        clause=terms.CLAUSE_HANDOFF,
        subject_id=handoff.pk,
        conversation_id=conversation.pk,
        at=triggered_at,
        limit=agreed.handoff,
        terms_version=agreed.version,
    )
    facts = {"conversation": conversation.pk, "reason": reason, "trigger_seq": trigger_seq}
    if target is not None:
        facts |= {"target": target.pk, "console": not goes_out}
    requested = Event("handoff.requested", handoff.pk, facts, at)
    if goes_out:
        outbox.add(handoff, OutboundKind.CREATED, at=at, due_at=begin)
        outbox.watch(handoff, at)
        return [requested, started]
    met = obligations.meet(ObligationKind.HANDOFF, subject_id=handoff.pk, at=at)
    kept = out_of_hours.keep(conversation, reason=reason, note=handoff.note, at=at)
    return [requested, started, *met, *kept]


def take_open(conversation: Conversation, *, by: Membership, at: datetime) -> list[Event]:
    """Note that a person here has the conversation's open hand-off; return the ledger events.

    What another system has, or might still get, is taken back from it.
    """
    conversation.held_elsewhere, conversation.elsewhere = False, {}
    handoff = (
        Handoff.objects.filter(conversation=conversation, ended_at=None)
        .select_related("target")
        .first()
    )
    if handoff is None:
        return []
    if handoff.target is None and handoff.accepted_at is not None:
        # A transfer ends in another take; the hand-off was picked up at the first one.
        Handoff.objects.filter(pk=handoff.pk).update(accepted_by=by)
        return []
    taken = {"accepted_at": at, "accepted_by": by}
    if handoff.target is None:
        move_handoff(handoff, HandoffState.ACCEPTED, **taken)
        return []
    recorded = _undelivered(handoff, at)
    outbox.stop(handoff, kind=OutboundKind.WITHDRAWN, at=at)
    delivered = {"delivered_at": at} if handoff.delivered_at is None else {}
    move_handoff(handoff, HandoffState.WITHDRAWN, **taken, **delivered)
    facts = {"conversation": conversation.pk, "by": by.pk, "target": handoff.target_id}
    return [Event("handoff.withdrawn", handoff.pk, facts, at), *recorded]


def _undelivered(handoff: Handoff, at: datetime) -> list[Event]:
    # A person has it, or nobody needs it any more: either way the promise runs no longer.
    if not outbox.unsent(handoff):
        return []
    return obligations.meet(ObligationKind.HANDOFF, subject_id=handoff.pk, at=at)


def words(conversation: Conversation, reason: str, at: datetime) -> str:
    """Return what the visitor hears of a hand-off that was just made, in the language in use."""
    return phrases.handed_off(
        reason,
        position=queue_position(conversation),
        elsewhere=conversation.held_elsewhere,
        away=out_of_hours.sentence(conversation, at),
    )


def _enter_group(conversation: Conversation, at: datetime) -> None:
    before = conversation.group_id
    conversation.group = groups.choose(conversation, conversation.handoff_reason, at)
    if conversation.group_id != before:
        events.announce_left(conversation, before)


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


def end_open(conversation: Conversation, at: datetime, *, tell: bool = True) -> list[Event]:
    """End the conversation's open hand-off, if there is one; return the ledger events.

    The client's system is told, unless (`tell` is False) it was the one that ended it.
    """
    handoff = (
        Handoff.objects.filter(conversation=conversation, ended_at=None)
        .select_related("target")
        .first()
    )
    if handoff is None:
        return []
    recorded = _undelivered(handoff, at)
    if tell and handoff.target is not None:
        there = handoff.state in (HandoffState.DELIVERED, HandoffState.ACCEPTED)
        kind = OutboundKind.CLOSED if there else OutboundKind.WITHDRAWN
        outbox.stop(handoff, kind=kind, at=at)
    elif handoff.target is not None:
        outbox.drop(handoff)
    move_handoff(handoff, HandoffState.CLOSED, ended_at=at)
    return [Event("handoff.ended", handoff.pk, {"conversation": conversation.pk}, at), *recorded]


def first_reply(conversation: Conversation, at: datetime) -> list[Event]:
    """Note the first visible reply of the conversation's inquiry; return the ledger events."""
    inquiry = conversation.inquiry
    if inquiry is None or inquiry.first_reply_at is not None:
        return []
    inquiry.first_reply_at = at
    Inquiry.objects.filter(pk=inquiry.pk, first_reply_at=None).update(first_reply_at=at)
    return obligations.meet(ObligationKind.FIRST_REPLY, subject_id=inquiry.pk, at=at)
