"""Audit a month's answers: a random sample of every channel, checked against what they cite (R90)."""

import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from conversations.models import (
    AuthorKind,
    Message,
    MessageKind,
    MismatchKind,
    MismatchOwner,
)
from conversations.queries import question_of
from conversations.satisfaction import draw_sample
from conversations.services import fidelity
from conversations.services.subject_store import ERASED
from reporting import audit_arithmetic
from reporting.models import AccuracyAudit, AccuracyAuditItem, AuditFinding
from reporting.services import audit_alerts, audit_draws, audit_months, figures, questions
from reporting.services.audit_draws import NothingToAuditError
from reporting.services.audit_months import AuditDrawnError
from reporting.services.labels import Progress
from tenants import clock
from tenants.errors import DomainError
from tenants.models import Tenant, User
from tenants.scoping import active_tenant_id
from tenants.services import ledger
from tenants.services.ledger import Event

# None found wrong in so many: at most 1 % are, with 95 % confidence.
SIZE = 299


class NoAnswersError(NothingToAuditError):
    """The assistant answered nothing."""

    message = _("The assistant gave no answer in this month: there is nothing to audit.")


class AlreadyCheckedError(DomainError):
    """Somebody was faster."""

    code = "already_checked"
    status = 409
    message = _("Somebody has checked this answer already.")


class ErasedAnswerError(DomainError):
    """What cannot be read cannot be checked."""

    code = "erased_answer"
    status = 409
    message = _("The words of this answer were erased since it was drawn: it cannot be checked.")


class FaultMissingError(DomainError):
    """Found wrong without saying how, or whose fault it is."""

    code = "fault_missing"
    status = 422
    message = _("Say how the answer is wrong and whose fault it is.")


@dataclass(frozen=True)
class Shown:
    """What a checker sees of a sampled answer: what was asked and said, and the version it cites."""

    question: str
    answer: str
    cited_question: str
    cited_answer: str


@dataclass(frozen=True)
class Result:
    """What an audit has come to: `at_most` is the share that is wrong at most, with 95 % confidence.

    It is None where nothing was checked yet, and where the sample `is_whole`: with every answer of
    the month in it there is nothing to estimate.
    """

    right: int
    wrong: int
    gone: int
    size: int
    is_whole: bool
    at_most: float | None

    @property
    def checked(self) -> int:
        return self.right + self.wrong

    @property
    def left(self) -> int:
        return self.size - self.checked - self.gone


def draw_due() -> list[AccuracyAudit]:
    """Draw the audits that are owed by now of the tenant in scope; return the new ones.

    Of the month before this one, and of those since the last audit that no run was there for.
    Months without an answer have none. Running it again changes nothing.
    """
    if not audit_months.is_live():
        return []
    return audit_draws.draw_each(audit_months.owed(audit_draws.drawn_months(AccuracyAudit)), draw)


def draw(month: date, *, by: User | None) -> AccuracyAudit:
    """Draw the audit of a month of the tenant's zone.

    The seed is stored and its fingerprint in the ledger, committed, before the draw looks at an
    answer; SIZE answers, each channel in proportion, or all. Tells who checks them. Raises
    AuditMonthRunningError, NoAnswersError, AuditDrawnError. Source: R90.
    """
    month = month.replace(day=1)
    audit_months.whole_period_of(month)
    known = AccuracyAudit.objects.filter(month=month).first()
    if known is not None and known.drawn_at is not None:
        raise AuditDrawnError
    if known is not None:
        # The process ended between the seed and the draw.
        return _draw(known)
    if not _answers(month).exists():
        raise NoAnswersError
    seeded = audit_draws.keep_seed("accuracy_audit.seeded", AccuracyAudit, month, size=SIZE, by=by)
    return _draw(seeded)


def is_reproduced(audit: AccuracyAudit) -> bool:
    """Return whether the seed, drawn with again, gives the answers that the audit has."""
    again, _sizes, _drawn = _sample(audit)
    kept = audit.items.order_by("position").values_list("message_id", flat=True)
    return [key for key, _version, _channel in again] == list(kept)


def months_to_draw() -> list[date]:
    """Return the past months without an audit, latest first."""
    drawn = audit_draws.drawn_months(AccuracyAudit)
    return [month for month in audit_months.past() if month not in drawn]


def next_item(audit: AccuracyAudit) -> AccuracyAuditItem | None:
    """Return the answer to check next; None where the audit is through."""
    found: AccuracyAuditItem | None = (
        audit.items.filter(finding="").select_related("version", "audit").order_by("position")
    ).first()
    return found


def shown(item: AccuracyAuditItem) -> Shown | None:
    """Return what a checker sees of an answer; None where its words were erased.

    Who wrote the entry is not in it: whoever checks is blind to that (R90).
    """
    message = Message.objects.filter(pk=item.message_id).first()
    if message is None or message.text == ERASED:
        return None
    asked = (
        Message.objects.filter(
            conversation=message.conversation_id,
            seq__lt=message.seq,
            author_kind=AuthorKind.CUSTOMER,
        )
        .order_by("-seq")
        .first()
    )
    return Shown(
        question_of(asked) if asked else "",
        message.text,
        item.version.question,
        item.version.answer,
    )


def progress(audit: AccuracyAudit) -> Progress:
    """Return how many of the sample are checked."""
    return Progress(audit.items.exclude(finding="").count(), audit.items.count())


def result(audit: AccuracyAudit) -> Result:
    """Return what an audit has come to so far."""
    counts: Counter[str] = Counter(
        dict(audit.items.order_by().values_list("finding").annotate(Count("pk")))
    )
    right, wrong = counts[AuditFinding.RIGHT], counts[AuditFinding.WRONG]
    gone = counts[AuditFinding.GONE]
    whole = audit.size == audit.population
    return Result(
        right=right,
        wrong=wrong,
        gone=gone,
        size=audit.size,
        is_whole=whole,
        at_most=None if whole else audit_arithmetic.most_wrong(wrong, right + wrong),
    )


def left() -> list[tuple[AccuracyAudit, int]]:
    """Return the audits with answers to check, and how many, oldest first."""
    found = AccuracyAudit.objects.filter(drawn_at__isnull=False, finished_at=None)
    counted = found.annotate(left=Count("items", filter=Q(items__finding=""))).order_by("month")
    return [(audit, audit.left) for audit in counted if audit.left]


def check(
    item: AccuracyAuditItem,
    *,
    wrong: bool,
    kind: str = "",
    owner: str = "",
    note: str = "",
    by: User,
) -> AccuracyAuditItem:
    """Keep what a checker found about an answer; it is final. The last one finishes the audit.

    A wrong one needs `kind` and `owner` and is named in a mismatch report, which speaks for every
    other reply of the version; where the fault is not the client's, all they answered is judged
    anew and their days are added up again. Raises FaultMissingError,
    AlreadyCheckedError, ErasedAnswerError.
    """
    if wrong and (kind not in MismatchKind.values or owner not in MismatchOwner.values):
        raise FaultMissingError
    with transaction.atomic():
        audit = audit_draws.locked(AccuracyAudit, item.audit_id)
        row: AccuracyAuditItem = audit.items.get(pk=item.pk)
        if not row.finding and shown(row) is None:
            raise ErasedAnswerError
        finding = AuditFinding.WRONG if wrong else AuditFinding.RIGHT
        if not _found(row, finding, by):
            raise AlreadyCheckedError
        facts: dict[str, Any] = {"by": by.pk, "audit": audit.pk, "finding": finding}
        if wrong:
            message = Message.objects.get(pk=row.message_id)
            report = fidelity.report_audited(
                message, kind=MismatchKind(kind), owner=MismatchOwner(owner), note=note, by=by
            )
            row.report = report
            row.save(update_fields=["report"])
            facts["report"] = report.pk
            if report.owner != MismatchOwner.CLIENT:
                for day in sorted(questions.mark_wrong(row.version_id)):
                    figures.recount(day)
        events = [Event("accuracy_audit.checked", row.message_id, facts, row.found_at)]
        ledger.append(*events, *_finished(audit))
    return row


def pass_over(item: AccuracyAuditItem) -> None:
    """Note that a sampled answer cannot be checked any more, as its words were erased."""
    with transaction.atomic():
        audit = audit_draws.locked(AccuracyAudit, item.audit_id)
        row: AccuracyAuditItem = audit.items.get(pk=item.pk)
        if shown(row) is not None or not _found(row, AuditFinding.GONE, None):
            return
        facts = {"audit": audit.pk, "finding": AuditFinding.GONE}
        events = [Event("accuracy_audit.checked", row.message_id, facts, row.found_at)]
        ledger.append(*events, *_finished(audit))


def _found(row: AccuracyAuditItem, finding: AuditFinding, by: User | None) -> bool:
    row.finding, row.found_at, row.found_by = finding, clock.now(), by
    fresh = AccuracyAuditItem.objects.filter(pk=row.pk, finding="")
    return bool(fresh.update(finding=finding, found_at=row.found_at, found_by=by))


def _finished(audit: AccuracyAudit) -> list[Event]:
    if audit.is_finished or audit.items.filter(finding="").exists():
        return []
    audit.finished_at = clock.now()
    audit.save(update_fields=["finished_at"])
    found = result(audit)
    audit_alerts.accuracy_audit_finished(audit, wrong=found.wrong, checked=found.checked)
    facts = {"right": found.right, "wrong": found.wrong, "gone": found.gone}
    return [Event("accuracy_audit.finished", audit.pk, facts, audit.finished_at)]


def _draw(audit: AccuracyAudit) -> AccuracyAudit:
    with transaction.atomic():
        row = audit_draws.locked(AccuracyAudit, audit.pk)
        if row.drawn_at is not None:
            return row
        sample, sizes, drawn = _sample(row)
        AccuracyAuditItem.objects.bulk_create(
            [
                AccuracyAuditItem(
                    audit=row,
                    position=number,
                    message_id=key,
                    version_id=version,
                    channel_id=channel,
                )
                for number, (key, version, channel) in enumerate(sample, start=1)
            ],
            batch_size=500,
        )
        row.strata = {channel: [drawn[channel], sizes[channel]] for channel in sorted(sizes)}
        row.size, row.population = len(sample), sum(sizes.values())
        row.drawn_at = clock.now()
        row.save(update_fields=["strata", "size", "population", "drawn_at"])
        facts = {
            "population": row.population,
            "strata": row.strata,
            "items_sha256": audit_draws.print_of(key for key, _version, _channel in sample),
        }
        audit_alerts.accuracy_audit_drawn(row)
        ledger.append(Event("accuracy_audit.drawn", row.pk, facts, row.drawn_at))
    return row


_Drawn = tuple[uuid.UUID, uuid.UUID, uuid.UUID]


def _sample(audit: AccuracyAudit) -> tuple[list[_Drawn], dict[str, int], dict[str, int]]:
    """Return the sample in its order, and by channel how many there are and how many are drawn."""
    found: dict[str, dict[uuid.UUID, _Drawn]] = defaultdict(dict)
    for key, version, channel in _answers(audit.month).values_list(
        "pk", "entry_version_id", "conversation__channel_id"
    ):
        found[str(channel)][key] = (key, version, channel)
    sizes = {channel: len(keys) for channel, keys in found.items()}
    drawn = audit_arithmetic.strata(sizes, SIZE)
    chosen = {
        key: found[channel][key]
        for channel in found
        for key in draw_sample(found[channel], audit.seed, drawn[channel])
    }
    # All channels in one order of the lot: whoever checks half of it has checked half of each.
    return [chosen[key] for key in draw_sample(chosen, audit.seed, SIZE)], sizes, drawn


def _answers(month: date) -> QuerySet[Message]:
    """The month's answers of the assistant, but those of probes and of tests."""
    tenant = Tenant.objects.get(pk=active_tenant_id())
    period = audit_months.period_of(month)
    rows = Message.objects.filter(
        created_at__gte=period.start_at,
        created_at__lt=period.end_at,
        author_kind=AuthorKind.BOT,
        kind=MessageKind.ANSWER,
        entry_version__isnull=False,
        conversation__is_probe=False,
    ).order_by()
    return rows if tenant.is_demo else rows.filter(conversation__is_demo=False)
