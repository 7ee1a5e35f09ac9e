"""Carry hub frames between processes over Redis pub/sub."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

logger = logging.getLogger(__name__)

RESYNC = '{"t":"resync_required","conversation_id":null}'

EVERYBODY = "*"
ORIGIN_LENGTH = 16
NO_ORIGIN = "-" * ORIGIN_LENGTH
IDLE_SECONDS = 10.0
CONNECT_SECONDS = 2.0
IO_SECONDS = 5.0
BLOCKING_IO_SECONDS = 2.0
PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 10.0
OWED_LIMIT = 1000
SUBSCRIBE_BATCH = 500

_FAILURES = (RedisError, OSError, TimeoutError)


class Relay:
    """One subscription and one publisher of this process.

    What could not be published, or may have been missed while disconnected, is made up for with
    a `resync_required` frame to the groups concerned: frames are lost at most loudly.
    """

    def __init__(
        self,
        url: str,
        *,
        deliver: Callable[[str, str], None],
        resync: Callable[[], None],
        groups: Collection[str],
    ) -> None:
        self._url = url
        # Pub/sub ignores the database number, so two installations that share a server by
        # number would hear each other without it in the channel name.
        self._prefix = f"hub:{_database(url)}:"
        self._deliver = deliver
        self._resync = resync
        self._groups = groups
        self._origin = NO_ORIGIN
        self._task: asyncio.Task[None] | None = None
        self._flusher: asyncio.Task[None] | None = None
        self._publisher: redis.asyncio.Redis | None = None
        self._changed = asyncio.Event()
        self._dirty: set[str] = set()
        self._confirmed: set[str] = set()
        self._waiting: dict[str, list[asyncio.Future[bool]]] = {}
        self._outbox: list[tuple[str, str]] = []
        self._failing = False
        self._down = False
        self._owed: set[str] = set()
        self._blocking: redis.Redis | None = None
        self._blocking_lock = threading.Lock()
        self._blocked_until = 0.0
        self.online = False

    def start(self) -> None:
        """Connect in the background of the running loop and keep connected until `stop()`."""
        self._origin = secrets.token_hex(ORIGIN_LENGTH // 2)
        self._changed = asyncio.Event()
        # What belonged to an earlier, closed loop can be neither awaited nor closed any more.
        self._flusher = self._publisher = None
        self._outbox.clear()
        self._go_offline()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="hub-relay")

    async def stop(self) -> None:
        """End the connections of this process."""
        tasks = [task for task in (self._task, self._flusher) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._task = self._flusher = None
        self._go_offline()
        if self._publisher is not None:
            await self._publisher.aclose()
            self._publisher = None
        self.close_blocking()

    def close_blocking(self) -> None:
        """Close the client used by processes and threads without a loop."""
        with self._blocking_lock:
            if self._blocking is not None:
                self._blocking.close()
                self._blocking = None

    def watch(self, group: str) -> None:
        """Subscribe to, or leave, the group according to whether it has members now."""
        self._dirty.add(group)
        self._changed.set()

    async def watched(self, group: str, timeout: float) -> bool:
        """Wait until Redis confirmed the subscription; False if it did not within `timeout`."""
        if group in self._confirmed:
            return True
        if self._task is None or self._down:
            return False
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(group, []).append(future)
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            return False

    def send(self, group: str, text: str) -> None:
        """Publish from the loop; frames of one loop turn share one round trip."""
        if self._failing:
            self._owe((group,))
        else:
            self._outbox.append((group, text))
        if self._flusher is None:
            self._flusher = asyncio.get_running_loop().create_task(self._flush(), name="hub-flush")

    def send_blocking(self, group: str, text: str) -> None:
        """Publish from a thread of a process without a loop; never raises, blocks 2 s at most.

        After a failure the next second's frames are owed, not tried.
        """
        with self._blocking_lock:
            if time.monotonic() < self._blocked_until:
                self._owe((group,))
                return
            frames = [(group, text)]
            for last in (False, True):
                try:
                    self._publish_blocking([*self._take_owed(), *frames])
                except _FAILURES as error:
                    # The first failure may only be a connection that died while idle. Whether
                    # the frame got out is unknown, so the second try says "resync" instead.
                    self._owe((group,))
                    frames = []
                    if last:
                        self._blocked_until = time.monotonic() + PAUSE_SECONDS
                        logger.warning("Hub publish failed: %s", type(error).__name__)
                else:
                    return

    def _publish_blocking(self, frames: list[tuple[str, str]]) -> None:
        if self._blocking is None:
            self._blocking = redis.Redis.from_url(
                self._url, **_options(BLOCKING_IO_SECONDS), health_check_interval=30
            )
        pipeline = self._blocking.pipeline(transaction=False)
        for group, text in frames:
            pipeline.publish(self._prefix + group, NO_ORIGIN + text)
        try:
            pipeline.execute()
        except _FAILURES:
            self._owe(group for group, _ in frames)
            raise

    async def _flush(self) -> None:
        pause = 0.0
        try:
            while self._outbox or self._owed:
                frames = [*self._take_owed(), *self._outbox]
                self._outbox = []
                try:
                    await self._publish(frames)
                except _FAILURES as error:
                    if not self._failing:
                        logger.warning("Hub publish failed: %s", type(error).__name__)
                    self._failing = True
                    self._owe(group for group, _ in frames)
                    self._owe(group for group, _ in self._outbox)
                    self._outbox = []
                    await asyncio.sleep(pause)
                    pause = _longer(pause)
                else:
                    self._failing = False
                    pause = 0.0
        finally:
            self._flusher = None

    async def _publish(self, frames: list[tuple[str, str]]) -> None:
        if self._publisher is None:
            self._publisher = redis.asyncio.Redis.from_url(self._url, **_options(IO_SECONDS))
        pipeline = self._publisher.pipeline(transaction=False)
        for group, text in frames:
            pipeline.publish(self._prefix + group, self._origin + text)
        await pipeline.execute()

    def _owe(self, groups: Iterable[str]) -> None:
        self._owed.update(groups)
        if len(self._owed) > OWED_LIMIT or EVERYBODY in self._owed:
            self._owed = {EVERYBODY}

    def _take_owed(self) -> list[tuple[str, str]]:
        owed, self._owed = self._owed, set()
        return [(group, RESYNC) for group in owed]

    async def _run(self) -> None:
        pause = 0.0
        missed = False
        while True:
            try:
                async with contextlib.AsyncExitStack() as stack:
                    client = redis.asyncio.Redis.from_url(self._url, **_options(IO_SECONDS))
                    stack.push_async_callback(client.aclose)
                    pubsub = client.pubsub()
                    stack.push_async_callback(pubsub.aclose)
                    self._dirty.clear()
                    await self._subscribe(pubsub, [EVERYBODY, *self._groups])
                    self.online, self._down = True, False
                    if missed:
                        logger.warning("Hub reconnected to Redis; clients resync")
                        self._resync()
                    missed, pause = True, 0.0
                    _heed_cancellation()
                    await self._serve(pubsub)
            except _FAILURES as error:
                if not self._down:
                    logger.warning("Hub lost Redis: %s", type(error).__name__)
            except Exception:
                logger.exception("Hub subscription ended")
            finally:
                self._go_offline()
            missed = self._down = True
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 -- jitter
            pause = _longer(pause)

    def _go_offline(self) -> None:
        self.online = False
        self._confirmed.clear()
        waiting, self._waiting = self._waiting, {}
        for futures in waiting.values():
            for future in futures:
                if not future.done():
                    future.set_result(False)

    async def _serve(self, pubsub: Any) -> None:
        tasks = [
            asyncio.create_task(self._read(pubsub), name="hub-read"),
            asyncio.create_task(self._follow(pubsub), name="hub-follow"),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _subscribe(self, pubsub: Any, groups: list[str]) -> None:
        for start in range(0, len(groups), SUBSCRIBE_BATCH):
            batch = groups[start : start + SUBSCRIBE_BATCH]
            await pubsub.subscribe(*(self._prefix + group for group in batch))
        missing = set(groups)
        async with asyncio.timeout(IO_SECONDS):
            while missing:
                message = await pubsub.get_message(timeout=IO_SECONDS)
                if message is not None:
                    self._receive(message)
                    missing -= self._confirmed

    async def _read(self, pubsub: Any) -> None:
        silent = False
        while True:
            _heed_cancellation()
            message = await pubsub.get_message(timeout=IDLE_SECONDS)
            if message is not None:
                silent = False
                self._receive(message)
            elif silent:
                raise redis.exceptions.TimeoutError("no answer to a ping")
            else:
                # An idle subscription over a dead route looks exactly like a quiet one.
                silent = True
                await pubsub.ping()

    def _receive(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind not in ("message", "subscribe", "unsubscribe"):
            return
        group = message["channel"].decode().removeprefix(self._prefix)
        if kind == "subscribe":
            self._confirmed.add(group)
            for future in self._waiting.pop(group, ()):
                if not future.done():
                    future.set_result(True)
        elif kind == "unsubscribe":
            self._confirmed.discard(group)
        else:
            data = message["data"].decode()
            if data[:ORIGIN_LENGTH] == self._origin:
                return
            if group == EVERYBODY:
                self._resync()
            else:
                self._deliver(group, data[ORIGIN_LENGTH:])

    async def _follow(self, pubsub: Any) -> None:
        sent = self._confirmed - {EVERYBODY}
        while True:
            self._changed.clear()
            dirty, self._dirty = self._dirty, set()
            wanted = {group for group in dirty if group in self._groups}
            joined, left = wanted - sent, (dirty - wanted) & sent
            sent = (sent | joined) - left
            self._confirmed -= left
            for names, command in ((joined, pubsub.subscribe), (left, pubsub.unsubscribe)):
                if names:
                    await command(*(self._prefix + group for group in names))
            _heed_cancellation()
            await self._changed.wait()


def _heed_cancellation() -> None:
    # Python 3.11's `wait_for`, through which redis-py sends, swallows a cancellation that comes
    # together with its result: without this the task would wait for ever, and who ends it, too.
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _options(seconds: float) -> dict[str, Any]:
    return {
        # redis-py 8 waits 5 s per read unless told; its own retries would reconnect unseen,
        # and a frame published twice or missed unseen is what this module must not do.
        "socket_timeout": seconds,
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }


def _database(url: str) -> str:
    parts = urlsplit(url)
    return parse_qs(parts.query).get("db", [parts.path.strip("/") or "0"])[0]


def _longer(pause: float) -> float:
    return min(max(pause * 2, 0.1), LONGEST_PAUSE_SECONDS)
