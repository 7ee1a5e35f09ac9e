"""Turns in the executor: beside the request, confirmed when slow, never lost."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conversations import in_hand, turns, visitors
from conversations.executor import close_pool, submit
from conversations.models import ContactSession, Conversation, Message
from knowledge.models import Release
from tenants.models import LedgerHead, Tenant
from tests.conversations.conftest import ANSWER, KNOWN
from tests.conversations.doors import clocks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def busy_pool(settings: Any) -> Iterator[Callable[[], None]]:
    """Occupy every thread of the executor; call the fixture to let go."""
    settings.TURN_THREADS = 2
    gate = threading.Event()
    for _ in range(2):
        submit(gate.wait, 60)
    yield gate.set
    gate.set()


def write(session: ContactSession, text: str = KNOWN) -> Message:
    return visitors.send(
        session,
        client_msg_id=uuid.uuid4().hex,
        text=text,
        context={},
        address="127.0.0.1",
    ).message


def until(condition: Callable[[], object]) -> bool:
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def kinds() -> list[str]:
    return list(Message.objects.order_by("seq").values_list("kind", flat=True))


def test_turn_runs_beside_the_request_in_its_tenant(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    message = write(visitor)
    close_pool()

    assert message.seq == 1
    assert Message.objects.latest("seq").text == ANSWER
    assert not in_hand.holds(message.pk)


def test_slow_turn_is_confirmed_though_the_executor_is_full(
    in_tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    busy_pool: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "CONFIRM_AFTER_SECONDS", 0.05)
    message = write(visitor)

    confirmed = until(lambda: kinds() == ["text", "confirmation"])
    held = in_hand.holds(message.pk)
    busy_pool()
    answered = until(lambda: kinds() == ["text", "confirmation", "answer"])

    assert (confirmed, held, answered) == (True, True, True)
    assert clocks("first_reply") == [("met", False)]


def test_turn_that_cannot_be_committed_is_left_to_the_sweeper(
    in_tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = threading.Event()
    for _ in range(4):
        submit(gate.wait, 60)
    message = write(visitor)
    head = LedgerHead.objects.get()
    LedgerHead.objects.all().delete()
    gate.set()
    close_pool()

    assert kinds() == ["text"]
    assert Conversation.objects.get().undecided_seq == 1
    assert not in_hand.holds(message.pk)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        f"Turn not concluded: message {message.pk}",
        f"Turn not committed: message {message.pk}",
    ]
    assert KNOWN not in caplog.text
    LedgerHead.objects.create(position=head.position, hash=head.hash)


def test_burst_is_one_question_whoever_is_faster(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession, busy_pool: Callable[[], None]
) -> None:
    for text in ("你好", "在吗", KNOWN):
        write(visitor, text)
    busy_pool()
    close_pool()

    assert kinds() == ["text", "text", "text", "answer"]
