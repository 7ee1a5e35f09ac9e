"""The hub delivers to groups, in order, exactly once, and says so when it could not."""

import asyncio
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import pytest

from conversations import hub as hub_module
from conversations import relay as relay_module
from conversations.hub import QUEUE_LIMIT, Hub, Socket, get_hub, reset_hub
from tests.conversations.pubsub_server import PubSubServer

RESYNC = {"t": "resync_required", "conversation_id": None}


class Wire:
    """The server's side of one connection: what was sent, and a gate to make it slow."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, message: dict[str, Any]) -> None:
        await self.open.wait()
        self.sent.append(message)

    @property
    def frames(self) -> list[Any]:
        return [orjson.loads(m["text"]) for m in self.sent if m["type"] == "websocket.send"]

    @property
    def codes(self) -> list[int]:
        return [m["code"] for m in self.sent if m["type"] == "websocket.close"]


def connect(hub: Hub, *groups: str) -> tuple[Wire, Socket]:
    wire = Wire()
    socket = Socket(wire.send)
    hub.attach(socket)
    for group in groups:
        hub.join(group, socket)
    return wire, socket


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    hub = Hub()
    yield hub
    await hub.stop()


@pytest.fixture
async def server() -> AsyncIterator[PubSubServer]:
    async with PubSubServer() as server:
        yield server


@pytest.fixture
async def redis_url(settings: Any, server: PubSubServer) -> str:
    return settings.REDIS_URL or server.url


@pytest.fixture
async def pair(redis_url: str) -> AsyncIterator[tuple[Hub, Hub]]:
    here, there = Hub(redis_url), Hub(redis_url)
    yield here, there
    await here.stop()
    await there.stop()


async def test_publish_reaches_the_group_alone_in_order(hub: Hub) -> None:
    first, _ = connect(hub, "c.1")
    second, _ = connect(hub, "c.1", "c.2")
    stranger, _ = connect(hub, "c.2")

    for number in range(3):
        hub.publish("c.1", {"t": "x", "n": number, "text": "您好🙂"})
    await until(lambda: len(second.sent) == 3)

    expected = [{"t": "x", "n": number, "text": "您好🙂"} for number in range(3)]
    assert first.frames == expected
    assert second.frames == expected
    assert stranger.sent == []


async def test_publish_understands_ids_and_instants(hub: Hub) -> None:
    wire, _ = connect(hub, "c.1")
    key = uuid.uuid4()

    hub.publish("c.1", {"id": key})
    await until(lambda: wire.sent)

    assert wire.frames == [{"id": str(key)}]


async def test_publish_from_threads_keeps_each_thread_in_order(hub: Hub) -> None:
    wire, _ = connect(hub, "c.1")

    def work(name: int) -> None:
        for number in range(50):
            hub.publish("c.1", {"from": name, "n": number})

    threads = [threading.Thread(target=work, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    await until(lambda: len(wire.sent) == 150)
    for thread in threads:
        thread.join()

    for name in range(3):
        assert [f["n"] for f in wire.frames if f["from"] == name] == list(range(50))


async def test_slow_reader_gets_one_resync_instead_of_a_silent_gap(hub: Hub) -> None:
    wire, _ = connect(hub, "c.1")
    wire.open.clear()

    hub.publish("c.1", {"n": -1})
    await asyncio.sleep(0)
    for number in range(QUEUE_LIMIT + 10):
        hub.publish("c.1", {"n": number})
    wire.open.set()
    await until(lambda: wire.frames and wire.frames[-1] == {"n": QUEUE_LIMIT + 9})

    kept = [{"n": number} for number in range(QUEUE_LIMIT, QUEUE_LIMIT + 10)]
    assert wire.frames == [{"n": -1}, RESYNC, *kept]


async def test_a_stuck_socket_holds_up_nobody(hub: Hub) -> None:
    stuck, _ = connect(hub, "c.1")
    other, _ = connect(hub, "c.1")
    stuck.open.clear()

    hub.publish("c.1", {"n": 1})
    await until(lambda: other.sent)

    assert other.frames == [{"n": 1}]
    assert stuck.sent == []


async def test_close_comes_after_the_queue_and_ends_it(hub: Hub) -> None:
    wire, socket = connect(hub, "c.1")

    hub.publish("c.1", {"n": 1})
    socket.close(4429)
    hub.publish("c.1", {"n": 2})
    socket.close(4401)
    await until(lambda: wire.codes)
    await socket.flushed()

    assert wire.frames == [{"n": 1}]
    assert wire.codes == [4429]


async def test_a_failing_connection_takes_nothing_more_and_breaks_nothing(hub: Hub) -> None:
    async def gone(message: dict[str, Any]) -> None:
        raise OSError("closed")

    broken = Socket(gone)
    hub.join("c.1", broken)
    wire, _ = connect(hub, "c.1")

    hub.publish("c.1", {"n": 1})
    await until(lambda: wire.sent and broken.closing)
    hub.publish("c.1", {"n": 2})
    await until(lambda: len(wire.sent) == 2)

    assert wire.frames == [{"n": 1}, {"n": 2}]


async def test_leave_ends_one_group_and_leave_all_every_one(hub: Hub) -> None:
    wire, socket = connect(hub, "c.1", "c.2", "c.3")

    hub.leave("c.1", socket)
    assert hub.members("c.1") == []
    assert hub.members("c.2") == [socket]
    hub.leave_all(socket)

    for group in ("c.1", "c.2", "c.3"):
        hub.publish(group, {"n": 1})
    await asyncio.sleep(0)
    assert socket.groups == set()
    assert wire.sent == []


async def test_a_disposed_socket_cannot_join_again(hub: Hub) -> None:
    _, socket = connect(hub, "c.1")
    socket.dispose()
    hub.leave_all(socket)

    hub.join("c.1", socket)

    assert hub.members("c.1") == []


async def test_what_is_handed_to_one_socket_keeps_its_turn_among_what_is_published(
    hub: Hub,
) -> None:
    wire, one = connect(hub, "c.1")
    other_wire, _ = connect(hub, "c.1")

    def from_a_thread() -> None:
        hub.publish("c.1", {"n": 1})
        hub.hand(one, {"n": 2})
        hub.publish("c.1", {"n": 3})

    await asyncio.to_thread(from_a_thread)
    await until(lambda: len(wire.sent) == 3 and len(other_wire.sent) == 2)

    assert wire.frames == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert other_wire.frames == [{"n": 1}, {"n": 3}]


async def test_drain_closes_all_and_whoever_comes_later(hub: Hub) -> None:
    wire, _ = connect(hub, "c.1")

    await hub.drain()
    late, _ = connect(hub)
    await until(lambda: late.codes)

    assert wire.codes == [4503]
    assert late.codes == [4503]


async def test_silent_sockets_are_closed_and_talking_ones_kept(monkeypatch: Any) -> None:
    monkeypatch.setattr(hub_module, "SWEEP_SECONDS", 0.01)
    hub = Hub()
    silent_wire, silent = connect(hub)
    talking_wire, _ = connect(hub)
    silent.heard_at -= hub_module.SILENT_SECONDS + 1

    await until(lambda: silent_wire.codes)
    await hub.stop()

    assert silent_wire.codes == [4408]
    assert talking_wire.codes == []


async def test_a_second_loop_is_refused_while_the_first_lives(hub: Hub) -> None:
    connect(hub, "c.1")

    def other_loop() -> None:
        async def start() -> None:
            hub.start()

        asyncio.run(start())

    with pytest.raises(RuntimeError, match="the hub serves another event loop"):
        await asyncio.to_thread(other_loop)


def test_a_closed_loop_is_replaced() -> None:
    hub = Hub()

    async def serve() -> list[Any]:
        wire, _ = connect(hub, "c.1")
        hub.publish("c.1", {"n": 1})
        await until(lambda: wire.sent)
        return wire.frames

    assert asyncio.run(serve()) == [{"n": 1}]
    hub.publish("c.1", {"n": 0})
    assert asyncio.run(serve()) == [{"n": 1}]


async def test_get_hub_is_one_hub_until_reset() -> None:
    reset_hub()
    first = get_hub()

    assert get_hub() is first
    reset_hub()
    assert get_hub() is not first
    reset_hub()


async def test_two_processes_hear_each_other_exactly_once(pair: tuple[Hub, Hub]) -> None:
    here, there = pair
    near, _ = connect(here, "c.1")
    far, _ = connect(there, "c.1")
    assert await here.joined("c.1")
    assert await there.joined("c.1")

    here.publish("c.1", {"n": 1, "text": "订单到哪了？"})
    await until(lambda: far.sent)
    await asyncio.to_thread(here.publish, "c.1", {"n": 2})
    await until(lambda: len(far.sent) == 2)
    there.publish("c.1", {"n": 3})
    await until(lambda: len(near.sent) >= 3)
    await asyncio.sleep(0.05)

    expected = [{"n": 1, "text": "订单到哪了？"}, {"n": 2}, {"n": 3}]
    assert near.frames == expected
    assert far.frames == expected


async def test_a_process_without_a_loop_can_publish(pair: tuple[Hub, Hub], redis_url: str) -> None:
    here, _ = pair
    wire, _ = connect(here, "c.1")
    assert await here.joined("c.1")
    worker = Hub(redis_url)

    await asyncio.to_thread(worker.publish, "c.1", {"n": 1})
    worker.publish("c.1", {"n": 2})
    await until(lambda: len(wire.sent) == 2)
    await worker.stop()

    assert wire.frames == [{"n": 1}, {"n": 2}]


async def test_a_burst_crosses_complete_and_in_order(pair: tuple[Hub, Hub]) -> None:
    here, there = pair
    far, _ = connect(there, "c.1")
    connect(here, "c.2")
    assert await there.joined("c.1")

    for number in range(200):
        here.publish("c.1", {"n": number})
    await until(lambda: len(far.sent) == 200)

    assert [frame["n"] for frame in far.frames] == list(range(200))


async def test_a_group_is_subscribed_while_it_has_members(server: PubSubServer) -> None:
    hub = Hub(server.url)
    _, first = connect(hub, "c.1")
    _, second = connect(hub, "c.1")
    assert await hub.joined("c.1")
    channel = b"hub:0:c.1"

    hub.leave_all(first)
    assert len(server.subscribers[channel]) == 1
    hub.leave_all(second)
    await until(lambda: not server.subscribers[channel])
    hub.join("c.1", first)
    assert await hub.joined("c.1")

    assert len(server.subscribers[channel]) == 1
    await hub.stop()


async def test_outage_leaves_local_delivery_and_ends_in_a_resync(server: PubSubServer) -> None:
    here, there = Hub(server.url), Hub(server.url)
    near, _ = connect(here, "c.1")
    far, _ = connect(there, "c.1")
    assert await here.joined("c.1")
    assert await there.joined("c.1")

    await server.stop()
    here.publish("c.1", {"n": 1})
    await until(lambda: near.sent)
    assert near.frames == [{"n": 1}]
    await server.start()
    await until(lambda: RESYNC in near.frames and RESYNC in far.frames)
    assert await here.joined("c.1")
    assert await there.joined("c.1")
    there.publish("c.1", {"n": 2})
    await until(lambda: {"n": 2} in near.frames and {"n": 2} in far.frames)

    assert {"n": 1} not in far.frames
    await here.stop()
    await there.stop()


async def test_joined_does_not_wait_for_an_absent_redis(server: PubSubServer) -> None:
    await server.stop()
    hub = Hub(server.url)
    wire, _ = connect(hub, "c.1")
    started = time.monotonic()

    assert not await hub.joined("c.1")
    assert not await hub.joined("c.1")
    hub.publish("c.1", {"n": 1})
    await until(lambda: wire.sent)

    assert time.monotonic() - started < 0.9
    assert wire.frames == [{"n": 1}]
    await hub.stop()
    await server.start()


async def test_what_could_not_be_published_becomes_a_resync(server: PubSubServer) -> None:
    here, there = Hub(server.url), Hub(server.url)
    connect(here, "c.9")
    far, _ = connect(there, "c.1")
    bystander, _ = connect(there, "c.2")
    assert await there.joined("c.1")
    assert await there.joined("c.2")

    server.refuse_publish = True
    here.publish("c.1", {"n": 1})
    await asyncio.sleep(0.02)
    server.refuse_publish = False
    await until(lambda: far.sent)

    assert far.frames == [RESYNC]
    assert bystander.frames == []
    await here.stop()
    await there.stop()


async def test_a_worker_owes_a_resync_for_what_it_could_not_publish(
    server: PubSubServer, monkeypatch: Any
) -> None:
    monkeypatch.setattr(relay_module, "PAUSE_SECONDS", 0.01)
    hub, worker = Hub(server.url), Hub(server.url)
    wire, _ = connect(hub, "c.1", "c.2")
    assert await hub.joined("c.2")

    server.refuse_publish = True
    await asyncio.to_thread(worker.publish, "c.1", {"n": 1})
    server.refuse_publish = False
    await asyncio.sleep(0.02)
    await asyncio.to_thread(worker.publish, "c.2", {"n": 2})
    await until(lambda: len(wire.sent) == 2)

    assert wire.frames == [RESYNC, {"n": 2}]
    await hub.stop()
    await worker.stop()


async def test_an_idle_subscription_is_pinged_and_kept(
    server: PubSubServer, monkeypatch: Any
) -> None:
    monkeypatch.setattr(relay_module, "IDLE_SECONDS", 0.01)
    hub = Hub(server.url)
    wire, _ = connect(hub, "c.1")
    assert await hub.joined("c.1")

    await until(lambda: server.pings >= 3)
    worker = Hub(server.url)
    await asyncio.to_thread(worker.publish, "c.1", {"n": 1})
    await until(lambda: wire.sent)

    assert wire.frames == [{"n": 1}]
    await hub.stop()
    await worker.stop()


async def test_a_dead_route_is_noticed_and_replaced(server: PubSubServer, monkeypatch: Any) -> None:
    monkeypatch.setattr(relay_module, "IDLE_SECONDS", 0.02)
    monkeypatch.setattr(relay_module, "IO_SECONDS", 0.1)
    hub = Hub(server.url)
    wire, _ = connect(hub, "c.1")
    assert await hub.joined("c.1")

    server.mute = True
    await asyncio.sleep(0.1)
    server.mute = False
    await until(lambda: wire.sent)

    assert wire.frames == [RESYNC]
    await hub.stop()
