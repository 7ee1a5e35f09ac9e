"""Every decision has a sentence that says why."""

from typing import Any

import pytest
from django.utils import translation

from conversations import explanations
from conversations.models import BotDecision, ContactSession
from conversations.states import HandoffReason
from knowledge.models import Release
from tenants.models import Tenant
from tests.conversations.conftest import EITHER, KNOWN, UNKNOWN
from tests.conversations.doors import ask


def explained(decision: BotDecision) -> str:
    with translation.override("en"):
        return explanations.why(decision)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (KNOWN, f"Answered with “{KNOWN}”: 99% sure, and 80% is enough."),
        ("谢谢", "Small talk; the knowledge base was not asked."),
        ("转人工", "Handed to people: Asked for a person."),
        (
            "我要起诉你们",
            "Handed to people (Legal dispute): it holds words that always go to people, whatever "
            "the knowledge base says.",
        ),
        ("？", "Too few words to look for; asked for more."),
    ],
)
def test_agents_read_why(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession, text: str, sentence: str
) -> None:
    ask(visitor, text)

    assert explained(BotDecision.objects.get()) == sentence


def test_agents_read_how_close_a_choice_or_a_handoff_was(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    ask(visitor, EITHER)
    choice = explained(BotDecision.objects.get())
    ask(visitor, UNKNOWN)
    handoff = explained(BotDecision.objects.latest("decided_at"))

    assert choice.startswith("Offered a choice: “")
    assert "fits best with 60%, less than the 80% an answer needs" in choice
    assert handoff.startswith("Handed to people (Not understood twice): ")


TOPICS = {"ordinary": 0.062, "legal": 0.93}
CLOSEST = [{"version": "v", "question": KNOWN, "p": 0.12}]


@pytest.mark.parametrize(
    ("rule", "reason", "topics", "candidates", "sentence"),
    [
        (
            "topic.legal",
            "legal",
            TOPICS,
            CLOSEST,
            "Handed to people (Legal dispute) because of what it sounds like: "
            "Legal dispute 93%, Ordinary question 6%.",
        ),
        (
            "topic.fault",
            "fault",
            {},
            [],
            "Handed to people (Technical fault to be examined): it holds words that always go to "
            "people, whatever the knowledge base says.",
        ),
        (
            "asked",
            "asked",
            {"human": 0.7},
            CLOSEST,
            "Handed to people (Asked for a person) because of what it sounds like: "
            "Asks for a person 70%.",
        ),
        (
            "asked.button",
            "asked",
            {},
            [],
            "Handed to people: the visitor pressed the button for a person.",
        ),
        (
            "smalltalk.chat",
            "",
            {"smalltalk": 0.8},
            CLOSEST,
            "Sounds like small talk (Small talk 80%), and no entry fits well enough to answer.",
        ),
        (
            "several",
            "",
            TOPICS,
            CLOSEST,
            "The message asks several things; offered the entry for each as a choice.",
        ),
        (
            "repeated",
            "repeated",
            {},
            [],
            "Handed to people (Asked the same again): the answers before did not settle it.",
        ),
        (
            "gate.unknown",
            "fault",
            {"fault": 0.8},
            CLOSEST,
            "Handed to people (Technical fault to be examined): no entry answers it, and it "
            "sounds like: Technical fault to be examined 80%.",
        ),
        (
            "gate.unclear",
            "offtopic",
            {"offtopic": 0.8},
            [],
            "Handed to people (Not our business): no entry answers it, and it sounds like: "
            "Not our business 80%.",
        ),
        (
            "gate.unknown",
            "language",
            {},
            CLOSEST,
            "Handed to people (Language not served): most of it is written in another script.",
        ),
        (
            "gate.unknown",
            "unknown",
            TOPICS,
            [],
            "Handed to people: No answer in the knowledge base.",
        ),
        (
            "failed",
            "failed",
            {},
            [],
            "Handed to people (The assistant failed): an error occurred while it was thinking.",
        ),
        ("button", "", {}, [], "Answered with the question the visitor chose."),
    ],
)
def test_every_rule_has_a_sentence(
    rule: str, reason: str, topics: dict[str, float], candidates: Any, sentence: str
) -> None:
    decision = BotDecision(rule=rule, reason=reason, topics=topics, candidates=candidates)

    assert explained(decision) == sentence


def test_topics_are_named_likeliest_first() -> None:
    with translation.override("en"):
        assert explanations.sounds_like(TOPICS) == "Legal dispute 93%, Ordinary question 6%"
        assert explanations.sounds_like({"a_new_one": 0.5}) == "a_new_one 50%"
        assert explanations.sounds_like({}) == ""


@pytest.mark.parametrize("reason", HandoffReason.values)
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_reason_has_words_without_percent_signs_left(reason: str, language: str) -> None:
    candidates: list[dict[str, Any]] = [{"version": "v", "question": "满 100% 返？", "p": 0.1}]
    for found in ([], candidates):
        decision = BotDecision(
            outcome="handoff",
            rule="gate.unknown",
            reason=reason,
            candidates=found,
            answer_threshold=0.8,
            clarify_threshold=0.35,
        )
        with translation.override(language):
            text = explanations.why(decision)
            label = str(HandoffReason(reason).label)

        assert label in text
        assert "%(" not in text
