"""Play a story of the past through the real services, with the clock set back."""

import random
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from conversations.dialogue.types import Decision, Option, Options, Outcome
from conversations.models import (
    AuthorKind,
    BotDecision,
    Channel,
    Contact,
    Conversation,
    Feedback,
    Inquiry,
    Message,
    MessageKind,
    SurveyInvite,
    SurveyPart,
)
from conversations.services import bot, desk, endings, intake, messages, ratings
from conversations.services.handoff import first_reply
from conversations.services.intake import Inbound
from conversations.states import ConversationStatus
from knowledge.models import EntryVersion
from knowledge.retrieval.gate import ANSWER_THRESHOLD, CLARIFY_THRESHOLD
from tenants import clock
from tenants.models import Membership
from tenants.services import ledger
from tenants.terms import INQUIRY_IDLE

# How visitors who are content rate, and which share of those asked does.
CONTENT = (100, 100, 100, 80, 80, 60)
_ANSWER = 0.6


def play(
    story: dict[str, Any],
    contact: Contact,
    channel: Channel,
    start: datetime,
    versions: dict[str, EntryVersion],
    agents: list[Membership],
    chance: random.Random,
    *,
    scores: Sequence[int] = CONTENT,
) -> None:
    """Let the story happen at `start`: its messages, decisions, promises and ledger rows.

    Of the visitors who are asked how it was, some answer with one of the `scores`.
    """
    teller = _Teller(start, chance)
    conversation_id: uuid.UUID | None = None
    question: Message | None = None
    agent = chance.choice(agents)
    for turn in story["turns"]:
        if turn["by"] == "customer":
            with teller.after(6, 40):
                received = intake.receive(
                    contact,
                    channel,
                    Inbound(client_msg_id=uuid.uuid4().hex, text=turn["text"]),
                    conversation_id=conversation_id,
                )
            question = received.message
            conversation_id = question.conversation_id
        elif turn["by"] == "bot" and question is not None:
            with teller.after_ms(15, 400):
                _bot_says(question, turn, versions, chance)
        elif turn["by"] == "agent" and question is not None:
            if _status(question) == ConversationStatus.BOT:
                with teller.after_ms(15, 400):
                    _hand_off(question, story["handoff_reason"] or "unknown", chance)
            if _status(question) != ConversationStatus.HUMAN:
                with teller.after(5, 55):
                    desk.take(question.conversation_id, by=agent)
            with teller.after(8, 45):
                desk.reply(
                    question.conversation_id,
                    turn["text"],
                    by=agent,
                    client_msg_id=uuid.uuid4().hex,
                )
    if question is not None:
        _finish(question, story, agent, teller, chance)
        _rate(question, scores, chance)


def _rate(question: Message, scores: Sequence[int], chance: random.Random) -> None:
    invite = SurveyInvite.objects.filter(
        inquiry=question.inquiry_id, opens_at__isnull=False, has_bot_part=True
    ).first()
    if invite is not None and invite.opens_at is not None and chance.random() < _ANSWER:
        with clock.travel(invite.opens_at + timedelta(minutes=2)):
            ratings.rate(invite, SurveyPart.BOT, chance.choice(scores))


class _Teller:
    def __init__(self, start: datetime, chance: random.Random) -> None:
        self.now, self.chance = start, chance

    @contextmanager
    def after(self, least: int, most: int) -> Iterator[None]:
        self.now += timedelta(seconds=self.chance.uniform(least, most))
        with clock.travel(self.now):
            yield

    @contextmanager
    def after_ms(self, least: int, most: int) -> Iterator[None]:
        self.now += timedelta(milliseconds=self.chance.uniform(least, most))
        with clock.travel(self.now):
            yield


def _bot_says(
    question: Message,
    turn: dict[str, Any],
    versions: dict[str, EntryVersion],
    chance: random.Random,
) -> None:
    entry = turn.get("entry")
    if entry is None:
        _bot_chats(question, turn["text"], chance)
        return
    version = versions[entry]
    answer = Option(
        str(version.pk), version.question, version.answer, round(chance.uniform(0.82, 0.99), 4)
    )
    decision = Decision(
        Outcome.ANSWER,
        rule="gate.answer",
        answer=answer,
        options=Options((answer,), ANSWER_THRESHOLD, CLARIFY_THRESHOLD, in_scope=answer.p),
    )
    _decide(question, decision, chance)


def _bot_chats(question: Message, text: str, chance: random.Random) -> None:
    with transaction.atomic():
        conversation = messages.lock_conversation(question.conversation_id)
        at = clock.now()
        conversation.undecided_seq = conversation.undecided_since = None
        _reply, event = messages.say(
            conversation, text, author_kind=AuthorKind.BOT, kind=MessageKind.SMALLTALK, at=at
        )
        asks = text.rstrip().endswith(("?", "？", "？”", '?"'))
        BotDecision.objects.create(
            conversation=conversation,
            question=question,
            outcome=Outcome.CLARIFY if asks else Outcome.SMALLTALK,
            rule="gate.clarify" if asks else "smalltalk.chat",
            topics={} if asks else {"smalltalk": 0.9},
            inquiry=question.inquiry,
            latency_ms=chance.randrange(8, 40),
            decided_at=at,
        )
        recorded = [event, *first_reply(conversation, at)]
        messages.store(conversation)
        ledger.append(*recorded)


def _hand_off(question: Message, reason: str, chance: random.Random) -> None:
    latest = Message.objects.filter(
        conversation=question.conversation_id, author_kind=AuthorKind.CUSTOMER
    ).latest("seq")
    rule = "asked" if reason == "asked" else "gate.unknown"
    _decide(latest, Decision(Outcome.HANDOFF, rule=rule, reason=reason), chance)


def _decide(question: Message, decision: Decision, chance: random.Random) -> None:
    epoch = Conversation.objects.values_list("epoch", flat=True).get(pk=question.conversation_id)
    bot.conclude(question, epoch, decision, release_id=None, latency_ms=chance.randrange(8, 40))


def _status(question: Message) -> str:
    return Conversation.objects.values_list("status", flat=True).get(pk=question.conversation_id)


def _finish(
    question: Message,
    story: dict[str, Any],
    agent: Membership,
    teller: _Teller,
    chance: random.Random,
) -> None:
    answered = Message.objects.filter(
        conversation=question.conversation_id, kind=MessageKind.ANSWER
    ).last()
    if story["feedback"] and answered is not None:
        feedback = Feedback(story["feedback"])
        Message.objects.filter(pk=answered.pk).update(feedback=feedback)
    if _status(question) == ConversationStatus.BOT:
        undecided = Conversation.objects.get(pk=question.conversation_id).undecided_seq
        if undecided is not None and story["outcome"] in ("handoff", "unanswered"):
            with teller.after_ms(15, 400):
                _hand_off(question, story["handoff_reason"] or "unknown", chance)
    if _status(question) == ConversationStatus.WAITING:
        with teller.after(5, 55):
            desk.take(question.conversation_id, by=agent)
    if _status(question) == ConversationStatus.HUMAN:
        with teller.after(20, 90):
            endings.close(question.conversation_id, by=agent)
    else:
        with clock.travel(teller.now + INQUIRY_IDLE):
            endings.close_by_contact(question.conversation_id)
    Inquiry.objects.filter(conversation=question.conversation_id, closed_at=None).update(
        closed_at=teller.now + INQUIRY_IDLE
    )
