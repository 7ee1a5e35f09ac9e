"""What one question comes to in the auto-answer rate: pure (R55-R60)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from conversations.dialogue import exclusions, smalltalk
from conversations.dialogue.types import Lexicon

# R60: within this many seconds the same text of one visitor is one question.
COLLAPSED_WITHIN = 600
# R59: the same intent again within this many seconds was not solved.
REPEATED_WITHIN = 24 * 3600
# From this share of common letter pairs on, a question is like an example of the catalogue.
ALIKE = 0.5
# A wish for a person with more words than these may hold a question as well.
_WISH_LENGTH = 12
_NO_WORDS = Lexicon()


class Label(StrEnum):
    """What a question is, whatever became of it (R56); PERSON is no question at all (R60)."""

    COMMON = "common"
    PRIVATE = "e1"
    JUDGEMENT = "e2"
    FOREIGN = "e3"
    UNCOMMON = "uncommon"
    FLOW = "flow"
    CHITCHAT = "chitchat"
    UNCLEAR = "unclear"
    PERSON = "person"


class Standing(StrEnum):
    """Where a question counts: ANSWERED in N and D, FAILED and DEFAULT in D alone, OUT nowhere."""

    ANSWERED = "answered"
    FAILED = "failed"
    DEFAULT = "default"
    OUT = "out"


class Why(StrEnum):
    """Why a question counts as it does."""

    ANSWER = "answer"
    NO_ANSWER = "no_answer"
    SILENT = "silent"
    HANDED_OVER = "handed_over"
    WRONG = "wrong"
    NOT_REVIEWED = "not_reviewed"
    LABEL = "label"
    SAME_AGAIN = "same_again"
    TEST = "test"


# What is no business question by its words alone; nobody needs to look at it.
_NO_QUESTION = frozenset({Label.CHITCHAT, Label.PERSON})


@dataclass(frozen=True)
class Facts:
    """What is known of one question; `answered` by an entry of the knowledge base or a flow."""

    label: str
    answered: bool
    silent: bool = False
    handed_over: bool = False
    wrong: bool = False
    reviewed: bool = False
    disputed: bool = False
    same_again: bool = False
    test: bool = False


def judge(facts: Facts) -> tuple[Standing, Why]:
    """Return where a question counts and why (R57, R58, R60).

    What has no answer counts as common until a person has labelled it and nobody disputes that,
    so that no failure falls out of the sum.
    """
    if facts.test:
        return Standing.OUT, Why.TEST
    if facts.same_again:
        return Standing.OUT, Why.SAME_AGAIN
    succeeded, why = _success(facts)
    settled = facts.reviewed and not facts.disputed
    if facts.label == Label.COMMON:
        if succeeded:
            return Standing.ANSWERED, why
        return (Standing.FAILED if settled else Standing.DEFAULT), why
    if not succeeded and not settled and facts.label not in _NO_QUESTION:
        return Standing.DEFAULT, Why.NOT_REVIEWED
    return Standing.OUT, Why.LABEL


def _success(facts: Facts) -> tuple[bool, Why]:
    if facts.silent:
        return False, Why.SILENT
    if facts.handed_over:
        return False, Why.HANDED_OVER
    if not facts.answered:
        return False, Why.NO_ANSWER
    return (False, Why.WRONG) if facts.wrong else (True, Why.ANSWER)


_TOPICS = {
    "privacy": Label.PRIVATE,
    "legal": Label.JUDGEMENT,
    "complaint": Label.JUDGEMENT,
    "fault": Label.JUDGEMENT,
    "offtopic": Label.FOREIGN,
}


def machine_label(
    text: str,
    topics: Mapping[str, float],
    examples: Sequence[str] | None,
    lexicon: Lexicon = _NO_WORDS,
) -> Label:
    """Return the label that a question's words alone suggest.

    `topics` is how the words sound to the topic model, `lexicon` the tenant's own words for what
    people must handle; `examples` are the catalogue's, or None where no catalogue is in force:
    then every business question is common. What became of the question goes in nowhere (R56).
    """
    said = re.sub(r"\W+", "", text)
    if not said or smalltalk.reply_to(text):
        return Label.CHITCHAT
    if exclusions.asks_for_person(text) and len(said) <= _WISH_LENGTH:
        return Label.PERSON
    topic = exclusions.excluded_topic(text, lexicon)
    if topic:
        return _TOPICS.get(topic, Label.JUDGEMENT)
    likely = max(topics, key=lambda each: topics[each]) if topics else ""
    if likely in _TOPICS and topics[likely] >= exclusions.LIKELY_REASON:
        return _TOPICS[likely]
    if topics.get("smalltalk", 0.0) >= smalltalk.LIKELY:
        return Label.CHITCHAT
    if topics.get("human", 0.0) >= exclusions.LIKELY_PERSON:
        return Label.PERSON
    if exclusions.is_foreign_script(text):
        return Label.UNCLEAR
    if examples is None:
        return Label.COMMON
    return (
        Label.COMMON if any(likeness(text, each) >= ALIKE for each in examples) else Label.UNCOMMON
    )


def likeness(one: str, other: str) -> float:
    """Return how alike two texts are, 0 to 1: the share of pairs of letters they have in common."""
    first, second = _pairs(one), _pairs(other)
    if not first or not second:
        return 0.0
    return 2 * len(first & second) / (len(first) + len(second))


def _pairs(text: str) -> frozenset[str]:
    letters = re.sub(r"[\W_]+", "", text.casefold())
    if len(letters) < 2:
        return frozenset(letters)
    return frozenset(letters[place : place + 2] for place in range(len(letters) - 1))
