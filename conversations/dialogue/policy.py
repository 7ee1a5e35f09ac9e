"""Decide what to do about a question: pure, in the order the contract gives the rules."""

from dataclasses import replace

from conversations.dialogue import exclusions, pictures, smalltalk
from conversations.dialogue.types import Decision, LookUp, Options, Outcome, Turn

# Buttons that a choice of questions may show.
MAX_CHOICES = 3
# Who says the same for the third time has not been helped (R25).
MAX_REPEATS = 2


def decide(turn: Turn, look_up: LookUp) -> Decision:
    """Return the decision about one question.

    Order: a pressed button; a message without words (R26); an explicit wish for a person (R24); topics that people must handle
    (R23), by the lexicon; small talk; the same topics by likelihood, whatever the knowledge base
    holds; then the best candidates by the calibrated gate. `look_up` is only called where its
    result can matter.
    """
    if turn.chosen is not None:
        return Decision(Outcome.ANSWER, rule="button", answer=turn.chosen)
    words = pictures.removed(turn.text)
    if not words:
        return _wordless(turn)
    turn = replace(turn, text=words)
    if exclusions.asks_for_person(turn.text):
        return Decision(Outcome.HANDOFF, rule="asked", reason="asked")
    topic = exclusions.excluded_topic(turn.text, turn.lexicon)
    if topic:
        return Decision(Outcome.HANDOFF, rule=f"topic.{topic}", reason=topic)
    phrase = smalltalk.reply_to(turn.text)
    if phrase:
        return Decision(Outcome.SMALLTALK, rule=f"smalltalk.{phrase}", reply=phrase)
    if turn.asked_before >= MAX_REPEATS:
        return Decision(Outcome.HANDOFF, rule="repeated", reason="repeated")
    options = look_up(turn.text)
    return _by_topic(turn, options) or _by_candidates(turn, options)


def outside(decision: Decision, agreed: str, *, passed_on: bool) -> Decision:
    """Return what becomes of a decision to hand over what is not the client's business.

    `agreed` is the contract's choice (Q11): "transfer", at most once an inquiry, which it was if
    `passed_on`; "offer_transfer" or "decline". Other decisions stay as they are.
    """
    if decision.outcome != Outcome.HANDOFF or decision.reason != "offtopic":
        return decision
    if agreed == "transfer" and not passed_on:
        return decision
    which = "decline" if agreed == "decline" else "offer"
    return replace(
        decision,
        outcome=Outcome.SMALLTALK,
        rule=f"outside.{which}",
        reason="",
        reply=f"outside_{which}",
    )


def _wordless(turn: Turn) -> Decision:
    if turn.failed_turns + 1 >= turn.patience:
        return Decision(Outcome.HANDOFF, rule="wordless", reason="unclear")
    return Decision(Outcome.CLARIFY, rule="wordless", reply="describe")


def _by_topic(turn: Turn, options: Options) -> Decision | None:
    if not options.topics or (options.found and options.found[0].exact):
        # The client's own phrasing is an ordinary question, whatever it sounds like.
        return None
    topic = exclusions.likely_topic(turn.text, options, turn.lexicon)
    if topic:
        return Decision(Outcome.HANDOFF, rule=f"topic.{topic}", options=options, reason=topic)
    if exclusions.likely_asks_for_person(options):
        return Decision(Outcome.HANDOFF, rule="asked", options=options, reason="asked")
    best = options.found[0].p if options.found else 0.0
    if smalltalk.is_likely(turn.text, options) and best < options.answer_threshold:
        return Decision(Outcome.SMALLTALK, rule="smalltalk.chat", options=options, reply="chat")
    return None


def _by_candidates(turn: Turn, options: Options) -> Decision:
    best = options.found[0] if options.found else None
    if len(options.parts) > 1:
        return Decision(
            Outcome.CLARIFY, rule="several", options=options, choices=options.parts[:MAX_CHOICES]
        )
    if best is not None and best.p >= options.answer_threshold:
        return Decision(Outcome.ANSWER, rule="gate.answer", options=options, answer=best)
    cause = exclusions.why_unanswered(turn.text, options)
    if turn.failed_turns + 1 >= turn.patience:
        reason = cause or "unclear"
        return Decision(Outcome.HANDOFF, rule="gate.unclear", options=options, reason=reason)
    if best is not None and options.in_scope >= options.clarify_threshold:
        choices = options.found[:MAX_CHOICES]
        return Decision(Outcome.CLARIFY, rule="gate.clarify", options=options, choices=choices)
    if options.low_content and cause != "language":
        return Decision(Outcome.CLARIFY, rule="low_content", options=options, reply="say_more")
    return Decision(
        Outcome.HANDOFF, rule="gate.unknown", options=options, reason=cause or "unknown"
    )
