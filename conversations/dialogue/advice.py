"""Where a language model may help with a decision, and what its help makes of it: pure.

It may settle which of the offered entries is meant, and word an answer. Wishes for a person,
topics for people, pressed buttons and small talk are none of its business.
"""

from dataclasses import replace

from conversations.dialogue.grounding import faults
from conversations.dialogue.prompts import MOST_CANDIDATES
from conversations.dialogue.types import Decision, Option, Outcome

# The rules under which the candidates are in the middle band: one of them is probably meant.
_UNSURE = frozenset({"gate.clarify", "gate.unclear"})


def may_pick(decision: Decision) -> bool:
    """Return whether a language model may say which entry is meant."""
    options = decision.options
    return (
        options is not None
        and options.model_picks
        and decision.rule in _UNSURE
        and options.in_scope >= options.clarify_threshold
    )


def may_word(decision: Decision) -> bool:
    """Return whether a language model may word the answer."""
    options = decision.options
    return decision.answer is not None and options is not None and options.model_words


def candidates(decision: Decision) -> tuple[Option, ...]:
    """Return the entries to choose from, likeliest first."""
    return decision.options.found[:MOST_CANDIDATES] if decision.options else ()


def with_pick(decision: Decision, place: int | None) -> Decision:
    """Return the decision once the model has chosen; None chooses nothing and changes nothing."""
    if place is None:
        return decision
    chosen = candidates(decision)[place]
    return Decision(Outcome.ANSWER, rule="model.pick", options=decision.options, answer=chosen)


def with_wording(decision: Decision, wording: str) -> tuple[Decision, tuple[str, ...]]:
    """Return the decision with the wording, if it says the same as the entry, and its faults."""
    assert decision.answer is not None
    found = faults(wording, decision.answer.answer)
    if found or wording == decision.answer.answer:
        return decision, found
    return replace(decision, wording=wording), ()
