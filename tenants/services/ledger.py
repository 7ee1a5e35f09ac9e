"""Append to the evidence ledger, and prove that nobody touched it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from tenants import clock
from tenants.models import LedgerEntry, LedgerHead
from tenants.scoping import active_tenant_id

GENESIS = "0" * 64


@dataclass(frozen=True)
class Event:
    """Something that happened: `kind` is `noun.verbed`, `subject` the id of what it happened to.

    `data` holds identifiers, codes, instants and hashes, never what a person wrote.
    """

    kind: str
    subject: object
    data: Mapping[str, Any] = field(default_factory=dict)
    at: datetime | None = None


@dataclass(frozen=True)
class Fault:
    """The first row of a chain that differs from what was written."""

    position: int
    reason: str


def append(*events: Event) -> None:
    """Write the events in order at the end of the tenant's chain.

    Must run inside the transaction of what they record, as its last statement: the head row stays
    locked until the commit. Source: R12.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("the ledger is written in the transaction of the event")
    tenant_id = active_tenant_id()
    position, previous = _lock_head(tenant_id)
    rows = []
    for event in events:
        position += 1
        row = LedgerEntry(
            tenant_id=tenant_id,
            position=position,
            at=event.at or clock.now(),
            kind=event.kind,
            subject=str(event.subject),
            data=json.loads(_canonical(event.data)),
            previous_hash=previous,
        )
        row.hash = previous = seal(row)
        rows.append(row)
    LedgerEntry.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_HEAD, [position, previous, tenant_id])


# Every transaction of the product passes here, so the head's two statements are not composed anew.
_HEAD = LedgerHead._meta.db_table
_READ_HEAD = f'SELECT position, hash FROM "{_HEAD}" WHERE tenant_id = %s'  # noqa: S608 -- constant
_MOVE_HEAD = f'UPDATE "{_HEAD}" SET position = %s, hash = %s WHERE tenant_id = %s'  # noqa: S608 -- constant


def _lock_head(tenant_id: int) -> tuple[int, str]:
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(_READ_HEAD + lock, [tenant_id])
        found = cursor.fetchone()
    if found is None:
        raise LedgerHead.DoesNotExist("the tenant has no chain: see tenants.services.onboarding")
    return found[0], found[1]


def fingerprint(text: str) -> str:
    """Return the SHA-256, in hex, by which the ledger names a text without holding it."""
    return hashlib.sha256(text.encode()).hexdigest()


def open_chain() -> None:
    """Give the tenant in scope an empty chain; part of its onboarding."""
    LedgerHead.objects.get_or_create()


def seal(row: LedgerEntry) -> str:
    """Return the SHA-256, in hex, of the row's content and its predecessor's hash."""
    content = _canonical(
        [
            row.tenant_id,
            row.position,
            _plain(row.at),
            row.kind,
            row.subject,
            row.data,
        ]
    )
    return hashlib.sha256(f"{row.previous_hash}\n{content}".encode()).hexdigest()


def verify() -> tuple[int, Fault | None]:
    """Recompute the chain of the tenant in scope; return its length and the first fault.

    Finds edited, removed, reordered and cut-off rows: each row must follow its predecessor
    without a gap, carry its hash, hash to what it says, and the head must name the last one.
    Reads in one consistent snapshot; nothing is appended meanwhile.
    """
    with transaction.atomic():
        head = LedgerHead.objects.select_for_update().first()
        if head is None:
            return 0, Fault(0, "the head of the chain is missing")
        return _verify(LedgerEntry.objects.order_by("position").iterator(2000), head)


def _verify(rows: Iterable[LedgerEntry], head: LedgerHead) -> tuple[int, Fault | None]:
    previous, count = GENESIS, 0
    for row in rows:
        if row.position != count + 1:
            return count, Fault(count + 1, f"missing; the next row is {row.position}")
        if row.previous_hash != previous:
            return count, Fault(row.position, "does not continue the row before it")
        if seal(row) != row.hash:
            return count, Fault(row.position, "its content does not match its hash")
        previous, count = row.hash, row.position
    if (head.position, head.hash) != (count, previous):
        return count, Fault(count + 1, f"missing; the chain should end at {head.position}")
    return count, None


def _canonical(value: object) -> str:
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
    )


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        # The database gives every instant back in UTC, whatever zone it came in.
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value)
