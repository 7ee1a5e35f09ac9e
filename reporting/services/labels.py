"""Label questions by hand, without knowing what became of them (R56, R57)."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from conversations.models import Message
from conversations.queries import question_of
from reporting.models import LabelSource, Question, QuestionLabel, QuestionLabels, QuestionStanding
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
    with transaction.atomic():
        row: Question = Question.objects.select_for_update(of=("self",)).get(pk=question_id)
        before = row.label
        row.label, row.is_reviewed, row.is_disputed = label, True, disputed
        rejudge(row)
        row.save(update_fields=["label", "is_reviewed", "is_disputed", "standing", "why"])
        at = clock.now()
        QuestionLabel.objects.create(
            question=row,
            label=label,
            previous=before,
            source=LabelSource.PERSON,
            is_disputed=disputed,
            by=by,
            at=at,
        )
        figures.recount(row.day)
        facts = {
            "by": by.pk,
            "label": label,
            "previous": before,
            "disputed": disputed,
            "standing": row.standing,
        }
        ledger.append(Event("question.labelled", row.pk, facts, at))
    return row


def to_review(month: date) -> list[uuid.UUID]:
    """Return the month's questions without an answer that a person is to label, in their order.

    All of them, or a random MOST_REVIEWED where there are more; the order is a lot of the month,
    so that nobody chooses. Those labelled stay in the list.
    """
    first = month.replace(day=1)
    missed = Question.objects.filter(
        day__gte=first, day__lt=figures.next_month(first), is_same_again=False, is_test=False
    ).exclude(standing=QuestionStanding.ANSWERED)
    # Left out are answered ones whose label takes them out: nothing depends on them.
    ids = missed.exclude(version__isnull=False, is_handed_over=False, is_wrong=False).values_list(
        "pk", flat=True
    )
    return sorted(ids.order_by(), key=lambda pk: _lot(first, pk))[:MOST_REVIEWED]


def next_to_review(month: date) -> Question | None:
    """Return the question to label next; None where the month's review is through."""
    ids = to_review(month)
    open_ids = set(
        Question.objects.filter(pk__in=ids, is_reviewed=False)
        .order_by()
        .values_list("pk", flat=True)
    ) | set(
        Question.objects.filter(pk__in=ids, is_disputed=True)
        .order_by()
        .values_list("pk", flat=True)
    )
    first = next((pk for pk in ids if pk in open_ids), None)
    found: Question | None = Question.objects.filter(pk=first).first() if first else None
    return found


def progress(month: date) -> Progress:
    """Return how many of the questions to review have a person's label that stands."""
    ids = to_review(month)
    done = Question.objects.filter(pk__in=ids, is_reviewed=True, is_disputed=False).count()
    return Progress(done, len(ids))


def words_of(row: Question) -> str:
    """Return a question's words, nothing else; empty where they were erased."""
    message = Message.objects.filter(pk=row.message_id).first()
    return question_of(message) if message else ""


def _lot(month: date, pk: uuid.UUID) -> bytes:
    seed = f"{active_tenant_id()}:{month:%Y-%m}:{pk}"
    return hashlib.sha256(seed.encode()).digest()
