"""Read the rows that the figures of a report come from, file by file of its evidence pack (R34).

Every figure of a report can be counted again from these rows alone: see reporting.recounting.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Max, Min, Q, QuerySet

from conversations.models import (
    Attachment,
    Channel,
    ChannelStatus,
    Conversation,
    Handoff,
    Inquiry,
    Message,
    MismatchReport,
    QAItem,
    Rating,
    SurveyInvite,
)
from conversations.satisfaction import month_bounds
from conversations.services import fidelity
from knowledge.models import Entry, Release
from reporting import periods
from reporting.models import AccuracyAuditItem, AuditFinding, Question, ReportKind
from reporting.sections import Period
from reporting.services import rectification, sections_billing, uptime
from tenants.models import LedgerEntry, Membership, Obligation, SubprocessorUse, Tenant
from tenants.services import ledger

Rows = Iterable[Mapping[str, Any]]
Reader = Callable[[Period, Tenant], Rows]

_CHUNK = 2000


def readers(kind: str) -> Mapping[str, Reader]:
    """Return the files of the evidence of a report of this kind, by name, with what reads each."""
    return _EVERY if kind == ReportKind.WEEKLY else {**_EVERY, **_MONTHLY}


def _inquiries(period: Period, tenant: Tenant) -> Rows:
    rows = Inquiry.objects.filter(
        opened_at__gte=period.start_at,
        opened_at__lt=period.end_at,
        conversation__is_probe=False,
    )
    for row in _read(
        rows,
        "opened_at",
        "conversation__channel",
        "conversation__channel__name",
        "conversation__contact",
        "conversation__is_demo",
        "conversation",
        "first_reply_at",
        "closed_at",
    ):
        yield {
            "id": row["pk"],
            "conversation": row["conversation"],
            "channel": row["conversation__channel"],
            "channel_name": row["conversation__channel__name"],
            # The person's number in this pack alone: it counts people and names nobody.
            "visitor": ledger.fingerprint(f"{period.first}:{row['conversation__contact']}")[:16],
            "opened_at": row["opened_at"],
            "first_reply_at": row["first_reply_at"],
            "closed_at": row["closed_at"],
            "is_test": row["conversation__is_demo"] and not tenant.is_demo,
        }


def _messages(period: Period, tenant: Tenant) -> Rows:
    rows = Message.objects.filter(
        created_at__gte=period.start_at,
        created_at__lt=period.end_at,
        conversation__is_probe=False,
    )
    names = ("conversation", "conversation__channel", "conversation__is_demo", "author_kind")
    for row in _read(rows, "created_at", *names):
        yield {
            "id": row["pk"],
            "conversation": row["conversation"],
            "channel": row["conversation__channel"],
            "author": row["author_kind"],
            "created_at": row["created_at"],
            "is_test": row["conversation__is_demo"] and not tenant.is_demo,
        }


def _obligations(period: Period, tenant: Tenant) -> Rows:
    rows = Obligation.objects.filter(started_at__gte=period.start_at, started_at__lt=period.end_at)
    if not tenant.is_demo:
        shown = Conversation.objects.filter(is_demo=True)
        # Not `exclude`: a promise about no conversation would go with it.
        rows = rows.filter(~Q(conversation_id__in=shown.values("pk")) | Q(conversation_id=None))
    return _plain(
        rows, "started_at", "id", "kind", "clause", "subject_id", "due_at", "met_at", "state"
    )


def _handoffs(period: Period, tenant: Tenant) -> Rows:
    rows = Handoff.objects.filter(triggered_at__gte=period.start_at, triggered_at__lt=period.end_at)
    if not tenant.is_demo:
        rows = rows.filter(conversation__is_demo=False)
    return _plain(rows, "triggered_at", "id", "conversation_id", "reason", "accepted_at")


def _questions(period: Period, tenant: Tenant) -> Rows:
    rows = Question.objects.filter(day__gte=period.first, day__lt=period.end)
    for row in _read(
        rows,
        "asked_at",
        "day",
        "conversation_id",
        "first_seq",
        "label",
        "machine_label",
        "standing",
        "why",
        "outcome",
        "version_id",
        "is_handed_over",
        "is_wrong",
        "is_reviewed",
        "is_unsolved",
        "is_same_again",
        "is_test",
    ):
        yield {"id": row.pop("pk"), **row}


def _answers(period: Period, tenant: Tenant) -> Rows:
    for row in fidelity.compared(since=period.start_at, until=period.end_at):
        yield {
            "id": row["pk"],
            "version": row["entry_version_id"],
            "text_sha256": ledger.fingerprint(row["text"]),
            "source_sha256": ledger.fingerprint(row["entry_version__answer"]),
            # A language model's wording is not its source's: it was checked for what it states.
            "is_worded": row["is_worded"],
            "is_true": fidelity.is_true(row),
        }


def _audited(period: Period, tenant: Tenant) -> Rows:
    rows = AccuracyAuditItem.objects.filter(
        audit__month__gte=period.first.replace(day=1),
        audit__month__lt=period.end,
        finding__in=(AuditFinding.RIGHT, AuditFinding.WRONG),
    )
    return _plain(rows, "found_at", "id", "message_id", "version_id", "finding")


def _mismatches(period: Period, tenant: Tenant) -> Rows:
    rows = MismatchReport.objects.filter(
        created_at__gte=period.start_at, created_at__lt=period.end_at
    )
    return _plain(rows, "created_at", "id", "entry_version_id", "kind", "owner", "closed_at")


def _ratings(period: Period, tenant: Tenant) -> Rows:
    start, end = _judged_month(period)
    rows = Rating.objects.filter(invite__ended_at__gte=start, invite__ended_at__lt=end)
    return _plain(rows, "given_at", "id", "invite_id", "part", "score", "excluded_reason")


def _invites(period: Period, tenant: Tenant) -> Rows:
    start, end = _judged_month(period)
    rows = SurveyInvite.objects.filter(ended_at__gte=start, ended_at__lt=end, is_test=False)
    return _plain(rows, "ended_at", "id", "inquiry_id", "has_bot_part", "sent_at")


def _samples(period: Period, tenant: Tenant) -> Rows:
    month = (period.end - timedelta(days=1)).replace(day=1)
    rows = QAItem.objects.filter(sample__month=month, result__isnull=False)
    return _plain(rows, "id", "inquiry_id", "result")


def _plans(period: Period, tenant: Tenant) -> Rows:
    return _plain(
        rectification.open_in(period), "triggered_at", "id", "months", "state", "closed_at"
    )


def _availability(period: Period, tenant: Tenant) -> Rows:
    found = uptime.measured(period.start_at, period.end_at)
    if found.period is None:
        return
    target = uptime.target_at(period.start_at)
    yield {
        "row": "measured",
        "start": found.period.start,
        "end": found.period.end,
        "target": str(target),
        "unit": found.unit,
    }
    for each in (*found.down, *found.gaps):
        yield {
            "row": each.kind,
            "id": each.pk,
            "start": each.start_at,
            "end": each.end_at,
            "sources": each.sources,
            "parts": each.parts,
        }
    for claim in found.claims:
        yield {
            "row": "claim",
            "id": claim.pk,
            "start": claim.start_at,
            "end": claim.end_at,
            "kind": claim.kind,
            "decision": claim.decision,
            "decided_at": claim.decided_at,
            "files": [file.sha256 for file in claim.files.all()],
        }


def _entries(period: Period, tenant: Tenant) -> Rows:
    return _plain(Entry.objects.all(), "id")


def _releases(period: Period, tenant: Tenant) -> Rows:
    rows = Release.objects.filter(created_at__gte=period.start_at, created_at__lt=period.end_at)
    return _plain(rows, "number", "id", "created_at")


def _usage(period: Period, tenant: Tenant) -> Rows:
    for pk in _keys(Channel.objects.filter(status=ChannelStatus.ACTIVE)):
        yield {"row": "channel", "id": pk}
    for pk in _keys(Membership.objects.filter(is_active=True, role__in=sections_billing.SEATS)):
        yield {"row": "seat", "id": pk}
    for row in _read(Attachment.objects.filter(removed_at=None), "pk", "size"):
        yield {"row": "file", "id": row["pk"], "amount": row["size"]}
    used = SubprocessorUse.objects.filter(month__in=periods.months(period))
    for row in _read(used, "month", "tokens"):
        yield {"row": "tokens", "id": row["pk"], "month": row["month"], "amount": row["tokens"]}


def _ledger(period: Period, tenant: Tenant) -> Rows:
    span = LedgerEntry.objects.filter(at__gte=period.start_at, at__lt=period.end_at).aggregate(
        first=Min("position"), last=Max("position")
    )
    if span["first"] is None:
        return ()
    rows = LedgerEntry.objects.filter(position__gte=span["first"], position__lte=span["last"])
    return _plain(rows, "position", "at", "kind", "subject", "data", "previous_hash", "hash")


_EVERY: Mapping[str, Reader] = {
    "inquiries.jsonl": _inquiries,
    "messages.jsonl": _messages,
    "obligations.jsonl": _obligations,
    "handoffs.jsonl": _handoffs,
    "questions.jsonl": _questions,
    "answers.jsonl": _answers,
    "audited.jsonl": _audited,
    "mismatches.jsonl": _mismatches,
    "ratings.jsonl": _ratings,
    "invites.jsonl": _invites,
    "samples.jsonl": _samples,
    "plans.jsonl": _plans,
    "availability.jsonl": _availability,
    "entries.jsonl": _entries,
    "releases.jsonl": _releases,
    "ledger.jsonl": _ledger,
}
_MONTHLY: Mapping[str, Reader] = {"usage.jsonl": _usage}


def _judged_month(period: Period) -> Sequence[Any]:
    """The section of satisfaction judges the last calendar month that the period touches."""
    return month_bounds(period.end - timedelta(days=1), period.zone)


def _read(rows: QuerySet[Any], first: str, *names: str) -> Iterator[dict[str, Any]]:
    """Read the rows in the order of `first`, some at a time."""
    yield from rows.order_by(first, "pk").values("pk", first, *names).iterator(_CHUNK)


def _plain(rows: QuerySet[Any], first: str, *names: str) -> Rows:
    yield from rows.order_by(first, "pk").values(first, *names).iterator(_CHUNK)


def _keys(rows: QuerySet[Any]) -> Iterator[Any]:
    yield from rows.order_by("pk").values_list("pk", flat=True).iterator(_CHUNK)
