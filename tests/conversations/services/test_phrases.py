"""The assistant's own sentences."""

import pytest
from django.utils import translation

from conversations.services import phrases
from conversations.states import HandoffReason

TOPICS = ("complaint", "legal", "privacy")


def opening(reason: str) -> str:
    with translation.override("en"):
        return phrases.handed_off(reason, position=None)


@pytest.mark.parametrize("reason", TOPICS)
def test_what_is_delicate_is_passed_on_without_a_word_about_it(reason: str) -> None:
    assert opening(reason).startswith("A colleague of ours should look after this in person. ")


def test_every_other_reason_has_words_of_its_own() -> None:
    others = [reason for reason in HandoffReason.values if reason not in TOPICS]

    assert len({opening(reason) for reason in (*others, TOPICS[0])}) == len(others) + 1
