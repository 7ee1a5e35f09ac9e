"""Label questions by hand, without knowing what became of them (R56, R57)."""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from conversations.models import AuthorKind, Message
from conversations.queries import LONGEST_RUN, question_of
from reporting.models import (
    LabelReview,
    LabelSource,
    Question,
    QuestionLabel,
    QuestionLabels,
    QuestionStanding,
)
from reporting.services import figures
from reporting.services.questions import rejudge
from tenants import clock
from tenants.errors import DomainError
from tenants.models import User
from tenants.scoping import active_tenant_id
from tenants.services import ledger
from tenants.services.ledger import Event

# R57: with more questions without an answer in a month, a random choice of them is reviewed.
MOST_REVIEWED = 500


class UnknownLabelError(DomainError):
    """There is no such label."""

    code = "unknown_label"
    status = 400
    message = _("There is no such label.")


@dataclass(frozen=True)
class Progress:
    """How far a month's review is."""

    done: int
    total: int


def relabel(question_id: uuid.UUID, label: str, *, by: User, disputed: bool = False) -> Question:
    """Give a question a person's label; return it as it counts now.

    The history keeps the label before. A disputed one counts as if nobody had reviewed it, so a
    question without an answer is back in the sum. The figures of its day are added up again.
    Raises UnknownLabelError.
    """
    if label not in QuestionLabels.values:
        raise UnknownLabelError

    def give(row: Question) -> None:
        row.label, row.is_reviewed, row.is_disputed = label, True, disputed

    with transaction.atomic():
        (row,) = _locked([question_id])
        ledger.append(*_change([row], give, by=lambda _row: by, at=clock.now()))
    return row


def take_over(
    agreed: Mapping[uuid.UUID, tuple[str, User | None]],
    disputed: Collection[uuid.UUID],
    *,
    audit: LabelReview,
) -> list[Event]:
    """Give questions what an audit's reviewers agreed on, and mark those they did not as disputed.

    `agreed` names label and first reviewer by question. What is disputed keeps its label, is to be
    reviewed once more, and counts meanwhile as if nobody had (R57). Each day is added up again
    once. In the caller's transaction; returns the events for the ledger.
    """

    def give(row: Question) -> None:
        if row.pk in agreed:
            row.label, row.is_reviewed, row.is_disputed = agreed[row.pk][0], True, False
        else:
            row.is_disputed = True

    rows = _locked([*agreed, *disputed])
    return _change(
        rows,
        give,
        by=lambda row: agreed[row.pk][1] if row.pk in agreed else None,
        at=clock.now(),
        audit=audit.pk,
    )


def reopen(month: date) -> Event:
    """Open all labels of a month: people give each of them again (R61).

    The labels stay until then, but count as if no person had given them. Each day is added up again
    once. In the caller's transaction; returns the event for the ledger.
    """
    rows = list(
        Question.objects.select_for_update(of=("self",)).filter(
            Q(is_reviewed=True) | Q(is_disputed=True), _within(month)
        )
    )
    for row in rows:
        row.is_reviewed = row.is_disputed = False
        rejudge(row)
    _store(rows)
    facts = {"month": f"{month:%Y-%m}", "opened": len(rows)}
    return Event("labels.reopened", f"{active_tenant_id()}:{month:%Y-%m}", facts, clock.now())


def is_redone(month: date) -> bool:
    """Return whether all labels of the month are being given again, as its last audit failed."""
    last = LabelReview.objects.filter(month=month.replace(day=1)).order_by("-number").first()
    return last is not None and last.is_failed


def months_redone() -> list[date]:
    """Return the months whose labels are all being given again and are not through, oldest first."""
    last: dict[date, LabelReview] = {}
    for row in LabelReview.objects.order_by("month", "number"):
        last[row.month] = row
    return [month for month, row in last.items() if row.is_failed and not is_through(month)]


def readable(month: date) -> QuerySet[Question]:
    """Return the month's questions that can be labelled, in no order.

    Counted or not; no tests, the same again once, none whose words were erased.
    """
    return Question.objects.filter(_within(month)).exclude(text_key="").order_by()


def is_through(month: date) -> bool:
    """Return whether a person has labelled every question of the month that can be read."""
    return not readable(month).filter(is_reviewed=False).exists()


def next_to_review(month: date) -> Question | None:
    """Return the question to label next; None where the month's review is through.

    To be labelled are those without an answer: all of them, or a random MOST_REVIEWED where there
    are more. Then those disputed, answered or not; every question where the month's labels are
    given again. The order is a lot of the month, so that nobody chooses.
    """
    first = next((pk for pk, done in _queue(month) if not done), None)
    found: Question | None = Question.objects.filter(pk=first).first() if first else None
    return found


def progress(month: date) -> Progress:
    """Return how many of the questions to review have a person's label that stands."""
    queue = _queue(month)
    return Progress(sum(done for _pk, done in queue), len(queue))


def words_of(row: Question) -> str:
    """Return a question's words, nothing else; empty where they were erased."""
    message = Message.objects.filter(pk=row.message_id).first()
    return question_of(message) if message else ""


def words_of_all(rows: Collection[Question]) -> dict[uuid.UUID, str]:
    """Return each question's words by its key like `words_of`, in a number of queries that is fixed."""
    ends = dict(
        Message.objects.filter(pk__in=[row.message_id for row in rows]).values_list("pk", "seq")
    )
    said: dict[uuid.UUID, list[tuple[int, str]]] = defaultdict(list)
    for conversation, seq, text, stand_in in (
        Message.objects.filter(
            conversation__in={row.conversation_id for row in rows},
            author_kind=AuthorKind.CUSTOMER,
            seq__gte=min((row.first_seq for row in rows), default=0),
            seq__lte=max(ends.values(), default=0),
        )
        .order_by("seq")
        .values_list("conversation", "seq", "text", "stand_in")
    ):
        said[conversation].append((seq, f"{text} {stand_in}".strip()))
    found = {}
    for row in rows:
        last = ends.get(row.message_id, 0)
        run = [words for seq, words in said[row.conversation_id] if row.first_seq <= seq <= last]
        found[row.pk] = "\n".join(run[-LONGEST_RUN:])
    return found


def _locked(ids: Collection[uuid.UUID]) -> list[Question]:
    rows = list(
        Question.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("asked_at")
    )
    if len(rows) < len(ids):
        raise Question.DoesNotExist
    return rows


def _change(
    rows: list[Question],
    give: Callable[[Question], None],
    *,
    by: Callable[[Question], User | None],
    at: datetime,
    audit: uuid.UUID | None = None,
) -> list[Event]:
    history, events = [], []
    for row in rows:
        before, person = row.label, by(row)
        give(row)
        rejudge(row)
        history.append(
            QuestionLabel(
                question=row,
                label=row.label,
                previous=before,
                source=LabelSource.PERSON,
                is_disputed=row.is_disputed,
                by=person,
                at=at,
            )
        )
        facts: dict[str, object] = {
            "by": person.pk if person else None,
            "label": row.label,
            "previous": before,
            "disputed": row.is_disputed,
            "standing": row.standing,
        }
        if audit is not None:
            facts["audit"] = audit
        events.append(Event("question.labelled", row.pk, facts, at))
    QuestionLabel.objects.bulk_create(history, batch_size=500)
    _store(rows)
    return events


def _store(rows: Collection[Question]) -> None:
    Question.objects.bulk_update(
        rows, ["label", "is_reviewed", "is_disputed", "standing", "why"], batch_size=200
    )
    for day in sorted({row.day for row in rows}):
        figures.recount(day)


def _within(month: date) -> Q:
    first = month.replace(day=1)
    return Q(day__gte=first, day__lt=figures.next_month(first), is_same_again=False, is_test=False)


def _queue(month: date) -> list[tuple[uuid.UUID, bool]]:
    """Return what is to be reviewed in its order, and whether a label of it stands: it stays."""
    first = month.replace(day=1)
    if is_redone(first):
        return _in_order(first, readable(first))
    found = Question.objects.filter(_within(first)).order_by()
    missed = found.exclude(standing=QuestionStanding.ANSWERED)
    # Left out are answered ones whose label takes them out: nothing depends on them.
    missed = missed.exclude(version__isnull=False, is_handed_over=False, is_wrong=False)
    chosen = _in_order(first, missed)[:MOST_REVIEWED]
    known = {pk for pk, _done in chosen}
    disputed = _in_order(first, found.filter(is_disputed=True))
    return [*chosen, *(each for each in disputed if each[0] not in known)]


def _in_order(month: date, rows: QuerySet[Question]) -> list[tuple[uuid.UUID, bool]]:
    found = rows.values_list("pk", "is_reviewed", "is_disputed")
    return [
        (pk, reviewed and not disputed)
        for pk, reviewed, disputed in sorted(found, key=lambda each: _lot(month, each[0]))
    ]


def _lot(month: date, pk: uuid.UUID) -> bytes:
    seed = f"{active_tenant_id()}:{month:%Y-%m}:{pk}"
    return hashlib.sha256(seed.encode()).digest()
