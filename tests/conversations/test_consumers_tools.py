"""What the console's sockets tell of the agent's tools: mentions, snoozes, who looks."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from conversations.executor import close_pool, in_pool
from conversations.hub import get_hub, reset_hub
from conversations.models import ContactSession
from conversations.services import desk, snoozes
from conversations.services.handoff import request_handoff
from tenants import clock
from tenants.models import Membership, Tenant
from tests.conversations.doors import send
from tests.conversations.test_consumers import HOST, Phone, cookie_of, inside, seated

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
async def fresh() -> AsyncIterator[None]:
    reset_hub()
    yield
    await asyncio.to_thread(close_pool)
    await get_hub().stop()
    reset_hub()


async def seat_of(member: Membership) -> Phone:
    cookie = await in_pool(cookie_of, member)
    return await seated((HOST, (b"origin", b"http://testserver"), cookie))


@pytest.fixture
async def held(tenant: Tenant, visitor: ContactSession, agent: Membership) -> uuid.UUID:
    def prepare() -> uuid.UUID:
        row = request_handoff(send(visitor, "找人").message.conversation_id)
        return desk.take(row.pk, by=agent).pk

    return await inside(tenant, prepare)  # type: ignore[no-any-return]


async def look(phone: Phone, conversation_id: uuid.UUID, member: Membership) -> None:
    """Watch and say so; one's own words say that both have been done."""
    await phone.send("watch", conversation_id=str(conversation_id), last_seq=9)
    await phone.send("viewing", conversation_id=str(conversation_id), on=True)
    await phone.hear_until("viewing", member=person(member))


def person(member: Membership) -> dict[str, str]:
    return {"id": str(member.pk), "name": member.display_name}


async def test_only_the_one_who_was_called_hears_of_a_mention(
    tenant: Tenant, held: uuid.UUID, agent: Membership, colleague: Membership
) -> None:
    theirs, own = await seat_of(colleague), await seat_of(agent)

    await inside(
        tenant, desk.note, held, "@周舟", by=agent, client_msg_id="n1", mentions=[colleague.pk]
    )
    frame = (await theirs.hear_until("mention.created"))[-1]

    assert frame["mention"]["conversation_id"] == str(held)
    assert (frame["mention"]["author"]["name"], frame["mention"]["read"]) == ("林晓", False)
    assert await own.quiet()
    await theirs.hang_up()
    await own.hang_up()


@pytest.mark.parametrize("because", ["visitor", "due"])
async def test_the_agent_hears_that_a_snoozed_conversation_is_back(
    tenant: Tenant,
    held: uuid.UUID,
    agent: Membership,
    visitor: ContactSession,
    because: str,
) -> None:
    phone = await seat_of(agent)

    def bring_back() -> None:
        at = clock.now()
        snoozes.snooze(held, at + timedelta(minutes=5), by=agent)
        if because == "visitor":
            send(visitor, "还在吗")
        else:
            with clock.travel(at + timedelta(minutes=6)):
                snoozes.wake_due(held)

    await inside(tenant, bring_back)
    heard = await phone.hear_all(
        {"t": "conversation.woken", "conversation_id": str(held), "because": because}
    )

    asleep = [
        frame["conversation"]["snoozed_until"] is not None
        for frame in heard
        if frame["t"] == "conversation.updated"
    ]
    assert asleep[:1] == [True]
    await phone.hang_up()


async def test_colleagues_see_who_looks_at_the_same_conversation(
    tenant: Tenant, held: uuid.UUID, agent: Membership, colleague: Membership
) -> None:
    own, theirs = await seat_of(agent), await seat_of(colleague)
    await look(own, held, agent)
    await look(theirs, held, colleague)

    there = (await own.hear_until("viewing", member=person(colleague)))[-1]
    await theirs.send("unwatch", conversation_id=str(held))
    gone = (await own.hear_until("viewing", on=False))[-1]

    expected: dict[str, Any] = {
        "t": "viewing",
        "conversation_id": str(held),
        "member": person(colleague),
    }
    assert (there, gone) == ({**expected, "on": True}, {**expected, "on": False})
    await own.hang_up()
    await theirs.hang_up()


async def test_a_closed_window_looks_no_more(
    held: uuid.UUID, agent: Membership, colleague: Membership
) -> None:
    own, theirs = await seat_of(agent), await seat_of(colleague)
    await look(own, held, agent)
    await look(theirs, held, colleague)

    await theirs.hang_up()
    gone = (await own.hear_until("viewing", on=False))[-1]

    assert gone["member"]["name"] == "周舟"
    await own.hang_up()


async def test_one_must_watch_to_be_seen(held: uuid.UUID, agent: Membership) -> None:
    phone = await seat_of(agent)

    await phone.send("viewing", conversation_id=str(held), on=True)
    error = (await phone.hear_until("error"))[-1]

    assert error["code"] == "not_found"
    await phone.hang_up()
