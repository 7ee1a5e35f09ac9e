"""Start a promise, keep it, or find it broken."""

import uuid
from datetime import datetime, timedelta

from django.db import transaction

from tenants import clock
from tenants.models import Breach, Obligation, ObligationKind, ObligationState
from tenants.services import ledger
from tenants.services.ledger import Event


def start(
    kind: ObligationKind,
    *,
    clause: str,
    subject_id: uuid.UUID,
    conversation_id: uuid.UUID | None,
    at: datetime,
    limit: timedelta,
) -> Event:
    """Write the promise with its deadline `at + limit`; return the event for the ledger.

    Runs in the transaction of what starts the clock (R5). A second start for the same subject
    violates a constraint.
    """
    obligation = Obligation.objects.create(
        kind=kind,
        clause=clause,
        subject_id=subject_id,
        conversation_id=conversation_id,
        started_at=at,
        due_at=at + limit,
    )
    return Event(
        "obligation.started",
        subject_id,
        {"kind": kind, "clause": clause, "due_at": obligation.due_at},
        at,
    )


def meet(kind: ObligationKind, *, subject_id: uuid.UUID, at: datetime) -> list[Event]:
    """Record that the promise was kept at `at`; return the events for the ledger.

    Judged by event time: after `due_at` it is a breach, even if no sweeper has seen it yet. A
    breach that stands only gets the instant of the late success. Keeping a promise twice, or one
    that was never given, changes nothing.
    """
    kept = Obligation.objects.filter(
        kind=kind, subject_id=subject_id, state=ObligationState.RUNNING, due_at__gte=at
    ).update(state=ObligationState.MET, met_at=at)
    if kept:
        return [Event("obligation.met", subject_id, {"kind": kind}, at)]
    obligation = (
        Obligation.objects.select_for_update()
        .filter(kind=kind, subject_id=subject_id, met_at=None)
        .exclude(state=ObligationState.VOID)
        .first()
    )
    if obligation is None:
        return []
    if obligation.state == ObligationState.BREACHED:
        _fill_actual(obligation, at)
        return [Event("obligation.kept_late", subject_id, {"kind": kind}, at)]
    event = _breach(obligation, detected_at=at, actual_at=at)
    return [event] if event else []


def sweep(obligation_id: uuid.UUID) -> bool:
    """Turn one running obligation into a breach if it is late; return whether it was.

    Safe to run twice at once: only the caller that moves the row writes the breach.
    """
    with transaction.atomic():
        now = clock.now()
        obligation = Obligation.objects.filter(
            pk=obligation_id, state=ObligationState.RUNNING, due_at__lt=now
        ).first()
        event = _breach(obligation, detected_at=now, actual_at=None) if obligation else None
        if event is None:
            return False
        ledger.append(event)
    return True


def _breach(
    obligation: Obligation, *, detected_at: datetime, actual_at: datetime | None
) -> Event | None:
    moved = Obligation.objects.filter(pk=obligation.pk, state=ObligationState.RUNNING).update(
        state=ObligationState.BREACHED, met_at=actual_at
    )
    if not moved:
        return None
    Breach.objects.create(
        obligation=obligation,
        clause=obligation.clause,
        subject_id=obligation.subject_id,
        conversation_id=obligation.conversation_id,
        started_at=obligation.started_at,
        due_at=obligation.due_at,
        detected_at=detected_at,
        actual_at=actual_at,
    )
    return Event(
        "obligation.breached",
        obligation.subject_id,
        {
            "kind": obligation.kind,
            "clause": obligation.clause,
            "due_at": obligation.due_at,
            "actual_at": actual_at,
        },
        detected_at,
    )


def _fill_actual(obligation: Obligation, at: datetime) -> None:
    Obligation.objects.filter(pk=obligation.pk, met_at=None).update(met_at=at)
    Breach.objects.filter(obligation=obligation, actual_at=None).update(actual_at=at)
