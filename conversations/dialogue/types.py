"""What the dialogue engine is asked, and what it decides."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What to do about a question."""

    ANSWER = "answered"
    CLARIFY = "clarify"
    HANDOFF = "handoff"
    SMALLTALK = "smalltalk"


@dataclass(frozen=True)
class Option:
    """One standard answer that may fit, with the probability that it does."""

    version_id: str
    question: str
    answer: str
    p: float


@dataclass(frozen=True)
class Options:
    """What the knowledge base offers for a question, best first, and the tenant's thresholds."""

    found: tuple[Option, ...]
    answer_threshold: float
    clarify_threshold: float
    low_content: bool = False


@dataclass(frozen=True)
class Turn:
    """One question of a visitor, with what matters of the conversation before it.

    `chosen` is the answer of the button the visitor pressed, if it still stands in the release.
    `failed_turns` counts the turns just before this one that the assistant did not understand.
    """

    text: str
    failed_turns: int = 0
    chosen: Option | None = None


@dataclass(frozen=True)
class Decision:
    """What to do, by which rule, and from which options.

    `reason` is a HandoffReason code where the outcome is a hand-off; `reply` names the phrase
    where it is small talk or a question back.
    """

    outcome: Outcome
    rule: str
    options: Options | None = None
    answer: Option | None = None
    choices: tuple[Option, ...] = ()
    reason: str = ""
    reply: str = ""


LookUp = Callable[[str], Options]
