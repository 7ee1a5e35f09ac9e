"""What conversations teach, and what they do not."""

import uuid
from collections.abc import Callable

import pytest

from conversations import visitors
from conversations.models import BotDecision, ContactSession, Conversation, Message
from conversations.services import bot, desk
from knowledge.models import EntryVersion, Proposal, Release
from knowledge.search import Answers
from tenants.errors import NotFoundError
from tenants.models import Membership, Tenant
from tests.conftest import KNOWLEDGE
from tests.conversations.conftest import ANSWER, KNOWN
from tests.conversations.doors import ask, send

OTHER = KNOWLEDGE[1][1]
WORDS = "东西什么时候能寄到我手上"

Offered = Callable[..., Answers]


def version(question: str) -> EntryVersion:
    return EntryVersion.objects.get(question=question)


def proposed() -> list[tuple[str, str, str | None, float | None]]:
    rows = Proposal.objects.order_by("first_seen", "pk").values_list(
        "source", "text", "entry__question", "p"
    )
    return list(rows)


def test_a_pressed_button_teaches_what_the_words_before_meant(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession, offered: Offered
) -> None:
    offered((KNOWN, 0.5), (OTHER, 0.3))
    choice = ask(visitor, WORDS)
    button = next(each for each in choice.buttons if each["label"] == OTHER)

    ask(visitor, OTHER, context={"button": button["id"]})

    assert proposed() == [("button", WORDS, OTHER, 0.3)]
    question = BotDecision.objects.get(rule="gate.clarify").question
    assert Proposal.objects.get().message_id == question.pk


def test_a_run_of_messages_before_the_choice_is_one_question(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession, offered: Offered
) -> None:
    offered((KNOWN, 0.5))
    send(visitor, "我前天买的东西")
    ask(visitor, "什么时候能寄到")

    ask(visitor, KNOWN, context={"button": str(version(KNOWN).pk)})

    assert proposed() == [("button", "我前天买的东西 什么时候能寄到", KNOWN, 0.5)]


def test_a_button_nobody_offered_teaches_nothing(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession, offered: Offered
) -> None:
    offered((KNOWN, 0.5))
    pressed_first = ask(visitor, OTHER, context={"button": str(version(OTHER).pk)})
    ask(visitor, WORDS)

    forged = ask(visitor, OTHER, context={"button": str(version(OTHER).pk)})

    assert (pressed_first.kind, forged.kind) == ("answer", "answer")
    assert proposed() == []


@pytest.mark.parametrize("found", [[(KNOWN, 0.1)], []], ids=["far", "none"])
def test_a_question_without_an_answer_is_kept(
    in_tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    offered: Offered,
    found: list[tuple[str, float]],
) -> None:
    offered(*found)

    ask(visitor, WORDS)

    assert proposed() == [("unanswered", WORDS, None, 0.1 if found else None)]
    assert Proposal.objects.get().message_id == Message.objects.get(seq=1).pk


def test_a_question_not_understood_twice_is_kept(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession, offered: Offered
) -> None:
    offered((KNOWN, 0.5))
    ask(visitor, WORDS)

    ask(visitor, "我说的是预售的那一件")

    assert BotDecision.objects.latest("decided_at").rule == "gate.unclear"
    assert proposed() == [("unanswered", "我说的是预售的那一件", None, 0.5)]


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        (WORDS, {"fault": 0.9}),
        (WORDS, {"offtopic": 0.9}),
        (WORDS, {"legal": 0.9}),
        ("배송은 얼마나 걸려요", {}),
        ("转人工", {}),
        ("我要起诉你们", {}),
    ],
)
def test_what_went_to_people_for_another_reason_is_not_kept(
    in_tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    offered: Offered,
    text: str,
    topics: dict[str, float],
) -> None:
    offered((KNOWN, 0.1), topics=topics)

    ask(visitor, text)

    assert proposed() == []


def test_a_helpful_answer_teaches_its_question(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession, offered: Offered
) -> None:
    offered((KNOWN, 0.9))
    answer = ask(visitor, WORDS)

    for helpful in (False, True, True):
        visitors.judge(visitor, answer.pk, helpful=helpful, comment="")

    assert proposed() == [("thumb", WORDS, KNOWN, 0.9)]
    assert Proposal.objects.get().times == 1


def test_words_before_a_confirmation_are_taught_with_the_question(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession, offered: Offered
) -> None:
    offered((KNOWN, 0.9))
    message = send(visitor, WORDS).message
    bot.confirm_receipt(message.pk)
    answer = bot.take_turn(message.pk)
    assert answer is not None

    visitors.judge(visitor, answer.pk, helpful=True, comment="")

    assert proposed() == [("thumb", WORDS, KNOWN, 0.9)]


def test_thumbs_teach_nothing_that_is_known_or_was_chosen(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession, offered: Offered
) -> None:
    offered((KNOWN, 0.99))
    exact = ask(visitor, WORDS)
    offered((KNOWN, 0.5))
    choice = ask(visitor, "那另外一件呢什么时候寄")
    Proposal.objects.all().delete()
    pressed = ask(visitor, KNOWN, context={"button": choice.buttons[0]["id"]})
    Proposal.objects.all().delete()
    chat = ask(visitor, "谢谢")

    for message in (exact, choice, pressed, chat):
        visitors.judge(visitor, message.pk, helpful=True, comment="")
    offered((KNOWN, 0.9))
    visitors.judge(visitor, ask(visitor, "寄货要多少天呀").pk, helpful=False, comment="")

    assert proposed() == []


def test_a_judgement_of_nothing_teaches_nothing(in_tenant: Tenant, visitor: ContactSession) -> None:
    with pytest.raises(NotFoundError):
        visitors.judge(visitor, uuid.uuid4(), helpful=True, comment="")

    assert proposed() == []


def test_what_was_not_committed_teaches_nothing(
    in_tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    offered: Offered,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_events: object) -> None:
        raise RuntimeError

    offered((KNOWN, 0.1))
    received = send(visitor, WORDS)
    monkeypatch.setattr("conversations.services.bot.ledger.append", fail)

    with pytest.raises(RuntimeError):
        bot.take_turn(received.message.pk)

    assert proposed() == []


def taken_over(visitor: ContactSession, agent: Membership, words: str) -> Conversation:
    """Let a question go to people, and the agent take it."""
    reply = ask(visitor, words)
    return desk.take(reply.conversation_id, by=agent)


def test_a_standard_answer_that_an_agent_sends_teaches_what_was_meant(
    in_tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    agent: Membership,
    offered: Offered,
) -> None:
    offered((OTHER, 0.1))
    conversation = taken_over(visitor, agent, WORDS)
    assert [row[:3] for row in proposed()] == [("unanswered", WORDS, None)]

    desk.reply(conversation.pk, ANSWER, by=agent, client_msg_id="a-1")
    desk.reply(conversation.pk, ANSWER, by=agent, client_msg_id="a-2")

    assert proposed() == [("agent", WORDS, KNOWN, None)]


def test_an_agents_own_words_teach_nothing(
    in_tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    agent: Membership,
    offered: Offered,
) -> None:
    offered((OTHER, 0.1))
    conversation = taken_over(visitor, agent, WORDS)

    desk.reply(conversation.pk, f"您好，{ANSWER}", by=agent, client_msg_id="a-1")

    assert [row[:3] for row in proposed()] == [("unanswered", WORDS, None)]


def test_a_standard_answer_after_a_wish_for_people_teaches_nothing(
    in_tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    agent: Membership,
) -> None:
    conversation = taken_over(visitor, agent, "转人工")

    desk.reply(conversation.pk, ANSWER, by=agent, client_msg_id="a-1")

    assert proposed() == []


def test_an_answer_that_two_entries_give_teaches_nothing(
    in_tenant: Tenant,
    publish: Callable[..., Release],
    visitor: ContactSession,
    agent: Membership,
    offered: Offered,
) -> None:
    publish(in_tenant, [*KNOWLEDGE, ("配送", "到货要多久？", [], ANSWER)])
    offered((OTHER, 0.1))
    conversation = taken_over(visitor, agent, WORDS)

    desk.reply(conversation.pk, ANSWER, by=agent, client_msg_id="a-1")

    assert [row[:3] for row in proposed()] == [("unanswered", WORDS, None)]
