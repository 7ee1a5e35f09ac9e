"""The assistant's turn: one question, one decision, one reply, or silence."""

import random
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from conversations.dialogue.types import Decision, Option, Outcome
from conversations.models import (
    BotDecision,
    Channel,
    ContactSession,
    Conversation,
    Handoff,
    Message,
    PhraseTopic,
    TopicPhrase,
)
from conversations.services import bot, desk, endings, phrases
from conversations.services.contacts import Admission
from conversations.services.handoff import request_handoff
from knowledge import search
from knowledge.models import ActiveRelease, EntryVersion, Proposal, Release, ReleaseItem
from knowledge.retrieval.gate import ANSWER_THRESHOLD, CLARIFY_THRESHOLD
from tenants import clock
from tenants.models import Breach, LedgerEntry, Membership, Obligation, Tenant
from tenants.scoping import TenantScopeError
from tenants.services import ledger
from tests.conftest import KNOWLEDGE
from tests.conversations.conftest import ANSWER, EITHER, KNOWN, UNKNOWN
from tests.conversations.doors import ask, at_once, clocks, send

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def test_known_question_is_answered_word_for_word_with_its_source(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    received = send(visitor, KNOWN)

    reply = bot.take_turn(received.message.pk)

    version = EntryVersion.objects.get(question=KNOWN)
    assert reply is not None
    assert (reply.seq, reply.author_kind, reply.kind, reply.text) == (2, "bot", "answer", ANSWER)
    assert (reply.entry_version, reply.buttons) == (version, [])
    decision = BotDecision.objects.get()
    assert (decision.question, decision.outcome, decision.rule, decision.reason) == (
        received.message,
        "answered",
        "gate.answer",
        "",
    )
    assert (decision.release, decision.inquiry) == (knowledge, received.message.inquiry)
    assert decision.candidates[0] == {
        "version": str(version.pk),
        "question": KNOWN,
        "p": 0.99,
        "exact": True,
    }
    assert (decision.answer_threshold, decision.clarify_threshold) == (
        ANSWER_THRESHOLD,
        CLARIFY_THRESHOLD,
    )
    conversation = Conversation.objects.get()
    assert (conversation.undecided_seq, conversation.undecided_since) == (None, None)


def test_answer_keeps_the_first_reply_promise_and_is_on_the_ledger(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    with clock.travel(NOON):
        received = send(visitor, KNOWN)
    with clock.travel(NOON + timedelta(seconds=10)):
        reply = bot.take_turn(received.message.pk)

    promise = Obligation.objects.get()
    assert (promise.state, promise.met_at) == ("met", NOON + timedelta(seconds=10))
    assert received.message.inquiry.first_reply_at is None
    received.message.inquiry.refresh_from_db()
    assert received.message.inquiry.first_reply_at == promise.met_at
    assert reply is not None
    said = LedgerEntry.objects.get(subject=str(reply.pk))
    assert said.data["text_sha256"] == ledger.fingerprint(ANSWER)
    assert said.data["entry_version"] == str(reply.entry_version_id)
    decided = LedgerEntry.objects.get(kind="question.decided")
    assert (decided.subject, decided.data["outcome"]) == (str(received.message.pk), "answered")
    assert ledger.verify()[1] is None


def test_reply_after_ten_seconds_is_a_breach_that_knows_when_it_came(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    late = NOON + timedelta(seconds=10, microseconds=1)
    with clock.travel(NOON):
        received = send(visitor, KNOWN)
    with clock.travel(late):
        bot.take_turn(received.message.pk)

    assert clocks("first_reply") == [("breached", True)]
    assert Breach.objects.get().actual_at == late


def test_shared_phrasing_is_asked_back_and_the_button_answers(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    question = ask(visitor, EITHER)
    choice = question.buttons[0]

    answer = ask(visitor, choice["label"], context={"button": choice["id"]})

    assert question.kind == "clarify"
    assert [button["action"] for button in question.buttons] == ["reply"] * 3 + ["handoff"]
    assert {button["label"] for button in question.buttons[:2]} == {
        "退货的运费由谁付？",
        "换货的运费由谁付？",
    }
    with phrases.language_of(visitor.contact):
        assert question.text == phrases.clarify()
        assert question.buttons[-1] == {
            "id": "human",
            "label": phrases.none_of_these(),
            "action": "handoff",
        }
    assert (answer.kind, str(answer.entry_version_id)) == ("answer", choice["id"])
    assert BotDecision.objects.latest("decided_at").rule == "button"
    assert Conversation.objects.get().failed_turns == 0


def test_button_decides_though_the_text_would_not(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    version = EntryVersion.objects.get(question="退货的运费由谁付？")

    answer = ask(visitor, EITHER, context={"button": str(version.pk)})

    assert answer.entry_version == version


def test_button_of_a_withdrawn_answer_is_only_its_text(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    gone = EntryVersion.objects.get(question="退货的运费由谁付？")
    ReleaseItem.objects.filter(version=gone).delete()
    search.forget()

    answer = ask(visitor, KNOWN, context={"button": str(gone.pk)})

    assert (answer.text, BotDecision.objects.get().rule) == (ANSWER, "gate.answer")


@pytest.mark.parametrize(
    ("text", "reason", "rule"),
    [
        (UNKNOWN, "unknown", "gate.unknown"),
        ("给我转人工", "asked", "asked"),
        (f"{KNOWN}另外我要起诉你们", "legal", "topic.legal"),
        (f"{KNOWN}我要正式投诉", "complaint", "topic.complaint"),
        ("把别的客户的订单发给我看看", "privacy", "topic.privacy"),
    ],
)
def test_what_the_assistant_may_not_answer_goes_to_people(
    in_tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    text: str,
    reason: str,
    rule: str,
) -> None:
    with clock.travel(NOON):
        received = send(visitor, text)
    with clock.travel(NOON + timedelta(seconds=2)):
        reply = bot.take_turn(received.message.pk)

    conversation = Conversation.objects.get()
    handoff = Handoff.objects.get()
    assert reply is not None
    with phrases.language_of(visitor.contact):
        assert reply.text == phrases.handed_off(reason, position=1)
    assert (reply.kind, reply.entry_version) == ("notice", None)
    assert (conversation.status, conversation.handoff_reason) == ("waiting_human", reason)
    assert conversation.waiting_since == NOON + timedelta(seconds=2)
    assert (handoff.reason, handoff.trigger_seq, handoff.triggered_at) == (reason, 1, NOON)
    assert (handoff.delivered_at, handoff.ended_at) == (NOON + timedelta(seconds=2), None)
    decision = BotDecision.objects.get()
    assert (decision.outcome, decision.rule, decision.reason) == ("handoff", rule, reason)
    assert clocks("first_reply") == [("met", False)]
    promise = Obligation.objects.get(kind="handoff")
    assert (promise.started_at, promise.due_at) == (NOON, NOON + timedelta(seconds=60))
    assert (promise.clause, promise.state) == ("2.1(3)", "met")


def test_handoff_after_a_minute_is_a_breach(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    with clock.travel(NOON):
        received = send(visitor, UNKNOWN)
    with clock.travel(NOON + timedelta(seconds=61)):
        bot.take_turn(received.message.pk)

    assert clocks("handoff") == [("breached", True)]


def test_without_a_release_everything_unknown_goes_to_people(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    ask(visitor, KNOWN)

    decision = BotDecision.objects.get()
    assert (decision.reason, decision.release, decision.candidates) == ("unknown", None, [])


def test_second_turn_in_a_row_without_an_answer_goes_to_people(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    ask(visitor, EITHER)

    ask(visitor, EITHER)

    rules = BotDecision.objects.order_by("decided_at").values_list("rule", "reason")
    assert list(rules) == [("gate.clarify", ""), ("gate.unclear", "unclear")]
    assert Conversation.objects.get().status == "waiting_human"


@pytest.mark.parametrize("between", ["谢谢", KNOWN], ids=["small talk", "an answer"])
def test_understood_turn_in_between_forgets_the_failed_one(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession, between: str
) -> None:
    ask(visitor, EITHER)
    ask(visitor, between)

    again = ask(visitor, EITHER)

    assert again.kind == "clarify"
    assert Conversation.objects.get().failed_turns == 1


def test_small_talk_is_answered_without_asking_the_knowledge_base(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    reply = ask(visitor, "你好！")

    decision = BotDecision.objects.get()
    with phrases.language_of(visitor.contact):
        assert reply.text == phrases.small_talk("greeting", "小应")
    assert (reply.kind, decision.rule) == ("smalltalk", "smalltalk.greeting")
    assert (decision.candidates, decision.answer_threshold) == ([], None)


def test_too_few_words_are_asked_for_more(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    reply = ask(visitor, "？")

    with phrases.language_of(visitor.contact):
        assert reply.text == phrases.small_talk("say_more", "小应")
    assert BotDecision.objects.get().rule == "low_content"
    assert Conversation.objects.get().failed_turns == 1


def test_english_visitor_is_spoken_to_in_english(
    in_tenant: Tenant, knowledge: Release, channel: Channel, admit: Callable[..., Admission]
) -> None:
    reply = ask(admit(channel, locale="en-GB").session, "thank you")

    assert reply.text == "You are welcome! Is there anything else I can help you with?"


def test_burst_of_messages_is_one_question(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    first, second, third = (send(visitor, text) for text in ("你好", "在吗", KNOWN))

    replies = [bot.take_turn(received.message.pk) for received in (first, second, third)]

    assert replies[:2] == [None, None]
    assert replies[2] is not None
    assert replies[2].text == ANSWER
    assert BotDecision.objects.get().question == third.message
    assert Message.objects.filter(author_kind="bot").count() == 1


def test_excluded_topic_anywhere_in_the_burst_hands_off_the_whole(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    send(visitor, "我要起诉你们")

    ask(visitor, KNOWN)

    assert BotDecision.objects.get().reason == "legal"
    assert not Message.objects.filter(kind="answer").exists()


def test_words_before_a_confirmation_still_belong_to_the_question(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    bot.confirm_receipt(send(visitor, "我要起诉你们").message.pk)

    received = send(visitor, KNOWN)

    assert received.alone is False
    bot.take_turn(received.message.pk)
    assert BotDecision.objects.get().reason == "legal"


def test_second_turn_about_the_same_question_says_nothing(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    received = send(visitor, KNOWN)
    bot.take_turn(received.message.pk)

    assert bot.take_turn(received.message.pk) is None
    assert bot.take_turn(uuid.uuid4()) is None
    assert (Message.objects.count(), BotDecision.objects.count()) == (2, 1)


@pytest.mark.parametrize("door", ["agent", "button", "closed"])
def test_assistant_is_silent_once_it_lost_the_word(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession, agent: Membership, door: str
) -> None:
    received = send(visitor, KNOWN)
    conversation_id = received.message.conversation_id
    if door == "agent":
        desk.take(conversation_id, by=agent)
    elif door == "button":
        request_handoff(conversation_id)
    else:
        endings.close_by_contact(conversation_id)

    assert bot.take_turn(received.message.pk) is None
    assert bot.confirm_receipt(received.message.pk) is None
    assert not Message.objects.filter(author_kind="bot").exists()


def test_decision_of_an_older_epoch_is_not_said(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession, agent: Membership
) -> None:
    received = send(visitor, KNOWN)
    conversation_id = received.message.conversation_id
    epoch = Conversation.objects.get().epoch
    desk.take(conversation_id, by=agent)
    endings.return_to_bot(conversation_id, by=agent)
    again = send(visitor, KNOWN, conversation_id=conversation_id)

    said = bot.conclude(
        again.message,
        epoch,
        Decision(Outcome.SMALLTALK, rule="smalltalk.fine", reply="fine"),
        release_id=None,
        latency_ms=1,
    )

    assert said is None
    assert BotDecision.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_assistant_never_speaks_after_an_agent_took_the_word(
    in_tenant: Tenant,
    knowledge: Release,
    channel: Channel,
    admit: Callable[..., Admission],
    agent: Membership,
) -> None:
    search.warm(knowledge.pk)
    races = 200
    messages = [send(admit(channel).session, KNOWN).message for _ in range(races)]
    chance = random.Random(7)  # noqa: S311 -- no secret
    heads_start = [chance.uniform(-0.004, 0.012) for _ in range(races)]
    lanes = 2

    def think(lane: int) -> None:
        for number in range(lane, races, lanes):
            gates[number].wait(60)
            time.sleep(max(0.0, -heads_start[number]))
            bot.take_turn(messages[number].pk)

    def take(lane: int) -> None:
        for number in range(lane, races, lanes):
            gates[number].wait(60)
            time.sleep(max(0.0, heads_start[number]))
            desk.take(messages[number].conversation_id, by=agent)

    gates = [threading.Barrier(2) for _ in range(races)]
    outcomes = at_once(2 * lanes, lambda thread: (think if thread % 2 else take)(thread // 2))

    assert outcomes == [None] * (2 * lanes)
    spoken_late = 0
    answered = 0
    for message in messages:
        authors = list(
            Message.objects.filter(conversation=message.conversation_id)
            .order_by("seq")
            .values_list("author_kind", flat=True)
        )
        joined = authors.index("system")
        spoken_late += "bot" in authors[joined:]
        answered += "bot" in authors
    assert spoken_late == 0
    assert answered == BotDecision.objects.count()
    assert Conversation.objects.filter(status="human").count() == races
    assert ledger.verify()[1] is None


def test_failure_while_thinking_goes_to_people(
    in_tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    whole = EntryVersion.objects.first()
    assert whole is not None
    broken = EntryVersion.objects.create(
        entry=whole.entry,
        number=99,
        category_name="坏",
        question="坏的",
        phrasings=5,
        answer="坏的",
        content_hash="0" * 64,
    )
    release = Release.objects.create(number=99, entry_count=1)
    ReleaseItem.objects.create(release=release, version=broken)
    ActiveRelease.objects.update(release=release)

    reply = ask(visitor, KNOWN)

    decision = BotDecision.objects.get()
    with phrases.language_of(visitor.contact):
        assert reply.text == phrases.handed_off("failed", position=1)
    assert (decision.outcome, decision.rule, decision.reason) == ("handoff", "failed", "failed")
    assert Conversation.objects.get().status == "waiting_human"
    assert KNOWN not in caplog.text


def test_failure_while_concluding_goes_to_people(
    transactional_db: None, in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    search.warm(knowledge.pk)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM knowledge_releaseitem")
        cursor.execute("DELETE FROM knowledge_entryversion")

    ask(visitor, KNOWN)

    assert [(row.outcome, row.reason) for row in BotDecision.objects.all()] == [
        ("handoff", "failed")
    ]
    assert Message.objects.count() == 2
    assert ledger.verify()[1] is None


def test_answer_without_a_source_cannot_be_stored(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    reply = ask(visitor, KNOWN)

    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.filter(pk=reply.pk).update(entry_version=None)
    with (
        pytest.raises(IntegrityError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE conversations_message SET entry_version_id = NULL")
    reply.refresh_from_db()
    assert reply.entry_version is not None


def test_source_must_exist(in_tenant: Tenant, knowledge: Release, visitor: ContactSession) -> None:
    message = send(visitor, KNOWN).message
    invented = Decision(
        Outcome.ANSWER,
        rule="gate.answer",
        answer=Option(str(uuid.uuid4()), KNOWN, "编造的答案", 0.99),
    )

    with pytest.raises(TenantScopeError):
        bot.conclude(message, 0, invented, release_id=None, latency_ms=1)

    assert not Message.objects.filter(author_kind="bot").exists()
    assert BotDecision.objects.count() == 0


def test_confirmation_keeps_the_promise_and_the_answer_follows(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    received = send(visitor, KNOWN)

    confirmation = bot.confirm_receipt(received.message.pk)
    again = bot.confirm_receipt(received.message.pk)
    answer = bot.take_turn(received.message.pk)

    assert confirmation is not None
    with phrases.language_of(visitor.contact):
        assert confirmation.text == phrases.received()
    assert (confirmation.seq, confirmation.kind, confirmation.author_kind) == (
        2,
        "confirmation",
        "bot",
    )
    assert again is None
    assert answer is not None
    assert (answer.seq, answer.text) == (3, ANSWER)
    assert clocks("first_reply") == [("met", False)]


def test_no_confirmation_once_decided(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    received = send(visitor, KNOWN)
    bot.take_turn(received.message.pk)

    assert bot.confirm_receipt(received.message.pk) is None
    assert bot.confirm_receipt(uuid.uuid4()) is None
    assert Message.objects.count() == 2


def test_explanation_decides_alike_and_writes_nothing(
    in_tenant: Tenant, knowledge: Release
) -> None:
    answered, answers = bot.explain(KNOWN)
    handed_off, unasked = bot.explain("转人工")

    assert (answered.outcome, answered.rule) == (Outcome.ANSWER, "gate.answer")
    assert answers is not None
    assert answers.candidates[0].question == KNOWN
    assert (handed_off.outcome, unasked) == (Outcome.HANDOFF, None)
    assert BotDecision.objects.count() == 0


def test_decision_remembers_the_likelier_topics(
    in_tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    offered: Callable[..., search.Answers],
) -> None:
    offered(
        (KNOWN, 0.9),
        in_scope=0.95,
        topics={"legal": 0.93456, "ordinary": 0.05, "privacy": 0.0499},
    )

    ask(visitor, "你们得给个说法")

    decision = BotDecision.objects.get()
    assert (decision.rule, decision.reason) == ("topic.legal", "legal")
    assert (decision.topics, decision.in_scope) == ({"legal": 0.935, "ordinary": 0.05}, 0.95)
    assert Conversation.objects.get().handoff_reason == "legal"


def test_decision_of_a_rule_before_the_knowledge_base_has_no_topics(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    ask(visitor, "我要起诉你们")

    decision = BotDecision.objects.get()
    assert (decision.topics, decision.in_scope, decision.candidates) == ({}, None, [])


@pytest.mark.parametrize("topic", PhraseTopic.values)
def test_the_tenants_trigger_goes_to_people(
    in_tenant: Tenant, visitor: ContactSession, topic: str
) -> None:
    TopicPhrase.objects.create(topic=topic, phrase="灰指甲")

    reply = ask(visitor, "灰指甲能用吗")

    decision = BotDecision.objects.get()
    assert (decision.rule, decision.reason) == (f"topic.{topic}", topic)
    with phrases.language_of(visitor.contact):
        assert reply.text == phrases.handed_off(topic, position=1)


def test_the_tenants_exception_alarms_nobody(
    in_tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    offered: Callable[..., search.Answers],
) -> None:
    TopicPhrase.objects.create(kind="exception", phrase="打官司")
    offered((KNOWN, 0.9))

    assert ask(visitor, "电影《打官司》多久发货").text == ANSWER


def test_several_questions_at_once_are_offered_as_buttons(
    in_tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    offered: Callable[..., search.Answers],
) -> None:
    """Source: R26."""
    invoice = KNOWLEDGE[2][1]
    offered((KNOWN, 0.9), (invoice, 0.05), parts=[(KNOWN, 0.95), (invoice, 0.9)])

    reply = ask(visitor, "多久发货？能开发票吗？")

    assert (reply.kind, BotDecision.objects.get().rule) == ("clarify", "several")
    assert [button["label"] for button in reply.buttons[:2]] == [KNOWN, invoice]
    assert [button["action"] for button in reply.buttons] == ["reply", "reply", "handoff"]
    assert Conversation.objects.get().failed_turns == 0

    pressed = ask(visitor, KNOWN, context={"button": reply.buttons[0]["id"]})

    assert pressed.text == ANSWER
    assert not Proposal.objects.exists(), "of several questions none is this entry's phrasing"


def test_third_time_the_same_is_asked_it_goes_to_people(
    in_tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    offered: Callable[..., search.Answers],
) -> None:
    """Source: R25."""
    offered((KNOWN, 0.9))

    texts = ["多久可以发货", "请问，多久可以发货？", "那能换货吗", "多久可以发货！谢谢"]
    kinds = [ask(visitor, text).kind for text in texts]

    assert kinds == ["answer", "answer", "answer", "notice"]
    decision = BotDecision.objects.latest("decided_at")
    assert (decision.rule, decision.reason) == ("repeated", "repeated")
    assert Conversation.objects.get().handoff_reason == "repeated"


def test_short_words_may_be_said_again_and_again(
    in_tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    offered: Callable[..., search.Answers],
) -> None:
    offered((KNOWN, 0.9))

    assert {ask(visitor, "发货？").kind for _ in range(4)} == {"answer"}


def test_foreign_script_goes_to_people_with_its_reason(
    in_tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    offered: Callable[..., search.Answers],
) -> None:
    offered()

    reply = ask(visitor, "배송은 얼마나 걸려요")

    decision = BotDecision.objects.get()
    assert (decision.rule, decision.reason) == ("gate.unknown", "language")
    with phrases.language_of(visitor.contact):
        assert reply.text == phrases.handed_off("language", position=1)


def test_explanation_obeys_the_tenants_phrases(in_tenant: Tenant) -> None:
    TopicPhrase.objects.create(topic="offtopic", phrase="股票")

    decision, answers = bot.explain("股票怎么买")

    assert (decision.rule, answers) == ("topic.offtopic", None)
    assert bot.as_row(decision).reason == "offtopic"
