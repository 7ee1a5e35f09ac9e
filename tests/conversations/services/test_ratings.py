"""Answers to surveys: once, in time, counted or not, corrected by two (R72, R77)."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from conversations.models import (
    ContactSession,
    Conversation,
    Exclusion,
    Rating,
    RatingCorrection,
    SurveyInvite,
)
from conversations.services import ratings
from conversations.services.ratings import (
    CorrectionDecidedError,
    CorrectionOpenError,
    NotAskedError,
    RatingFinalError,
    SecondPersonError,
    SurveyExpiredError,
)
from knowledge.models import Release
from tenants import clock
from tenants.errors import NotFoundError
from tenants.models import LedgerEntry, Membership, Tenant, User
from tenants.roles import Role
from tests.conversations.conftest import KNOWN
from tests.conversations.doors import ask, ledger_kinds
from tests.conversations.surveyed import asked

TICK = timedelta(microseconds=1)


@pytest.fixture
def invite(in_tenant: Tenant, visitor: ContactSession, knowledge: Release) -> SurveyInvite:
    return asked(visitor)


def opened(invite: SurveyInvite) -> datetime:
    assert invite.opens_at is not None
    return invite.opens_at


def test_answer_is_kept_with_its_words(invite: SurveyInvite) -> None:
    row = ratings.rate(invite, "bot", 80, comment="挺好")

    assert (row.part, row.score, row.comment, row.excluded_reason) == ("bot", 80, "挺好", "")
    assert ledger_kinds()[-1] == "rating.given"
    assert "挺好" not in str(list(LedgerEntry.objects.values_list("data", flat=True)))


@pytest.mark.parametrize("after", [timedelta(), timedelta(hours=48)], ids=["at once", "48 h"])
def test_answer_is_taken_in_the_window(invite: SurveyInvite, after: timedelta) -> None:
    with clock.travel(opened(invite) + after):
        assert ratings.rate(invite, "bot", 20).score == 20


@pytest.mark.parametrize("after", [-TICK, timedelta(hours=48) + TICK], ids=["early", "late"])
def test_answer_outside_the_window_is_refused(invite: SurveyInvite, after: timedelta) -> None:
    with clock.travel(opened(invite) + after), pytest.raises(SurveyExpiredError):
        ratings.rate(invite, "bot", 20)

    assert not Rating.objects.exists()


def test_answer_may_be_changed_for_ten_minutes(invite: SurveyInvite) -> None:
    at = opened(invite)
    with clock.travel(at):
        ratings.rate(invite, "bot", 20, comment="慢")

    with clock.travel(at + timedelta(minutes=10)):
        row = ratings.rate(invite, "bot", 100)

    assert (row.score, row.comment, row.given_at) == (100, "慢", at)
    assert row.changed_at == at + timedelta(minutes=10)
    with clock.travel(at + timedelta(minutes=10) + TICK), pytest.raises(RatingFinalError):
        ratings.rate(invite, "bot", 80)
    assert Rating.objects.get().score == 100


def test_change_ends_with_the_window(invite: SurveyInvite) -> None:
    at = opened(invite) + timedelta(hours=47, minutes=55)
    with clock.travel(at):
        ratings.rate(invite, "bot", 20)

    with clock.travel(at + timedelta(minutes=5) + TICK), pytest.raises(RatingFinalError):
        ratings.rate(invite, "bot", 80)


def test_same_answer_again_changes_nothing_whenever_it_comes(invite: SurveyInvite) -> None:
    ratings.rate(invite, "bot", 80, comment="好")
    before = ledger_kinds()

    with clock.travel(opened(invite) + timedelta(days=9)):
        row = ratings.rate(invite, "bot", 80, comment="好")
        ratings.rate(invite, "bot", 80)

    assert row.changed_at is None
    assert ledger_kinds() == before


@pytest.mark.parametrize("score", [0, 10, 21, 50, 99, 101, 120])
def test_database_refuses_what_is_off_the_scale(invite: SurveyInvite, score: int) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Rating.objects.create(invite=invite, part="bot", score=score, given_at=clock.now())


def test_database_keeps_one_answer_for_a_part(invite: SurveyInvite) -> None:
    ratings.rate(invite, "bot", 80)

    with pytest.raises(IntegrityError), transaction.atomic():
        Rating.objects.create(invite=invite, part="bot", score=20, given_at=clock.now())


def test_part_that_was_not_asked_is_refused(invite: SurveyInvite) -> None:
    with pytest.raises(NotAskedError):
        ratings.rate(invite, "human", 80)


def test_survey_that_was_never_sent_is_not_there(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release
) -> None:
    ask(visitor, KNOWN)

    with pytest.raises(NotFoundError):
        ratings.rate(SurveyInvite.objects.get(), "bot", 80)


def test_assistant_and_agent_are_rated_apart(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release, agent: Membership
) -> None:
    invite = asked(visitor, agent=agent)

    ratings.rate(invite, "bot", 40)
    ratings.rate(invite, "human", 100)

    assert list(Rating.objects.order_by("part").values_list("part", "score")) == [
        ("bot", 40),
        ("human", 100),
    ]


def test_of_five_responses_on_a_day_the_first_counts(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release, agent: Membership
) -> None:
    # Noon in the tenant's zone.
    at = datetime.fromisoformat("2026-11-20T04:00:00+00:00")
    for number in range(5):
        with clock.travel(at + timedelta(minutes=number)):
            ratings.rate(asked(visitor, agent=agent), "bot", 100)
        reasons = list(
            Rating.objects.order_by("given_at").values_list("excluded_reason", flat=True)
        )
        assert reasons == (["", *[Exclusion.REPEATED] * 4] if number == 4 else [""] * (number + 1))
    with clock.travel(at + timedelta(hours=11, minutes=59)):
        assert ratings.rate(asked(visitor, agent=agent), "bot", 20).excluded_reason == "repeated"

    # The next day begins at 16:00 UTC.
    with clock.travel(at + timedelta(hours=12)):
        assert ratings.rate(asked(visitor, agent=agent), "bot", 20).excluded_reason == ""


def test_two_parts_are_one_response(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release, agent: Membership
) -> None:
    for _number in range(3):
        invite = asked(visitor, agent=agent)
        ratings.rate(invite, "bot", 100)
        ratings.rate(invite, "human", 100)

    assert not Rating.objects.exclude(excluded_reason="").exists()


def test_staff_and_tests_do_not_count(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release, agent: Membership
) -> None:
    signed_in = ratings.rate(asked(visitor, agent=agent), "bot", 100, by_staff=True)
    visitor.contact.email = agent.user.email.upper()
    visitor.contact.save()
    known = ratings.rate(asked(visitor, agent=agent), "bot", 100)
    Conversation.objects.update(is_demo=True)
    test = ratings.rate(asked(visitor, agent=agent), "bot", 100)

    reasons = [row.excluded_reason for row in (signed_in, known, test)]
    assert reasons == ["staff", "staff", "test"]


@pytest.fixture
def people(
    tenant: Tenant, make_member: Callable[..., User], operator: User
) -> dict[str, tuple[User, bool]]:
    """Two people of the client and two of the provider, each with whether they are the provider's."""
    return {
        "client": (make_member(tenant, Role.CLIENT_ADMIN), False),
        "client2": (make_member(tenant, Role.CLIENT_ADMIN), False),
        "manager": (make_member(tenant, Role.ACCOUNT_MANAGER), True),
        "operator": (operator, True),
    }


@pytest.mark.parametrize(
    ("first", "second", "allowed"),
    [
        ("client", "manager", True),
        ("manager", "client", True),
        ("client", "client2", True),
        ("client", "client", False),
        ("manager", "manager", False),
        ("manager", "operator", False),
    ],
)
def test_correction_takes_two_people_one_of_them_of_the_client(
    invite: SurveyInvite,
    people: dict[str, tuple[User, bool]],
    first: str,
    second: str,
    allowed: bool,
) -> None:
    rating = ratings.rate(invite, "bot", 20)
    proposer, of_provider = people[first]
    row = ratings.propose_correction(
        rating, score=100, reason="点错", by=proposer, is_providers=of_provider
    )
    assert Rating.objects.get().score == 20

    decider, decides_for_provider = people[second]
    if allowed:
        ratings.decide_correction(row, approve=True, by=decider, is_providers=decides_for_provider)
    else:
        with pytest.raises(SecondPersonError):
            ratings.decide_correction(
                row, approve=True, by=decider, is_providers=decides_for_provider
            )

    row.refresh_from_db()
    assert (Rating.objects.get().score, row.is_approved) == (
        (100, True) if allowed else (20, False)
    )
    assert (row.old_score, row.is_open) == (20, not allowed)


def test_database_knows_no_correction_by_one_person(
    invite: SurveyInvite, people: dict[str, tuple[User, bool]]
) -> None:
    rating = ratings.rate(invite, "bot", 20)
    user = people["client"][0]

    with pytest.raises(IntegrityError), transaction.atomic():
        RatingCorrection.objects.create(
            rating=rating,
            old_score=20,
            new_score=100,
            reason="点错",
            proposed_at=clock.now(),
            proposed_by=user,
            is_providers=False,
            decided_at=clock.now(),
            decided_by=user,
            is_approved=True,
        )


def test_struck_rating_is_shown_and_does_not_count(
    invite: SurveyInvite, people: dict[str, tuple[User, bool]]
) -> None:
    rating = ratings.rate(invite, "bot", 20)
    row = ratings.propose_correction(
        rating, score=None, reason="测试", by=people["client"][0], is_providers=False
    )

    ratings.decide_correction(row, approve=True, by=people["manager"][0], is_providers=True)

    stored = Rating.objects.get()
    assert (stored.score, stored.excluded_reason) == (20, "struck")
    assert ledger_kinds()[-2:] == ["correction.proposed", "correction.decided"]


def test_refused_correction_changes_nothing_and_is_over(
    invite: SurveyInvite, people: dict[str, tuple[User, bool]]
) -> None:
    rating = ratings.rate(invite, "bot", 20)
    user = people["client"][0]
    row = ratings.propose_correction(rating, score=80, reason="?", by=user, is_providers=False)
    with pytest.raises(CorrectionOpenError):
        ratings.propose_correction(rating, score=60, reason="?", by=user, is_providers=False)

    ratings.decide_correction(row, approve=False, by=user, is_providers=False)

    assert Rating.objects.get().score == 20
    with pytest.raises(CorrectionDecidedError):
        ratings.decide_correction(row, approve=True, by=people["manager"][0], is_providers=True)
    assert ratings.propose_correction(rating, score=60, reason="?", by=user, is_providers=False)


def test_visitor_does_not_change_what_was_corrected(
    invite: SurveyInvite, people: dict[str, tuple[User, bool]]
) -> None:
    rating = ratings.rate(invite, "bot", 20)
    ratings.propose_correction(
        rating, score=80, reason="?", by=people["client"][0], is_providers=False
    )

    with pytest.raises(RatingFinalError):
        ratings.rate(invite, "bot", 100)
