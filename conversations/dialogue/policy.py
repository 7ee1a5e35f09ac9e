"""Decide what to do about a question: pure, in the order the contract gives the rules."""

from conversations.dialogue import exclusions, smalltalk
from conversations.dialogue.types import Decision, LookUp, Option, Options, Outcome, Turn

# Buttons that a choice of questions may show.
MAX_CHOICES = 3
# After this many turns in a row without an answer the conversation goes to people (R25).
MAX_FAILED_TURNS = 2


def decide(turn: Turn, look_up: LookUp) -> Decision:
    """Return the decision about one question.

    Order: a pressed button; an explicit wish for a person (R24); topics that people must handle
    (R23), whatever the knowledge base holds; small talk; then the best candidates by the
    calibrated gate. `look_up` is only called where its result can matter.
    """
    if turn.chosen is not None:
        return Decision(Outcome.ANSWER, rule="button", answer=turn.chosen)
    if exclusions.asks_for_person(turn.text):
        return Decision(Outcome.HANDOFF, rule="asked", reason="asked")
    topic = exclusions.excluded_topic(turn.text)
    if topic:
        return Decision(Outcome.HANDOFF, rule=f"topic.{topic}", reason=topic)
    phrase = smalltalk.reply_to(turn.text)
    if phrase:
        return Decision(Outcome.SMALLTALK, rule=f"smalltalk.{phrase}", reply=phrase)
    return _by_candidates(turn, look_up(turn.text))


def _by_candidates(turn: Turn, options: Options) -> Decision:
    best = options.found[0] if options.found else None
    if best is not None and best.p >= options.answer_threshold:
        return Decision(Outcome.ANSWER, rule="gate.answer", options=options, answer=best)
    if turn.failed_turns + 1 >= MAX_FAILED_TURNS:
        return Decision(Outcome.HANDOFF, rule="gate.unclear", options=options, reason="unclear")
    choices = _choices(options)
    if choices:
        return Decision(Outcome.CLARIFY, rule="gate.clarify", options=options, choices=choices)
    if options.low_content:
        return Decision(Outcome.CLARIFY, rule="low_content", options=options, reply="say_more")
    return Decision(Outcome.HANDOFF, rule="gate.unknown", options=options, reason="unknown")


def _choices(options: Options) -> tuple[Option, ...]:
    best = options.found[0] if options.found else None
    if best is None or best.p < options.clarify_threshold:
        return ()
    return options.found[:MAX_CHOICES]
