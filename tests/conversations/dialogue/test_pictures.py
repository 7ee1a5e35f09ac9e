"""What stands for a picture is no word."""

import pytest

from conversations.dialogue import policy
from conversations.dialogue.pictures import removed
from conversations.dialogue.types import Options, Outcome, Turn


def never(text: str) -> Options:
    raise AssertionError(text)


@pytest.mark.parametrize(
    "text",
    ["[图片]", "【语音】 [表情]", "<image>", "https://img.example/a/b.jpg?w=1", "[Voice message]"],
)
def test_pictures_are_no_words(text: str) -> None:
    assert removed(text) == ""


@pytest.mark.parametrize("text", ["图片打不开", "[重要]怎么退货", "https://shop.example/item/1"])
def test_words_stay(text: str) -> None:
    assert removed(text) == text


def test_words_beside_a_picture_are_the_question() -> None:
    assert removed("[图片]\n这个怎么装") == "这个怎么装"


def test_words_are_asked_for_once_then_people_look() -> None:
    first = policy.decide(Turn("[图片]"), never)
    second = policy.decide(Turn("[图片]", failed_turns=1), never)

    assert (first.outcome, first.rule, first.reply) == (Outcome.CLARIFY, "wordless", "describe")
    assert (second.outcome, second.rule, second.reason) == (Outcome.HANDOFF, "wordless", "unclear")
