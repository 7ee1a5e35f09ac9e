"""The order of the rules, and what each decides."""

from typing import Any

import pytest

from conversations.dialogue import policy
from conversations.dialogue.exclusions import EXCLUDED
from conversations.dialogue.types import Lexicon, Option, Options, Outcome, Turn

ANSWER_FROM, CLARIFY_FROM = 0.8, 0.35


def option(p: float, name: str = "发货", *, exact: bool = False) -> Option:
    return Option(version_id=name, question=f"{name}？", answer=f"{name}。", p=p, exact=exact)


def offer(*found: Option, in_scope: float | None = None, **fields: Any) -> Options:
    if in_scope is None:
        in_scope = found[0].p if found else 0.0
    fields.setdefault("excluded", sum(fields.get("topics", {}).get(each, 0) for each in EXCLUDED))
    return Options(found, ANSWER_FROM, CLARIFY_FROM, in_scope=in_scope, **fields)


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


def test_clarify_threshold_is_of_the_first_three_together() -> None:
    options = offer(option(0.2), option(0.15, "换货"), in_scope=CLARIFY_FROM)

    decision = policy.decide(Turn("运费"), lambda _: options)

    assert (decision.rule, decision.choices) == ("gate.clarify", options.found)


@pytest.mark.parametrize(
    "options",
    [offer(), offer(in_scope=0.9), offer(option(0.5), in_scope=CLARIFY_FROM - 0.0001)],
    ids=["none", "none at all", "weak"],
)
def test_below_the_clarify_threshold_people_take_over(options: Options) -> None:
    decision = policy.decide(Turn("宇宙有多大"), lambda _: options)

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


@pytest.mark.parametrize(
    ("topics", "rule", "reason"),
    [
        ({"legal": 0.5, "ordinary": 0.5}, "topic.legal", "legal"),
        ({"complaint": 0.2, "legal": 0.3, "ordinary": 0.5}, "topic.legal", "legal"),
        ({"privacy": 0.93, "human": 0.07}, "topic.privacy", "privacy"),
        ({"human": 0.6, "ordinary": 0.4}, "asked", "asked"),
    ],
)
def test_likely_topics_go_to_people_whatever_the_knowledge_base_holds(
    topics: dict[str, float], rule: str, reason: str
) -> None:
    options = offer(option(0.95), topics=topics)

    decision = policy.decide(Turn("这事你们得给个说法"), lambda _: options)

    assert (decision.outcome, decision.rule, decision.reason) == (Outcome.HANDOFF, rule, reason)
    assert decision.options is options


@pytest.mark.parametrize(
    "topics",
    [
        {},
        {"legal": 0.49, "ordinary": 0.51},
        {"human": 0.49, "ordinary": 0.51},
        {"fault": 0.9},
        {"offtopic": 0.9},
        {"smalltalk": 0.9},
    ],
)
def test_what_the_knowledge_base_answers_is_answered(topics: dict[str, float]) -> None:
    decision = policy.decide(Turn("多久发货"), lambda _: offer(option(0.9), topics=topics))

    assert decision.rule == "gate.answer"


@pytest.mark.parametrize("topic", ["legal", "human", "smalltalk"])
def test_the_clients_own_phrasing_is_an_ordinary_question(topic: str) -> None:
    options = offer(option(0.99, exact=True), topics={topic: 0.99})

    decision = policy.decide(Turn("出了事谁负责"), lambda _: options)

    assert decision.rule == "gate.answer"


def test_an_exception_silences_the_likelihood() -> None:
    options = offer(option(0.9), topics={"complaint": 0.9})
    lexicon = Lexicon(exceptions=("ABC曝光台",))

    decision = policy.decide(Turn("ａｂｃ曝光台怎么用", lexicon=lexicon), lambda _: options)

    assert decision.rule == "gate.answer"


def test_likely_small_talk_is_answered_only_where_no_entry_is() -> None:
    options = offer(option(0.5), topics={"smalltalk": 0.7})

    decision = policy.decide(Turn("你今天过得怎么样呀"), lambda _: options)

    assert (decision.outcome, decision.rule, decision.reply) == (
        Outcome.SMALLTALK,
        "smalltalk.chat",
        "chat",
    )


@pytest.mark.parametrize("topic", ["complaint", "legal", "privacy", "fault", "offtopic"])
def test_the_tenants_triggers_come_before_the_knowledge_base(topic: str) -> None:
    lexicon = Lexicon(triggers=((topic, "灰指甲"),))

    decision = policy.decide(Turn("灰指甲能用吗", lexicon=lexicon), unasked)

    assert (decision.outcome, decision.rule, decision.reason) == (
        Outcome.HANDOFF,
        f"topic.{topic}",
        topic,
    )


def test_several_questions_at_once_get_a_button_each() -> None:
    """Source: R26."""
    parts = tuple(option(0.9, name) for name in ("发货", "发票", "换货", "退款"))
    options = offer(option(0.95), parts=parts)

    decision = policy.decide(Turn("多久发货？能开发票吗？", failed_turns=1), lambda _: options)

    assert (decision.outcome, decision.rule, decision.choices) == (
        Outcome.CLARIFY,
        "several",
        parts[:3],
    )


def test_one_question_of_several_sentences_is_answered() -> None:
    options = offer(option(0.95), parts=(option(0.95),))

    assert policy.decide(Turn("在吗？多久发货？"), lambda _: options).rule == "gate.answer"


@pytest.mark.parametrize(("asked_before", "rule"), [(0, "gate.answer"), (1, "gate.answer")])
def test_asking_twice_is_answered_twice(asked_before: int, rule: str) -> None:
    turn = Turn("多久发货", asked_before=asked_before)

    assert policy.decide(turn, lambda _: offer(option(0.9))).rule == rule


@pytest.mark.parametrize("asked_before", [2, 5])
def test_who_asks_the_third_time_gets_a_person(asked_before: int) -> None:
    """Source: R25."""
    decision = policy.decide(Turn("多久发货", asked_before=asked_before), unasked)

    assert (decision.outcome, decision.rule, decision.reason) == (
        Outcome.HANDOFF,
        "repeated",
        "repeated",
    )


def test_thanking_again_and_again_is_no_repeated_question() -> None:
    assert policy.decide(Turn("谢谢谢谢", asked_before=9), unasked).rule == "smalltalk.thanks"


@pytest.mark.parametrize(
    ("text", "topics", "reason"),
    [
        ("开机就闪退", {"fault": 0.5, "ordinary": 0.5}, "fault"),
        ("今天股市怎么样", {"offtopic": 0.8}, "offtopic"),
        ("今天股市怎么样", {"offtopic": 0.49}, ""),
        ("配送はいつ届きますか", {"offtopic": 0.9}, "language"),
        ("배송은 얼마나 걸려요", {}, "language"),
        ("сколько стоит доставка", {}, "language"),
    ],
)
@pytest.mark.parametrize(
    ("failed_turns", "rule", "otherwise"),
    [(0, "gate.unknown", "unknown"), (1, "gate.unclear", "unclear")],
)
def test_people_read_why_the_knowledge_base_has_nothing(
    text: str, topics: dict[str, float], reason: str, failed_turns: int, rule: str, otherwise: str
) -> None:
    options = offer(option(0.1), topics=topics)

    decision = policy.decide(Turn(text, failed_turns=failed_turns), lambda _: options)

    assert (decision.rule, decision.reason) == (rule, reason or otherwise)


def test_a_foreign_script_is_not_asked_for_more_words() -> None:
    decision = policy.decide(Turn("안녕하세요"), lambda _: offer(low_content=True))

    assert (decision.rule, decision.reason) == ("gate.unknown", "language")
