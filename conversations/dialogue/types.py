"""What the dialogue engine is asked, and what it decides."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """What to do about a question."""

    ANSWER = "answered"
    CLARIFY = "clarify"
    HANDOFF = "handoff"
    SMALLTALK = "smalltalk"


@dataclass(frozen=True)
class Option:
    """One standard answer that may fit, with the probability that it does.

    `exact` where the visitor's words are one of the entry's own phrasings.
    """

    version_id: str
    question: str
    answer: str
    p: float
    exact: bool = False


@dataclass(frozen=True)
class Options:
    """What the knowledge base offers for a question, best first, and the tenant's thresholds.

    `in_scope` is the probability that one of the first three fits; buttons are shown from
    `clarify_threshold` on. `excluded` is the probability that only people may handle the message,
    who get it from `excluded_threshold` on; `topics` holds the probability of each topic the message may be about,
    "ordinary" among them. `parts` are the best options of a message's single questions, where it
    asks several that have different answers. `model_picks` and `model_words` are what a language
    model may do.
    """

    found: tuple[Option, ...]
    answer_threshold: float
    clarify_threshold: float
    low_content: bool = False
    in_scope: float = 0.0
    excluded: float = 0.0
    excluded_threshold: float = 0.5
    topics: Mapping[str, float] = field(default_factory=dict)
    parts: tuple[Option, ...] = ()
    model_picks: bool = False
    model_words: bool = False


@dataclass(frozen=True)
class Lexicon:
    """A tenant's own words: `triggers` as (topic, phrase), and phrases that alarm nobody."""

    triggers: tuple[tuple[str, str], ...] = ()
    exceptions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Turn:
    """One question of a visitor, with what matters of the conversation before it.

    `chosen` is the answer of the button the visitor pressed, if it still stands in the release.
    `failed_turns` counts the turns just before this one that the assistant did not understand;
    `asked_before` how often the visitor said the same before in this conversation. `patience` is
    after how many such turns in a row people take over (R25).
    """

    text: str
    failed_turns: int = 0
    chosen: Option | None = None
    asked_before: int = 0
    lexicon: Lexicon = Lexicon()
    patience: int = 2


@dataclass(frozen=True)
class Decision:
    """What to do, by which rule, and from which options.

    `reason` is a HandoffReason code where the outcome is a hand-off; `reply` names the phrase
    where it is small talk or a question back. `wording` says the answer in other words that were
    found to say the same; `advice` tells what a language model was asked and how that went.
    """

    outcome: Outcome
    rule: str
    options: Options | None = None
    answer: Option | None = None
    choices: tuple[Option, ...] = ()
    reason: str = ""
    reply: str = ""
    wording: str = ""
    advice: Mapping[str, object] = field(default_factory=dict)


LookUp = Callable[[str], Options]
