"""Give a hand-off to our own console where the client's system does not take it (R66, R70)."""

import uuid

from django.db import transaction

from conversations import events
from conversations.models import AuthorKind, Handoff, HandoffTarget, MessageKind, OutboundKind
from conversations.queries import queue_position
from conversations.services import elsewhere, messages, out_of_hours, outbox, phrases, targets
from conversations.services.transitions import move, move_handoff
from conversations.states import ConversationStatus, HandoffState
from tenants import clock
from tenants.models import ObligationKind
from tenants.services import ledger, obligations
from tenants.services.ledger import Event

# After these nothing more is sent to the target about the hand-off.
_FINAL = frozenset({"rejected", "disabled", "gone", "undelivered"})
_THERE = frozenset({HandoffState.DELIVERED, HandoffState.ACCEPTED})


def fail_over(handoff_id: uuid.UUID, *, cause: str) -> bool:
    """Put the hand-off into our own queue; return whether this call did.

    State first, words second: the visitor is told, agents see an ordinary row, and the promise is
    met by the listing if it was not met before. Out of hours a ticket is opened. `no_ack` means not acknowledged in time; the target
    may still get it by slow retries while nobody here takes it. `undelivered`: the target has it and
    does not hear what the visitor writes. Does nothing where nothing is to be done any more.
    """
    with transaction.atomic():
        found = Handoff.objects.only("conversation_id").get(pk=handoff_id)
        conversation = messages.lock_conversation(found.conversation_id)
        handoff = Handoff.objects.select_related("target").get(pk=handoff_id)
        at = clock.now()
        target = handoff.target
        unsent = outbox.unsent(handoff)
        if target is None or handoff.ended_at is not None:
            return False
        if not unsent and (cause == "no_ack" or handoff.state not in _THERE):
            return False
        before = {"delivered_at": at} if unsent else {}
        if not move_handoff(
            handoff,
            HandoffState.FALLBACK_CONSOLE,
            fell_back_at=at,
            fallback_cause=cause,
            **before,
        ):
            return False
        if conversation.status == ConversationStatus.HUMAN:
            move(conversation, ConversationStatus.WAITING)
        conversation.waiting_since = conversation.waiting_since or at
        conversation.held_elsewhere = False
        conversation.elsewhere = {}
        if cause in _FINAL:
            outbox.drop(handoff)
        else:
            conversation.elsewhere = elsewhere.label(target, "fallback")
        if cause == "undelivered":
            outbox.add(handoff, OutboundKind.WITHDRAWN, at=at)
        if cause == "no_ack":
            targets.failed(target.pk, at)
        kept = out_of_hours.keep(conversation, reason=handoff.reason, note=handoff.note, at=at)
        # Counted with this row in the queue, as the next visitor will count it.
        with phrases.language_of(conversation.contact):
            text = phrases.failed_over(
                queue_position(conversation), away=out_of_hours.sentence(conversation, at)
            )
        message, event = messages.say(
            conversation, text, author_kind=AuthorKind.SYSTEM, kind=MessageKind.NOTICE, at=at
        )
        messages.store(conversation)
        facts = {
            "conversation": conversation.pk,
            "target": target.pk,
            "cause": cause,
            "owner": "client",
        }
        recorded = [Event("handoff.failed_over", handoff.pk, facts, at), *kept, event]
        if unsent:
            recorded += obligations.meet(ObligationKind.HANDOFF, subject_id=handoff.pk, at=at)
        ledger.append(*recorded)
        events.announce_conversation(conversation)
        events.announce_message(message)
    return True


def fail_over_late(handoff_id: uuid.UUID) -> bool:
    """Put a hand-off that was not acknowledged in time into our own queue; see `fail_over`."""
    return fail_over(handoff_id, cause="no_ack")


def fail_over_all(target: HandoffTarget, *, cause: str) -> None:
    """Put everything that this target has, or was to get, into our own queue."""
    rows = Handoff.objects.filter(target=target, ended_at=None)
    waiting = list(rows.filter(state=HandoffState.FALLBACK_CONSOLE).values_list("pk", flat=True))
    held = (HandoffState.CREATED, HandoffState.DELIVERING, *_THERE)
    for handoff_id in list(rows.filter(state__in=held).values_list("pk", flat=True)):
        fail_over(handoff_id, cause=cause)
    for handoff_id in waiting:
        give_up(handoff_id)


def give_up(handoff_id: uuid.UUID) -> None:
    """Try no more to deliver a hand-off that waits in our own queue."""
    with transaction.atomic():
        found = Handoff.objects.only("conversation_id").get(pk=handoff_id)
        conversation = messages.lock_conversation(found.conversation_id)
        handoff = Handoff.objects.select_related("target").get(pk=handoff_id)
        if handoff.ended_at is not None or not move_handoff(handoff, HandoffState.FAILED):
            return
        outbox.drop(handoff)
        conversation.elsewhere = {}
        messages.store(conversation)
        ledger.append(Event("handoff.given_up", handoff.pk, {"target": handoff.target_id}))
        events.announce_conversation(conversation, to_visitor=False)
