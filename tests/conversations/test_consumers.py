"""Both sockets through the ASGI application (protocols §3.4): real frames, real database."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from config.asgi import application
from conversations import consumers, turns
from conversations.consumers import VisitorConsumer
from conversations.executor import close_pool, in_pool
from conversations.hub import get_hub, reset_hub
from conversations.models import (
    AgentGroup,
    Channel,
    ChannelStatus,
    ContactSession,
    Conversation,
    GroupMember,
    Message,
    Note,
)
from conversations.services import blocks, contacts, desk, endings, intake, presences
from conversations.services.contacts import Admission
from conversations.services.handoff import request_handoff
from knowledge.models import Release
from tenants import clock
from tenants.models import Membership, Tenant, TenantStatus, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.conversations.conftest import ANSWER, KNOWN
from tests.conversations.doors import ask, send

pytestmark = pytest.mark.django_db(transaction=True)

HOST = (b"host", b"testserver")
PATIENCE = 20.0


@pytest.fixture(autouse=True)
async def fresh() -> AsyncIterator[None]:
    reset_hub()
    yield
    await asyncio.to_thread(close_pool)
    await get_hub().stop()
    reset_hub()


@pytest.fixture
def admission(channel: Channel, admit: Callable[..., Admission]) -> Admission:
    return admit(channel)


class Phone:
    """One end of a socket: what it sends and hears, in order."""

    def __init__(
        self,
        path: str = "/ws/client/v1",
        *,
        offers: tuple[str, ...] = (),
        headers: tuple[tuple[bytes, bytes], ...] = (HOST,),
    ) -> None:
        self.line = WebsocketCommunicator(application, path, list(headers), list(offers))

    async def dial(self) -> str | None:
        accepted, subprotocol = await self.line.connect(timeout=PATIENCE)
        assert accepted
        return subprotocol

    async def send(self, kind: str, **members: Any) -> None:
        await self.line.send_to(text_data=json.dumps({"t": kind, **members}, ensure_ascii=False))

    async def hear(self) -> dict[str, Any]:
        return await self.line.receive_json_from(timeout=PATIENCE)

    async def hear_until(self, kind: str, **members: Any) -> list[dict[str, Any]]:
        """Return the frames up to the first of this kind with these members."""
        heard = []
        wanted = {"t": kind, **members}
        while not heard or {**heard[-1], **wanted} != heard[-1]:
            heard.append(await self.hear())
        return heard

    async def hear_all(self, *wanted: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the frames up to where each of these has come, in whatever order."""
        heard: list[dict[str, Any]] = []
        missing = list(wanted)
        while missing:
            heard.append(await self.hear())
            missing = [frame for frame in missing if {**heard[-1], **frame} != heard[-1]]
        return heard

    async def hear_close(self) -> int:
        """Return the code of the close, whatever frames come before it."""
        while True:
            output = await self.line.receive_output(timeout=PATIENCE)
            if output["type"] == "websocket.close":
                return output["code"]

    async def quiet(self) -> bool:
        return await self.line.receive_nothing(timeout=0.1)

    async def hang_up(self) -> None:
        await self.line.disconnect(timeout=PATIENCE)


async def connected(admission: Admission, **headers: str) -> Phone:
    """Dial with the token of a session and hear `ready`."""
    phone = Phone(
        offers=("cs.v1", f"auth.{admission.token}"),
        headers=(HOST, *((name.encode(), value.encode()) for name, value in headers.items())),
    )
    assert await phone.dial() == "cs.v1"
    assert (await phone.hear())["t"] == "ready"
    return phone


async def inside(tenant: Tenant, work: Callable[..., Any], *args: Any, **more: Any) -> Any:
    """Do database work in the tenant's scope, in the executor."""

    def run() -> Any:
        with tenant_scope(tenant):
            return work(*args, **more)

    return await in_pool(run)


def cookie_of(member: Membership) -> tuple[bytes, bytes]:
    store = SessionStore()
    store[SESSION_KEY] = str(member.user.pk)
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store[HASH_SESSION_KEY] = member.user.get_session_auth_hash()
    store.save()
    return (b"cookie", f"sessionid={store.session_key}".encode())


@pytest.fixture
def seat(agent: Membership) -> tuple[tuple[bytes, bytes], ...]:
    return (HOST, (b"origin", b"http://testserver"), cookie_of(agent))


async def seated(seat: tuple[tuple[bytes, bytes], ...]) -> Phone:
    phone = Phone("/ws/console/v1/", headers=seat)
    await phone.dial()
    assert (await phone.hear_until("ready"))[-1]["t"] == "ready"
    return phone


# Getting in


async def test_subprotocol_authenticates_and_only_the_protocol_is_echoed(
    admission: Admission,
) -> None:
    phone = Phone(offers=("cs.v1", f"auth.{admission.token}"))

    assert await phone.dial() == "cs.v1"
    ready = await phone.hear()
    assert set(ready) == {"t", "session", "server_time"}
    assert (ready["t"], ready["session"]) == (
        "ready",
        {"contact_id": str(admission.session.contact_id), "verified": False},
    )
    await phone.hang_up()


async def test_bearer_header_authenticates_an_app(admission: Admission) -> None:
    phone = Phone(headers=(HOST, (b"authorization", f"Bearer {admission.token}".encode())))

    assert await phone.dial() is None
    assert (await phone.hear())["t"] == "ready"
    await phone.hang_up()


async def test_first_frame_authenticates(admission: Admission) -> None:
    phone = Phone()
    await phone.dial()

    await phone.send("auth", token=admission.token)

    assert (await phone.hear())["t"] == "ready"
    await phone.hang_up()


async def test_silence_instead_of_a_token_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert VisitorConsumer.auth_seconds == 5.0
    monkeypatch.setattr(VisitorConsumer, "auth_seconds", 0.1)
    phone = Phone()
    await phone.dial()

    assert await phone.hear_close() == 4408
    await phone.hang_up()


@pytest.mark.parametrize("token", ["guess", "cs_x_y", "cs_\x00_y", ""])
async def test_unknown_token_is_closed(tenant: Tenant, token: str) -> None:
    phone = Phone()
    await phone.dial()

    await phone.send("auth", token=token)

    assert await phone.hear_close() == 4401
    await phone.hang_up()


@pytest.mark.parametrize("why", ["revoked", "expired", "disabled", "suspended"])
async def test_token_that_lost_its_worth_is_told_and_closed(
    tenant: Tenant, admission: Admission, why: str
) -> None:
    def spoil() -> None:
        sessions = ContactSession.objects.filter(pk=admission.session.pk)
        if why == "revoked":
            sessions.update(revoked_at=clock.now())
        elif why == "expired":
            sessions.update(expires_at=clock.now() - timedelta(seconds=1))
        elif why == "disabled":
            Channel.objects.update(status=ChannelStatus.DISABLED)
        else:
            Tenant.objects.update(status=TenantStatus.SUSPENDED)

    await inside(tenant, spoil)
    phone = Phone(offers=("cs.v1", f"auth.{admission.token}"))
    await phone.dial()

    error = await phone.hear()

    left = why in ("revoked", "expired")
    assert (error["t"], error["code"]) == (
        "error",
        "token_expired" if left else "channel_disabled",
    )
    assert await phone.hear_close() == (4401 if left else 4403)
    await phone.hang_up()


@pytest.mark.parametrize(
    ("origin", "code"),
    [
        ("http://testserver", None),
        ("https://www.qinghe.example", None),
        ("https://evil.example", 4403),
        ("null", 4403),
    ],
)
async def test_pages_are_admitted_by_their_origin(
    tenant: Tenant, admission: Admission, origin: str, code: int | None
) -> None:
    await inside(tenant, Channel.objects.update, allowed_origins=["https://www.qinghe.example"])
    phone = Phone(
        offers=("cs.v1", f"auth.{admission.token}"), headers=(HOST, (b"origin", origin.encode()))
    )
    await phone.dial()

    if code is None:
        assert (await phone.hear())["t"] == "ready"
    else:
        assert await phone.hear_close() == code
    await phone.hang_up()


async def test_unknown_path_and_foreign_host_are_closed(admission: Admission) -> None:
    lost = Phone("/ws/nothing")
    await lost.dial()
    assert await lost.hear_close() == 4404
    await lost.hang_up()

    for headers in (((b"host", b"evil.example"),), ()):
        foreign = Phone(offers=("cs.v1", f"auth.{admission.token}"), headers=headers)
        await foreign.dial()
        assert await foreign.hear_close() == 4403
        await foreign.hang_up()


async def test_fourth_socket_of_a_contact_is_one_too_many(admission: Admission) -> None:
    phones = [await connected(admission) for _ in range(3)]
    fourth = Phone(offers=("cs.v1", f"auth.{admission.token}"))
    await fourth.dial()

    assert await fourth.hear_close() == 4429
    await phones[0].hang_up()
    again = await connected(admission)
    for phone in (*phones[1:], fourth, again):
        await phone.hang_up()


# Writing


async def test_question_is_acknowledged_and_answered(
    tenant: Tenant, knowledge: Release, admission: Admission
) -> None:
    phone = await connected(admission)

    await phone.send("message.send", client_msg_id="m1", text=KNOWN, context={"page": "/"})

    heard = await phone.hear_until("message.created")
    while heard[-1]["message"]["author"]["kind"] != "bot":
        heard += await phone.hear_until("message.created")
    ack = next(frame for frame in heard if frame["t"] == "ack")
    own = next(frame for frame in heard if frame["t"] == "message.created")
    reply = heard[-1]
    assert set(ack) == {"t", "client_msg_id", "id", "seq", "conversation_id"}
    assert (ack["client_msg_id"], ack["seq"]) == ("m1", 1)
    assert own["message"]["id"] == ack["id"]
    assert (reply["conversation_id"], reply["message"]["seq"]) == (ack["conversation_id"], 2)
    assert (reply["message"]["text"], reply["message"]["ai"]) == (ANSWER, True)
    assert "decision" not in reply["message"]
    stored = await inside(tenant, Message.objects.get, pk=ack["id"])
    assert stored.context == {"page": "/"}
    await phone.hang_up()


async def test_no_reply_overtakes_the_ack(
    knowledge: Release, admission: Admission, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "submit", lambda work, *args: work(*args))
    phone = await connected(admission)

    await phone.send("message.send", client_msg_id="m1", text=KNOWN)
    heard = await phone.hear_until("message.created")
    while heard[-1]["message"]["author"]["kind"] != "bot":
        heard += await phone.hear_until("message.created")

    assert "ack" in [frame["t"] for frame in heard]
    await phone.hang_up()


async def test_repeated_message_is_acknowledged_with_the_first_result(
    tenant: Tenant, admission: Admission
) -> None:
    phone = await connected(admission)
    acks = []
    for text in ("一", "二"):
        await phone.send("message.send", client_msg_id="m1", text=text)
        acks.append((await phone.hear_until("ack"))[-1])

    assert acks[0] == acks[1]
    assert await inside(tenant, Message.objects.filter(author_kind="customer").count) == 1
    await phone.hang_up()


async def test_both_devices_of_a_visitor_hear_both_sides(
    knowledge: Release, admission: Admission
) -> None:
    first, second = await connected(admission), await connected(admission)
    await first.send("message.send", client_msg_id="m1", text=KNOWN)
    conversation_id = (await first.hear_until("ack"))[-1]["conversation_id"]

    await second.send("resume", conversation_id=conversation_id, last_seq=0)

    seqs: set[int] = set()
    while seqs != {1, 2}:
        seqs.add((await second.hear_until("message.created"))[-1]["message"]["seq"])
    for phone in (first, second):
        await phone.hang_up()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"text": "x"}, "malformed"),
        ({"client_msg_id": "", "text": "x"}, "malformed"),
        ({"client_msg_id": "m" * 65, "text": "x"}, "malformed"),
        ({"client_msg_id": "m\x00", "text": "x"}, "malformed"),
        ({"client_msg_id": 7, "text": "x"}, "malformed"),
        ({"client_msg_id": "m"}, "malformed"),
        ({"client_msg_id": "m", "text": ["x"]}, "malformed"),
        ({"client_msg_id": "m", "text": ""}, "invalid"),
        ({"client_msg_id": "m", "text": " \n"}, "invalid"),
        ({"client_msg_id": "m", "text": "长" * 4001}, "too_large"),
        ({"client_msg_id": "m", "text": "x", "conversation_id": "nonsense"}, "not_found"),
        ({"client_msg_id": "m", "text": "x", "conversation_id": str(uuid.uuid4())}, "not_found"),
    ],
    ids=lambda value: str(value)[:40].encode("ascii", "replace").decode(),
)
async def test_message_that_cannot_be_is_refused_and_the_socket_lives(
    tenant: Tenant, admission: Admission, frame: dict[str, Any], code: str
) -> None:
    phone = await connected(admission)

    await phone.send("message.send", **frame)
    error = await phone.hear()
    await phone.send("ping")

    assert (error["t"], error["code"]) == ("error", code)
    assert error.get("client_msg_id") == (
        frame.get("client_msg_id") if isinstance(frame.get("client_msg_id"), str) else None
    )
    assert error["detail"]
    assert await phone.hear() == {"t": "pong"}
    assert await inside(tenant, Message.objects.count) == 0
    await phone.hang_up()


async def test_odd_context_does_not_stop_a_message(tenant: Tenant, admission: Admission) -> None:
    phone = await connected(admission)

    for number, context in enumerate([{"a": "\x00", "b": 1}, "page", [1], None]):
        await phone.send("message.send", client_msg_id=f"m{number}", text="x", context=context)
        assert (await phone.hear_until("ack"))[-1]["seq"] >= 1

    first = await inside(tenant, Message.objects.get, client_msg_id="m0")
    assert first.context == {"b": 1}
    await phone.hang_up()


async def test_conversation_of_somebody_else_is_not_there(
    tenant: Tenant, channel: Channel, admit: Callable[..., Admission], admission: Admission
) -> None:
    theirs = await inside(tenant, lambda: send(admit(channel).session, "我的").message)
    phone = await connected(admission)

    for kind, members in (
        ("message.send", {"client_msg_id": "m", "text": "x"}),
        ("resume", {"last_seq": 0}),
        ("read", {"up_to_seq": 1}),
    ):
        await phone.send(kind, conversation_id=str(theirs.conversation_id), **members)
        error = await phone.hear()
        assert (error["t"], error["code"]) == ("error", "not_found")

    await inside(tenant, lambda: desk.mark_read(theirs.conversation_id, 1, by="agent"))
    assert await phone.quiet()
    await phone.hang_up()


async def test_limits_and_the_notice_hold_on_the_socket_too(
    tenant: Tenant, admission: Admission
) -> None:
    phone = await connected(admission)
    await inside(tenant, Channel.objects.update, notice_version=2, notice_text="新的说明")

    await phone.send("message.send", client_msg_id="m1", text="x")

    error = await phone.hear()
    assert (error["code"], error["client_msg_id"]) == ("notice_outdated", "m1")
    assert error["notice"]["version"] == "2"
    await phone.hang_up()


async def test_visitors_ended_conversation_is_refused_by_id_and_followed_without(
    tenant: Tenant, admission: Admission
) -> None:
    phone = await connected(admission)
    await phone.send("message.send", client_msg_id="m1", text="一")
    ended = (await phone.hear_until("ack"))[-1]["conversation_id"]
    await inside(tenant, endings.close_by_contact, uuid.UUID(ended))
    await phone.hear_until("conversation.updated", status="closed")

    await phone.send("message.send", client_msg_id="m2", text="二", conversation_id=ended)
    refused = (await phone.hear_until("error"))[-1]
    fresh = await connected(admission)
    opened = await inside(
        tenant,
        intake.open_conversation,
        admission.session.contact,
        admission.session.channel,
        fresh=True,
    )
    await fresh.send("message.send", client_msg_id="m3", text="三", conversation_id=str(opened.pk))
    ack = (await fresh.hear_until("ack"))[-1]

    assert refused["code"] == "conversation_closed"
    assert ack["conversation_id"] not in (ended, None)
    for line in (phone, fresh):
        await line.hang_up()


async def test_session_that_ends_while_the_socket_is_open_sends_no_more(
    tenant: Tenant, admission: Admission
) -> None:
    phone = await connected(admission)
    await inside(tenant, contacts.revoke, admission.session)

    for kind, members in (
        ("message.send", {"client_msg_id": "m", "text": "x"}),
        ("resume", {"conversation_id": str(uuid.uuid4()), "last_seq": 0}),
        ("read", {"up_to_seq": 1}),
    ):
        await phone.send(kind, **members)
        assert (await phone.hear())["code"] == "token_expired"

    assert await inside(tenant, Message.objects.count) == 0
    await phone.hang_up()


# Catching up


async def test_resume_replays_what_was_missed_in_order(
    tenant: Tenant, admission: Admission
) -> None:
    sent = await inside(
        tenant, lambda: [send(admission.session, f"第{n}条").message for n in range(1, 6)]
    )
    phone = await connected(admission)

    await phone.send("resume", conversation_id=str(sent[0].conversation_id), last_seq=2)

    state = await phone.hear()
    replay = [await phone.hear() for _ in range(3)]
    assert (state["t"], state["status"], state["last_seq"]) == ("conversation.updated", "bot", 5)
    assert [frame["message"]["seq"] for frame in replay] == [3, 4, 5]
    assert await phone.quiet()
    await phone.hang_up()


@pytest.mark.parametrize(("last_seq", "resync"), [(1, False), (0, True), (202, True)])
async def test_resume_from_too_far_asks_for_a_fetch(
    tenant: Tenant, admission: Admission, last_seq: int, resync: bool
) -> None:
    def fill() -> str:
        conversation = send(admission.session, "第1条").message.conversation
        Message.objects.bulk_create(
            Message(
                conversation=conversation,
                seq=seq,
                author_kind="customer",
                text=str(seq),
                received_at=clock.now(),
                created_at=clock.now(),
            )
            for seq in range(2, 202)
        )
        Conversation.objects.update(last_seq=201)
        return str(conversation.pk)

    conversation_id = await inside(tenant, fill)
    phone = await connected(admission)

    await phone.send("resume", conversation_id=conversation_id, last_seq=last_seq)

    assert (await phone.hear())["t"] == "conversation.updated"
    if resync:
        assert await phone.hear() == {"t": "resync_required", "conversation_id": conversation_id}
        assert await phone.quiet()
    else:
        replay = [(await phone.hear())["message"]["seq"] for _ in range(200)]
        assert replay == list(range(2, 202))
    await phone.hang_up()


@pytest.mark.parametrize("last_seq", [-1, "1", True, 2**31, 1.5])
async def test_senseless_resume_is_malformed(admission: Admission, last_seq: Any) -> None:
    phone = await connected(admission)

    await phone.send("resume", conversation_id=str(uuid.uuid4()), last_seq=last_seq)

    assert (await phone.hear())["code"] == "malformed"
    await phone.hang_up()


async def test_open_socket_hears_of_people_who_take_over(
    tenant: Tenant, admission: Admission, agent: Membership
) -> None:
    phone = await connected(admission)
    await phone.send("message.send", client_msg_id="m1", text="转人工")
    await phone.hear_until("conversation.updated", status="waiting_human")
    conversation = await inside(tenant, Conversation.objects.get)

    await inside(tenant, desk.take, conversation.pk, by=agent)
    taken = (await phone.hear_until("conversation.updated"))[-1]
    await inside(tenant, desk.reply, conversation.pk, "您好", by=agent, client_msg_id="r1")
    reply = (await phone.hear_until("message.created"))[-1]
    while reply["message"]["author"]["kind"] != "agent":
        reply = (await phone.hear_until("message.created"))[-1]
    await inside(tenant, endings.close, conversation.pk, by=agent)
    closed = (await phone.hear_until("conversation.updated"))[-1]
    await phone.send("message.send", client_msg_id="m2", text="又来了")
    reopened = (await phone.hear_until("conversation.updated"))[-1]

    assert (taken["status"], taken["agent"]) == ("human", {"name": "林晓", "avatar": None})
    assert reply["message"]["author"] == {"kind": "agent", "name": "林晓", "avatar": None}
    assert (closed["status"], reopened["status"]) == ("closed", "bot")
    await phone.hang_up()


# The agents' socket


async def test_console_socket_knows_who_sits_there(
    seat: tuple[tuple[bytes, bytes], ...], agent: Membership
) -> None:
    phone = Phone("/ws/console/v1/", headers=seat)
    await phone.dial()

    ready = (await phone.hear_until("ready"))[-1]

    assert set(ready) == {"t", "member", "server_time"}
    assert ready["member"] == {
        "id": str(agent.pk),
        "name": "林晓",
        "role": "agent",
        "can_handle": True,
        "can_supervise": False,
    }
    await phone.hang_up()


@pytest.mark.parametrize(
    ("origin", "cookie", "code"),
    [
        (b"http://testserver", None, 4401),
        (b"http://testserver", b"sessionid=guess", 4401),
        (None, "own", 4403),
        (b"https://evil.example", "own", 4403),
        (b"null", "own", 4403),
    ],
)
async def test_console_socket_takes_only_its_own_page_with_a_person(
    seat: tuple[tuple[bytes, bytes], ...],
    origin: bytes | None,
    cookie: bytes | str | None,
    code: int,
) -> None:
    headers = [HOST]
    if origin is not None:
        headers.append((b"origin", origin))
    if cookie is not None:
        headers.append(seat[2] if isinstance(cookie, str) else (b"cookie", cookie))
    phone = Phone("/ws/console/v1/", headers=tuple(headers))
    await phone.dial()

    assert await phone.hear_close() == code
    await phone.hang_up()


async def test_watching_replays_messages_and_notes_and_goes_on(
    tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    agent: Membership,
    seat: tuple[tuple[bytes, bytes], ...],
) -> None:
    def prepare() -> uuid.UUID:
        reply = ask(visitor, KNOWN)
        for number in (1, 2):
            desk.note(reply.conversation_id, f"备注{number}", by=agent, client_msg_id=f"n{number}")
        return reply.conversation_id

    conversation_id = await inside(tenant, prepare)
    phone = await seated(seat)

    await phone.send("watch", conversation_id=str(conversation_id), last_seq=1, last_note=1)
    message, note = await phone.hear(), await phone.hear()
    await inside(tenant, send, visitor, "还有个问题", conversation_id=conversation_id)
    live = (await phone.hear_until("message.created"))[-1]
    await inside(tenant, desk.note, conversation_id, "备注3", by=agent, client_msg_id="n3")
    live_note = (await phone.hear_until("note.created"))[-1]
    await phone.send("unwatch", conversation_id=str(conversation_id))
    await phone.send("ping")
    await phone.hear_until("pong")
    await inside(tenant, desk.note, conversation_id, "备注4", by=agent, client_msg_id="n4")

    assert (message["t"], message["message"]["seq"]) == ("message.created", 2)
    assert message["message"]["decision"]["outcome"] == "answered"
    assert (note["t"], note["note"]["number"]) == ("note.created", 2)
    assert (live["message"]["seq"], live["message"]["decision"]) == (3, None)
    assert live_note["note"]["number"] == 3
    assert await phone.quiet()
    await phone.hang_up()


async def test_every_seat_hears_how_conversations_stand(
    tenant: Tenant, visitor: ContactSession, seat: tuple[tuple[bytes, bytes], ...]
) -> None:
    phone = await seated(seat)

    message = (await inside(tenant, send, visitor, "在吗")).message
    first = (await phone.hear_until("conversation.updated"))[-1]["conversation"]
    await inside(tenant, request_handoff, message.conversation_id)
    second = (await phone.hear_until("conversation.updated"))[-1]["conversation"]

    assert (first["id"], first["status"], first["last_text"]) == (
        str(message.conversation_id),
        "bot",
        "在吗",
    )
    assert (second["status"], second["reason"], second["unread"]) == ("waiting_human", "asked", 2)
    await phone.hang_up()


async def test_another_tenants_seat_hears_and_finds_nothing(
    tenant: Tenant,
    other_tenant: Tenant,
    visitor: ContactSession,
    make_member: Callable[..., Any],
    member_of: Callable[..., Membership],
) -> None:
    def sit() -> tuple[bytes, bytes]:
        return cookie_of(member_of(make_member(other_tenant), other_tenant))

    cookie = await in_pool(sit)
    phone = await seated((HOST, (b"origin", b"http://testserver"), cookie))

    message = (await inside(tenant, send, visitor, "青禾的")).message
    await phone.send("watch", conversation_id=str(message.conversation_id))
    error = await phone.hear()

    assert (error["t"], error["code"]) == ("error", "not_found")
    assert await phone.quiet()
    await phone.hang_up()


async def test_notes_never_reach_the_visitor(
    tenant: Tenant, admission: Admission, agent: Membership
) -> None:
    phone = await connected(admission)
    await phone.send("message.send", client_msg_id="m1", text="转人工")
    await phone.hear_until("conversation.updated", status="waiting_human")
    conversation = await inside(tenant, Conversation.objects.get)
    while not await phone.quiet():
        await phone.hear()

    await inside(tenant, desk.note, conversation.pk, "内部", by=agent, client_msg_id="n1")
    await phone.send("ping")

    assert await phone.hear() == {"t": "pong"}
    assert await inside(tenant, Note.objects.count) == 1
    await phone.hang_up()


async def test_typing_and_reading_cross_over(
    tenant: Tenant,
    admission: Admission,
    agent: Membership,
    colleague: Membership,
    seat: tuple[tuple[bytes, bytes], ...],
) -> None:
    visitor = await connected(admission)
    await visitor.send("message.send", client_msg_id="m1", text="转人工")
    # The assistant may be quicker than the ack.
    heard = await visitor.hear_all(
        {"t": "ack"}, {"t": "conversation.updated", "status": "waiting_human"}
    )
    conversation_id = heard[-1]["conversation_id"]
    await inside(tenant, desk.take, uuid.UUID(conversation_id), by=agent)
    await visitor.hear_until("read")
    console_phone = await seated(seat)
    await console_phone.send("watch", conversation_id=conversation_id, last_seq=2)
    await console_phone.hear_until("message.created")

    await visitor.send("typing", on=True)
    seen_typing = (await console_phone.hear_until("typing"))[-1]
    await console_phone.send("typing", conversation_id=conversation_id, on=True)
    heard_typing = (await visitor.hear_until("typing"))[-1]
    await visitor.send("read", up_to_seq=99)
    seen_read = (await console_phone.hear_until("read"))[-1]
    await inside(tenant, send, admission.session, "再问一句")
    await inside(tenant, desk.mark_read, uuid.UUID(conversation_id), 4, by="agent")
    heard_read = (await visitor.hear_until("read"))[-1]

    assert (seen_typing["author"], seen_typing["on"]) == ({"kind": "customer"}, True)
    assert (heard_typing["author"], heard_typing["on"]) == (
        {"kind": "agent", "name": "林晓"},
        True,
    )
    assert (seen_read["by"], seen_read["up_to_seq"]) == ("customer", 3)
    assert (heard_read["by"], heard_read["up_to_seq"]) == ("agent", 4)
    for phone in (visitor, console_phone):
        await phone.hang_up()


async def test_only_the_agent_who_has_the_conversation_is_seen_typing(
    tenant: Tenant,
    admission: Admission,
    colleague: Membership,
    seat: tuple[tuple[bytes, bytes], ...],
) -> None:
    visitor = await connected(admission)
    await visitor.send("message.send", client_msg_id="m1", text="转人工")
    heard = await visitor.hear_all(
        {"t": "ack"}, {"t": "conversation.updated", "status": "waiting_human"}
    )
    conversation_id = heard[-1]["conversation_id"]
    await inside(tenant, desk.take, uuid.UUID(conversation_id), by=colleague)
    phone = await seated(seat)

    await phone.send("typing", conversation_id=conversation_id, on=True)
    await phone.send("ping")
    await phone.hear_until("pong")
    await visitor.send("ping")

    frames = await visitor.hear_until("pong")
    assert "typing" not in {frame["t"] for frame in frames}
    for line in (visitor, phone):
        await line.hang_up()


async def test_colleagues_presence_is_heard(
    tenant: Tenant, colleague: Membership, seat: tuple[tuple[bytes, bytes], ...]
) -> None:
    phone = await seated(seat)

    await inside(tenant, presences.set_status, colleague, "busy")

    frame = (await phone.hear_until("presence.updated", name="周舟"))[-1]
    assert frame == {
        "t": "presence.updated",
        "member_id": str(colleague.pk),
        "name": "周舟",
        "status": "busy",
        "rested": False,
    }
    await phone.hang_up()


@pytest.mark.parametrize("how", ["switched off", "other role", "signed out"])
async def test_person_who_may_no_longer_be_here_leaves_within_seconds(
    tenant: Tenant,
    agent: Membership,
    seat: tuple[tuple[bytes, bytes], ...],
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    assert consumers.RECHECK_SECONDS < 5
    monkeypatch.setattr(consumers, "RECHECK_SECONDS", 0.05)
    phone = await seated(seat)

    if how == "signed out":
        await inside(tenant, Session.objects.all().delete)
    else:
        change = {"is_active": False} if how == "switched off" else {"role": "knowledge_editor"}
        await inside(tenant, Membership.objects.filter(pk=agent.pk).update, **change)

    assert await phone.hear_close() == 4403
    await phone.hang_up()


async def test_blocked_visitor_is_told_once_and_served_no_more(
    tenant: Tenant, admission: Admission, agent: Membership
) -> None:
    phone = Phone(offers=("cs.v1", f"auth.{admission.token}"))
    await phone.dial()
    assert (await phone.hear())["t"] == "ready"
    await inside(tenant, blocks.block_contact, admission.session.contact, by=agent, reason="骚扰")

    await phone.send("message.send", client_msg_id="m-1", text="还在吗")
    error = await phone.hear()

    assert (error["t"], error["code"], error["client_msg_id"]) == ("error", "blocked", "m-1")
    assert await inside(tenant, Message.objects.count) == 0
    await phone.hang_up()

    again = Phone(offers=("cs.v1", f"auth.{admission.token}"))
    await again.dial()
    assert (await again.hear())["code"] == "blocked"
    assert await again.hear_close() == 4403
    await again.hang_up()


async def test_rows_of_a_group_reach_its_agents_and_supervisors_alone(
    tenant: Tenant,
    agent: Membership,
    colleague: Membership,
    admission: Admission,
    make_member: Callable[..., User],
    member_of: Callable[[User, Tenant], Membership],
) -> None:
    """Source: peers §3, row 15: the last message leaks in no list."""

    def prepare() -> list[tuple[tuple[bytes, bytes], ...]]:
        group = AgentGroup.objects.create(name="售后组", is_default=True)
        GroupMember.objects.create(group=group, member=agent)
        boss = member_of(make_member(tenant, Role.SUPERVISOR, email="s@qinghe.example"), tenant)
        return [
            (HOST, (b"origin", b"http://testserver"), cookie_of(member))
            for member in (agent, boss, colleague)
        ]

    lines = [await seated(seat) for seat in await inside(tenant, prepare)]

    def hand_off() -> uuid.UUID:
        session = admission.session
        return request_handoff(send(session, "机密").message.conversation_id).pk

    pk = await inside(tenant, hand_off)
    await inside(tenant, presences.set_status, agent, "busy")
    heard = [await line.hear_until("presence.updated", status="busy") for line in lines]

    rows = [
        [
            frame["conversation"]["status"]
            for frame in frames
            if frame["t"] == "conversation.updated" and frame["conversation"]["id"] == str(pk)
        ]
        for frames in heard
    ]
    assert [states[-1:] for states in rows] == [["waiting_human"], ["waiting_human"], ["bot"]]
    assert "conversation.left" in [frame["t"] for frame in heard[2]]
    await lines[2].send("watch", conversation_id=str(pk), last_seq=0)
    assert (await lines[2].hear_until("error"))[-1]["code"] == "not_found"
    for line in lines:
        await line.hang_up()
