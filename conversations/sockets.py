"""The base of our WebSocket consumers: frames in, handlers, one executor for database work."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, ClassVar, ParamSpec, TypeVar
from urllib.parse import urlsplit

import orjson
from django.conf import settings
from django.utils import translation

from conversations.executor import in_pool
from conversations.hub import CLOSE_TIMEOUT, Socket, dumps, get_hub
from tenants.errors import DomainError
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

CLOSE_UNAUTHORIZED = 4401
CLOSE_FORBIDDEN = 4403
# RFC 6455 has 1009 and 1011 for these two, but daphne can only send 1000 and 3000-4999.
CLOSE_TOO_LARGE = 4413
CLOSE_UNAVAILABLE = 4503
CLOSE_RATE = 4429

FINISH_SECONDS = 5.0

P = ParamSpec("P")
R = TypeVar("R")
Frame = dict[str, Any]
Handler = Callable[[Frame], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_background: set[asyncio.Task[None]] = set()


class Refused(Exception):  # noqa: N818 -- control flow, not a failure
    """Raised by a hook or handler to close the socket with a code."""

    def __init__(self, close_code: int = CLOSE_FORBIDDEN) -> None:
        self.close_code = close_code
        super().__init__(close_code)


class SocketConsumer:
    """One WebSocket connection speaking JSON frames `{"t": type, …}`.

    A subclass gives `authenticate()` and one `async def on_<type>(frame)` per frame type, dots
    as underscores. Handlers of one socket run one after the other, in the order of the frames,
    inside `tenant_scope()`; those named in `parallel` run beside them. Deliveries, pings and
    other sockets never wait for a handler. Frames already received are handled to the end after
    the peer has gone.
    """

    subprotocol: ClassVar[str | None] = None
    auth_by_frame: ClassVar[bool] = False
    auth_seconds: ClassVar[float] = 5.0
    max_frame_bytes: ClassVar[int] = 16 * 1024
    rate_frames: ClassVar[int] = 20
    rate_seconds: ClassVar[float] = 10.0
    parallel: ClassVar[frozenset[str]] = frozenset()

    scope: dict[str, Any]
    socket: Socket
    tenant_id: int | None = None
    language: str | None = None

    def __init__(self) -> None:
        self.authenticated = False
        self._authenticating = False
        self._inbox: deque[tuple[Handler, Frame]] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._times: deque[float] = deque(maxlen=self.rate_frames)

    @classmethod
    def as_asgi(cls) -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
        """Return the ASGI application for a URL router: one instance per connection."""

        async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
            await cls().run(scope, receive, send)

        return application

    async def authenticate(self, token: str | None) -> bool:
        """Learn who is there, set `tenant_id` and `language`, or return False to close with 4401.

        `token` comes from the sub-protocol `auth.<token>`, a bearer header, or, if
        `auth_by_frame`, the first frame; it is None where there was none. Runs outside the
        tenant's scope.
        """
        raise NotImplementedError

    async def origin_allowed(self, origin: str | None) -> bool:
        """Say whether a page of this origin may hold the socket; asked after `authenticate()`.

        By default: no Origin (not a browser), our own host, or a CSRF_TRUSTED_ORIGINS member.
        """
        if origin is None:
            return True
        host = self.header("host")
        return bool(host) and (
            urlsplit(origin).netloc == host or origin in settings.CSRF_TRUSTED_ORIGINS
        )

    async def opened(self) -> None:
        """Join groups and greet; the frames already received are handled after it."""

    async def closed(self, code: int) -> None:
        """Clean up after an authenticated socket, which has left its groups already."""

    def tenant_scope(self) -> AbstractContextManager[None]:
        """Return the scope entered around every handler and hook but `authenticate()`."""
        return nullcontext() if self.tenant_id is None else tenant_scope(self.tenant_id)

    def header(self, name: str) -> str | None:
        """Return a header of the handshake by its lower-case name."""
        wanted = name.encode("ascii")
        for key, value in self.scope["headers"]:
            if key == wanted:
                return str(value.decode("latin-1"))
        return None

    def send_frame(self, frame: Mapping[str, Any]) -> None:
        """Queue a frame to this socket alone, in order with what the hub delivers."""
        self.socket.push(dumps(frame))

    def send_error(self, code: str, frame: Frame | None = None, **more: Any) -> None:
        """Queue an `error` frame that names the frame it answers, where that can be named."""
        error: Frame = {"t": "error", "code": code}
        for key in ("client_msg_id", "conversation_id"):
            if frame is not None and isinstance(frame.get(key), str):
                error[key] = frame[key]
        self.send_frame(error | more)

    def close(self, code: int) -> None:
        """Close after the frames queued so far; frames still coming in are ignored."""
        self.socket.close(code)

    async def db(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run database work in the executor of the sockets; see `in_pool()`."""
        return await in_pool(function, *args, **kwargs)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the handlers, in the caller's context; failures are logged.

        It outlives the connection.
        """
        _keep(asyncio.get_running_loop().create_task(self._guarded(work)))

    async def run(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection from handshake to disconnect."""
        self.scope = scope
        await receive()
        loop = asyncio.get_running_loop()
        offered = scope.get("subprotocols") or []
        # A close code reaches a browser only after the handshake, so every refusal comes later.
        accepted = self.subprotocol if self.subprotocol in offered else None
        await send({"type": "websocket.accept", "subprotocol": accepted})
        self.socket = Socket(send, loop)
        hub = get_hub()
        hub.attach(self.socket)
        deadline = loop.call_later(self.auth_seconds, self._auth_late)
        code = 1006
        try:
            token = self._handshake_token()
            if token is not None or not self.auth_by_frame:
                self._start_authenticating(token)
            while True:
                message = await receive()
                if message["type"] == "websocket.disconnect":
                    code = message.get("code") or 1005
                    break
                self._received(message)
        finally:
            deadline.cancel()
            self.socket.dispose()
            hub.leave_all(self.socket)
            if self.authenticated or self._authenticating:
                self._enqueue(self._finish, {"t": "closed", "code": code})
        # daphne kills applications that linger 10 s after the disconnect; the worker lives on.
        if self._worker is not None:
            await asyncio.wait({self._worker}, timeout=FINISH_SECONDS)

    def _handshake_token(self) -> str | None:
        for offer in self.scope.get("subprotocols") or []:
            if offer.startswith("auth."):
                return str(offer.removeprefix("auth."))
        scheme, _, token = (self.header("authorization") or "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    def _auth_late(self) -> None:
        if not self.authenticated:
            self.close(CLOSE_TIMEOUT)

    def _start_authenticating(self, token: str | None) -> None:
        self._authenticating = True
        self._enqueue(self._authenticate, {"t": "auth", "token": token})

    def _received(self, message: dict[str, Any]) -> None:
        now = asyncio.get_running_loop().time()
        self.socket.heard_at = now
        if self.socket.closing:
            return
        times = self._times
        if len(times) == self.rate_frames and now - times[0] < self.rate_seconds:
            self.send_error("rate_limited")
            self.close(CLOSE_RATE)
            return
        times.append(now)
        data: str | bytes = message.get("text") or message.get("bytes") or b""
        if _size(data) > self.max_frame_bytes:
            self.send_error("too_large")
            self.close(CLOSE_TOO_LARGE)
            return
        try:
            frame = orjson.loads(data)
        except orjson.JSONDecodeError:
            frame = None
        if not isinstance(frame, dict) or not isinstance(frame.get("t"), str):
            self.send_error("malformed")
            return
        self._route(frame["t"], frame)

    def _route(self, kind: str, frame: Frame) -> None:
        if kind == "ping":
            self.send_frame({"t": "pong"})
            return
        if not self.authenticated and not self._authenticating:
            if kind == "auth" and isinstance(frame.get("token"), str):
                self._start_authenticating(frame["token"])
            else:
                self.send_error("unauthorized", frame)
                self.close(CLOSE_UNAUTHORIZED)
            return
        handler: Handler | None = getattr(self, "on_" + kind.replace(".", "_"), None)
        if handler is None:
            self.send_error("unknown_frame", frame)
        elif self.authenticated and kind in self.parallel:
            _keep(asyncio.get_running_loop().create_task(self._handle(handler, frame)))
        else:
            self._enqueue(handler, frame)

    def _enqueue(self, handler: Handler, frame: Frame) -> None:
        self._inbox.append((handler, frame))
        if self._worker is None:
            self._worker = _keep(asyncio.get_running_loop().create_task(self._work()))

    async def _work(self) -> None:
        try:
            while self._inbox:
                handler, frame = self._inbox.popleft()
                await self._handle(handler, frame)
        finally:
            self._worker = None

    async def _handle(self, handler: Handler, frame: Frame) -> None:
        with self._surroundings():
            try:
                await handler(frame)
            except Refused as refusal:
                self.close(refusal.close_code)
            except DomainError as error:
                self.send_error(error.code, frame, detail=error.detail, **error.extra)
            except Exception:
                logger.exception("Socket frame failed: %s", frame.get("t"))
                self.send_error("internal", frame)

    async def _authenticate(self, frame: Frame) -> None:
        try:
            if not await self.authenticate(frame["token"]):
                raise Refused(CLOSE_UNAUTHORIZED)
            with self._surroundings():
                if not await self.origin_allowed(self.header("origin")):
                    raise Refused(CLOSE_FORBIDDEN)
                if self.socket.closing:
                    raise Refused(CLOSE_UNAVAILABLE)
                self.authenticated = True
                await self.opened()
        except DomainError as error:
            self._forget()
            self.send_error(error.code, detail=error.detail, **error.extra)
            self.close(CLOSE_UNAUTHORIZED if error.status == 401 else CLOSE_FORBIDDEN)
        except Refused:
            self._forget()
            raise
        except Exception:
            self._forget()
            self.close(CLOSE_UNAVAILABLE)
            raise
        finally:
            self._authenticating = False

    def _forget(self) -> None:
        self.authenticated = False
        self._inbox.clear()

    async def _finish(self, frame: Frame) -> None:
        if self.authenticated:
            await self.closed(frame["code"])

    @contextmanager
    def _surroundings(self) -> Iterator[None]:
        language = translation.override(self.language) if self.language else nullcontext()
        with self.tenant_scope(), language:
            yield

    @staticmethod
    async def _guarded(work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            logger.exception("Background work of a socket failed")


def _keep(task: asyncio.Task[None]) -> asyncio.Task[None]:
    # The loop itself holds its tasks weakly.
    _background.add(task)
    task.add_done_callback(_background.discard)
    return task


def _size(data: str | bytes) -> int:
    if isinstance(data, bytes):
        return len(data)
    return len(data) if data.isascii() else len(data.encode())
