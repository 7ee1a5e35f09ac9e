"""Rate a random sample of a month's inquiries, by a rubric, by more than one person (R75)."""

import hashlib
import secrets
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from conversations import satisfaction
from conversations.models import (
    QACriterion,
    QAItem,
    QAMark,
    QAReview,
    QARubric,
    QASample,
    SurveyInvite,
)
from tenants import clock
from tenants.errors import DomainError
from tenants.models import Tenant, User
from tenants.scoping import active_tenant_id
from tenants.services import ledger
from tenants.services.ledger import Event


class RubricTotalError(DomainError):
    """The criteria do not come to a hundred points."""

    code = "rubric_total"
    status = 422
    message = _("The criteria come to %(total)s points; together they must come to 100.")


class MonthRunningError(DomainError):
    """A sample is drawn of whole months."""

    code = "month_running"
    status = 422
    message = _("This month is not over yet. Draw the sample when it is.")


class NothingToSampleError(DomainError):
    """No inquiry of the month can be drawn."""

    code = "nothing_to_sample"
    status = 422
    message = _("The assistant answered in no inquiry that ended in this month.")


class ReviewRefusedError(DomainError):
    """The item needs no rating of this person: it has its raters, or they are one of them."""

    code = "review_refused"
    status = 409
    message = _("This inquiry needs no rating of yours.")


class MarksError(DomainError):
    """The points do not fit the rubric."""

    code = "marks_invalid"
    status = 422
    message = _("Give points under every criterion, none below 0 or above what it is worth.")


def current_rubric() -> QARubric:
    """Return the newest rubric; the one the product comes with is stored if there is none."""
    row = QARubric.objects.order_by("-version").first()
    return row or change_rubric(_own_criteria(), by=None)


def change_rubric(criteria: Sequence[tuple[str, int]], *, by: User | None) -> QARubric:
    """Store these criteria, name and points, as the next version; samples so far keep theirs.

    Raises RubricTotalError unless they come to 100.
    """
    total = sum(points for _name, points in criteria)
    if total != satisfaction.RUBRIC_TOTAL or any(points < 1 for _name, points in criteria):
        raise RubricTotalError(total=total)
    with transaction.atomic():
        Tenant.objects.select_for_update().values_list("pk").get(pk=active_tenant_id())
        before = QARubric.objects.order_by("-version").first()
        row: QARubric = QARubric.objects.create(
            version=before.version + 1 if before else 1, created_at=clock.now(), created_by=by
        )
        for position, (name, points) in enumerate(criteria, start=1):
            QACriterion.objects.create(rubric=row, position=position, name=name, points=points)
        facts = {
            "by": by.pk if by else None,
            "version": row.version,
            "criteria": [[ledger.fingerprint(name), points] for name, points in criteria],
        }
        ledger.append(Event("rubric.changed", row.pk, facts, row.created_at))
    return row


def create_sample(month: date, *, size: int, by: User | None) -> QASample:
    """Draw a simple random sample of the inquiries that the assistant answered in a month.

    The month is one of the tenant's zone, and over. The seed is stored and its fingerprint in the
    ledger, committed, before the draw looks at an inquiry. The first fifth of the sample is rated
    twice. Raises MonthRunningError, NothingToSampleError. Source: R74, R75.
    """
    _start, end = satisfaction.month_bounds(month, _zone())
    if clock.now() < end:
        raise MonthRunningError
    if not population_of(month):
        raise NothingToSampleError
    rubric = current_rubric()
    with transaction.atomic():
        sample: QASample = QASample.objects.create(
            month=month.replace(day=1),
            size=size,
            rubric=rubric,
            seed=secrets.token_hex(32),
            created_at=clock.now(),
            created_by=by,
        )
        facts = {
            "by": by.pk if by else None,
            "month": f"{month:%Y-%m}",
            "size": size,
            "method": sample.method,
            "rubric": rubric.version,
            "seed_sha256": satisfaction.fingerprint(sample.seed),
        }
        ledger.append(Event("sample.seeded", sample.pk, facts, sample.created_at))
    return draw(sample)


def draw(sample: QASample) -> QASample:
    """Draw a sample that has its seed, once; a drawn one is returned as it is."""
    with transaction.atomic():
        sample = QASample.objects.select_for_update(of=("self",)).get(pk=sample.pk)
        if sample.drawn_at is not None:
            return sample
        population = population_of(sample.month)
        drawn = satisfaction.draw_sample(population, sample.seed, sample.size)
        twice = satisfaction.rated_twice(len(drawn))
        QAItem.objects.bulk_create(
            QAItem(
                sample=sample, position=number, inquiry_id=inquiry_id, rated_twice=number <= twice
            )
            for number, inquiry_id in enumerate(drawn, start=1)
        )
        sample.population = len(population)
        sample.population_sha256 = _fingerprint(population)
        sample.drawn_at = clock.now()
        sample.save(update_fields=["population", "population_sha256", "drawn_at"])
        facts = {
            "population": sample.population,
            "population_sha256": sample.population_sha256,
            "items_sha256": _fingerprint(drawn),
        }
        ledger.append(Event("sample.drawn", sample.pk, facts, sample.drawn_at))
    return sample


def is_reproduced(sample: QASample) -> bool:
    """Return whether the seed, drawn with again, gives the items that the sample has."""
    again = satisfaction.draw_sample(population_of(sample.month), sample.seed, sample.size)
    return again == list(sample.items.order_by("position").values_list("inquiry", flat=True))


def population_of(month: date) -> list[uuid.UUID]:
    """Return the inquiries to sample from: the assistant answered, ended in the month, no tests."""
    start, end = satisfaction.month_bounds(month, _zone())
    return sorted(
        SurveyInvite.objects.filter(
            ended_at__gte=start, ended_at__lt=end, has_bot_part=True, is_test=False
        )
        .order_by()
        .values_list("inquiry", flat=True)
    )


def needs(item: QAItem, rater: User) -> bool:
    """Return whether this person may rate the item: it wants one more rater, who is not they."""
    reviews = list(item.reviews.order_by("number"))
    if any(review.rater_id == rater.pk for review in reviews):
        return False
    return satisfaction.settled([row.total for row in reviews], twice=item.rated_twice) is None


def review(
    item: QAItem, marks: Mapping[uuid.UUID, int], *, comment: str = "", by: User
) -> QAReview:
    """Keep a rater's points, one number for each criterion's key; they are final.

    With the last rater's points the item has its result: one rater's total, the mean of two that
    are at most ten apart, else the third's. Raises ReviewRefusedError, MarksError. Source: R75.
    """
    with transaction.atomic():
        item = (
            QAItem.objects.select_for_update(of=("self",))
            .select_related("sample__rubric")
            .get(pk=item.pk)
        )
        if not needs(item, by):
            raise ReviewRefusedError
        criteria = list(item.sample.rubric.criteria.order_by("position"))
        if marks.keys() != {row.pk for row in criteria} or any(
            not 0 <= marks[row.pk] <= row.points for row in criteria
        ):
            raise MarksError
        row: QAReview = QAReview.objects.create(
            item=item,
            number=item.reviews.count() + 1,
            rater=by,
            total=sum(marks.values()),
            comment=comment,
            given_at=clock.now(),
        )
        QAMark.objects.bulk_create(
            QAMark(review=row, criterion=each, points=marks[each.pk]) for each in criteria
        )
        totals = list(item.reviews.order_by("number").values_list("total", flat=True))
        result = satisfaction.settled(totals, twice=item.rated_twice)
        if result is not None:
            item.result = satisfaction.cut(result, 1)
            item.save(update_fields=["result"])
        ledger.append(_reviewed(item, row, marks, row.given_at))
    return row


def _reviewed(item: QAItem, row: QAReview, marks: Mapping[uuid.UUID, int], at: datetime) -> Event:
    facts: dict[str, Any] = {
        "by": row.rater_id,
        "number": row.number,
        "marks": {str(key): points for key, points in marks.items()},
        "total": row.total,
        "result": item.result,
        "comment_sha256": ledger.fingerprint(row.comment) if row.comment else None,
    }
    return Event("sample.reviewed", item.pk, facts, at)


def _zone() -> Any:
    return Tenant.objects.get(pk=active_tenant_id()).zone


def _fingerprint(ids: Sequence[uuid.UUID]) -> str:
    return hashlib.sha256("\n".join(map(str, ids)).encode()).hexdigest()


def _own_criteria() -> list[tuple[str, int]]:
    return [
        (gettext("The answers are right and up to date"), 40),
        (gettext("The question that was asked is answered, whole"), 25),
        (gettext("Easy to understand, polite"), 15),
        (gettext("To people at the right moment, neither late nor needlessly"), 20),
    ]
