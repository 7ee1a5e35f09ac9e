"""Make the questions of a day, and judge them (R55-R60)."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from conversations.models import DecisionOutcome, Feedback, MismatchOwner, MismatchReport
from conversations.services import lexicon
from knowledge.models import EntryVersion
from knowledge.retrieval.text import text_key
from reporting.judging import (
    COLLAPSED_WITHIN,
    REPEATED_WITHIN,
    Facts,
    judge,
    machine_label,
)
from reporting.models import (
    AccuracyAuditItem,
    AuditFinding,
    LabelSource,
    Question,
    QuestionLabel,
)
from reporting.services import catalogues
from reporting.services.reading import Asked, bounds, dealings, questions_in
from tenants import clock
from tenants.models import Tenant
from tenants.scoping import active_tenant_id, as_uuid

_COLLAPSED = timedelta(seconds=COLLAPSED_WITHIN)
_REPEATED = timedelta(seconds=REPEATED_WITHIN)
# From this probability on, the likeliest entry's category is what a question was about.
_LIKELY = 0.3
_UPDATED = (
    "asked_at",
    "last_seq",
    "outcome",
    "version",
    "demand",
    "is_handed_over",
    "is_wrong",
    "is_unsolved",
    "is_same_again",
    "is_test",
    "standing",
    "why",
)
_COLUMNS = tuple("version_id" if name == "version" else name for name in _UPDATED)


@dataclass
class _Draft:
    asked: Asked
    key: str
    row: Question
    # What it said when it was read; None for a new one.
    before: tuple[Any, ...] | None

    @property
    def is_new(self) -> bool:
        return self.before is None

    @property
    def is_changed(self) -> bool:
        return self.before is not None and self.before != _said(self.row)


def collect(day: date) -> set[date]:
    """Write the questions of one day of the tenant in scope.

    A question that is there already keeps its labels, and is judged by what is known now. Running
    it again changes nothing else. Returns the earlier days of which a question turned out unsolved,
    as it was asked again on this one.
    """
    tenant = Tenant.objects.get(pk=active_tenant_id())
    start, end = bounds(day, tenant.zone)
    now = clock.now()
    catalogue = catalogues.in_force(day)
    known = {(row.conversation_id, row.first_seq): row for row in Question.objects.filter(day=day)}
    drafts = [
        _draft(asked, day, known.get((dealing.id, asked.first_seq)))
        for dealing in dealings(start, end)
        for asked in questions_in(dealing, now)
        if start <= asked.asked_at < end
    ]
    if not drafts:
        return set()
    versions = _versions(drafts)
    wrong = _wrong(drafts)
    words = lexicon.current()
    examples = catalogue.examples if catalogue else None
    for draft in drafts:
        _fill(draft, versions, wrong, counts_demo=tenant.is_demo)
        if draft.is_new:
            asked = draft.asked
            label = machine_label(asked.text, asked.topics, examples, words)
            draft.row.label = draft.row.machine_label = label
            draft.row.catalogue = catalogue
    _collapse(drafts, start)
    _find_repeats(drafts, versions, end)
    for draft in drafts:
        rejudge(draft.row)
    _store(drafts, now)
    return _mark_earlier(drafts, versions, start)


def rejudge(row: Question) -> None:
    """Set where a question counts and why from what is known of it; nothing is saved."""
    row.standing, row.why = judge(facts_of(row))


def mark_wrong(version_id: uuid.UUID) -> set[date]:
    """Judge every question that this version answered as answered wrongly; return their days.

    For a version that an open report speaks about; the caller adds the days up again (R58, R91).
    In the caller's transaction.
    """
    rows = list(
        Question.objects.select_for_update(of=("self",)).filter(version=version_id, is_wrong=False)
    )
    for row in rows:
        row.is_wrong = True
        rejudge(row)
    Question.objects.bulk_update(rows, ["is_wrong", "standing", "why"], batch_size=200)
    return {row.day for row in rows}


def facts_of(row: Question) -> Facts:
    """Return what a stored question is judged by."""
    return Facts(
        label=row.label,
        answered=row.version_id is not None,
        silent=not row.outcome,
        handed_over=row.is_handed_over,
        wrong=row.is_wrong,
        reviewed=row.is_reviewed,
        disputed=row.is_disputed,
        same_again=row.is_same_again,
        test=row.is_test,
    )


def _draft(asked: Asked, day: date, known: Question | None) -> _Draft:
    key = text_key(asked.text)
    row = known or Question(
        day=day,
        conversation_id=asked.dealing.id,
        first_seq=asked.first_seq,
        message_id=asked.runs[0][-1].id,
        inquiry_id=asked.inquiry_id,
        contact_id=asked.dealing.contact_id,
        channel_id=asked.dealing.channel_id,
        text_key=key,
    )
    return _Draft(asked, key, row, _said(known) if known else None)


def _said(row: Question) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in _COLUMNS)


def _fill(
    draft: _Draft,
    versions: Mapping[uuid.UUID, tuple[uuid.UUID, str]],
    wrong: Collection[uuid.UUID],
    *,
    counts_demo: bool,
) -> None:
    asked, row = draft.asked, draft.row
    answer = asked.answer if asked.outcome == DecisionOutcome.ANSWERED else None
    row.asked_at = asked.asked_at
    row.last_seq = asked.last_seq
    row.outcome = asked.outcome
    row.version_id = answer.version_id if answer else None
    row.demand = _demand(asked, row.version_id, versions)
    row.is_handed_over = asked.is_handed_over
    row.is_wrong = answer is not None and answer.id in wrong
    row.is_unsolved = asked.is_handed_over_later or (
        answer is not None and answer.feedback == Feedback.UNHELPFUL
    )
    row.is_same_again = False
    row.is_test = asked.dealing.is_demo and not counts_demo


def _demand(
    asked: Asked,
    version_id: uuid.UUID | None,
    versions: Mapping[uuid.UUID, tuple[uuid.UUID, str]],
) -> str:
    if version_id is not None:
        return versions[version_id][1] if version_id in versions else ""
    best = _best(asked)
    return versions[best][1] if best is not None and best in versions else ""


def _best(asked: Asked) -> uuid.UUID | None:
    found = asked.decision["candidates"] if asked.decision else []
    return as_uuid(found[0]["version"]) if found and found[0]["p"] >= _LIKELY else None


def _versions(drafts: Iterable[_Draft]) -> dict[uuid.UUID, tuple[uuid.UUID, str]]:
    """Return the entry and the category of every version the questions are about."""
    ids = {draft.asked.answer.version_id for draft in drafts if draft.asked.answer}
    ids |= {_best(draft.asked) for draft in drafts}
    rows = EntryVersion.objects.filter(pk__in=ids - {None}).order_by()
    return {
        pk: (entry, category)
        for pk, entry, category in rows.values_list("pk", "entry_id", "category_name")
    }


def _wrong(drafts: Iterable[_Draft]) -> set[uuid.UUID]:
    """Return the answers that an audit or a report found wrong.

    A report speaks for every reply of its version until it was closed (R91). What the client's own
    text got wrong was answered as agreed.
    """
    answers = {draft.asked.answer.id: draft.asked.answer for draft in drafts if draft.asked.answer}
    reports: dict[uuid.UUID, list[datetime | None]] = defaultdict(list)
    for version, closed_at in (
        MismatchReport.objects.filter(entry_version__in={a.version_id for a in answers.values()})
        .exclude(owner=MismatchOwner.CLIENT)
        .order_by()
        .values_list("entry_version_id", "closed_at")
    ):
        reports[version].append(closed_at)
    found = set(
        AccuracyAuditItem.objects.filter(message_id__in=answers, finding=AuditFinding.WRONG)
        .exclude(report__owner=MismatchOwner.CLIENT)
        .order_by()
        .values_list("message_id", flat=True)
    )
    for answer in answers.values():
        closings = reports.get(answer.version_id, []) if answer.version_id else []
        if any(closed is None or answer.received_at <= closed for closed in closings):
            found.add(answer.id)
    return found


def _collapse(drafts: list[_Draft], start: datetime) -> None:
    """Make one question of the same text of one visitor within 10 minutes (R60).

    What became of any of them became of it: handed over, it is in no numerator.
    """
    first: dict[tuple[uuid.UUID, str], tuple[datetime, Question]] = {
        (row.contact_id, row.text_key): (row.asked_at, row)
        for row in Question.objects.filter(
            contact_id__in={draft.row.contact_id for draft in drafts},
            asked_at__gte=start - _COLLAPSED,
            asked_at__lt=start,
            is_same_again=False,
        ).order_by("asked_at")
    }
    for draft in sorted(drafts, key=lambda each: (each.row.asked_at, each.row.first_seq)):
        row = draft.row
        at, kept = first.get((row.contact_id, row.text_key), (None, row))
        if at is None or row.asked_at - at >= _COLLAPSED:
            first[row.contact_id, row.text_key] = (row.asked_at, row)
            continue
        row.is_same_again = True
        if kept.day == row.day:
            kept.is_handed_over = kept.is_handed_over or row.is_handed_over
            kept.is_wrong = kept.is_wrong or row.is_wrong
            kept.version_id = kept.version_id or row.version_id
            kept.outcome = kept.outcome or row.outcome


def _find_repeats(
    drafts: list[_Draft], versions: Mapping[uuid.UUID, tuple[uuid.UUID, str]], end: datetime
) -> None:
    """Note which questions came back within a day: the same words, or the same entry (R59)."""
    later: dict[uuid.UUID, list[tuple[datetime, str, uuid.UUID | None]]] = defaultdict(list)
    for draft in drafts:
        row = draft.row
        later[row.contact_id].append((row.asked_at, row.text_key, _entry(row, versions)))
    for contact, at, key, entry in (
        Question.objects.filter(
            contact_id__in=later, asked_at__gte=end, asked_at__lt=end + _REPEATED
        )
        .order_by()
        .values_list("contact_id", "asked_at", "text_key", "version__entry_id")
    ):
        later[contact].append((at, key, entry))
    for draft in drafts:
        row = draft.row
        entry = _entry(row, versions)
        row.is_unsolved = row.is_unsolved or any(
            row.asked_at < at <= row.asked_at + _REPEATED
            and (key == row.text_key or (entry is not None and entry == other))
            for at, key, other in later[row.contact_id]
        )


def _mark_earlier(
    drafts: list[_Draft], versions: Mapping[uuid.UUID, tuple[uuid.UUID, str]], start: datetime
) -> set[date]:
    asked: dict[uuid.UUID, list[tuple[datetime, str, uuid.UUID | None]]] = defaultdict(list)
    for draft in drafts:
        row = draft.row
        asked[row.contact_id].append((row.asked_at, row.text_key, _entry(row, versions)))
    earlier = Question.objects.filter(
        contact_id__in=asked,
        asked_at__gte=start - _REPEATED,
        asked_at__lt=start,
        is_unsolved=False,
    ).select_related("version")
    changed = [
        row
        for row in earlier
        if any(
            at <= row.asked_at + _REPEATED
            and (key == row.text_key or (row.version and row.version.entry_id == entry))
            for at, key, entry in asked[row.contact_id]
        )
    ]
    Question.objects.filter(pk__in=[row.pk for row in changed]).update(is_unsolved=True)
    return {row.day for row in changed}


def _entry(row: Question, versions: Mapping[uuid.UUID, tuple[uuid.UUID, str]]) -> uuid.UUID | None:
    found = versions.get(row.version_id) if row.version_id else None
    return found[0] if found else None


def _store(drafts: list[_Draft], now: datetime) -> None:
    fresh = [draft.row for draft in drafts if draft.is_new]
    with transaction.atomic():
        Question.objects.bulk_create(fresh, batch_size=500)
        Question.objects.bulk_update(
            [draft.row for draft in drafts if draft.is_changed], _UPDATED, batch_size=200
        )
        QuestionLabel.objects.bulk_create(
            [
                QuestionLabel(question=row, label=row.label, source=LabelSource.MACHINE, at=now)
                for row in fresh
            ],
            batch_size=500,
        )
