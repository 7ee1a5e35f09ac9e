"""Samples of a month's inquiries: drawn with a seed kept before, rated by more than one (R75)."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from conversations.models import (
    ContactSession,
    Inquiry,
    QAItem,
    QAMark,
    QAReview,
    QARubric,
    QASample,
    SurveyInvite,
    SurveyMonth,
)
from conversations.satisfaction import fingerprint
from conversations.services import quality, survey_terms
from conversations.services.quality import (
    MarksError,
    MonthRunningError,
    NothingToSampleError,
    ReviewRefusedError,
    RubricTotalError,
)
from tenants import clock
from tenants.models import LedgerEntry, Tenant, User
from tenants.services import ledger
from tests.conversations.doors import send

AT = datetime.fromisoformat("2026-10-20T04:00:00+00:00")
MONTH = date(2026, 10, 1)
LATER = AT + timedelta(days=20)


@pytest.fixture
def inquiries(in_tenant: Tenant, visitor: ContactSession) -> list[Inquiry]:
    """Eleven inquiries of October that the assistant answered."""
    with clock.travel(AT):
        conversation = send(visitor, "你好").message.conversation
    SurveyInvite.objects.all().delete()
    month = SurveyMonth.objects.get()
    rows = []
    for number in range(2, 13):
        row = Inquiry.objects.create(
            conversation=conversation, number=number, opened_at=AT, last_at=AT, closed_at=AT
        )
        SurveyInvite.objects.create(
            inquiry=row,
            month=month,
            is_invited=False,
            drawn_at=AT,
            ended_at=AT,
            has_bot_part=True,
        )
        rows.append(row)
    return rows


@pytest.fixture
def raters(make_member: Callable[..., User], tenant: Tenant) -> list[User]:
    return [make_member(tenant, email=f"rater{number}@qinghe.example") for number in range(4)]


def sample(size: int = 100) -> QASample:
    with clock.travel(LATER):
        return quality.create_sample(MONTH, size=size, by=None)


def give(item: QAItem, by: User, *points: int) -> QAReview:
    criteria = item.sample.rubric.criteria.order_by("position")
    marks = dict(zip(criteria.values_list("pk", flat=True), points, strict=True))
    return quality.review(item, marks, by=by)


def test_sample_is_drawn_again_from_its_seed(inquiries: list[Inquiry]) -> None:
    row = sample(5)

    drawn = list(row.items.order_by("position").values_list("inquiry", "rated_twice"))
    assert len(drawn) == 5
    assert [twice for _pk, twice in drawn] == [True, False, False, False, False]
    assert {pk for pk, _twice in drawn} <= {each.pk for each in inquiries}
    assert quality.is_reproduced(row)
    row.seed = "another"
    assert not quality.is_reproduced(row)


def test_seed_is_kept_before_the_draw(inquiries: list[Inquiry]) -> None:
    row = sample(5)

    seeded, drawn = LedgerEntry.objects.filter(subject=str(row.pk)).order_by("position")
    assert (seeded.kind, drawn.kind) == ("sample.seeded", "sample.drawn")
    assert seeded.data["seed_sha256"] == fingerprint(row.seed)
    assert drawn.data["population"] == row.population == 11
    assert ledger.verify()[1] is None


def test_drawing_again_changes_nothing(inquiries: list[Inquiry]) -> None:
    row = sample(5)
    before = list(row.items.values_list("pk", flat=True))

    quality.draw(row)

    assert list(row.items.values_list("pk", flat=True)) == before


def test_small_month_is_taken_whole(inquiries: list[Inquiry]) -> None:
    assert sample(100).items.count() == 11


def test_population_is_of_the_month_answered_and_no_test(inquiries: list[Inquiry]) -> None:
    lots = list(SurveyInvite.objects.order_by("pk"))
    # The month ends at 16:00 UTC in the tenant's zone.
    end = datetime.fromisoformat("2026-10-31T16:00:00+00:00")
    changes = [
        {"has_bot_part": False},
        {"is_test": True},
        {"ended_at": None},
        {"ended_at": end},
        {"ended_at": datetime.fromisoformat("2026-09-30T15:59:59+00:00")},
        {"ended_at": end - timedelta(microseconds=1)},
        {"ended_at": datetime.fromisoformat("2026-09-30T16:00:00+00:00")},
    ]
    for lot, change in zip(lots, changes, strict=False):
        SurveyInvite.objects.filter(pk=lot.pk).update(**change)

    assert set(quality.population_of(MONTH)) == {lot.inquiry_id for lot in lots[5:]}


def test_month_that_runs_is_not_sampled(inquiries: list[Inquiry]) -> None:
    last = datetime.fromisoformat("2026-10-31T16:00:00+00:00")

    with clock.travel(last - timedelta(microseconds=1)), pytest.raises(MonthRunningError):
        quality.create_sample(MONTH, size=5, by=None)
    with clock.travel(last):
        assert quality.create_sample(MONTH, size=5, by=None)


def test_month_without_answers_is_not_sampled(in_tenant: Tenant) -> None:
    with pytest.raises(NothingToSampleError):
        sample()

    assert not QASample.objects.exists()


def test_one_rater_settles_what_is_rated_once(inquiries: list[Inquiry], raters: list[User]) -> None:
    item = sample().items.get(position=11)

    row = give(item, raters[0], 40, 20, 15, 10)

    item.refresh_from_db()
    assert (row.total, row.number, item.result) == (85, 1, Decimal("85.0"))
    assert QAMark.objects.filter(review=row).count() == 4
    with pytest.raises(ReviewRefusedError):
        give(item, raters[1], 0, 0, 0, 0)


def test_two_raters_who_agree_give_the_mean(inquiries: list[Inquiry], raters: list[User]) -> None:
    item = sample().items.get(position=1)

    give(item, raters[0], 40, 20, 15, 10)
    item.refresh_from_db()
    assert item.result is None
    with pytest.raises(ReviewRefusedError):
        give(item, raters[0], 40, 25, 15, 20)
    give(item, raters[1], 40, 25, 15, 0)

    item.refresh_from_db()
    assert item.result == Decimal("82.5")
    assert not quality.needs(item, raters[2])


def test_third_rater_decides_a_dispute(inquiries: list[Inquiry], raters: list[User]) -> None:
    item = sample().items.get(position=1)
    give(item, raters[0], 40, 20, 15, 10)

    give(item, raters[1], 34, 20, 10, 10)
    item.refresh_from_db()
    assert item.result is None
    assert [quality.needs(item, rater) for rater in raters] == [False, False, True, True]
    give(item, raters[2], 10, 0, 0, 0)

    item.refresh_from_db()
    assert item.result == Decimal("10.0")
    assert not quality.needs(item, raters[3])


@pytest.mark.parametrize(
    "points", [(41, 0, 0, 0), (-1, 0, 0, 0), (40, 26, 0, 0)], ids=["above", "below", "second"]
)
def test_points_beyond_a_criterion_are_refused(
    inquiries: list[Inquiry], raters: list[User], points: tuple[int, ...]
) -> None:
    item = sample().items.get(position=1)

    with pytest.raises(MarksError):
        give(item, raters[0], *points)

    assert not QAReview.objects.exists()


def test_every_criterion_wants_points(inquiries: list[Inquiry], raters: list[User]) -> None:
    item = sample().items.get(position=1)
    first = item.sample.rubric.criteria.earliest("position")

    with pytest.raises(MarksError):
        quality.review(item, {first.pk: 40}, by=raters[0])


def test_changed_rubric_is_a_new_version_and_samples_keep_theirs(
    inquiries: list[Inquiry],
) -> None:
    before = sample()

    row = quality.change_rubric([("准确", 60), ("礼貌", 40)], by=None)

    assert (before.rubric.version, row.version, quality.current_rubric()) == (1, 2, row)
    assert [c.points for c in before.rubric.criteria.order_by("position")] == [40, 25, 15, 20]


@pytest.mark.parametrize(
    "criteria", [[("准确", 99)], [("准确", 101)], [("准", 100), ("礼", 0)], []]
)
def test_rubric_comes_to_a_hundred(in_tenant: Tenant, criteria: list[tuple[str, int]]) -> None:
    with pytest.raises(RubricTotalError):
        quality.change_rubric(criteria, by=None)

    assert not QARubric.objects.exists()


def test_database_knows_no_fourth_rater(inquiries: list[Inquiry], raters: list[User]) -> None:
    item = sample().items.get(position=1)

    with pytest.raises(IntegrityError), transaction.atomic():
        QAReview.objects.create(item=item, number=4, rater=raters[0], total=1, given_at=clock.now())


def test_removed_inquiries_leave_the_sample(inquiries: list[Inquiry]) -> None:
    row = sample(5)

    Inquiry.objects.filter(pk__in=[each.pk for each in inquiries]).delete()

    assert row.items.filter(inquiry=None).count() == 5
    assert not quality.is_reproduced(row)


def test_terms_are_versions(in_tenant: Tenant) -> None:
    assert survey_terms.latest().version == 0
    row = survey_terms.latest()
    row.rate = Decimal("0.25")

    first = survey_terms.change(row, by=None)
    second = survey_terms.change(first, by=None)

    assert (first.version, second.version) == (1, 2)
    assert survey_terms.latest() == second
    assert LedgerEntry.objects.filter(kind="survey.terms_agreed").count() == 2
