"""Fan frames out to the sockets of this process, and through Redis to those of the others."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from django.conf import settings

from conversations.relay import RESYNC, Relay

logger = logging.getLogger(__name__)

QUEUE_LIMIT = 256
SILENT_SECONDS = 75.0
SWEEP_SECONDS = 15.0
DRAIN_SECONDS = 2.0

CLOSE_TIMEOUT = 4408
CLOSE_DRAINING = 4503


def dumps(payload: Mapping[str, Any]) -> str:
    """Return the frame as JSON text; UUIDs, aware instants and lazy strings are understood."""
    return orjson.dumps(payload, default=str).decode()


class Socket:
    """The outgoing side of one connection: a bounded queue and a writer that lives while needed.

    Used from the loop's thread only. When the peer reads too slowly, the queue gives way to one
    `resync_required` frame.
    """

    __slots__ = ("_code", "_loop", "_queue", "_send", "_writer", "gone", "groups", "heard_at")

    def __init__(
        self,
        send: Callable[[dict[str, Any]], Awaitable[None]],
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._send = send
        self._loop = loop or asyncio.get_running_loop()
        self._queue: deque[str] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._code: int | None = None
        self.gone = False
        self.groups: set[str] = set()
        self.heard_at = self._loop.time()

    @property
    def closing(self) -> bool:
        """True once `close()` or `dispose()` was called: nothing more is queued."""
        return self.gone or self._code is not None

    def push(self, text: str) -> None:
        """Queue one text frame; without effect on a closing socket."""
        if self.gone or self._code is not None:
            return
        if len(self._queue) >= QUEUE_LIMIT:
            self._queue.clear()
            self._queue.append(RESYNC)
        self._queue.append(text)
        self._wake()

    def close(self, code: int) -> None:
        """Close with `code` after the frames already queued."""
        if not self.closing:
            self._code = code
            self._wake()

    def dispose(self) -> None:
        """Drop what is queued: the peer has gone. No group takes the socket any more."""
        self.gone = True
        self._queue.clear()

    async def flushed(self) -> None:
        """Wait until everything queued so far has been handed to the server."""
        if self._writer is not None:
            await asyncio.wait({self._writer})

    def _wake(self) -> None:
        if self._writer is None:
            self._writer = self._loop.create_task(self._write())

    async def _write(self) -> None:
        queue = self._queue
        try:
            while queue:
                await self._send({"type": "websocket.send", "text": queue.popleft()})
            if self._code is not None and not self.gone:
                await self._send({"type": "websocket.close", "code": self._code})
        except Exception as error:  # noqa: BLE001 -- each server has its own error for "gone"
            logger.debug("Socket gone while writing: %s", type(error).__name__)
            self.dispose()
        finally:
            self._writer = None


class Hub:
    """Groups of sockets of this process, joined to the other processes by a Redis URL.

    Serves one event loop, the one whose sockets it holds. Local sockets are reached directly,
    whatever the state of Redis.
    """

    def __init__(self, redis_url: str = "") -> None:
        self._groups: dict[str, set[Socket]] = {}
        self._sockets: set[Socket] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._inbox: deque[tuple[str | Socket, str]] = deque()
        self._scheduled = False
        self._sweeper: asyncio.TimerHandle | None = None
        self._relay: Relay | None = None
        if redis_url:
            self._relay = Relay(
                redis_url,
                deliver=self._fan_out,
                resync=self.resync_all,
                groups=self._groups,
            )
        self.draining = False

    def start(self) -> None:
        """Bind the hub to the running loop; the first socket does it, if nobody did."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        if self._loop is not None and not self._loop.is_closed():
            raise RuntimeError("the hub serves another event loop")
        self._groups.clear()
        self._sockets.clear()
        self._inbox.clear()
        self._scheduled = self.draining = False
        self._loop, self._thread = loop, threading.get_ident()
        self._sweeper = loop.call_later(SWEEP_SECONDS, self._sweep)
        if self._relay is not None:
            self._relay.start()

    async def stop(self) -> None:
        """Forget every socket, without closing it, and end the Redis connections."""
        self._unbind()
        if self._relay is not None:
            await self._relay.stop()

    def abandon(self) -> None:
        """Let go of everything from any thread, without waiting; for `reset_hub()`."""
        loop = self._loop
        self._unbind()
        if self._relay is None:
            return
        if loop is not None and loop.is_running():
            loop.call_soon_threadsafe(lambda: loop.create_task(self._relay.stop()))  # type: ignore[union-attr]
        else:
            self._relay.close_blocking()

    def _unbind(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        self._loop = None
        self._groups.clear()
        self._sockets.clear()

    async def drain(self) -> None:
        """Close all sockets with 4503, and every later one, so that clients go elsewhere."""
        self.draining = True
        sockets = list(self._sockets)
        for socket in sockets:
            socket.close(CLOSE_DRAINING)
        if sockets:
            await asyncio.wait(
                [asyncio.ensure_future(socket.flushed()) for socket in sockets],
                timeout=DRAIN_SECONDS,
            )

    def attach(self, socket: Socket) -> None:
        """Know a socket that is in no group yet, for sweeping and draining."""
        self.start()
        if socket.gone:
            return
        self._sockets.add(socket)
        if self.draining:
            socket.close(CLOSE_DRAINING)

    def join(self, group: str, socket: Socket) -> None:
        """Let the socket hear the group, from this process at once, from others soon.

        Await `joined()` before reading what the socket may have missed.
        """
        self.attach(socket)
        if socket.gone:
            return
        members = self._groups.get(group)
        if members is None:
            members = self._groups[group] = set()
            if self._relay is not None:
                self._relay.watch(group)
        members.add(socket)
        socket.groups.add(group)

    async def joined(self, group: str, timeout: float = 1.0) -> bool:
        """Wait until frames of other processes arrive for the group; False if Redis is away."""
        return self._relay is None or await self._relay.watched(group, timeout)

    def leave(self, group: str, socket: Socket) -> None:
        """Undo `join()`; nothing happens if the socket is not in the group."""
        socket.groups.discard(group)
        members = self._groups.get(group)
        if members is None:
            return
        members.discard(socket)
        if not members:
            del self._groups[group]
            if self._relay is not None:
                self._relay.watch(group)

    def leave_all(self, socket: Socket) -> None:
        """Forget the socket altogether."""
        for group in list(socket.groups):
            self.leave(group, socket)
        self._sockets.discard(socket)

    @property
    def sockets(self) -> int:
        """How many sockets this process holds."""
        return len(self._sockets)

    def members(self, group: str) -> list[Socket]:
        """Return the group's sockets in this process, in no order."""
        return list(self._groups.get(group, ()))

    def reaches(self, group: str) -> bool:
        """Return whether a frame to the group could be heard: one to nobody need not be built."""
        return self._relay is not None or group in self._groups

    def publish(self, group: str, payload: Mapping[str, Any]) -> None:
        """Send one frame to all sockets of the group, in all processes; from any thread.

        Serialises once, never raises for Redis and never waits on the loop. Frames are hints: a
        frame that cannot be delivered becomes `resync_required` as soon as something can.
        """
        relay, loop = self._relay, self._loop
        if not self.reaches(group):
            return
        text = dumps(payload)
        if loop is None or loop.is_closed():
            if relay is not None:
                _off_loop(relay.send_blocking, group, text)
            return
        self._take((group, text), loop)

    def hand(self, socket: Socket, payload: Mapping[str, Any]) -> None:
        """Send one frame to one socket here, in its turn among what is published; any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._take((socket, dumps(payload)), self._loop)

    def _take(self, item: tuple[str | Socket, str], loop: asyncio.AbstractEventLoop) -> None:
        self._inbox.append(item)
        if threading.get_ident() == self._thread:
            self._empty_inbox()
        elif not self._scheduled:
            self._scheduled = True
            try:
                loop.call_soon_threadsafe(self._empty_inbox)
            except RuntimeError:
                logger.debug("Hub loop closed while publishing")

    def resync_all(self) -> None:
        """Ask every local socket to fetch what it may have missed."""
        for socket in self._sockets:
            socket.push(RESYNC)

    def _empty_inbox(self) -> None:
        # The flag falls before the queue is read: a frame appended later schedules again.
        self._scheduled = False
        relay = self._relay
        while self._inbox:
            target, text = self._inbox.popleft()
            if isinstance(target, Socket):
                target.push(text)
                continue
            self._fan_out(target, text)
            if relay is not None:
                relay.send(target, text)

    def _fan_out(self, group: str, text: str) -> None:
        for socket in self._groups.get(group, ()):
            socket.push(text)

    def _sweep(self) -> None:
        loop = self._loop
        if loop is None:
            return
        oldest = loop.time() - SILENT_SECONDS
        for socket in self._sockets:
            if socket.heard_at < oldest:
                socket.close(CLOSE_TIMEOUT)
        self._sweeper = loop.call_later(SWEEP_SECONDS, self._sweep)


def _off_loop(function: Callable[[str, str], None], group: str, text: str) -> None:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        function(group, text)
    else:
        loop.run_in_executor(None, function, group, text)


_hub: Hub | None = None
_hub_lock = threading.Lock()


def get_hub() -> Hub:
    """Return the hub of this process, made at the first call from `settings.REDIS_URL`."""
    global _hub
    if _hub is None:
        with _hub_lock:
            if _hub is None:
                _hub = Hub(getattr(settings, "REDIS_URL", "") or "")
    return _hub


def reset_hub() -> None:
    """Let go of the process's hub; the next `get_hub()` makes another. For tests."""
    global _hub
    with _hub_lock:
        hub, _hub = _hub, None
    if hub is not None:
        hub.abandon()
