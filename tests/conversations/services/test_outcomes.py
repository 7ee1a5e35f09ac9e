"""What visitors' reactions say about the assistant's certainty."""

import pytest

from conversations import tasks
from conversations.models import BotDecision, ContactSession, Feedback, Message
from conversations.services import outcomes
from knowledge.models import MatchingSettings, Release
from knowledge.services import calibration
from tenants.models import Tenant
from tests.conversations.conftest import EITHER, KNOWN
from tests.conversations.doors import ask


def _sure(decision: BotDecision, p: float) -> None:
    """Make the first candidate of a decision one that was not met word for word."""
    first = {**decision.candidates[0], "p": p}
    first.pop("exact", None)
    decision.candidates = [first, *decision.candidates[1:]]
    decision.save()


@pytest.mark.parametrize(("feedback", "right"), [(Feedback.HELPFUL, True), ("unhelpful", False)])
def test_a_thumb_judges_the_answer_that_was_given(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession, feedback: str, right: bool
) -> None:
    answer = ask(visitor, KNOWN)
    _sure(BotDecision.objects.get(), 0.9)
    Message.objects.filter(pk=answer.pk).update(feedback=feedback)

    assert outcomes.judged() == [(0.9, right)]


def test_a_phrasing_met_word_for_word_says_nothing(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    answer = ask(visitor, KNOWN)
    Message.objects.filter(pk=answer.pk).update(feedback=Feedback.HELPFUL)

    assert outcomes.judged() == []


@pytest.mark.parametrize("pressed", [0, 1])
def test_a_pressed_button_judges_the_first_of_the_choice(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession, pressed: int
) -> None:
    question = ask(visitor, EITHER)
    first = BotDecision.objects.get().candidates[0]["p"]
    choice = question.buttons[pressed]

    ask(visitor, choice["label"], context={"button": choice["id"]})

    assert outcomes.judged() == [(first, pressed == 0)]


def test_what_was_judged_before_the_last_fit_is_not_judged_again(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    question = ask(visitor, EITHER)
    choice = question.buttons[0]
    ask(visitor, choice["label"], context={"button": choice["id"]})

    assert outcomes.judged(BotDecision.objects.earliest("decided_at").decided_at) == []


def test_a_new_fit_goes_on_top_of_the_one_before(
    in_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibration.store(2.0, 0.5, 300)
    timid = [(0.6, True)] * 260 + [(0.6, False)] * 20
    monkeypatch.setattr(outcomes, "judged", lambda since: timid)
    slope, bias = calibration.refit(timid) or (0.0, 0.0)

    assert outcomes.recalibrate()

    settings = MatchingSettings.objects.get()
    assert settings.slope == pytest.approx(2 * slope)
    assert settings.bias == pytest.approx(bias + slope * 0.5)
    assert settings.adjusted(0.6) > 0.6


def test_too_few_outcomes_change_nothing(
    in_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "judged", lambda since: [(0.9, True), (0.5, False)])

    assert not outcomes.recalibrate()
    assert MatchingSettings.objects.get().calibrated_at is None


@pytest.mark.django_db(transaction=True)
def test_the_nightly_chore_reaches_every_tenant_that_was_asked(
    in_tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ask(visitor, KNOWN)
    seen = []
    monkeypatch.setattr(outcomes, "recalibrate", lambda: seen.append(True))

    tasks.recalibrate()

    assert seen == [True]
