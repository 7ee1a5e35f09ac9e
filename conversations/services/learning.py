"""What a conversation teaches: visitors' words that editors may want as phrasings."""

import uuid
from typing import Any

from conversations.dialogue import pictures
from conversations.dialogue.policy import MAX_CHOICES
from conversations.models import BotDecision, Handoff, Message
from conversations.queries import question_of
from conversations.states import HandoffReason
from knowledge.models import ProposalSource
from knowledge.queries import version_saying
from knowledge.services import proposals

# A message of several questions, or one the lexicon decided, says nothing about a single entry.
_CHOICE = "gate.clarify"
# The assistant, or a language model for it, took the words to mean the entry.
_GUESSED = ("gate.answer", "model.pick")
_UNANSWERED_RULES = ("gate.unknown", "gate.unclear")
UNANSWERED_REASONS = (HandoffReason.UNKNOWN, HandoffReason.UNCLEAR)


def from_turn(decision: BotDecision) -> None:
    """Propose to editors what a decision just written teaches; part of its transaction.

    A pressed button says which entry the words before the choice meant. A question that went to
    people for want of an answer may belong to an entry yet, or need one.
    """
    if decision.rule == "button":
        _from_button(decision.question)
    elif decision.rule in _UNANSWERED_RULES and decision.reason in UNANSWERED_REASONS:
        proposals.propose(
            _asked(decision.question),
            source=ProposalSource.UNANSWERED,
            message_id=decision.question_id,
            p=decision.candidates[0]["p"] if decision.candidates else None,
        )


def from_thumb(answer: Message, decision: BotDecision | None) -> None:
    """Propose the words whose answer a visitor found helpful; part of the judgement's transaction.

    Nothing is learnt where they are a phrasing already, or where the visitor chose the question.
    """
    if decision is None or decision.rule not in _GUESSED or not decision.candidates:
        return
    best = decision.candidates[0]
    if not best.get("exact"):
        proposals.propose(
            _asked(decision.question),
            source=ProposalSource.THUMB,
            version_id=answer.entry_version_id,
            message_id=decision.question_id,
            p=best["p"],
        )


def from_agent(answer: Message) -> None:
    """Propose the words for which an agent chose a standard answer; part of the reply's transaction.

    Only where the assistant had no answer to them, and the agent sent one of the knowledge base's
    word for word.
    """
    handoff = Handoff.objects.filter(
        conversation=answer.conversation_id, ended_at=None, reason__in=UNANSWERED_REASONS
    ).first()
    version_id = answer.entry_version_id or (version_saying(answer.text) if handoff else None)
    if handoff is None or version_id is None:
        return
    question = Message.objects.get(conversation=answer.conversation_id, seq=handoff.trigger_seq)
    proposals.propose(
        _asked(question),
        source=ProposalSource.AGENT,
        version_id=version_id,
        message_id=question.pk,
    )


def _asked(message: Message) -> str:
    # What stands for a picture is nothing that another visitor would ask.
    return pictures.removed(question_of(message))


def _from_button(pressed: Message) -> None:
    choice = (
        BotDecision.objects.filter(
            conversation=pressed.conversation_id, rule=_CHOICE, question__seq__lt=pressed.seq
        )
        .select_related("question")
        .order_by("-question__seq")
        .first()
    )
    chosen = _offered(choice, pressed.context.get("button")) if choice else None
    if choice is None or chosen is None:
        return
    proposals.propose(
        _asked(choice.question),
        source=ProposalSource.BUTTON,
        version_id=uuid.UUID(chosen["version"]),
        message_id=choice.question_id,
        p=chosen["p"],
    )


def _offered(choice: BotDecision, button: object) -> dict[str, Any] | None:
    offered: list[dict[str, Any]] = choice.candidates[:MAX_CHOICES]
    return next((each for each in offered if each["version"] == str(button)), None)
