"""What a client's system is still to hear, in order, as rows (R66, R69)."""

import uuid
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import F, Q

from conversations.models import (
    Conversation,
    Handoff,
    Message,
    OutboundDelivery,
    OutboundKind,
    OutboundState,
    TargetStatus,
)
from conversations.states import HandoffState
from tenants import clock
from tenants.scoping import active_tenant_id
from tenants.services import contracts

# Seconds from when a thing was to be sent to its attempts; the first five lie inside the promise.
PLAN = (0, 2, 6, 14, 28, 60, 300, 1800, 7200, 18_000, 36_000, 50_400)
FAST_ATTEMPTS = 5
FAST_SECONDS, SLOW_SECONDS = 5.0, 15.0
# A process that dies while sending holds the row no longer than this past its time.
_GRACE = 3.0
# Further behind its plan than this a row was not held up by its own attempts.
_BEHIND = timedelta(seconds=10)
_UNSENT = frozenset({HandoffState.CREATED, HandoffState.DELIVERING})


def add(
    handoff: Handoff,
    kind: OutboundKind,
    *,
    at: datetime,
    seq: int | None = None,
    due_at: datetime | None = None,
) -> OutboundDelivery:
    """Put something at the end of what the hand-off's target is to hear; it goes after the commit.

    The caller has locked the conversation, so the numbers have no gap and no repeat.
    """
    assert handoff.target_id is not None
    number = OutboundDelivery.objects.filter(handoff=handoff).count() + 1
    row = OutboundDelivery.objects.create(
        handoff=handoff,
        target_id=handoff.target_id,
        number=number,
        kind=kind,
        seq=seq,
        idempotency_key=f"msg_{handoff.pk.hex}_{number}",
        created_at=at,
        due_at=due_at or at,
    )
    wake(handoff.pk, handoff.target_id)
    return row


def add_message(conversation: Conversation, message: Message, at: datetime) -> None:
    """Pass a visitor's further message on, if a target has the conversation or may still get it."""
    if not conversation.elsewhere:
        return
    handoff = Handoff.objects.filter(conversation=conversation, ended_at=None).first()
    if handoff is None or handoff.target_id is None or message.seq <= handoff.package_seq:
        return
    add(handoff, OutboundKind.MESSAGE, at=at, seq=message.seq)


def stop(handoff: Handoff, *, kind: OutboundKind, at: datetime) -> None:
    """End what the target is to hear with a withdrawal or an end, if it may know of the hand-off.

    What the visitor wrote before they ended it is still passed on, where the target has it. An
    attempt may have arrived without our hearing of it: then it is taken back as well.
    """
    target = handoff.target
    if target is None:
        return
    rows = OutboundDelivery.objects.filter(handoff=handoff)
    created = rows.filter(kind=OutboundKind.CREATED).first()
    has_it = created is not None and created.state == OutboundState.DONE
    if kind != OutboundKind.CLOSED or not has_it or handoff.late_ack_at:
        drop(handoff)
    told = rows.filter(kind__in=(OutboundKind.WITHDRAWN, OutboundKind.CLOSED)).exclude(
        state=OutboundState.DROPPED
    )
    if created is not None and created.attempts and target.is_active and not told.exists():
        add(handoff, kind, at=at)


def take_back(handoff: Handoff, *, at: datetime) -> None:
    """Send a withdrawal though one was sent before: only now is it known that the target has it."""
    drop(handoff)
    add(handoff, OutboundKind.WITHDRAWN, at=at)


def drop(handoff: Handoff) -> None:
    """Send the hand-off's target nothing of what still waits."""
    OutboundDelivery.objects.filter(handoff=handoff, state=OutboundState.PENDING).update(
        state=OutboundState.DROPPED, body=""
    )


def head(handoff_id: uuid.UUID) -> OutboundDelivery | None:
    """Return what the hand-off's target is to hear next, or None."""
    return (
        OutboundDelivery.objects.filter(handoff=handoff_id, state=OutboundState.PENDING)
        .select_related("handoff", "target")
        .order_by("number")
        .first()
    )


def claim(row: OutboundDelivery, at: datetime) -> bool:
    """Take a row for one attempt; of several processes one gets it. The object follows."""
    until = at + timedelta(seconds=seconds_of(row.attempts + 1) + _GRACE)
    taken = (
        OutboundDelivery.objects.filter(
            pk=row.pk, state=OutboundState.PENDING, attempts=row.attempts
        )
        .filter(Q(claimed_until=None) | Q(claimed_until__lte=at))
        .update(claimed_until=until, attempts=F("attempts") + 1)
    )
    if taken:
        row.claimed_until, row.attempts = until, row.attempts + 1
    return bool(taken)


def is_sendable(at: datetime) -> Q:
    """Return the condition of rows that nobody is sending and whose target may be spoken to now.

    When they are due is another question, and one of the same hand-off may have to go first.
    """
    return (
        Q(state=OutboundState.PENDING, target__status=TargetStatus.ACTIVE)
        & (Q(claimed_until=None) | Q(claimed_until__lte=at))
        & (Q(target__throttled_until=None) | Q(target__throttled_until__lte=at))
    )


def seconds_of(attempt: int) -> float:
    """Return how long the attempt of this number may take."""
    return FAST_SECONDS if attempt <= FAST_ATTEMPTS else SLOW_SECONDS


def done(row: OutboundDelivery, at: datetime) -> bool:
    """Note that the row was delivered; return whether it was still to be delivered."""
    return bool(
        OutboundDelivery.objects.filter(pk=row.pk, state=OutboundState.PENDING).update(
            state=OutboundState.DONE, done_at=at, claimed_until=None, body=""
        )
    )


def retry(row: OutboundDelivery, at: datetime, *, not_before: datetime | None) -> bool:
    """Plan the next attempt: the later of plan and now; False if there is none left.

    `not_before` is what the other side asked for.
    """
    rows = OutboundDelivery.objects.filter(pk=row.pk, state=OutboundState.PENDING)
    if row.attempts >= len(PLAN):
        rows.update(state=OutboundState.FAILED, claimed_until=None, body="")
        return False
    planned = row.created_at + timedelta(seconds=PLAN[row.attempts])
    if planned < at - _BEHIND:
        # It waited for another before it, or is sent again: its attempts keep their distance.
        planned = at + timedelta(seconds=PLAN[row.attempts] - PLAN[row.attempts - 1])
    row.due_at = max(planned, at, not_before or at)
    rows.update(due_at=row.due_at, claimed_until=None)
    return True


def unsent(handoff: Handoff) -> bool:
    """Return whether the target has not acknowledged the hand-off in time yet."""
    return handoff.state in _UNSENT


def wake(handoff_id: uuid.UUID, target_id: object) -> None:
    """Let this process send what is due once the transaction is committed."""
    work = partial(start, active_tenant_id(), handoff_id, target_id)
    transaction.on_commit(work, robust=True)


def watch(handoff: Handoff, at: datetime) -> None:
    """Let this process look, once it is time, whether the hand-off was acknowledged."""
    late = handoff.triggered_at + contracts.terms_at(handoff.triggered_at).failover
    seconds = max(0.0, (late - at).total_seconds())
    work = partial(_watch, active_tenant_id(), handoff.pk, seconds)
    transaction.on_commit(work, robust=True)


def start(tenant_id: int, handoff_id: uuid.UUID, target_id: object) -> None:
    """Let the threads of this process send what the hand-off's target is to hear now."""
    from conversations import deliveries  # noqa: PLC0415 -- whose threads call this service

    deliveries.start(tenant_id, handoff_id, target_id)


def _watch(tenant_id: int, handoff_id: uuid.UUID, seconds: float) -> None:
    from conversations import deliveries  # noqa: PLC0415 -- whose threads call this service

    deliveries.watch(tenant_id, handoff_id, seconds)


def send_again(row: OutboundDelivery) -> None:
    """Put a row that is through, whatever became of it, back to be sent under the same key.

    It counts as tried before, so that an adapter looks for what it has made already.
    """
    now = clock.now()
    OutboundDelivery.objects.filter(pk=row.pk).exclude(state=OutboundState.PENDING).update(
        state=OutboundState.PENDING,
        attempts=1,
        due_at=now,
        claimed_until=None,
    )
    wake(row.handoff_id, row.target_id)
