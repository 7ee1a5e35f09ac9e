"""Drive a number of visitors against a server and compare what they saw with what it kept."""

from __future__ import annotations

import asyncio
import random
import re
import resource
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import WebSocketException

from conversations.bench.agent import Agent, sign_in
from conversations.bench.figures import Figures, ServerUse, Spread, check_stored
from conversations.bench.http import HTTPClient, HTTPError
from conversations.bench.process import Usage, busy_seconds, usage
from conversations.bench.reader import Reader
from conversations.bench.visitor import Log, Visitor

OPENING_AT_ONCE = 16
PING_SECONDS = 25.0
GRACE_SECONDS = 10.0
# A visitor may send 20 messages a minute; chance must have room below that.
FASTEST_PER_VISITOR = 0.25


class BenchError(Exception):
    """The measurement could not be made; the text says why."""


@dataclass(frozen=True)
class Plan:
    """What to do: `rate` is questions per second of all visitors together."""

    url: str
    visitors: int
    seconds: float
    rate: float
    goal_p99_ms: float
    channel_key: str = ""
    locale: str = "zh-CN"
    pid: int | None = None
    agents: int = 0
    login: tuple[str, str] = ("", "")
    reload: str = ""


async def measure(plan: Plan, say: Callable[[str], None]) -> Figures:
    """Carry out the plan. Raises BenchError if the server cannot be reached or refuses visitors."""
    if plan.rate > plan.visitors * FASTEST_PER_VISITOR:
        raise BenchError(
            f"{plan.visitors} visitors may send {plan.visitors * FASTEST_PER_VISITOR:g} questions "
            "a second at most: more visitors, or a lower rate"
        )
    raise_file_limit()
    client = HTTPClient(plan.url)
    crowd = _Crowd(plan, client)
    figures = Figures(plan.visitors, plan.seconds, plan.rate, plan.goal_p99_ms)
    figures.agents = plan.agents
    try:
        key = plan.channel_key or await find_channel_key(client)
        started = time.monotonic()
        await crowd.open(key)
        figures.connect_seconds = round(time.monotonic() - started, 2)
        figures.connections_per_second = round(plan.visitors / figures.connect_seconds, 1)
        say(f"{plan.visitors} visitors connected in {figures.connect_seconds:.1f} s")
        before = _Clocks.read(plan.pid)
        figures.skipped = await crowd.ask()
        await crowd.settle()
        figures.page_ms = Spread.of(crowd.page_seconds)
        _note_use(figures, plan.pid, before, _Clocks.read(plan.pid), crowd.log)
        figures.take_log(crowd.log)
        say("Comparing with what the server stored")
        check_stored(figures, crowd.log.turns, await crowd.stored())
    except (HTTPError, OSError, TimeoutError, WebSocketException) as error:
        raise BenchError(f"{type(error).__name__}: {error}") from error
    finally:
        await crowd.close()
        client.close()
    return figures


async def find_channel_key(client: HTTPClient) -> str:
    """Return the channel of the demonstration page. Raises BenchError if there is none."""
    page = (await client.call("GET", "/demo/")).body.decode(errors="replace")
    found = re.search(r"""data-channel-key=["']([^"']+)["']""", page)
    if found is None:
        raise BenchError("/demo/ names no channel: give --channel-key")
    return found[1]


class _Crowd:
    def __init__(self, plan: Plan, client: HTTPClient) -> None:
        self.log = Log()
        self._plan = plan
        self._idle: deque[Visitor] = deque()
        self._client = client
        self._visitors = [
            Visitor(client, self.log, self._queue, plan.locale) for _ in range(plan.visitors)
        ]
        self._agents: list[Agent] = []
        self._watched: set[str] = set()
        self._reader: Reader | None = None
        self._pinger: asyncio.Task[None] | None = None

    @property
    def page_seconds(self) -> list[float]:
        """How long each load of the page beside the visitors took."""
        return self._reader.seconds if self._reader else []

    async def open(self, channel_key: str) -> None:
        waiting = deque(self._visitors)

        async def open_some() -> None:
            while waiting:
                visitor = waiting.popleft()
                await visitor.open(channel_key, ws_url(self._plan.url))
                self._queue(visitor)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(OPENING_AT_ONCE, len(waiting))):
                    group.create_task(open_some())
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        random.shuffle(self._idle)
        await self._open_staff()
        self._pinger = asyncio.create_task(self._ping())

    async def ask(self) -> int:
        """Let questions arrive by chance, as from strangers; return how many found nobody free."""
        skipped = 0
        if self._reader is not None:
            self._reader.start()
        now = time.monotonic()
        end = now + self._plan.seconds
        due = now + random.expovariate(self._plan.rate)
        while due < end:
            await asyncio.sleep(due - time.monotonic())
            visitor = self._next()
            if visitor is None:
                skipped += 1
            else:
                await visitor.ask()
                await self._show(visitor)
            due += random.expovariate(self._plan.rate)
        return skipped

    async def settle(self) -> None:
        """Wait for the answers still on their way, then give up on the rest."""
        end = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < end and any(_is_open(turn) for turn in self.log.turns):
            await asyncio.sleep(0.05)
        for visitor in self._visitors:
            visitor.give_up()
        if self._reader is not None:
            await self._reader.stop()

    async def stored(self) -> dict[str, list[dict[str, Any]]]:
        pairs = [(visitor, key) for visitor in self._visitors for key in visitor.conversations]
        kept = await asyncio.gather(*(visitor.stored(key) for visitor, key in pairs))
        return {key: messages for (_, key), messages in zip(pairs, kept, strict=True)}

    async def close(self) -> None:
        if self._pinger is not None:
            self._pinger.cancel()
        people: list[Visitor | Agent] = [*self._visitors, *self._agents]
        await asyncio.gather(*(person.close() for person in people))

    async def _open_staff(self) -> None:
        plan = self._plan
        if not (plan.agents or plan.reload):
            return
        cookies = await asyncio.to_thread(sign_in, plan.url, *plan.login)
        if plan.reload:
            self._reader = Reader(plan.url, cookies, plan.reload)
        self._agents = [Agent(plan.url, cookies, self.log) for _ in range(plan.agents)]
        for agent in self._agents:
            await agent.open()

    async def _show(self, visitor: Visitor) -> None:
        """Let one agent, always the same, watch the conversations of a visitor."""
        if not self._agents:
            return
        agent = self._agents[self._visitors.index(visitor) % len(self._agents)]
        for conversation_id in visitor.conversations.keys() - self._watched:
            self._watched.add(conversation_id)
            await agent.watch(conversation_id)

    async def _ping(self) -> None:
        people: list[Visitor | Agent] = [*self._visitors, *self._agents]
        while True:
            for person in people:
                await asyncio.sleep(PING_SECONDS / len(people))
                await person.ping()

    def _queue(self, visitor: Visitor) -> None:
        if not visitor.queued:
            visitor.queued = True
            self._idle.append(visitor)

    def _next(self) -> Visitor | None:
        while self._idle:
            visitor = self._idle.popleft()
            visitor.queued = False
            if visitor.can_ask:
                return visitor
        return None


def _is_open(turn: Any) -> bool:
    return not (turn.replied_at or turn.error or turn.handed_off)


def ws_url(url: str) -> str:
    """Return the address of the visitors' sockets on the server at `url`."""
    parts = urlsplit(url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}/ws/client/v1"


@dataclass(frozen=True)
class _Clocks:
    wall: float
    client: float
    machine: float
    server: Usage | None

    @classmethod
    def read(cls, pid: int | None) -> _Clocks:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return cls(
            wall=time.monotonic(),
            client=used.ru_utime + used.ru_stime,
            machine=busy_seconds(),
            server=None if pid is None else usage(pid),
        )


def _note_use(figures: Figures, pid: int | None, before: _Clocks, after: _Clocks, log: Log) -> None:
    wall = after.wall - before.wall
    client = after.client - before.client
    cpu = 0.0
    if pid is not None and before.server is not None and after.server is not None:
        cpu = after.server.cpu_seconds - before.server.cpu_seconds
        answered = sum(turn.replied_at is not None for turn in log.turns)
        figures.server = ServerUse(
            pid=pid,
            cores=round(cpu / wall, 3),
            cpu_ms_per_turn=round(cpu * 1000 / answered, 3) if answered else None,
            rss_mb=round(after.server.rss_bytes / 2**20, 1),
        )
    others = after.machine - before.machine - client - cpu
    figures.client_cores = round(client / wall, 3)
    figures.other_cores = round(max(0.0, others) / wall, 3)


def raise_file_limit() -> None:
    """Let this process hold as many open sockets as the system allows it."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
