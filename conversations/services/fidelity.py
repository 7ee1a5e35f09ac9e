"""Prove that visitors hear what was released, word for word, and report where they did not."""

import logging
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from conversations.dialogue.grounding import faults
from conversations.models import (
    AuthorKind,
    Message,
    MessageKind,
    MismatchFinder,
    MismatchKind,
    MismatchOwner,
    MismatchReport,
)
from knowledge.models import EntryVersion
from tenants import clock
from tenants.models import LedgerEntry, User
from tenants.scoping import active_tenant_id
from tenants.services import ledger
from tenants.services.ledger import Event

logger = logging.getLogger(__name__)

# Mismatching replies that a comparison names one by one; it counts all of them.
NAMED = 1000
# A reply is written by the time this has passed since the instant it bears.
SETTLED = timedelta(minutes=10)
COMPARED = "answers.compared"
# The assistant's answers. That there is a source is said once more, in the words of the index.
COMPARABLE = Q(author_kind=AuthorKind.BOT, kind=MessageKind.ANSWER, entry_version__isnull=False)
_BATCH = 1000
# Keys bear the time of the host that made them, replies the database's: so far apart at most.
_CLOCKS_APART = timedelta(days=1)


@dataclass(frozen=True)
class Finding:
    """What replies of one entry version have in common: how they differ, the first and the last."""

    version_id: uuid.UUID
    kind: MismatchKind
    first_id: uuid.UUID
    replies: int
    latest_at: datetime


@dataclass(frozen=True)
class Comparison:
    """How many replies were compared with their source, and which differ.

    `message_ids` names the first NAMED of them, `findings` all entry versions concerned.
    """

    compared: int
    mismatched: int
    message_ids: tuple[uuid.UUID, ...]
    findings: tuple[Finding, ...]


def compare(*, since: datetime | None = None, until: datetime | None = None) -> Comparison:
    """Compare the assistant's answers of the tenant in scope with the versions they cite.

    Every answer from `since` on and before `until`, all of them without; the same string, or, of
    those that a language model worded, words that say the same (dialogue.grounding). Reads a batch at a time by key, so memory grows with the faulty entry versions alone,
    never with the replies. Writes nothing. Source: R89, T12.
    """
    compared = mismatched = 0
    named: list[uuid.UUID] = []
    findings: dict[tuple[uuid.UUID, MismatchKind], Finding] = {}
    for batch in _batches(since, until):
        compared += len(batch)
        differing = [row for row in batch if not is_true(row)]
        if not differing:
            continue
        mismatched += len(differing)
        named += [row["pk"] for row in differing[: NAMED - len(named)]]
        sources = _sources({row["text"] for row in differing})
        for row in differing:
            _note(findings, row, _kind_of(row, sources.get(row["text"], frozenset())))
    return Comparison(compared, mismatched, tuple(named), tuple(findings.values()))


def compared(*, since: datetime, until: datetime) -> Iterator[Mapping[str, Any]]:
    """Yield the answers that `compare` compares, each with the text of the version it cites."""
    for batch in _batches(since, until):
        yield from batch


def is_true(row: Mapping[str, Any]) -> bool:
    """Return whether an answer that `compared` yields says what its source says."""
    answer = row["entry_version__answer"]
    return row["text"] == answer or (row["is_worded"] and not faults(row["text"], answer))


def report(comparison: Comparison) -> list[MismatchReport]:
    """Open a report for each finding that has none; return those opened.

    One is open for an entry version and kind at a time. A finding whose replies are all older
    than the closing of such a report was dealt with by it. Calling it again changes nothing.
    """
    opened = (_report(finding) for finding in comparison.findings)
    return [row for row in opened if row is not None]


def compare_new() -> Comparison:
    """Compare what was answered since the last call, report what differs; return the comparison.

    The ledger keeps how far it came and what it found, so that no reply is left out because a
    night's run was, and none is compared twice. The first call compares everything.
    """
    last = _last_compared()
    until = clock.now() - SETTLED
    comparison = compare(since=last, until=until)
    report(comparison)
    if comparison.mismatched:
        logger.error("Answers differ from their sources: %s", comparison.mismatched)
    facts = {
        "since": last,
        "until": until,
        "compared": comparison.compared,
        "mismatched": comparison.mismatched,
    }
    with transaction.atomic():
        ledger.append(Event(COMPARED, active_tenant_id(), facts))
    return comparison


def save_report(row: MismatchReport, *, by: User | None) -> MismatchReport:
    """Write a report that a person makes or changes.

    A new one that names no reply names the first that its entry version gave. What it was before
    and is now goes into the ledger, what people wrote as its hash.
    """
    with transaction.atomic():
        if row._state.adding:
            row.created_at = clock.now()
            row.created_by = by
            row.message = row.message or row.affected_replies().first()
            row.save()
            event = _reported(row)
        else:
            before = _facts(MismatchReport.objects.select_for_update().get(pk=row.pk))
            row.save()
            facts = {"by": by.pk if by else None, "before": before, "after": _facts(row)}
            event = Event("mismatch.changed", row.pk, facts)
        ledger.append(event)
    return row


def report_audited(
    message: Message, *, kind: MismatchKind, owner: MismatchOwner, note: str, by: User
) -> MismatchReport:
    """Report an answer that an audit found wrong; return the report.

    Where one of this kind is open about its version already, that one speaks for this answer too
    and stays as it is (R91). In the caller's transaction.
    """
    same = MismatchReport.objects.filter(
        entry_version=message.entry_version_id, kind=kind, closed_at=None
    )
    row: MismatchReport | None = same.first()
    if row is not None:
        return row
    assert message.entry_version is not None
    row = MismatchReport(
        entry_version=message.entry_version,
        kind=kind,
        owner=owner,
        found_by=MismatchFinder.AUDIT,
        message=message,
        note=note,
    )
    try:
        # Its own savepoint: a loser's failure must not end the caller's transaction.
        with transaction.atomic():
            return save_report(row, by=by)
    except IntegrityError:
        # Somebody else was faster: the constraint is the judge.
        found: MismatchReport = same.get()
        return found


def _batches(since: datetime | None, until: datetime | None) -> Iterator[list[dict[str, Any]]]:
    rows = Message.objects.filter(COMPARABLE).order_by("pk")
    if since is not None:
        rows = rows.filter(created_at__gte=since)
    if until is not None:
        rows = rows.filter(created_at__lt=until)
    last = _first_key(since - _CLOCKS_APART) if since else uuid.UUID(int=0)
    while True:
        batch = list(
            rows.filter(pk__gt=last).values(
                "pk",
                "text",
                "is_worded",
                "created_at",
                "entry_version_id",
                "entry_version__entry_id",
                "entry_version__answer",
            )[:_BATCH]
        )
        if batch:
            yield batch
        if len(batch) < _BATCH:
            return
        last = batch[-1]["pk"]


def _first_key(at: datetime) -> uuid.UUID:
    """Return the smallest key that can be made at this instant (see tenants.ids)."""
    return uuid.UUID(int=int(at.timestamp() * 1000) << 80)


def _sources(texts: set[str]) -> Mapping[str, frozenset[uuid.UUID]]:
    """Return which entries ever had one of these texts as their answer: text -> entry ids."""
    found: dict[str, frozenset[uuid.UUID]] = {}
    rows = EntryVersion.objects.filter(answer__in=texts).order_by()
    for answer, entry_id in rows.values_list("answer", "entry_id").distinct():
        found[answer] = found.get(answer, frozenset()) | {entry_id}
    return found


def _kind_of(row: Mapping[str, Any], entries: frozenset[uuid.UUID]) -> MismatchKind:
    if row["entry_version__entry_id"] in entries:
        return MismatchKind.STALE
    if entries:
        return MismatchKind.WRONG_ENTRY
    if row["entry_version__answer"].startswith(row["text"]):
        return MismatchKind.TRUNCATED
    return MismatchKind.DRIFT


def _note(
    findings: dict[tuple[uuid.UUID, MismatchKind], Finding],
    row: Mapping[str, Any],
    kind: MismatchKind,
) -> None:
    key = (row["entry_version_id"], kind)
    known = findings.get(key)
    findings[key] = Finding(
        version_id=row["entry_version_id"],
        kind=kind,
        first_id=known.first_id if known else row["pk"],
        replies=known.replies + 1 if known else 1,
        latest_at=max(known.latest_at, row["created_at"]) if known else row["created_at"],
    )


def _report(finding: Finding) -> MismatchReport | None:
    same = MismatchReport.objects.filter(entry_version=finding.version_id, kind=finding.kind)
    if same.filter(Q(closed_at=None) | Q(closed_at__gt=finding.latest_at)).exists():
        return None
    row = MismatchReport(
        entry_version_id=finding.version_id,
        kind=finding.kind,
        # What was released is right until somebody says otherwise: the machine changed it.
        owner=MismatchOwner.PROVIDER,
        found_by=MismatchFinder.MACHINE,
        message_id=finding.first_id,
        created_at=clock.now(),
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            ledger.append(_reported(row))
    except IntegrityError:
        # Another process was faster: the constraint is the judge.
        if not same.filter(closed_at=None).exists():
            raise
        return None
    return row


def _reported(row: MismatchReport) -> Event:
    facts = {"by": row.created_by_id, "message": row.message_id, **_facts(row)}
    return Event("mismatch.reported", row.pk, facts, row.created_at)


def _facts(row: MismatchReport) -> dict[str, Any]:
    texts: Sequence[tuple[str, str]] = (("note", row.note), ("fix", row.fix))
    return {
        "entry_version": row.entry_version_id,
        "kind": row.kind,
        "owner": row.owner,
        "found_by": row.found_by,
        **{f"{name}_sha256": ledger.fingerprint(text) if text else None for name, text in texts},
        "client_told_at": row.client_told_at,
        "corrected_at": row.corrected_at,
        "closed_at": row.closed_at,
    }


def _last_compared() -> datetime | None:
    event = (
        LedgerEntry.objects.filter(subject=str(active_tenant_id()), kind=COMPARED)
        .order_by("-position")
        .first()
    )
    return datetime.fromisoformat(event.data["until"]) if event else None
