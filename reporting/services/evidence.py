"""Pack the rows that prove a report, with its snapshot and the ledger of its time (R34)."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import F, Max, Min, Q

from conversations.models import Conversation, Handoff, Inquiry, Rating
from conversations.satisfaction import month_bounds
from reporting import periods
from reporting.models import Question, Report
from reporting.sections import Period
from reporting.services.proving import FORMAT, MANIFEST
from tenants.models import LedgerEntry, Obligation, ObligationState, Tenant
from tenants.services import ledger


def pack(report: Report) -> bytes:
    """Return the evidence pack of a report as ZIP, the same bytes for the same rows."""
    tenant = Tenant.objects.get(pk=report.tenant_id)
    period = periods.period(report.kind, report.period_start, tenant.zone)
    files = {
        "snapshot.json": report.snapshot.encode(),
        "inquiries.jsonl": _lines(_inquiries(period, tenant)),
        "obligations.jsonl": _lines(_obligations(period, tenant, report.made_at)),
        "handoffs.jsonl": _lines(_handoffs(period, tenant)),
        "questions.jsonl": _lines(_questions(period)),
        "ratings.jsonl": _lines(_ratings(period, report.made_at)),
        "ledger.jsonl": _lines(_ledger(period)),
    }
    manifest = {
        "format": FORMAT,
        "tenant_id": tenant.pk,
        "tenant": tenant.slug,
        "report": str(report.pk),
        "kind": report.kind,
        "period": [report.period_start.isoformat(), report.period_end.isoformat()],
        "version": report.version,
        "snapshot_sha256": report.sha256,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    files[MANIFEST] = _json({**manifest, "sha256": ledger.content_hash(manifest)}).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0)), data)
    return packed.getvalue()


def _inquiries(period: Period, tenant: Tenant) -> Iterable[dict[str, Any]]:
    rows = Inquiry.objects.filter(
        opened_at__gte=period.start_at,
        opened_at__lt=period.end_at,
        conversation__is_probe=False,
    )
    if not tenant.is_demo:
        rows = rows.filter(conversation__is_demo=False)
    for row in (
        rows.order_by("opened_at", "pk")
        .values(
            "pk",
            "conversation",
            "conversation__contact",
            "opened_at",
            "first_reply_at",
            "closed_at",
        )
        .iterator(2000)
    ):
        yield {
            "id": row["pk"],
            "conversation": row["conversation"],
            # The person's number in this pack alone: it counts people and names nobody.
            "visitor": ledger.fingerprint(f"{period.first}:{row['conversation__contact']}")[:16],
            "opened_at": row["opened_at"],
            "first_reply_at": row["first_reply_at"],
            "closed_at": row["closed_at"],
        }


def _obligations(period: Period, tenant: Tenant, until: datetime) -> Iterable[dict[str, Any]]:
    rows = Obligation.objects.filter(started_at__gte=period.start_at, started_at__lt=period.end_at)
    if not tenant.is_demo:
        shown = Conversation.objects.filter(is_demo=True)
        # Not `exclude`: a promise about no conversation would go with it.
        rows = rows.filter(~Q(conversation_id__in=shown.values("pk")) | Q(conversation_id=None))
    found = rows.annotate(found_at=F("breach__detected_at")).order_by("started_at", "pk")
    for row in found.values(
        "id", "kind", "clause", "subject_id", "started_at", "due_at", "met_at", "state", "found_at"
    ).iterator(2000):
        yield _as_of(row, until)


def _as_of(row: dict[str, Any], until: datetime) -> dict[str, Any]:
    """Return the promise as it stood when the report was made: what came later is not in it."""
    found_at = row.pop("found_at")
    if row["met_at"] is not None and row["met_at"] > until:
        row["met_at"] = None
        if row["state"] == ObligationState.MET:
            row["state"] = ObligationState.RUNNING
    if found_at is not None and found_at > until:
        row["state"] = ObligationState.RUNNING
    return row


def _handoffs(period: Period, tenant: Tenant) -> Iterable[dict[str, Any]]:
    rows = Handoff.objects.filter(triggered_at__gte=period.start_at, triggered_at__lt=period.end_at)
    if not tenant.is_demo:
        rows = rows.filter(conversation__is_demo=False)
    yield from (
        rows.order_by("triggered_at", "pk")
        .values("id", "conversation_id", "reason", "triggered_at", "accepted_at")
        .iterator(2000)
    )


def _questions(period: Period) -> Iterable[dict[str, Any]]:
    rows = Question.objects.filter(day__gte=period.first, day__lt=period.end)
    yield from (
        rows.order_by("asked_at", "pk")
        .values(
            "id",
            "day",
            "asked_at",
            "conversation_id",
            "first_seq",
            "label",
            "standing",
            "why",
            "is_unsolved",
            "is_same_again",
            "is_test",
        )
        .iterator(2000)
    )


def _ratings(period: Period, until: datetime) -> Iterable[dict[str, Any]]:
    # The section of satisfaction judges the last calendar month that the period touches.
    start, end = month_bounds(period.end - timedelta(days=1), period.zone)
    # That month may go on after a week's report was made: what came later is not in it.
    rows = Rating.objects.filter(
        invite__ended_at__gte=start, invite__ended_at__lt=end, given_at__lte=until
    )
    yield from (
        rows.order_by("given_at", "pk")
        .values("id", "part", "score", "given_at", "excluded_reason")
        .iterator(2000)
    )


def _ledger(period: Period) -> Iterable[dict[str, Any]]:
    span = LedgerEntry.objects.filter(at__gte=period.start_at, at__lt=period.end_at).aggregate(
        first=Min("position"), last=Max("position")
    )
    if span["first"] is None:
        return
    rows = LedgerEntry.objects.filter(position__gte=span["first"], position__lte=span["last"])
    yield from (
        rows.order_by("position")
        .values("position", "at", "kind", "subject", "data", "previous_hash", "hash")
        .iterator(2000)
    )


def _lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(f"{_json(row)}\n" for row in rows).encode()


def _json(value: object) -> str:
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
    )


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value)
