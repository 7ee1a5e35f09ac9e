"""The assistant's turn: one question in, one committed decision and reply out."""

import logging
import time
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction

from conversations import events
from conversations.dialogue import policy
from conversations.dialogue.types import Decision, Option, Options, Outcome, Turn
from conversations.models import (
    AuthorKind,
    BotDecision,
    Conversation,
    Handoff,
    Message,
    MessageKind,
)
from conversations.queries import asked_before, question_of
from conversations.services import advice, learning, lexicon, messages, phrases, routing
from conversations.services.handoff import first_reply, hand_off, words
from conversations.states import ConversationStatus, HandoffReason
from knowledge import search
from tenants import clock, meters
from tenants.scoping import as_uuid
from tenants.services import contracts, ledger
from tenants.services.ledger import Event

logger = logging.getLogger(__name__)

# Topics less likely than this are not worth remembering.
_LEAST_TOPIC = 0.05
_FAILED = Decision(Outcome.HANDOFF, rule="failed", reason="failed")
# Nobody waits behind a probe: it hears that it was heard, and no agent hears of it.
_PROBED = Decision(Outcome.SMALLTALK, rule="probe", reply="thanks")


@dataclass(frozen=True)
class Thought:
    """What is decided about a question but not yet said: valid for one epoch of its conversation."""

    message: Message
    question: str
    epoch: int
    decision: Decision
    release_id: uuid.UUID | None
    began: float


def take_turn(message_id: uuid.UUID) -> Message | None:
    """Decide about the question that ends with this stored message; see `reply_to`."""
    thought = think_about(message_id)
    return say(thought) if thought else None


def reply_to(message: Message, *, question: str) -> Message | None:
    """Decide about the question that ends with this message, and reply; return the reply."""
    return say(think(message, question=question))


def think_about(message_id: uuid.UUID) -> Thought | None:
    """Return what is decided about the question that ends with this stored message.

    None where the assistant has nothing to decide about it any more.
    """
    message = (
        Message.objects.select_related(
            "conversation", "conversation__contact", "conversation__channel"
        )
        .filter(pk=message_id)
        .first()
    )
    if message is None or not _is_open(message.conversation, message):
        return None
    return think(message, question=question_of(message))


def think(message: Message, *, question: str) -> Thought:
    """Return what is decided about the question that ends with this message; nothing is written.

    `question` is the run of the visitor's words up to this message; the message's conversation is
    loaded with contact and channel. Outside any transaction. Whatever fails inside hands the
    conversation to people. Source: R21-R25, architecture "The way of one question".
    """
    began = time.monotonic()
    epoch = message.conversation.epoch
    release_id: uuid.UUID | None = None

    def look_up(text: str) -> Options:
        nonlocal release_id
        answers = search.answer_candidates(text)
        release_id = answers.release_id
        return _options(answers)

    try:
        agreed = contracts.terms_at(message.received_at)
        decision = policy.decide(
            Turn(
                text=question,
                failed_turns=message.conversation.failed_turns,
                chosen=_chosen(message),
                asked_before=asked_before(message, question),
                lexicon=lexicon.current(),
                patience=agreed.clarifications,
            ),
            look_up,
        )
        if decision.reason == HandoffReason.OFFTOPIC:
            passed_on = Handoff.objects.filter(
                inquiry=message.inquiry_id, reason=HandoffReason.OFFTOPIC
            ).exists()
            decision = policy.outside(decision, agreed.oos_policy, passed_on=passed_on)
    except Exception:
        logger.exception("Turn failed: message %s", message.pk)
        decision = _FAILED
    return Thought(message, question, epoch, decision, release_id, began)


def await_advice(thought: Thought, *, seconds: float) -> None:
    """Note in the database that this process waits for advice, so that the sweeper waits too."""
    message = thought.message
    Conversation.objects.filter(pk=message.conversation_id, undecided_seq=message.seq).update(
        advice_until=clock.now() + timedelta(seconds=seconds)
    )


def advised(thought: Thought) -> Thought:
    """Return the thought after the tenant's language model was heard; takes its time."""
    try:
        return replace(thought, decision=advice.taken(thought.question, thought.decision))
    except Exception:
        logger.exception("Advice not taken: message %s", thought.message.pk)
        return thought


def say(thought: Thought) -> Message | None:
    """Commit what was decided, with its reply; return the reply.

    Only if the assistant still has the word, nobody changed hands meanwhile and the visitor wrote
    nothing more: otherwise nothing is written and None returned.
    """
    latency_ms = round((time.monotonic() - thought.began) * 1000)
    message, decision, release_id = thought.message, thought.decision, thought.release_id
    try:
        reply = conclude(
            message, thought.epoch, decision, release_id=release_id, latency_ms=latency_ms
        )
    except Exception:
        # What cannot be said now could not be said in the sweeper's next attempt either.
        logger.exception("Turn not concluded: message %s", message.pk)
        decision = _FAILED
        reply = conclude(message, thought.epoch, decision, release_id=None, latency_ms=latency_ms)
    if reply is not None:
        seconds = time.monotonic() - thought.began
        meters.TURN_SECONDS.labels(decision.outcome).observe(seconds)
    return reply


def confirm_receipt(message_id: uuid.UUID) -> Message | None:
    """Tell the visitor that the question arrived, if it is still undecided; return the message.

    Keeps the first-reply promise when thinking takes unusually long; the answer follows. Does
    nothing if the assistant has replied, lost the word, or confirmed already.
    """
    with transaction.atomic():
        message = Message.objects.filter(pk=message_id).first()
        if message is None:
            return None
        conversation = messages.lock_conversation(message.conversation_id)
        message.conversation = conversation
        if not _is_open(conversation, message) or conversation.last_author != AuthorKind.CUSTOMER:
            return None
        at = clock.now()
        with phrases.language_of(conversation.contact):
            text = phrases.received()
        reply, event = messages.say(
            conversation,
            text,
            author_kind=AuthorKind.BOT,
            kind=MessageKind.CONFIRMATION,
            at=at,
        )
        recorded = [event, *first_reply(conversation, at)]
        messages.store(conversation)
        ledger.append(*recorded)
        events.announce_message(reply)
    return reply


def explain(text: str) -> tuple[Decision, search.Answers | None]:
    """Return what would be decided about these words, and what the knowledge base offered.

    Same rules, thresholds and phrases as a visitor's turn, the tenant's language model is heard;
    nothing is written. The answers are None where the knowledge base was not asked.
    """
    asked: list[search.Answers] = []

    def look_up(question: str) -> Options:
        answers = search.answer_candidates(question)
        asked.append(answers)
        return _options(answers)

    agreed = contracts.terms_at(clock.now())
    turn = Turn(text=text, lexicon=lexicon.current(), patience=agreed.clarifications)
    decision = policy.decide(turn, look_up)
    decision = policy.outside(decision, agreed.oos_policy, passed_on=False)
    if advice.is_wanted(decision):
        decision = advice.taken(text, decision)
    return decision, asked[0] if asked else None


def as_row(decision: Decision) -> BotDecision:
    """Return what a stored decision would hold of this one; it belongs to no question, unsaved."""
    options = decision.options
    return BotDecision(
        outcome=decision.outcome,
        rule=decision.rule,
        reason=decision.reason,
        candidates=[_candidate(option) for option in (options.found if options else ())],
        answer_threshold=options.answer_threshold if options else None,
        clarify_threshold=options.clarify_threshold if options else None,
        topics={
            topic: round(p, 3)
            for topic, p in (options.topics.items() if options else ())
            if p >= _LEAST_TOPIC
        },
        in_scope=options.in_scope if options else None,
        advice=dict(decision.advice),
    )


def conclude(
    message: Message,
    epoch: int,
    decision: Decision,
    *,
    release_id: uuid.UUID | None,
    latency_ms: int,
) -> Message | None:
    """Commit a decision about a question with its reply; return the reply.

    One transaction: decision, reply, hand-off if that is what was decided, promises, what editors
    may learn from it, ledger. Only if the conversation still exists, the assistant has the word
    under `epoch`, and the visitor wrote nothing more; otherwise nothing is written and None
    returned.
    """
    with transaction.atomic():
        try:
            conversation = messages.lock_conversation(
                message.conversation_id,
                contact=message.conversation.contact,
                channel=message.conversation.channel,
            )
        except Conversation.DoesNotExist:
            return None
        message.conversation = conversation
        if conversation.epoch != epoch or not _is_open(conversation, message):
            return None
        at = clock.now()
        if conversation.is_probe and decision.outcome == Outcome.HANDOFF:
            decision = _PROBED
        row = _record(message, decision, release_id=release_id, latency_ms=latency_ms, at=at)
        recorded = [
            Event(
                "question.decided",
                message.pk,
                {"outcome": row.outcome, "rule": row.rule, "release": release_id},
                at,
            )
        ]
        conversation.undecided_seq = conversation.undecided_since = None
        conversation.advice_until = None
        if decision.outcome == Outcome.HANDOFF:
            recorded += hand_off(
                conversation,
                reason=decision.reason,
                triggered_at=message.received_at,
                trigger_seq=message.seq,
                at=at,
            )
        else:
            # Several questions at once are understood, each of them.
            failed = decision.outcome == Outcome.CLARIFY and decision.rule != "several"
            conversation.failed_turns = conversation.failed_turns + 1 if failed else 0
        reply, event = _reply(conversation, decision, at)
        recorded += [event, *first_reply(conversation, at)]
        messages.store(conversation)
        if not conversation.is_probe:
            learning.from_turn(row)
        ledger.append(*recorded)
        events.announce_conversation(conversation, to_visitor=decision.outcome == Outcome.HANDOFF)
        events.announce_message(reply, decision=row)
        if decision.outcome == Outcome.HANDOFF:
            routing.drain_soon(conversation.group_id)
    return reply


def _options(answers: search.Answers) -> Options:
    return Options(
        found=tuple(_option(found) for found in answers.candidates),
        answer_threshold=answers.answer_threshold,
        clarify_threshold=answers.clarify_threshold,
        low_content=answers.low_content,
        in_scope=answers.in_scope,
        excluded=answers.excluded,
        excluded_threshold=answers.excluded_threshold,
        topics=answers.topics,
        parts=tuple(_option(part) for part in answers.parts),
        model_picks=answers.model_picks,
        model_words=answers.model_words,
    )


def _option(found: search.Candidate) -> Option:
    return Option(str(found.version_id), found.question, found.answer, found.p, found.exact)


def _is_open(conversation: Conversation, message: Message) -> bool:
    return (
        conversation.status == ConversationStatus.BOT and conversation.undecided_seq == message.seq
    )


def _chosen(message: Message) -> Option | None:
    version_id = as_uuid(message.context.get("button"))
    found = search.released_answer(version_id) if version_id else None
    return _option(found) if found else None


def _record(
    message: Message,
    decision: Decision,
    *,
    release_id: uuid.UUID | None,
    latency_ms: int,
    at: datetime,
) -> BotDecision:
    row = as_row(decision)
    row.conversation = message.conversation
    row.inquiry = message.conversation.inquiry
    row.question = message
    row.release_id = release_id
    row.latency_ms = latency_ms
    row.decided_at = at
    row.save(force_insert=True)
    return row


def _candidate(option: Option) -> dict[str, object]:
    shown: dict[str, object] = {
        "version": option.version_id,
        "question": option.question,
        "p": round(option.p, 4),
    }
    return {**shown, "exact": True} if option.exact else shown


def _reply(conversation: Conversation, decision: Decision, at: datetime) -> tuple[Message, Event]:
    fields: dict[str, object] = {}
    buttons: list[dict[str, str]] = []
    with phrases.language_of(conversation.contact):
        if decision.answer is not None:
            text, kind = decision.wording or decision.answer.answer, MessageKind.ANSWER
            fields["entry_version_id"] = uuid.UUID(decision.answer.version_id)
            fields["is_worded"] = bool(decision.wording)
        elif decision.outcome == Outcome.HANDOFF:
            text, kind = words(conversation, decision.reason, at), MessageKind.NOTICE
        elif decision.choices:
            text, kind = phrases.clarify(), MessageKind.CLARIFY
            buttons = [
                {"id": choice.version_id, "label": choice.question, "action": "reply"}
                for choice in decision.choices
            ]
            buttons.append({"id": "human", "label": phrases.none_of_these(), "action": "handoff"})
        else:
            assistant = conversation.channel.assistant_name
            text = phrases.small_talk(decision.reply, assistant)
            kind = MessageKind.SMALLTALK
            if decision.rule == "outside.offer":
                label = phrases.talk_to_a_person()
                buttons = [{"id": "human", "label": label, "action": "handoff"}]
    return messages.say(
        conversation,
        text,
        author_kind=AuthorKind.BOT,
        kind=kind,
        at=at,
        buttons=buttons,
        **fields,
    )
