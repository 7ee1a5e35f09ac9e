"""Audit a month's labels: a random sample, given again by two people who see its words alone (R61)."""

import math
import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from conversations.satisfaction import draw_sample
from reporting import audit_arithmetic
from reporting.models import LabelReview, LabelReviewItem, QuestionLabels
from reporting.services import audit_alerts, audit_draws, audit_months, figures, labels
from reporting.services.audit_draws import NothingToAuditError
from reporting.services.audit_months import AuditDrawnError
from reporting.services.labels import Progress, UnknownLabelError
from tenants import clock
from tenants.errors import DomainError, NotFoundError
from tenants.models import ObligationKind, User
from tenants.services import contracts, ledger, obligations
from tenants.services.ledger import Event

SIZE = 200
CLAUSE = "2.1(2)"
# The final figures of the month are due at 18:00 of its 5th working day (R31). Drawn on the first of
# the next month, an audit that is due at the end of the 3rd working day after it comes before them.
WORKING_DAYS = 3
FIRST, SECOND = "first", "second"
_SEATS = (FIRST, SECOND)


class NoQuestionsError(NothingToAuditError):
    """Nobody asked anything that could be drawn."""

    message = _("No question was asked in this month: there is nothing to audit.")


class SeatTakenError(DomainError):
    """Two other people label this audit, or it is finished."""

    code = "seat_taken"
    status = 409
    message = _("This audit needs no label of yours: it has its two reviewers.")


class SeatFreeError(DomainError):
    """There is nobody to free it of."""

    code = "seat_free"
    status = 409
    message = _("Nobody has this seat, or the audit is finished.")


@dataclass(frozen=True)
class Waiting:
    """An audit that waits for a person, and how many labels it still needs of them."""

    review: LabelReview
    left: int


def draw_due() -> list[LabelReview]:
    """Draw the audits that are owed by now of the tenant in scope; return the new ones.

    Of the month before this one, of those since the last audit that no run was there for, and of a
    month whose labels had to be given again once that is done. Months without a question have none.
    Running it again changes nothing.
    """
    if not audit_months.is_live():
        return []
    _finish_emptied()
    months = {*audit_months.owed(audit_draws.drawn_months(LabelReview)), *_months_to_repeat()}
    return audit_draws.draw_each(sorted(months), draw)


def draw(month: date, *, by: User | None) -> LabelReview:
    """Draw the next audit of a month of the tenant's zone.

    The month's days are counted first. The seed is stored and its fingerprint in the ledger,
    committed, before the draw looks at a question; SIZE questions, or all. Starts the promise of
    the review and tells both parties. Raises AuditMonthRunningError,
    NoQuestionsError, AuditDrawnError. Source: R61.
    """
    month = month.replace(day=1)
    period = audit_months.whole_period_of(month)
    last = LabelReview.objects.filter(month=month).order_by("-number").first()
    if last is not None and last.drawn_at is None:
        # The process ended between the seed and the draw.
        return _draw(last)
    if last is not None and not (last.is_failed and labels.is_through(month)):
        raise AuditDrawnError
    figures.make_ready(period)
    if not has_questions(month):
        raise NoQuestionsError
    number = last.number + 1 if last else 1
    seeded = audit_draws.keep_seed(
        "label_audit.seeded", LabelReview, month, number=number, size=SIZE, by=by
    )
    return _draw(seeded)


def has_questions(month: date) -> bool:
    """Return whether there is any question of the month to draw."""
    return labels.readable(month).exists()


def population_of(month: date) -> list[uuid.UUID]:
    """Return the questions to draw from, counted or not, by their keys."""
    return sorted(labels.readable(month).values_list("pk", flat=True))


def is_reproduced(review: LabelReview) -> bool:
    """Return whether the seed, drawn with again, gives the questions that the audit has."""
    again = draw_sample(population_of(review.month), review.seed, SIZE)
    return again == list(review.items.order_by("position").values_list("question", flat=True))


def months_to_draw() -> list[date]:
    """Return the past months without an audit, or with one to be repeated, latest first."""
    drawn = audit_draws.drawn_months(LabelReview)
    repeated = _months_to_repeat()
    return [month for month in audit_months.past() if month not in drawn or month in repeated]


def seat_of(review: LabelReview, person: User) -> str | None:
    """Return the seat that this person has or would get; None where both are others'."""
    held = {FIRST: review.first_reviewer_id, SECOND: review.second_reviewer_id}
    mine = next((seat for seat in _SEATS if held[seat] == person.pk), None)
    return mine or next((seat for seat in _SEATS if held[seat] is None), None)


def next_item(review: LabelReview, person: User) -> LabelReviewItem | None:
    """Return what this person is to label next; None where nothing is left for them."""
    return _left(review, person).order_by("position").first()


def last_item(review: LabelReview, person: User) -> LabelReviewItem | None:
    """Return what this person labelled last, to be labelled anew while the audit runs."""
    if review.is_finished:
        return None
    mine = Q(first_by=person.pk) | Q(second_by=person.pk)
    return review.items.filter(mine).order_by("-position").first()


def progress(review: LabelReview, person: User) -> Progress:
    """Return how many of the sample this person has labelled."""
    total = _readable(review).count()
    return Progress(total - _left(review, person).count(), total)


def waiting_for(person: User) -> list[Waiting]:
    """Return the audits that wait for labels of this person, oldest first."""
    found = []
    for review in LabelReview.objects.filter(finished_at=None, drawn_at__isnull=False).order_by(
        "month", "number"
    ):
        left = _left(review, person).count()
        if left:
            found.append(Waiting(review, left))
    return found


def give(
    review: LabelReview, item_id: uuid.UUID, label: str, *, by: User, again: bool = False
) -> LabelReview:
    """Keep a reviewer's label of one sampled question; return the audit as it stands then.

    Whoever gives the first label takes a free seat, one seat a person. A label given already is
    only changed with `again`, and none after the end: pressing twice changes nothing. The last
    label finishes the audit. Raises UnknownLabelError, NotFoundError, SeatTakenError.
    """
    if label not in QuestionLabels.values:
        raise UnknownLabelError
    with transaction.atomic():
        row = audit_draws.locked(LabelReview, review.pk)
        if not row.items.filter(pk=item_id).exists():
            raise NotFoundError
        seat = None if row.is_finished else seat_of(row, by)
        if seat is None or not _sit(row, seat, by):
            raise SeatTakenError
        items = row.items.filter(pk=item_id).filter(
            Q(**{f"{seat}_by": None}) | Q(**{f"{seat}_by": by.pk if again else None})
        )
        changed = items.update(**{f"{seat}_label": label, f"{seat}_by": by.pk})
        if changed and not _is_open(row):
            _finish(row)
    return row


def leave(review: LabelReview, seat: str, *, by: User) -> LabelReview:
    """Free a seat of a running audit, so that it does not wait for somebody who is gone.

    The labels given from it are dropped: two people's agreement is asked for, not three's. Raises
    SeatFreeError.
    """
    with transaction.atomic():
        row = audit_draws.locked(LabelReview, review.pk)
        person = getattr(row, f"{seat}_reviewer_id", None) if seat in _SEATS else None
        if row.is_finished or person is None:
            raise SeatFreeError
        dropped = row.items.exclude(**{f"{seat}_by": None}).update(
            **{f"{seat}_label": "", f"{seat}_by": None}
        )
        setattr(row, f"{seat}_reviewer", None)
        row.save(update_fields=[f"{seat}_reviewer"])
        facts = {"by": by.pk, "seat": seat, "reviewer": person, "dropped": dropped}
        ledger.append(Event("label_audit.seat_freed", row.pk, facts, clock.now()))
    return row


def _draw(review: LabelReview) -> LabelReview:
    with transaction.atomic():
        row = audit_draws.locked(LabelReview, review.pk)
        if row.drawn_at is not None:
            return row
        population = population_of(row.month)
        drawn = draw_sample(population, row.seed, SIZE)
        LabelReviewItem.objects.bulk_create(
            [
                LabelReviewItem(review=row, position=number, question_id=pk)
                for number, pk in enumerate(drawn, start=1)
            ],
            batch_size=500,
        )
        row.population, row.size, row.drawn_at = len(population), len(drawn), clock.now()
        row.save(update_fields=["population", "size", "drawn_at"])
        started = obligations.start_working_days(
            ObligationKind.LABEL_REVIEW,
            clause=CLAUSE,
            subject_id=row.pk,
            at=row.drawn_at,
            days=WORKING_DAYS,
            terms_version=contracts.terms_at(row.drawn_at).version,
        )
        facts = {
            "population": row.population,
            "population_sha256": audit_draws.print_of(population),
            "items_sha256": audit_draws.print_of(drawn),
        }
        audit_alerts.label_audit_drawn(row)
        ledger.append(Event("label_audit.drawn", row.pk, facts, row.drawn_at), started)
    return row


def _finish_emptied() -> None:
    """Finish what has nothing left to label because the words of the rest were erased."""
    for review in LabelReview.objects.filter(finished_at=None, drawn_at__isnull=False):
        if _is_open(review):
            continue
        with transaction.atomic():
            row = audit_draws.locked(LabelReview, review.pk)
            if not row.is_finished and not _is_open(row):
                _finish(row)


def _finish(row: LabelReview) -> None:
    """Judge what the two gave, and do what follows from it, in the caller's transaction."""
    items = [
        item
        for item in row.items.select_related("question", "first_by").order_by("position")
        if item.first_label and item.second_label
    ]
    kappa = audit_arithmetic.kappa([(item.first_label, item.second_label) for item in items])
    alike = [item for item in items if item.first_label == item.second_label]
    row.kappa = None if kappa is None else math.floor(kappa * 10_000)
    row.agreed = len(alike)
    row.finished_at = clock.now()
    before = _rate(row.month)
    if row.is_failed:
        row.relabelled = row.disputed = 0
        events = [labels.reopen(row.month)]
    else:
        changed = {
            item.question_id: (item.first_label, item.first_by)
            for item in alike
            if item.first_label != item.question.label
        }
        apart = [item.question_id for item in items if item.first_label != item.second_label]
        row.relabelled, row.disputed = len(changed), len(apart)
        events = labels.take_over(changed, apart, audit=row)
    row.change = {"before": before, "after": _rate(row.month)}
    row.save(update_fields=["kappa", "agreed", "relabelled", "disputed", "change", "finished_at"])
    kept = obligations.meet(ObligationKind.LABEL_REVIEW, subject_id=row.pk, at=row.finished_at)
    audit_alerts.label_audit_finished(row)
    facts: dict[str, Any] = {
        "kappa": row.kappa,
        "agreed": row.agreed,
        "relabelled": row.relabelled,
        "disputed": row.disputed,
        "failed": row.is_failed,
        "first": row.first_reviewer_id,
        "second": row.second_reviewer_id,
        "labels_sha256": audit_draws.print_of(
            f"{item.question_id}:{item.first_label}:{item.second_label}" for item in items
        ),
        **row.change,
    }
    ledger.append(Event("label_audit.finished", row.pk, facts, row.finished_at), *kept, *events)


def _sit(row: LabelReview, seat: str, person: User) -> bool:
    if getattr(row, f"{seat}_reviewer_id") == person.pk:
        return True
    free = LabelReview.objects.filter(pk=row.pk, **{f"{seat}_reviewer": None})
    if not free.update(**{f"{seat}_reviewer": person}):
        return False
    setattr(row, f"{seat}_reviewer", person)
    return True


def _readable(review: LabelReview) -> QuerySet[LabelReviewItem]:
    """The sample but those whose words were erased since: nobody can label them."""
    found: QuerySet[LabelReviewItem] = review.items.exclude(question__text_key="")
    return found


def _left(review: LabelReview, person: User) -> QuerySet[LabelReviewItem]:
    seat = None if review.is_finished else seat_of(review, person)
    return _readable(review).filter(**{f"{seat}_by": None}) if seat else review.items.none()


def _is_open(row: LabelReview) -> bool:
    return _readable(row).filter(Q(first_by=None) | Q(second_by=None)).exists()


def _rate(month: date) -> list[int]:
    found = figures.total(audit_months.period_of(month), "auto_answer")
    return [found.part, found.whole]


def _months_to_repeat() -> list[date]:
    low = LabelReview.objects.filter(kappa__lt=int(audit_arithmetic.KAPPA * 10_000))
    return [
        month
        for month in sorted(set(low.order_by().values_list("month", flat=True)))
        if labels.is_redone(month) and labels.is_through(month)
    ]
