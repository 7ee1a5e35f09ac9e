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
    rows = [
        LedgerEntry(
            tenant_id=tenant_id,
            at=event.at or clock.now(),
            kind=event.kind,
            subject=str(event.subject),
            data=json.loads(_canonical(event.data)),
        )
        for event in events
    ]
    if connection.vendor == "postgresql":
        _append_in_one_statement(tenant_id, rows)
    else:
        _append(tenant_id, rows)


_HEAD = f'"{LedgerHead._meta.db_table}"'
_ENTRY = f'"{LedgerEntry._meta.db_table}"'
_READ_HEAD = f"SELECT position, hash FROM {_HEAD} WHERE tenant_id = %s"  # noqa: S608 -- constant
_MOVE_HEAD = f"UPDATE {_HEAD} SET position = %s, hash = %s WHERE tenant_id = %s"  # noqa: S608 -- constant
_COLUMNS = "id, tenant_id, position, at, kind, subject, data, previous_hash, hash"
_WRITE_ROW = f"INSERT INTO {_ENTRY} ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"  # noqa: S608 -- constant


def _append(tenant_id: int, rows: list[LedgerEntry]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_READ_HEAD, [tenant_id])
        found = cursor.fetchone()
        if found is None:
            raise _no_chain()
        position, previous = found
        for row in rows:
            position += 1
            row.position, row.previous_hash = position, previous
            row.hash = previous = seal(row)
        cursor.executemany(_WRITE_ROW, [_as_stored(row) for row in rows])
        cursor.execute(_MOVE_HEAD, [position, previous, tenant_id])


def _as_stored(row: LedgerEntry) -> tuple[Any, ...]:
    """Return the row as SQLite keeps it; the ORM takes ten times as long to."""
    return (
        row.pk.hex,
        row.tenant_id,
        row.position,
        connection.ops.adapt_datetimefield_value(row.at),
        row.kind,
        row.subject,
        json.dumps(row.data),
        row.previous_hash,
        row.hash,
    )


# All transactions of a tenant meet at its head. While this process waits for an answer it also waits
# for its own interpreter, so the head is locked, the rows are numbered and sealed as `seal()` does
# it, and the head is moved in one round trip; what is left of the lock is the commit.
_APPEND_ALL = f"""
WITH RECURSIVE
head AS (
    SELECT position, hash FROM {_HEAD} WHERE tenant_id = %(tenant)s FOR UPDATE
),
chain AS (
    SELECT 0 AS step, position, ''::text AS previous, hash::text AS hash FROM head
    UNION ALL
    SELECT
        step + 1,
        position + 1,
        chain.hash,
        encode(sha256(convert_to(
            chain.hash || E'\n[' || %(tenant)s || ',' || (position + 1) || ','
                || (%(sealed)s::text[])[step + 1],
            'UTF8'
        )), 'hex')
    FROM chain WHERE step < %(count)s
),
written AS (
    INSERT INTO {_ENTRY}
        ({_COLUMNS})
    SELECT
        (%(ids)s::uuid[])[step], %(tenant)s, position, (%(instants)s::timestamptz[])[step],
        (%(kinds)s::text[])[step], (%(subjects)s::text[])[step], (%(facts)s::text[])[step]::jsonb,
        previous, hash
    FROM chain WHERE step > 0
)
UPDATE {_HEAD} AS moved SET position = chain.position, hash = chain.hash
FROM chain WHERE moved.tenant_id = %(tenant)s AND chain.step = %(count)s
"""  # noqa: S608 -- constant


def _append_in_one_statement(tenant_id: int, rows: list[LedgerEntry]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _APPEND_ALL,
            {
                "tenant": tenant_id,
                "count": len(rows),
                "sealed": [_canonical(_content(row))[1:] for row in rows],
                "ids": [row.pk for row in rows],
                "instants": [row.at for row in rows],
                "kinds": [row.kind for row in rows],
                "subjects": [row.subject for row in rows],
                "facts": [_canonical(row.data) for row in rows],
            },
        )
        if not cursor.rowcount:
            raise _no_chain()


def _no_chain() -> Exception:
    return LedgerHead.DoesNotExist("the tenant has no chain: see tenants.services.onboarding")


def fingerprint(text: str) -> str:
    """Return the SHA-256, in hex, by which the ledger names a text without holding it."""
    return hashlib.sha256(text.encode()).hexdigest()


def content_hash(content: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hex, of plain data, whatever the order of its keys."""
    return fingerprint(_canonical(content))


def open_chain() -> None:
    """Give the tenant in scope an empty chain; part of its onboarding."""
    LedgerHead.objects.get_or_create()


def seal(row: LedgerEntry) -> str:
    """Return the SHA-256, in hex, of the row's content and its predecessor's hash."""
    content = _canonical([row.tenant_id, row.position, *_content(row)])
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


def contradicted(position: int, told: str) -> Fault | None:
    """Return the fault of an entry that has another hash than a party was told; None without one."""
    row = LedgerEntry.objects.filter(position=position).first()
    if row is None:
        return Fault(position, "missing; a party was told of it")
    return None if row.hash == told else Fault(position, "has another hash than a party was told")


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
    if head.position > count:
        return count, Fault(count + 1, f"missing; the chain should end at {head.position}")
    if head.position < count:
        return count, Fault(head.position + 1, f"beyond the end of the chain at {head.position}")
    if head.hash != previous:
        return count, Fault(count, "is not the entry that the head of the chain names")
    return count, None


def _content(row: LedgerEntry) -> list[object]:
    return [_plain(row.at), row.kind, row.subject, row.data]


def _canonical(value: object) -> str:
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
    )


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        # The database gives every instant back in UTC, whatever zone it came in.
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value)
