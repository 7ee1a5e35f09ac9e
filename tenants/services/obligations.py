"""Start a promise, keep it, or find it broken."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from tenants import clock
from tenants.ids import new_id
from tenants.models import Breach, Obligation, ObligationKind, ObligationState, Tenant
from tenants.scoping import active_tenant_id
from tenants.services import calendars, ledger
from tenants.services.ledger import Event
from tenants.workdays import Calendar, YearNotPublishedError

# Shares of its time at which a promise in working days is warned of (R11).
WARNED_AT = (50, 80)
_OPEN = (ObligationState.RUNNING, ObligationState.WAITING)


@dataclass(frozen=True)
class EarlyWarning:
    """A promise of which `percent` of the time has passed, and which is not kept yet."""

    obligation: Obligation
    percent: int

    @property
    def key(self) -> str:
        """The same for the same promise and share, for those who warn once."""
        return f"{self.obligation.pk}:{self.percent}"


def start(
    kind: ObligationKind,
    *,
    clause: str,
    subject_id: uuid.UUID,
    conversation_id: uuid.UUID | None,
    at: datetime,
    limit: timedelta,
    terms_version: str = "",
) -> Event:
    """Write the promise with its deadline `at + limit`; return the event for the ledger.

    `terms_version` names the terms that the limit comes from.

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
        terms_version=terms_version,
    )
    return _started(obligation)


def start_working_days(
    kind: ObligationKind,
    *,
    clause: str,
    subject_id: uuid.UUID,
    at: datetime,
    days: int,
    conversation_id: uuid.UUID | None = None,
    terms_version: str = "",
) -> Event:
    """Write a promise due at 24:00 of the `days`-th working day after `at`; return its event (R3).

    Days are those of the tenant's zone. Where it reaches into a year whose holidays are not
    announced, it waits without a deadline until they are (R2). In the transaction of what starts
    the clock; a second start for the same subject violates a constraint.
    """
    due = _due(calendars.calendar(), at, days, _zone())
    obligation = Obligation.objects.create(
        kind=kind,
        clause=clause,
        subject_id=subject_id,
        conversation_id=conversation_id,
        started_at=at,
        due_at=due,
        working_days=days,
        terms_version=terms_version,
        state=ObligationState.WAITING if due is None else ObligationState.RUNNING,
    )
    return _started(obligation)


def _started(obligation: Obligation) -> Event:
    facts: dict[str, object] = {
        "kind": obligation.kind,
        "clause": obligation.clause,
        "due_at": obligation.due_at,
    }
    if obligation.terms_version:
        facts["terms"] = obligation.terms_version
    if obligation.working_days is not None:
        facts["working_days"] = obligation.working_days
    return Event("obligation.started", obligation.subject_id, facts, obligation.started_at)


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
    if obligation.state == ObligationState.WAITING:
        return _meet_waiting(obligation, at)
    return _breach([obligation], detected_at=at, actual_at=at)


def move(kind: ObligationKind, *, subject_id: uuid.UUID, due_at: datetime) -> list[Event]:
    """Let a running promise fall due at another instant; return the events for the ledger.

    For promises by the clock, where what they wait for was set anew. Kept or broken ones stay.
    """
    row = (
        Obligation.objects.select_for_update()
        .filter(
            kind=kind,
            subject_id=subject_id,
            state=ObligationState.RUNNING,
            working_days__isnull=True,
        )
        .exclude(due_at=due_at)
        .first()
    )
    if row is None:
        return []
    facts = {"kind": kind, "old": row.due_at, "new": due_at}
    Obligation.objects.filter(pk=row.pk).update(due_at=due_at)
    return [Event("obligation.due_changed", subject_id, facts)]


def void(kind: ObligationKind) -> list[Event]:
    """Let go of every open promise of this kind of the tenant in scope; return the ledger's events.

    Where nothing is owed any more. What was kept or broken before stays so.
    """
    rows = list(Obligation.objects.select_for_update().filter(kind=kind, state__in=_OPEN))
    Obligation.objects.filter(pk__in=[row.pk for row in rows]).update(state=ObligationState.VOID)
    return [Event("obligation.voided", row.subject_id, {"kind": kind}) for row in rows]


def sweep(obligation_id: uuid.UUID) -> bool:
    """Turn one running obligation into a breach if it is late; return whether it was.

    Safe to run twice at once: only the caller that moves the row writes the breach.
    """
    return bool(sweep_all([obligation_id]))


def sweep_all(obligation_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Turn those of the running obligations that are late into breaches; return which those were.

    One transaction: either all of them are breaches, which `breach_alerts.tell_waiting` will tell
    of, or none. Safe to run twice at once, like `sweep`.
    """
    with transaction.atomic():
        now = clock.now()
        late = list(
            Obligation.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(pk__in=obligation_ids, state=ObligationState.RUNNING, due_at__lt=now)
            .order_by("due_at")
            .only("kind", "clause", "subject_id", "due_at", "tenant_id")
        )
        events = _breach(late, detected_at=now, actual_at=None)
        if events:
            ledger.append(*events)
    return [obligation.pk for obligation in late]


def recompute_after_calendar() -> int:
    """Count the open deadlines of the tenant in scope anew; return how many changed (R2).

    What waited for the holidays gets its deadline once they are known; each change is in the
    ledger. What was kept meanwhile is judged by the deadline it turns out to have had. Idempotent.
    """
    found = Obligation.objects.filter(working_days__isnull=False, state__in=_OPEN)
    ids = list(found.order_by("started_at").values_list("pk", flat=True))
    if not ids:
        return 0
    known, zone = calendars.calendar(), _zone()
    return sum(_recompute(pk, known, zone) for pk in ids)


def early_warnings() -> list[EarlyWarning]:
    """Return the promises in working days that are past 50 % or 80 % of their time now (R11).

    Each once, with the highest share it has passed. Late ones are the sweeper's.
    """
    now = clock.now()
    rows = Obligation.objects.filter(
        state=ObligationState.RUNNING, working_days__isnull=False, due_at__gte=now
    )
    return list(_warnings(rows, now))


def _warnings(rows: Iterable[Obligation], now: datetime) -> Iterator[EarlyWarning]:
    for row in rows:
        assert row.due_at is not None
        passed = [
            percent
            for percent in WARNED_AT
            if now - row.started_at >= (row.due_at - row.started_at) * percent / 100
        ]
        if passed:
            yield EarlyWarning(row, passed[-1])


def _recompute(obligation_id: uuid.UUID, known: Calendar, zone: ZoneInfo) -> bool:
    with transaction.atomic():
        row = (
            Obligation.objects.select_for_update()
            .filter(pk=obligation_id, working_days__isnull=False, state__in=_OPEN)
            .first()
        )
        if row is None or row.working_days is None:
            return False
        due = _due(known, row.started_at, row.working_days, zone)
        if due == row.due_at:
            return False
        facts = {"kind": row.kind, "old": row.due_at, "new": due}
        recorded = [Event("obligation.due_changed", row.subject_id, facts)]
        row.due_at = due
        row.state = ObligationState.WAITING if due is None else ObligationState.RUNNING
        row.save()
        if due is not None and row.met_at is not None:
            recorded += _judge(row, row.met_at)
        ledger.append(*recorded)
    return True


def _judge(row: Obligation, at: datetime) -> list[Event]:
    assert row.due_at is not None
    if at <= row.due_at:
        Obligation.objects.filter(pk=row.pk).update(state=ObligationState.MET)
        return [Event("obligation.met", row.subject_id, {"kind": row.kind}, at)]
    return _breach([row], detected_at=clock.now(), actual_at=at)


def _meet_waiting(row: Obligation, at: datetime) -> list[Event]:
    """Whatever the holidays turn out to be, the deadline lies in the year that is unknown."""
    assert row.working_days is not None
    zone = _zone()
    try:
        met = at <= calendars.due_at(row.started_at, row.working_days, zone)
    except YearNotPublishedError as error:
        met = at < calendars.midnight(date(error.year, 1, 1), zone)
    changes: dict[str, object] = {"state": ObligationState.MET} if met else {}
    Obligation.objects.filter(pk=row.pk).update(met_at=at, **changes)
    kind = "obligation.met" if met else "obligation.kept_waiting"
    return [Event(kind, row.subject_id, {"kind": row.kind}, at)]


def _due(known: Calendar, at: datetime, days: int, zone: ZoneInfo) -> datetime | None:
    try:
        return calendars.deadline(known, at, days, zone)
    except YearNotPublishedError:
        return None


def _zone() -> ZoneInfo:
    return Tenant.objects.get(pk=active_tenant_id()).zone


def _breach(
    obligations: Sequence[Obligation], *, detected_at: datetime, actual_at: datetime | None
) -> list[Event]:
    """Write the breaches of obligations whose rows are locked and running.

    Each waits in its own row for the sweeper to tell of it.
    """
    if not obligations:
        return []
    Obligation.objects.filter(pk__in=[one.pk for one in obligations]).update(
        state=ObligationState.BREACHED, met_at=actual_at
    )
    _write_breaches([one.pk for one in obligations], detected_at, actual_at)
    return [
        Event(
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
        for obligation in obligations
    ]


_COPIED = "clause, subject_id, conversation_id, started_at, due_at, terms_version"
_INTO = f"""
INSERT INTO {Breach._meta.db_table}
    (id, tenant_id, obligation_id, {_COPIED}, detected_at, actual_at, is_untold)
"""
_KEPT = Obligation._meta.db_table
_COPY_ONE = f"""{_INTO}
SELECT %s, tenant_id, id, {_COPIED}, %s, %s, %s FROM {_KEPT} WHERE id = %s AND tenant_id = %s
"""  # noqa: S608 -- constant
_COPY_ALL = f"""{_INTO}
SELECT given.id, tenant_id, kept.id, {_COPIED}, %s, %s, %s
FROM {_KEPT} AS kept JOIN unnest(%s::uuid[], %s::uuid[]) AS given (id, obligation_id)
    ON given.obligation_id = kept.id
WHERE tenant_id = %s
"""  # noqa: S608 -- constant


def _write_breaches(
    obligation_ids: Sequence[uuid.UUID], detected_at: datetime, actual_at: datetime | None
) -> None:
    """Let the database copy what is known: ten thousand at once are to be found in five seconds."""
    found = connection.ops.adapt_datetimefield_value(detected_at)
    kept = connection.ops.adapt_datetimefield_value(actual_at)
    ids, tenant_id = [new_id() for _each in obligation_ids], active_tenant_id()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            given = [found, kept, True, ids, list(obligation_ids), tenant_id]
            cursor.execute(_COPY_ALL, given)
        else:
            pairs = zip(ids, obligation_ids, strict=True)
            cursor.executemany(
                _COPY_ONE,
                [(pk.hex, found, kept, True, of.hex, tenant_id) for pk, of in pairs],
            )


def _fill_actual(obligation: Obligation, at: datetime) -> None:
    Obligation.objects.filter(pk=obligation.pk, met_at=None).update(met_at=at)
    Breach.objects.filter(obligation=obligation, actual_at=None).update(actual_at=at)
