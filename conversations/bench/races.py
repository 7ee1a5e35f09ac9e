"""Let the assistant's turn and an agent's taking meet, and see whether anybody spoke out of turn."""

import random
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from django.db import connections

from conversations.models import AuthorKind, Channel, Conversation, Message, MessageKind
from conversations.services import bot, contacts, desk, intake
from conversations.services.identity import Introduction
from conversations.services.intake import Inbound
from conversations.states import ConversationStatus
from tenants.models import Membership

_AWHILE = 60.0
# Seconds within which the taking comes: of a whole turn, and of its last step.
_WHOLE, _NARROW = 0.03, 0.004


@dataclass(frozen=True)
class Race:
    """What one meeting came to.

    `spoke` tells whether the assistant replied at all; `after` counts what it said once a person
    had the conversation.
    """

    spoke: bool
    after: int
    taken: bool


def run(channel: Channel, agent: Membership, text: str, number: int) -> Race:
    """Let a visitor ask, and the turn and an agent's taking go off together.

    The taking comes at a random instant of the turn. Every second time the turn has been thought
    and only the saying meets the taking: the narrowest gap there is. Every third time the visitor
    is about to hear that the question arrived as well.
    """
    visitor = contacts.admit(channel, Introduction(device_id=f"race-{number}")).session
    message = intake.receive(
        visitor.contact, channel, Inbound(client_msg_id=f"race-{number}", text=text)
    ).message
    chance = random.Random(number)  # noqa: S311 -- a seed, so that a race can be run again
    thought = bot.think(message, question=message.text) if number % 2 else None
    waits = [chance.uniform(0, _NARROW if thought else _WHOLE) for _ in range(2)]

    def turn() -> None:
        if thought:
            time.sleep(waits[0])
            bot.say(thought)
        else:
            bot.take_turn(message.pk)

    def take() -> None:
        time.sleep(waits[1])
        desk.take(message.conversation_id, by=agent)

    def confirm() -> None:
        if number % 3 == 0:
            bot.confirm_receipt(message.pk)

    _together(turn, take, confirm)
    return _judged(message.conversation_id)


def _judged(conversation_id: Any) -> Race:
    conversation = Conversation.objects.get(pk=conversation_id)
    said = list(
        Message.objects.filter(conversation=conversation)
        .order_by("seq")
        .values_list("author_kind", "seq", "kind")
    )
    # The only notice of the system is the one about the agent who joined.
    joined = next((seq for author, seq, _ in said if author == AuthorKind.SYSTEM), None)
    by_bot = [(seq, kind) for author, seq, kind in said if author == AuthorKind.BOT]
    return Race(
        spoke=any(kind != MessageKind.CONFIRMATION for _, kind in by_bot),
        after=sum(joined is not None and seq > joined for seq, _ in by_bot),
        taken=joined is not None and conversation.status == ConversationStatus.HUMAN,
    )


def _together(*work: Callable[[], object]) -> None:
    start = threading.Barrier(len(work))
    failed: list[BaseException] = []

    def go(one: Callable[[], object]) -> None:
        try:
            start.wait(_AWHILE)
            one()
        except BaseException as error:  # noqa: BLE001 -- raised again in the caller's thread
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=copy_context().run, args=(go, one)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
