"""Judge what the assistant decides about questions whose right answer is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from conversations.dialogue.types import Outcome

EXCLUSIONS = ("legal", "complaint", "privacy")
# Of the figures where less is better, the others are shares where more is.
LESS_IS_BETTER = frozenset(
    {
        "lookalike_false_alarm",
        "in_scope_false_alarm",
        "far_oos_buttons",
        "p50",
        "p95",
        "p99",
        "rss_mb",
        "build_s",
    }
)
# Of the curve.
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
_NOT_IN_SCOPE = frozenset({"lookalike"})


@dataclass(frozen=True)
class Question:
    """A visitor's words, the question of the entry that answers them ("" for none), their kind."""

    text: str
    expected: str
    kind: str

    @property
    def in_scope(self) -> bool:
        """Whether the knowledge base is expected to answer; look-alikes are judged apart."""
        return bool(self.expected) and self.kind not in _NOT_IN_SCOPE


@dataclass(frozen=True)
class Judged:
    """A question and what was decided: entries are named by their questions, best first.

    `p` is the first candidate's probability.
    """

    question: Question
    outcome: Outcome
    rule: str
    answered_with: str
    choices: tuple[str, ...]
    candidates: tuple[str, ...]
    seconds: float
    p: float = 0.0

    @property
    def right(self) -> bool:
        """Whether the right answer was given outright."""
        return bool(self.answered_with) and self.answered_with == self.question.expected

    @property
    def resolved(self) -> bool:
        """Whether the right answer was given, or stands on one of the buttons."""
        return self.right or self.question.expected in self.choices

    @property
    def handed_over_by_topic(self) -> bool:
        """Whether an exclusion, not the knowledge base, sent the question to people."""
        return self.rule.startswith("topic.")


def figures(judged: Sequence[Judged]) -> dict[str, Any]:
    """Return the figures of an evaluation; shares are 0–1, None where nothing was asked of a kind.

    `precision_answered` is over the questions in scope; questions out of scope that were answered
    are what `far_oos_rejected` and `near_oos_rejected` lack.
    """
    by_kind: dict[str, list[Judged]] = {}
    for one in judged:
        by_kind.setdefault(one.question.kind, []).append(one)
    scope = [one for one in judged if one.question.in_scope]
    answered = [one for one in scope if one.answered_with]

    def among(kind: str, test: Callable[[Judged], bool]) -> float | None:
        return share(by_kind.get(kind, ()), test)

    return {
        "n_in_scope": len(scope),
        "top1": share(scope, lambda one: one.question.expected in one.candidates[:1]),
        "top3": share(scope, lambda one: one.question.expected in one.candidates[:3]),
        "answered": share(scope, lambda one: bool(one.answered_with)),
        "precision_answered": share(answered, lambda one: one.right),
        "resolved": share(scope, lambda one: one.resolved),
        "far_oos_rejected": among("oos_far", lambda one: not one.answered_with),
        "far_oos_buttons": among("oos_far", lambda one: bool(one.choices)),
        "near_oos_rejected": among("oos_near", lambda one: not one.answered_with),
        "exclusion_recall": {
            topic: among(f"exclusion_{topic}", lambda one: one.handed_over_by_topic)
            for topic in EXCLUSIONS
        },
        "lookalike_false_alarm": among(
            "lookalike", lambda one: one.handed_over_by_topic or one.rule == "asked"
        ),
        "in_scope_false_alarm": share(
            scope, lambda one: one.handed_over_by_topic or one.rule == "asked"
        ),
        "human_recall": among("human", lambda one: one.rule == "asked"),
        "smalltalk_ok": among("smalltalk", lambda one: one.outcome == Outcome.SMALLTALK),
        "latency_ms": spread([one.seconds * 1000 for one in judged]),
    }


def curve(judged: Sequence[Judged]) -> dict[str, dict[str, float | None]]:
    """Return coverage against precision: what answers would be at other thresholds, by threshold.

    Of the engine alone, before topics and wishes for a person take their share. `answered` and
    `precision` of the questions in scope, `far_answered` of those that are nobody's business here.
    """
    scope = [one for one in judged if one.question.in_scope]
    far = [one for one in judged if one.question.kind == "oos_far"]
    found = {}
    for bound in THRESHOLDS:
        sure = [one for one in scope if one.p >= bound]
        found[f"{bound:g}"] = {
            "answered": share(scope, lambda one, bound=bound: one.p >= bound),  # type: ignore[misc]
            "precision": share(sure, lambda one: one.question.expected in one.candidates[:1]),
            "far_answered": share(far, lambda one, bound=bound: one.p >= bound),  # type: ignore[misc]
        }
    return found


def halves(judged: Sequence[Judged]) -> tuple[list[Judged], list[Judged]]:
    """Return the questions in scope in two parts, those of each entry dealt out in turn."""
    parts: tuple[list[Judged], list[Judged]] = ([], [])
    seen: dict[str, int] = {}
    for one in judged:
        if one.question.in_scope:
            place = seen[one.question.expected] = seen.get(one.question.expected, -1) + 1
            parts[place % 2].append(one)
    return parts


def kinds(judged: Iterable[Judged]) -> dict[str, dict[str, Any]]:
    """Return, for each kind of question in scope, how many there were and how they fared."""
    groups: dict[str, list[Judged]] = {}
    for one in judged:
        if one.question.in_scope:
            groups.setdefault(one.question.kind, []).append(one)
    return {
        kind: {
            "n": len(group),
            "top1": share(group, lambda one: one.question.expected in one.candidates[:1]),
            "resolved": share(group, lambda one: one.resolved),
        }
        for kind, group in groups.items()
    }


def share(rows: Sequence[Judged], test: Callable[[Judged], bool]) -> float | None:
    """Return the share of the rows that pass the test, to four places; None of none."""
    return round(sum(map(test, rows)) / len(rows), 4) if rows else None


def spread(values: Sequence[float]) -> dict[str, float | None]:
    """Return p50, p95 and p99 by nearest rank, to one place."""
    ordered = sorted(values)

    def at(percent: int) -> float | None:
        return round(ordered[-(-len(ordered) * percent // 100) - 1], 1) if ordered else None

    return {f"p{percent}": at(percent) for percent in (50, 95, 99)}


def missed(found: dict[str, Any], stated: dict[str, float]) -> list[str]:
    """Return what falls short of the stated figures, each in words.

    Names may lead into a group, as in `exclusion_recall.legal`. A figure that could not be taken
    falls short. Raises KeyError for a name that no figure has.
    """
    short = []
    for name, bound in stated.items():
        value: Any = found
        for part in name.split("."):
            value = value[part]
        less = name.rpartition(".")[2] in LESS_IS_BETTER
        if value is None or (value > bound if less else value < bound):
            short.append(f"{name} is {value}, {'at most' if less else 'at least'} {bound:g} stated")
    return short
