"""What a socket gives away: of a foreign conversation as little as of one that is not there."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client

from config.asgi import application
from conversations import events
from conversations.executor import close_pool, in_pool
from conversations.hub import get_hub, reset_hub
from conversations.models import Conversation, Message
from conversations.services import contacts, desk
from conversations.services.contacts import Admission
from tenants.actors import SESSION_TENANT
from tenants.ids import new_id
from tenants.models import Membership, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services.onboarding import create_tenant
from tests.world import World, admit, furnish, write

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 20.0
HERE = "http://testserver"


@pytest.fixture(autouse=True)
async def _fresh() -> AsyncIterator[None]:
    reset_hub()
    yield
    await asyncio.to_thread(close_pool)
    await get_hub().stop()
    reset_hub()


@pytest.fixture
def own(transactional_db: None) -> World:
    return furnish(create_tenant(slug="qinghe", name="青禾生活"), "甲方")


@pytest.fixture
def other(transactional_db: None) -> World:
    return furnish(create_tenant(slug="yunshan", name="云杉家电"), "乙方机密")


@pytest.fixture
def neighbour(own: World) -> Conversation:
    """A conversation of another visitor of the own tenant."""
    with tenant_scope(own.tenant):
        return write(admit(own.channel, "邻居机密"), "邻居机密的问题").conversation


class Line:
    """One socket, and what it hears."""

    def __init__(self, path: str, *offers: str, **headers: str) -> None:
        sent = {"host": "testserver", **headers}
        self.wire = WebsocketCommunicator(
            application,
            path,
            [(name.encode(), value.encode()) for name, value in sent.items() if value],
            list(offers),
        )

    async def open(self) -> "Line":
        accepted, _protocol = await self.wire.connect(timeout=PATIENCE)
        assert accepted
        return self

    async def outcome(self) -> Any:
        """Return "ready", or the code with which the socket was closed."""
        while True:
            output = await self.wire.receive_output(timeout=PATIENCE)
            if output["type"] == "websocket.close":
                return output["code"]
            if json.loads(output["text"])["t"] == "ready":
                return "ready"

    async def ask(self, **frame: Any) -> list[dict[str, Any]]:
        """Send a frame; return what is heard until it is quiet again."""
        await self.wire.send_to(text_data=json.dumps(frame))
        answer = [await self.wire.receive_json_from(timeout=PATIENCE)]
        while not await self.wire.receive_nothing(timeout=0.05):
            answer.append(await self.wire.receive_json_from(timeout=PATIENCE))
        return answer

    async def close(self) -> None:
        await self.wire.disconnect(timeout=PATIENCE)


async def visitor_line(admission: Admission) -> Line:
    line = await Line("/ws/client/v1", "cs.v1", f"auth.{admission.token}").open()
    assert await line.outcome() == "ready"
    return line


def cookie_of(user: User, tenant: Tenant | None = None) -> str:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    if tenant is not None:
        session = client.session
        session[SESSION_TENANT] = tenant.pk
        session.save()
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


async def inside(tenant: Tenant, work: Callable[..., Any], *args: Any, **more: Any) -> Any:
    def run() -> Any:
        with tenant_scope(tenant):
            return work(*args, **more)

    return await in_pool(run)


def told(frames: list[dict[str, Any]], pk: object) -> str:
    return json.dumps(frames, ensure_ascii=False).replace(str(pk), "<id>")


VISITORS_FRAMES: list[dict[str, Any]] = [
    {"t": "resume", "last_seq": 0},
    {"t": "message.send", "client_msg_id": "m-1", "text": "你好"},
    {"t": "read", "up_to_seq": 1},
]
AGENTS_FRAMES: list[dict[str, Any]] = [
    {"t": "watch", "last_seq": 0, "last_note": 0},
    {"t": "typing", "on": True},
    {"t": "viewing", "on": True},
]


@pytest.mark.parametrize("frame", VISITORS_FRAMES, ids=lambda frame: frame["t"])
async def test_visitor_finds_no_conversation_but_their_own(
    own: World, other: World, neighbour: Conversation, frame: dict[str, Any]
) -> None:
    line = await visitor_line(own.visitor)
    pks = [neighbour.pk, other.pk("conversations.conversation"), new_id(), "no-id"]

    heard = [told(await line.ask(**frame, conversation_id=str(pk)), pk) for pk in pks]

    assert len(set(heard)) == 1
    assert [each["code"] for each in json.loads(heard[0])] == ["not_found"]
    assert get_hub().members(events.contact_group(neighbour.contact_id)) == []
    await line.close()


@pytest.mark.parametrize("frame", AGENTS_FRAMES, ids=lambda frame: frame["t"])
async def test_agent_finds_no_conversation_of_another_tenant(
    own: World, other: World, frame: dict[str, Any]
) -> None:
    cookie = await in_pool(cookie_of, own.people[Role.AGENT])
    line = await Line("/ws/console/v1/", cookie=cookie, origin=HERE).open()
    assert await line.outcome() == "ready"
    pks = [other.pk("conversations.conversation"), new_id(), "no-id"]

    heard = [told(await line.ask(**frame, conversation_id=str(pk)), pk) for pk in pks]

    assert len(set(heard)) == 1
    assert [each["code"] for each in json.loads(heard[0])] == ["not_found"]
    await line.close()


async def test_nothing_of_others_is_heard_after_asking_for_it(
    own: World, other: World, neighbour: Conversation
) -> None:
    foreign = other.pk("conversations.conversation")
    visitor = await visitor_line(own.visitor)
    cookie = await in_pool(cookie_of, own.people[Role.AGENT])
    agent = await Line("/ws/console/v1/", cookie=cookie, origin=HERE).open()
    assert await agent.outcome() == "ready"
    for pk in (foreign, neighbour.pk):
        await visitor.ask(t="resume", conversation_id=str(pk), last_seq=0)
    await agent.ask(t="watch", conversation_id=str(foreign), last_seq=0)

    member = other.rows["tenants.membership"]
    await inside(other.tenant, desk.take, foreign, by=member)
    await inside(other.tenant, desk.reply, foreign, "乙方机密", by=member, client_msg_id="r1")
    await inside(other.tenant, desk.note, foreign, "乙方机密", by=member, client_msg_id="n9")
    await inside(own.tenant, desk.take, neighbour.pk, by=own.rows["tenants.membership"])

    assert await visitor.wire.receive_nothing(timeout=0.2)
    frames = await agent.ask(t="ping")
    assert other.mark not in told(frames, "")
    assert str(foreign) not in told(frames, "")
    await visitor.close()
    await agent.close()


@pytest.mark.parametrize(
    ("origin", "outcome"),
    [
        (HERE, "ready"),
        ("", 4403),
        ("null", 4403),
        ("http://evil.example", 4403),
        ("http://testserver.evil.example", 4403),
        ("http://testserver:8000", 4403),
        ("https://yunshan.example", 4403),
        ("https://qinghe.example", 4403),
    ],
)
async def test_console_socket_is_for_its_own_page(own: World, origin: str, outcome: Any) -> None:
    """Source: contract T38. A cookie travels with every page's handshake; Origin tells whose."""
    cookie = await in_pool(cookie_of, own.people[Role.AGENT])
    line = await Line("/ws/console/v1/", cookie=cookie, origin=origin).open()

    assert await line.outcome() == outcome
    await line.close()


SEATS = {
    Role.ACCOUNT_MANAGER: 4401,
    Role.CLIENT_ADMIN: "ready",
    Role.KNOWLEDGE_EDITOR: 4401,
    Role.SUPERVISOR: "ready",
    Role.AGENT: "ready",
    Role.CLIENT_READONLY: 4401,
}


@pytest.mark.parametrize(("role", "outcome"), SEATS.items(), ids=list(SEATS))
async def test_console_socket_is_for_those_who_may_enter(
    own: World, role: str, outcome: Any
) -> None:
    cookie = await in_pool(cookie_of, own.people[role])
    line = await Line("/ws/console/v1/", cookie=cookie, origin=HERE).open()

    assert await line.outcome() == outcome
    await line.close()


@pytest.mark.parametrize("cookie", ["", "sessionid=", "sessionid=nonsense", "other=1"])
async def test_console_socket_needs_somebody_signed_in(own: World, cookie: str) -> None:
    line = await Line("/ws/console/v1/", cookie=cookie, origin=HERE).open()

    assert await line.outcome() == 4401
    await line.close()


async def test_operator_without_a_tenant_has_no_seat_and_with_one_looks_only(own: World) -> None:
    operator = await in_pool(User.objects.create_superuser, "operator@platform.example")
    nowhere = await Line(
        "/ws/console/v1/", cookie=await in_pool(cookie_of, operator), origin=HERE
    ).open()
    assert await nowhere.outcome() == 4401

    cookie = await in_pool(cookie_of, operator, own.tenant)
    inside_it = await Line("/ws/console/v1/", cookie=cookie, origin=HERE).open()
    assert await inside_it.outcome() == "ready"
    pk = str(own.pk("conversations.conversation"))
    watched = await inside_it.ask(t="watch", conversation_id=pk, last_seq=0)
    typed = await inside_it.ask(t="typing", conversation_id=pk, on=True)

    assert {frame["t"] for frame in watched} == {"message.created", "note.created"}
    assert [frame["code"] for frame in typed] == ["not_found"]
    await nowhere.close()
    await inside_it.close()


async def test_staff_cookie_opens_no_visitors_socket(own: World) -> None:
    cookie = await in_pool(cookie_of, own.people[Role.CLIENT_ADMIN])
    line = await Line("/ws/client/v1", "cs.v1", cookie=cookie, origin=HERE).open()

    await line.wire.send_to(text_data='{"t": "resume", "last_seq": 0}')

    assert await line.outcome() == 4401


async def test_visitors_token_opens_no_console(own: World) -> None:
    line = await Line("/ws/console/v1/", f"auth.{own.visitor.token}", origin=HERE).open()

    assert await line.outcome() == 4401
    await line.close()


async def test_revoked_visitor_is_refused_at_the_door_and_inside(own: World) -> None:
    line = await visitor_line(own.visitor)
    await inside(own.tenant, contacts.revoke, own.visitor.session)
    pk = str(own.pk("conversations.conversation"))

    heard = [await line.ask(**frame, conversation_id=pk) for frame in VISITORS_FRAMES]
    again = await Line("/ws/client/v1", "cs.v1", f"auth.{own.visitor.token}").open()

    assert [frame["code"] for frames in heard for frame in frames] == ["token_expired"] * 3
    assert await again.outcome() == 4401
    assert await inside(own.tenant, Message.objects.filter(text="你好").count) == 0
    await line.close()
    await again.close()


async def test_deactivated_member_is_shown_out(own: World) -> None:
    cookie = await in_pool(cookie_of, own.people[Role.AGENT])
    line = await Line("/ws/console/v1/", cookie=cookie, origin=HERE).open()
    assert await line.outcome() == "ready"
    member = Membership.objects.filter(pk=own.pk("tenants.membership"))
    await inside(own.tenant, member.update, is_active=False)

    await line.wire.send_to(text_data='{"t": "watch", "conversation_id": "x", "last_seq": 0}')
    again = await Line("/ws/console/v1/", cookie=cookie, origin=HERE).open()

    assert await line.outcome() == 4403
    assert await again.outcome() == 4401
    await again.close()
