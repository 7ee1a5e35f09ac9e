"""The consumer base: frames, limits, order, errors, authentication, database work."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.utils.translation import gettext_lazy as _

from conversations.executor import close_pool, in_pool, submit
from conversations.hub import get_hub, reset_hub
from conversations.sockets import Frame, Refused, SocketConsumer
from tenants.errors import DomainError
from tenants.scoping import active_scope

GOOD = "good"

mark = contextvars.ContextVar("mark", default="")


class FullError(DomainError):
    code = "full"
    status = 409
    message = _("No more than %(count)s.")


class Desk(SocketConsumer):
    """Echoes, misbehaves on request, and lets a test hold its handlers."""

    subprotocol = "cs.v1"
    gate: asyncio.Event
    log: list[Any]

    async def authenticate(self, token: str | None) -> bool:
        if token == "crash":
            raise ValueError("bug")
        if token == "disabled":
            raise Refused(4403)
        if token == "slow":
            await self.gate.wait()
        self.tenant_id = 7
        return token in (GOOD, "slow")

    async def opened(self) -> None:
        get_hub().join("desk", self.socket)
        self.send_frame({"t": "ready", "scope": active_scope()})

    async def closed(self, code: int) -> None:
        self.log.append(("closed", code, active_scope()))

    async def on_echo(self, frame: Frame) -> None:
        self.send_frame({"t": "echo", "n": frame["n"], "scope": active_scope()})

    async def on_message_send(self, frame: Frame) -> None:
        if frame.get("wait"):
            await self.gate.wait()
        self.log.append(frame["n"])
        self.send_frame({"t": "ack", "n": frame["n"]})

    async def on_fail(self, frame: Frame) -> None:
        raise ValueError("bug")

    async def on_refuse(self, frame: Frame) -> None:
        raise FullError(count=3, extra={"limit": 3})

    async def on_thread(self, frame: Frame) -> None:
        mark.set("carried")
        self.send_frame({"t": "thread", "name": await self.db(thread_name)})


class ParallelDesk(Desk):
    parallel = frozenset({"echo"})


class FrameDesk(Desk):
    auth_by_frame = True


class HastyDesk(FrameDesk):
    auth_seconds = 0.02


def thread_name() -> str:
    return f"{threading.current_thread().name.partition('_')[0]} {mark.get()} {active_scope()}"


@pytest.fixture(autouse=True)
async def fresh() -> AsyncIterator[None]:
    reset_hub()
    Desk.gate, Desk.log = asyncio.Event(), []
    yield
    await asyncio.to_thread(close_pool)
    await get_hub().stop()
    reset_hub()


def dial(
    desk: type[Desk] = Desk, token: str | None = GOOD, **headers: str
) -> WebsocketCommunicator:
    offers = ["cs.v1"] if token is None else ["cs.v1", f"auth.{token}"]
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    return WebsocketCommunicator(desk.as_asgi(), "/ws", sent, offers)


async def opened(desk: type[Desk] = Desk) -> WebsocketCommunicator:
    phone = dial(desk)
    assert await phone.connect() == (True, "cs.v1")
    assert await phone.receive_json_from() == {"t": "ready", "scope": 7}
    return phone


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_frame_reaches_its_handler_inside_the_tenant_scope() -> None:
    phone = await opened()

    await phone.send_json_to({"t": "echo", "n": 1})

    assert await phone.receive_json_from() == {"t": "echo", "n": 1, "scope": 7}
    await phone.disconnect()


@pytest.mark.parametrize(
    ("token", "code"), [("bad", 4401), ("disabled", 4403), ("crash", 4503)], ids=str
)
async def test_refused_token_closes_after_the_handshake(token: str, code: int) -> None:
    phone = dial(token=token)
    assert await phone.connect() == (True, "cs.v1")
    await phone.send_json_to({"t": "message.send", "n": 1})

    assert await phone.receive_output() == {"type": "websocket.close", "code": code}
    assert Desk.log == []
    await phone.disconnect()


async def test_bearer_header_authenticates_and_no_subprotocol_is_echoed() -> None:
    phone = WebsocketCommunicator(Desk.as_asgi(), "/ws", [(b"authorization", b"Bearer good")])

    assert await phone.connect() == (True, None)
    assert (await phone.receive_json_from())["t"] == "ready"
    await phone.disconnect()


async def test_first_frame_authenticates() -> None:
    phone = dial(FrameDesk, token=None)
    await phone.connect()

    await phone.send_json_to({"t": "ping"})
    await phone.send_json_to({"t": "auth", "token": "good"})
    await phone.send_json_to({"t": "echo", "n": 1})

    frames = [await phone.receive_json_from() for _ in range(3)]
    assert [frame["t"] for frame in frames] == ["pong", "ready", "echo"]
    await phone.disconnect()


async def test_frame_before_authentication_closes() -> None:
    phone = dial(FrameDesk, token=None)
    await phone.connect()

    await phone.send_json_to({"t": "message.send", "n": 1, "client_msg_id": "m1"})

    assert await phone.receive_json_from() == {
        "t": "error",
        "code": "unauthorized",
        "client_msg_id": "m1",
    }
    assert await phone.receive_output() == {"type": "websocket.close", "code": 4401}
    assert Desk.log == []
    await phone.disconnect()


async def test_missing_authentication_times_out() -> None:
    phone = dial(HastyDesk, token=None)
    await phone.connect()

    assert await phone.receive_output() == {"type": "websocket.close", "code": 4408}
    await phone.disconnect()


async def test_frames_sent_during_authentication_are_kept() -> None:
    phone = dial(token="slow")
    await phone.connect()
    await phone.send_json_to({"t": "message.send", "n": 1})

    Desk.gate.set()

    assert (await phone.receive_json_from())["t"] == "ready"
    assert await phone.receive_json_from() == {"t": "ack", "n": 1}
    await phone.disconnect()


async def test_disconnect_during_authentication_leaves_no_member() -> None:
    phone = dial(token="slow")
    await phone.connect()
    await phone.send_input({"type": "websocket.disconnect", "code": 1001})
    await asyncio.sleep(0.02)
    Desk.gate.set()
    await phone.wait()

    assert get_hub().members("desk") == []
    assert Desk.log == []


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"host": "desk.example", "origin": "https://desk.example"}, True),
        ({"host": "desk.example", "origin": "https://friend.example"}, True),
        ({"host": "desk.example", "origin": "https://evil.example"}, False),
        ({"host": "desk.example", "origin": "null"}, False),
        ({"origin": "https://desk.example"}, False),
    ],
    ids=["app", "own host", "trusted", "foreign", "opaque", "no host"],
)
async def test_origin(settings: Any, headers: dict[str, str], allowed: bool) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://friend.example"]
    phone = dial(**headers)
    await phone.connect()

    first = await phone.receive_output()

    assert first.get("code") == (None if allowed else 4403)
    assert bool(get_hub().members("desk")) is allowed
    await phone.disconnect()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "malformed"),
        ("[1]", "malformed"),
        ('"ping"', "malformed"),
        ('{"t": 1}', "malformed"),
        ('{"n": 1}', "malformed"),
        ('{"t": "nothing"}', "unknown_frame"),
        ('{"t": ""}', "unknown_frame"),
    ],
)
async def test_senseless_frames_get_an_error_and_the_socket_lives(text: str, code: str) -> None:
    phone = await opened()

    await phone.send_to(text_data=text)
    await phone.send_json_to({"t": "ping"})

    assert await phone.receive_json_from() == {"t": "error", "code": code}
    assert await phone.receive_json_from() == {"t": "pong"}
    await phone.disconnect()


async def test_binary_frames_are_read_as_text() -> None:
    phone = await opened()

    await phone.send_to(bytes_data=b'{"t":"echo","n":2}')

    assert (await phone.receive_json_from())["n"] == 2
    await phone.disconnect()


@pytest.mark.parametrize(
    ("length", "fits"), [(5400, True), (5500, False)], ids=["fits", "too long"]
)
async def test_frame_size_counts_bytes_not_characters(length: int, fits: bool) -> None:
    phone = await opened()

    await phone.send_to(text_data='{"t":"echo","n":"' + "好" * length + '"}')
    answer = await phone.receive_json_from()

    if fits:
        assert answer["t"] == "echo"
    else:
        assert answer == {"t": "error", "code": "too_large"}
        assert await phone.receive_output() == {"type": "websocket.close", "code": 4413}
    await phone.disconnect()


async def test_the_twenty_first_frame_in_ten_seconds_closes() -> None:
    phone = await opened()

    for _number in range(21):
        await phone.send_json_to({"t": "ping"})
    frames = [await phone.receive_json_from() for _number in range(21)]

    assert frames == [{"t": "pong"}] * 20 + [{"t": "error", "code": "rate_limited"}]
    assert await phone.receive_output() == {"type": "websocket.close", "code": 4429}
    await phone.disconnect()


async def test_domain_error_becomes_a_frame_that_names_the_message() -> None:
    phone = await opened()

    await phone.send_json_to({"t": "refuse", "client_msg_id": "m1", "conversation_id": "c1"})

    assert await phone.receive_json_from() == {
        "t": "error",
        "code": "full",
        "detail": "No more than 3.",
        "client_msg_id": "m1",
        "conversation_id": "c1",
        "limit": 3,
    }
    await phone.disconnect()


async def test_a_bug_is_logged_and_the_socket_lives(caplog: pytest.LogCaptureFixture) -> None:
    phone = await opened()

    await phone.send_json_to({"t": "fail", "client_msg_id": "m1", "text": "secret"})
    await phone.send_json_to({"t": "echo", "n": 1})

    error = {"t": "error", "code": "internal", "client_msg_id": "m1"}
    assert await phone.receive_json_from() == error
    assert (await phone.receive_json_from())["t"] == "echo"
    assert [record.getMessage() for record in caplog.records] == ["Socket frame failed: fail"]
    await phone.disconnect()


async def test_frames_keep_their_order_while_deliveries_and_pings_pass() -> None:
    phone = await opened()

    await phone.send_json_to({"t": "message.send", "n": 1, "wait": True})
    await phone.send_json_to({"t": "message.send", "n": 2})
    await phone.send_json_to({"t": "ping"})
    assert await phone.receive_json_from() == {"t": "pong"}
    get_hub().publish("desk", {"t": "news"})
    assert await phone.receive_json_from() == {"t": "news"}
    assert Desk.log == []
    Desk.gate.set()

    assert await phone.receive_json_from() == {"t": "ack", "n": 1}
    assert await phone.receive_json_from() == {"t": "ack", "n": 2}
    await phone.disconnect()


async def test_parallel_frames_do_not_wait_for_a_slow_one() -> None:
    phone = await opened(ParallelDesk)

    await phone.send_json_to({"t": "message.send", "n": 1, "wait": True})
    await phone.send_json_to({"t": "echo", "n": 2})

    assert await phone.receive_json_from() == {"t": "echo", "n": 2, "scope": 7}
    Desk.gate.set()
    assert await phone.receive_json_from() == {"t": "ack", "n": 1}
    await phone.disconnect()


async def test_received_frames_are_handled_after_the_peer_has_gone() -> None:
    phone = await opened()

    await phone.send_json_to({"t": "message.send", "n": 1, "wait": True})
    await phone.send_json_to({"t": "message.send", "n": 2})
    await phone.send_input({"type": "websocket.disconnect", "code": 1001})
    await until(lambda: get_hub().members("desk") == [])
    Desk.gate.set()
    await phone.wait()

    assert Desk.log == [1, 2, ("closed", 1001, 7)]


async def test_draining_closes_with_4503() -> None:
    phone = await opened()

    await get_hub().drain()

    assert await phone.receive_output() == {"type": "websocket.close", "code": 4503}
    await phone.disconnect()


async def test_database_work_runs_in_own_threads_with_the_context() -> None:
    phone = await opened()

    await phone.send_json_to({"t": "thread"})

    assert (await phone.receive_json_from())["name"] == "turn carried 7"
    await phone.disconnect()


async def test_database_work_runs_side_by_side(settings: Any) -> None:
    settings.TURN_THREADS = 3
    meeting = threading.Barrier(3)

    ranks = await asyncio.gather(*[in_pool(meeting.wait, 5) for _number in range(3)])

    assert sorted(ranks) == [0, 1, 2]


async def test_database_work_hands_its_exception_on() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_pool(divmod, 1, 0)


async def test_work_can_be_left_to_the_executor_from_any_thread() -> None:
    def leave() -> str:
        mark.set("left")
        return submit(thread_name).result(5)

    assert await asyncio.to_thread(leave) == "turn left None"
