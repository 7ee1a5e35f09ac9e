"""What an agent should know before the first word: the visitor's questions, and what was tried."""

from typing import Any

from conversations import explanations
from conversations.dialogue.exclusions import asks_for_person
from conversations.models import AuthorKind, BotDecision, Feedback, Handoff, Message

_LOOKED_AT = 50
# Of what the assistant tried, the latest attempts, each with its likeliest entries.
_ATTEMPTS = 3
_ENTRIES = 3


def of(handoff: Handoff) -> dict[str, Any]:
    """Return `first_question`, `last_question`, `tried`, `sounds_like` and `unhelpful`.

    A wish for a person is no question. `tried` is what the assistant did about the latest
    questions before the hand-off, the last first: question, outcome, why, and entries with their
    percent. `unhelpful` counts the answers of the inquiry that the visitor judged so.
    """
    said = (
        Message.objects.filter(
            conversation=handoff.conversation_id,
            inquiry=handoff.inquiry_id,
            author_kind=AuthorKind.CUSTOMER,
            seq__lte=handoff.trigger_seq,
        )
        .order_by("-seq")
        .values_list("text", "stand_in")[:_LOOKED_AT]
    )
    asked = [f"{text} {mark}".strip() for text, mark in said if not asks_for_person(text)]
    decisions = list(
        BotDecision.objects.filter(
            conversation=handoff.conversation_id,
            inquiry=handoff.inquiry_id,
            question__seq__lte=handoff.trigger_seq,
        )
        .select_related("question")
        .order_by("-question__seq")[:_ATTEMPTS]
    )
    return {
        "first_question": asked[-1] if asked else None,
        "last_question": asked[0] if asked else None,
        "tried": [_attempt(decision) for decision in decisions],
        "sounds_like": explanations.sounds_like(decisions[0].topics) if decisions else "",
        "unhelpful": Message.objects.filter(
            conversation=handoff.conversation_id,
            inquiry=handoff.inquiry_id,
            feedback=Feedback.UNHELPFUL,
        ).count(),
    }


def _attempt(decision: BotDecision) -> dict[str, Any]:
    return {
        "question": decision.question.words,
        "outcome": decision.outcome,
        "why": explanations.why(decision),
        "entries": [
            {"question": each["question"], "percent": round(each["p"] * 100)}
            for each in decision.candidates[:_ENTRIES]
        ],
    }
