"""A language model may choose and word, within bounds; whatever it does, visitors get the truth."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from conversations import explanations, tasks, turns, visitors
from conversations.bench import model_server
from conversations.bench.model_server import BEHAVIOURS, ModelServer
from conversations.executor import close_pool
from conversations.models import BotDecision, ContactSession, Conversation, Message
from conversations.services import advice, bot, fidelity
from knowledge.models import EntryVersion, Release
from knowledge.search import Answers
from knowledge.services import matching
from tenants import clock
from tenants.models import Subprocessor, SubprocessorKind, Tenant, User
from tenants.roles import Role
from tenants.services import subprocessors
from tests.conftest import KNOWLEDGE
from tests.conversations.conftest import ANSWER, KNOWN
from tests.conversations.doors import clocks, send

OTHER, OTHER_ANSWER = KNOWLEDGE[1][1], KNOWLEDGE[1][3]
WORDS = "我的手机号 13812345678，东西什么时候能到"
Offered = Callable[..., Answers]


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> None:
    settings.OUTWARD_ALLOWED = ["127.0.0.1"]
    subprocessors.forget()


@pytest.fixture
def model(
    in_tenant: Tenant, make_member: Callable[..., User], knowledge: Release
) -> Iterator[ModelServer]:
    """Serve a language model that the tenant approved for everything."""
    boss = make_member(in_tenant, Role.CLIENT_ADMIN)
    with model_server.serving(model_server.helpful) as server:
        row = Subprocessor(
            kind=SubprocessorKind.LANGUAGE_MODEL, name="甲", base_url=server.url, model="m-1"
        )
        subprocessors.approve(subprocessors.save(row, by=boss, key="sk-1"), by=boss)
        settings = matching.current()
        settings.model_picks = settings.model_words = settings.model_drafts = True
        matching.change(settings, by=boss)
        yield server


@pytest.fixture
def unsure(offered: Offered) -> Callable[[], None]:
    """Leave the assistant unsure which of two entries is meant."""
    return lambda: offered((KNOWN, 0.5), (OTHER, 0.3), model_picks=True)


def choosing(number: int) -> model_server.Behaviour:
    def choose(server: ModelServer, asked: Any, handler: Any) -> None:
        server.say(handler, json.dumps({"choice": number}))

    return choose


def reply_to(session: ContactSession, text: str = WORDS) -> Message:
    message = send(session, text).message
    thought = bot.think(message, question=text)
    assert advice.is_wanted(thought.decision)
    reply = bot.say(bot.advised(thought))
    assert reply is not None
    return reply


def test_it_chooses_among_the_entries_and_the_entry_answers(
    model: ModelServer, visitor: ContactSession, unsure: Callable[[], None]
) -> None:
    unsure()
    model.behaviour = choosing(2)

    reply = reply_to(visitor)

    assert (reply.kind, reply.text) == ("answer", OTHER_ANSWER)
    assert reply.entry_version == EntryVersion.objects.get(question=OTHER)
    decision = BotDecision.objects.get()
    assert (decision.outcome, decision.rule) == ("answered", "model.pick")
    assert decision.advice["pick"] | {"ms": 0, "prompt": ""} == {
        "went": "well",
        "model": "m-1",
        "chosen": 1,
        "ms": 0,
        "prompt": "",
    }
    assert OTHER in explanations.why(decision)


def test_it_gets_no_contact_data_and_no_more_than_the_entries(
    model: ModelServer, visitor: ContactSession, unsure: Callable[[], None]
) -> None:
    unsure()
    reply_to(visitor)

    (asked,) = model.asked
    assert asked.given["question"] == "我的手机号 [phone]，东西什么时候能到"
    assert [entry["question"] for entry in asked.given["entries"]] == [KNOWN, OTHER]


def test_none_of_them_leaves_the_buttons(
    model: ModelServer, visitor: ContactSession, unsure: Callable[[], None]
) -> None:
    unsure()
    model.behaviour = choosing(0)

    reply = reply_to(visitor)

    assert reply.kind == "clarify"
    assert BotDecision.objects.get().rule == "gate.clarify"


@pytest.mark.parametrize(
    "name", ["dead", "failing", "refusing", "redirecting", "garbling", "flooding", "misnumbering"]
)
def test_a_bad_one_leaves_the_buttons_and_says_so(
    model: ModelServer, visitor: ContactSession, unsure: Callable[[], None], name: str
) -> None:
    unsure()
    model.behaviour = BEHAVIOURS[name]

    reply = reply_to(visitor)

    assert reply.kind == "clarify"
    decision = BotDecision.objects.get()
    assert decision.advice["pick"]["went"] in ("failed", "unusable")
    assert "chosen" not in decision.advice["pick"]


@pytest.mark.parametrize("name", ["slow", "dripping"])
def test_a_slow_one_is_not_waited_for(
    model: ModelServer,
    visitor: ContactSession,
    unsure: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setattr(advice, "SECONDS", 0.8)
    unsure()
    model.behaviour = BEHAVIOURS[name]

    reply = reply_to(visitor)

    assert reply.kind == "clarify"
    assert BotDecision.objects.get().advice["pick"]["went"] == "late"


def test_without_consent_it_is_not_asked(
    model: ModelServer, visitor: ContactSession, unsure: Callable[[], None]
) -> None:
    unsure()
    row = Subprocessor.objects.get()
    assert row.approved_by is not None
    subprocessors.withdraw(row, by=row.approved_by)

    reply = reply_to(visitor)

    assert reply.kind == "clarify"
    assert BotDecision.objects.get().advice["pick"]["went"] == "unapproved"
    assert model.asked == []


def test_it_words_an_answer_that_stays_true(
    model: ModelServer, visitor: ContactSession, offered: Offered
) -> None:
    offered((KNOWN, 0.9), model_words=True)

    reply = reply_to(visitor)

    assert (reply.text, reply.is_worded) == (f"您好，{ANSWER}", True)
    assert reply.entry_version == EntryVersion.objects.get(question=KNOWN)
    assert fidelity.compare().mismatched == 0


@pytest.mark.parametrize("name", ["lying", "betraying"])
def test_untrue_words_are_refused_and_the_entry_is_sent(
    model: ModelServer, visitor: ContactSession, offered: Offered, name: str
) -> None:
    offered((KNOWN, 0.9), model_words=True)
    model.behaviour = BEHAVIOURS[name]

    for number in range(10):
        subprocessors.forget()
        reply = reply_to(visitor, f"{WORDS}{number}")
        assert (reply.text, reply.is_worded) == (ANSWER, False)
    went = [row.advice["wording"]["went"] for row in BotDecision.objects.all()]
    assert went.count("refused") >= 7


def test_a_worded_answer_that_was_changed_later_is_a_mismatch(
    model: ModelServer, visitor: ContactSession, offered: Offered
) -> None:
    offered((KNOWN, 0.9), model_words=True)
    reply = reply_to(visitor)
    Message.objects.filter(pk=reply.pk).update(text=f"您好，{ANSWER}另送礼品。")

    assert fidelity.compare().mismatched == 1


@pytest.mark.parametrize("text", ["转人工", "我要起诉你们", "谢谢"])
def test_people_topics_and_small_talk_are_none_of_its_business(
    model: ModelServer, visitor: ContactSession, text: str
) -> None:
    message = send(visitor, text).message

    assert not advice.is_wanted(bot.think(message, question=text).decision)


@pytest.mark.django_db(transaction=True)
def test_a_slow_model_holds_up_no_other_turn_and_no_promise(
    model: ModelServer,
    visitor: ContactSession,
    unsure: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> None:
    settings.TURN_THREADS = 1
    monkeypatch.setattr(advice, "SECONDS", 1.5)
    monkeypatch.setattr(turns, "CONFIRM_AFTER_SECONDS", 0.2)
    unsure()
    model.behaviour = model_server.slow

    def write(text: str) -> Message:
        return visitors.send(
            visitor, client_msg_id=text, text=text, context={}, address="127.0.0.1"
        ).message

    began = time.monotonic()
    first = write(WORDS)
    while not Conversation.objects.get().advice_until:
        assert time.monotonic() - began < 10
        time.sleep(0.01)
    # The sweeper of another process leaves it alone for as long as advice may take.
    with clock.travel(first.received_at):
        assert Conversation.objects.get().advice_until > clock.now()
    close_pool()

    kinds = list(Message.objects.order_by("seq").values_list("kind", flat=True))
    assert kinds == ["text", "confirmation", "clarify"]
    assert clocks("first_reply") == [("met", False)]
    assert Conversation.objects.get().advice_until is None


def test_the_sweeper_waits_for_advice_and_then_decides_without(
    model: ModelServer, visitor: ContactSession, unsure: Callable[[], None], tenant: Tenant
) -> None:
    unsure()
    at = clock.now()
    message = send(visitor, WORDS).message
    bot.await_advice(bot.think(message, question=WORDS), seconds=6)

    with clock.travel(at + timedelta(seconds=4)):
        tasks.decide_undecided()
    waiting = Message.objects.count()
    with clock.travel(at + timedelta(seconds=8)):
        tasks.decide_undecided()

    assert waiting == 1
    assert Message.objects.latest("seq").kind == "clarify"
    assert model.asked == []
