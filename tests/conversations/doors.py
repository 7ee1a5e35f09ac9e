"""Ways through the services that many tests take."""

import threading
import uuid
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, TypeVar

from django.db import connections

from conversations.models import ContactSession, Message
from conversations.services import bot, intake
from conversations.services.intake import Inbound, Received
from tenants.models import Breach, LedgerEntry, Obligation

R = TypeVar("R")


def send(
    session: ContactSession,
    text: str,
    *,
    client_msg_id: str = "",
    conversation_id: uuid.UUID | None = None,
    **inbound: Any,
) -> Received:
    """Let the visitor of a session write; the assistant does not think about it yet."""
    return intake.receive(
        session.contact,
        session.channel,
        Inbound(client_msg_id=client_msg_id or uuid.uuid4().hex, text=text, **inbound),
        conversation_id=conversation_id,
    )


def ask(session: ContactSession, text: str, **inbound: Any) -> Message:
    """Let the visitor write and the assistant reply; return the reply."""
    reply = bot.take_turn(send(session, text, **inbound).message.pk)
    assert reply is not None
    return reply


def at_once(count: int, work: Callable[[int], R]) -> list[R | Exception]:
    """Call `work(0)` … `work(count - 1)` in as many threads, together; return what each came to."""
    results: list[Any] = [None] * count
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait(30)
        try:
            results[number] = work(number)
        except Exception as error:  # noqa: BLE001 -- the caller looks at it
            results[number] = error
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=copy_context().run, args=(run, number)) for number in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def ledger_kinds() -> list[str]:
    """Return what the ledger of the tenant in scope says happened since its creation, in order."""
    kinds = LedgerEntry.objects.order_by("position").values_list("kind", flat=True)
    return [kind for kind in kinds if kind != "tenant.created"]


def clocks(kind: str) -> list[tuple[str, bool]]:
    """Return state and lateness of the tenant's promises of a kind, oldest first."""
    late = set(Breach.objects.values_list("obligation_id", flat=True))
    return [
        (clock.state, clock.pk in late)
        for clock in Obligation.objects.filter(kind=kind).order_by("started_at", "pk")
    ]
