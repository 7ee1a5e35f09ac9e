"""The order of the rules, and what each decides."""

import pytest

from conversations.dialogue import policy
from conversations.dialogue.types import Option, Options, Outcome, Turn

ANSWER_FROM, CLARIFY_FROM = 0.8, 0.35


def option(p: float, name: str = "发货") -> Option:
    return Option(version_id=name, question=f"{name}？", answer=f"{name}。", p=p)


def offer(*found: Option, low_content: bool = False) -> Options:
    return Options(found, ANSWER_FROM, CLARIFY_FROM, low_content)


def unasked(text: str) -> Options:
    raise AssertionError(f"the knowledge base was asked for {text!r}")


def test_pressed_button_comes_before_everything() -> None:
    chosen = option(1.0)

    decision = policy.decide(Turn("转人工，我要起诉你们", chosen=chosen, failed_turns=5), unasked)

    assert (decision.outcome, decision.rule, decision.answer) == (
        Outcome.ANSWER,
        "button",
        chosen,
    )


@pytest.mark.parametrize(
    ("text", "rule", "reason"),
    [
        ("你好，转人工，我要起诉你们", "asked", "asked"),
        ("我要正式投诉，还要起诉你们", "topic.complaint", "complaint"),
        ("我要起诉你们，信息都泄露了", "topic.legal", "legal"),
        ("查一下我同事的订单", "topic.privacy", "privacy"),
    ],
)
def test_people_come_before_the_knowledge_base(text: str, rule: str, reason: str) -> None:
    decision = policy.decide(Turn(text), unasked)

    assert (decision.outcome, decision.rule, decision.reason) == (Outcome.HANDOFF, rule, reason)
    assert (decision.options, decision.answer, decision.choices) == (None, None, ())


def test_small_talk_comes_before_the_knowledge_base() -> None:
    decision = policy.decide(Turn("谢谢！", failed_turns=1), unasked)

    assert (decision.outcome, decision.rule, decision.reply) == (
        Outcome.SMALLTALK,
        "smalltalk.thanks",
        "thanks",
    )


def test_knowledge_base_is_asked_with_the_whole_text() -> None:
    asked: list[str] = []

    def look_up(text: str) -> Options:
        asked.append(text)
        return offer(option(0.9))

    policy.decide(Turn("你好\n多久发货"), look_up)

    assert asked == ["你好\n多久发货"]


@pytest.mark.parametrize("failed_turns", [0, 1, 7])
def test_at_the_answer_threshold_the_best_option_is_the_answer(failed_turns: int) -> None:
    best, other = option(ANSWER_FROM), option(0.1, "换货")
    options = offer(best, other)

    decision = policy.decide(Turn("多久发货", failed_turns=failed_turns), lambda _: options)

    assert (decision.outcome, decision.rule, decision.answer) == (
        Outcome.ANSWER,
        "gate.answer",
        best,
    )
    assert decision.options is options


def test_between_the_thresholds_the_visitor_chooses_among_three() -> None:
    found = [option(p, str(p)) for p in (0.7999, 0.3, 0.2, 0.1)]

    decision = policy.decide(Turn("运费"), lambda _: offer(*found))

    assert (decision.outcome, decision.rule) == (Outcome.CLARIFY, "gate.clarify")
    assert decision.choices == tuple(found[:3])
    assert decision.answer is None


def test_clarify_threshold_itself_is_enough_for_a_choice() -> None:
    decision = policy.decide(Turn("运费"), lambda _: offer(option(CLARIFY_FROM)))

    assert decision.rule == "gate.clarify"


@pytest.mark.parametrize("found", [(), (option(CLARIFY_FROM - 0.0001),)], ids=["none", "weak"])
def test_below_the_clarify_threshold_people_take_over(found: tuple[Option, ...]) -> None:
    decision = policy.decide(Turn("宇宙有多大"), lambda _: offer(*found))

    assert (decision.outcome, decision.rule, decision.reason) == (
        Outcome.HANDOFF,
        "gate.unknown",
        "unknown",
    )


def test_too_few_words_are_asked_for_more() -> None:
    decision = policy.decide(Turn("那个"), lambda _: offer(low_content=True))

    assert (decision.outcome, decision.rule, decision.reply) == (
        Outcome.CLARIFY,
        "low_content",
        "say_more",
    )


@pytest.mark.parametrize(
    "options",
    [offer(option(0.6)), offer(), offer(low_content=True)],
    ids=["a choice", "nothing", "too few words"],
)
def test_second_turn_without_an_answer_goes_to_people(options: Options) -> None:
    decision = policy.decide(Turn("运费", failed_turns=1), lambda _: options)

    assert (decision.outcome, decision.rule, decision.reason) == (
        Outcome.HANDOFF,
        "gate.unclear",
        "unclear",
    )
    assert decision.options is options
