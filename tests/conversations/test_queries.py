"""What a question is, and how often it was asked before."""

from collections.abc import Callable

import pytest

from conversations.models import ContactSession, Message
from conversations.queries import asked_before, question_of
from conversations.services import bot
from knowledge.search import Answers
from tenants.models import Tenant
from tests.conversations.doors import ask, send

WORDS = "东西什么时候能寄到"


@pytest.fixture(autouse=True)
def _understood(in_tenant: Tenant, offered: Callable[..., Answers]) -> None:
    offered(topics={"smalltalk": 0.9})


def asked(session: ContactSession, *texts: str) -> tuple[int, str]:
    """Let the visitor write these as one run; return how often it was asked before, and the run."""
    message: Message | None = None
    for text in texts:
        message = send(session, text).message
    assert message is not None
    question = question_of(message)
    return asked_before(message, question), question


def test_the_first_question_was_never_asked(in_tenant: Tenant, visitor: ContactSession) -> None:
    assert asked(visitor, WORDS) == (0, WORDS)


def test_questions_before_count_whatever_their_spelling(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    for text in (WORDS, "你好，" + WORDS + "？？", "有没有别的颜色", "東西什麼時候能寄到"):
        ask(visitor, text)

    assert asked(visitor, WORDS) == (3, WORDS)


def test_a_run_of_messages_is_one_question(in_tenant: Tenant, visitor: ContactSession) -> None:
    halves = ("我前天买的", WORDS)
    first = [send(visitor, text).message for text in halves]
    bot.take_turn(first[-1].pk)
    ask(visitor, WORDS)

    assert asked(visitor, *halves) == (1, "\n".join(halves))


def test_said_twice_before_any_reply_is_asked_once(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    assert asked(visitor, WORDS, WORDS, WORDS)[0] == 0


def test_a_confirmation_of_receipt_ends_no_run(in_tenant: Tenant, visitor: ContactSession) -> None:
    bot.confirm_receipt(send(visitor, WORDS).message.pk)

    assert asked(visitor, WORDS) == (0, f"{WORDS}\n{WORDS}")


def test_very_short_words_are_always_new(in_tenant: Tenant, visitor: ContactSession) -> None:
    for _number in range(3):
        ask(visitor, "发货？")

    assert asked(visitor, "发货")[0] == 0


def test_what_was_asked_long_ago_is_forgotten(in_tenant: Tenant, visitor: ContactSession) -> None:
    ask(visitor, WORDS)
    for number in range(10):
        ask(visitor, f"第{number}款有没有货")

    assert asked(visitor, WORDS)[0] == 0
