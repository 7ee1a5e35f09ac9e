"""One visitor: a session, a socket, and at most one open question at a time."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from conversations.bench.http import HTTPClient, HTTPError
from conversations.bench.questions import questions_for

API = "/api/client/v1"
REPLY_KINDS = frozenset({"text", "answer", "clarify", "smalltalk"})
WITH_PEOPLE = frozenset({"waiting_human", "human"})
RECONNECTS = 5
OPEN_SECONDS = 60.0
READY_SECONDS = 30.0


@dataclass
class Turn:
    """One question on its way: instants are of the monotonic clock."""

    client_msg_id: str
    conversation_id: str | None
    sent_at: float
    seq: int | None = None
    acked_at: float | None = None
    replied_at: float | None = None
    error: str = ""
    handed_off: bool = False


@dataclass
class Log:
    """What all visitors saw."""

    turns: list[Turn] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    reconnects: int = 0
    resyncs: int = 0
    handoffs: int = 0
    repeated_frames: int = 0
    agent_frames: int = 0


class Visitor:
    """Asks when told to; calls `idle` with itself whenever it may be asked to again."""

    def __init__(
        self, client: HTTPClient, log: Log, idle: Callable[[Visitor], None], locale: str
    ) -> None:
        self._client = client
        self._log = log
        self._idle = idle
        self._locale = locale
        self._token = ""
        self._ws_url = ""
        self._connection: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._turn: Turn | None = None
        self._conversation_id: str | None = None
        self._handed_off = False
        self._seen: set[str] = set()
        self._last_seq = 0
        self._stopping = False
        self._replayed = False
        self._frame = ""
        self._questions: Iterator[str] = iter(())
        self.conversations: dict[str, int] = {}
        self.queued = False

    @property
    def can_ask(self) -> bool:
        """Whether the socket is up, no question is open, and the assistant has the word."""
        return self._ready.is_set() and self._turn is None and not self._handed_off

    async def open(self, channel_key: str, ws_url: str | None) -> None:
        """Start the session, accept the privacy notice and connect the socket.

        Raises HTTPError, OSError, TimeoutError, WebSocketException.
        """
        answer = await self._client.call(
            "POST",
            f"{API}/sessions",
            {"channel_key": channel_key, "device_id": str(uuid.uuid4()), "locale": self._locale},
        )
        session = answer.data
        self._token = session["token"]
        self._ws_url = ws_url or session["ws_url"]
        questions = questions_for(session["config"].get("locale") or self._locale)
        # Each once before any comes again: who repeats a question is handed to people.
        self._questions = itertools.cycle(random.sample(questions, len(questions)))
        notice = session["config"].get("notice") or {}
        if notice and not notice.get("accepted"):
            await self._call("POST", "/notices/accept", {"version": notice["version"]})
        await self._connect()

    async def close(self) -> None:
        """Close the socket."""
        self._stopping = True
        if self._connection is not None:
            await self._connection.close()
        if self._reader is not None:
            await asyncio.wait({self._reader}, timeout=5)
            self._reader.cancel()

    async def ping(self) -> None:
        """Keep the connection from being taken for dead."""
        await self._send('{"t":"ping"}')

    async def ask(self) -> None:
        """Send the next question; the answer is noted by the reader."""
        frame = {
            "t": "message.send",
            "client_msg_id": str(uuid.uuid4()),
            "type": "text",
            "text": next(self._questions),
        }
        if self._conversation_id is not None:
            frame["conversation_id"] = self._conversation_id
        turn = Turn(frame["client_msg_id"], self._conversation_id, time.monotonic())
        self._turn = turn
        self._log.turns.append(turn)
        self._frame = json.dumps(frame, ensure_ascii=False)
        await self._send(self._frame)

    def give_up(self) -> None:
        """Mark the open question as unanswered; the measurement is over."""
        self._turn = None

    async def stored(self, conversation_id: str) -> list[dict[str, Any]]:
        """Return all messages of a conversation as the server has them."""
        messages: list[dict[str, Any]] = []
        more = True
        while more:
            after = messages[-1]["seq"] if messages else 0
            answer = await self._call(
                "GET", f"/conversations/{conversation_id}/messages?after_seq={after}&limit=100"
            )
            messages += answer["messages"]
            more = bool(answer["has_more"] and answer["messages"])
        return messages

    async def _send(self, text: str) -> None:
        # What a dying connection did not take is sent again by the reconnect, under its old id.
        if self._connection is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._connection.send(text)

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        return (await self._client.call(method, API + path, body, token=self._token)).data

    async def _connect(self) -> None:
        self._ready.clear()
        self._connection = await connect(
            self._ws_url,
            subprotocols=[Subprotocol("cs.v1"), Subprotocol(f"auth.{self._token}")],
            compression=None,
            ping_interval=None,
            open_timeout=OPEN_SECONDS,
            user_agent_header=None,
            proxy=None,
        )
        self._reader = asyncio.create_task(self._read(self._connection))
        async with asyncio.timeout(READY_SECONDS):
            await self._ready.wait()

    async def _read(self, connection: ClientConnection) -> None:
        try:
            async for text in connection:
                self._received(json.loads(text))
        except ConnectionClosed:
            pass
        self._ready.clear()
        if not self._stopping:
            self._log.errors[f"closed_{connection.close_code}"] += 1
            # Held by the attribute: a new reader replaces this one.
            self._reader = asyncio.create_task(self._reconnect())

    async def _reconnect(self) -> None:
        self._log.reconnects += 1
        self._replayed = True
        for attempt in range(RECONNECTS):
            await asyncio.sleep(random.uniform(0, 2**attempt))  # noqa: S311 -- not a secret
            try:
                await self._connect()
            except (OSError, TimeoutError, WebSocketException):
                continue
            await self._resume()
            return
        self._log.errors["not_reconnected"] += 1

    async def _resume(self) -> None:
        if self._conversation_id is not None:
            frame = {
                "t": "resume",
                "conversation_id": self._conversation_id,
                "last_seq": self._last_seq,
            }
            await self._send(json.dumps(frame))
        if self._turn is None:
            self._idle(self)
        elif self._turn.acked_at is None:
            await self._send(self._frame)

    async def _resync(self) -> None:
        self._replayed = True
        if self._conversation_id is None:
            return
        try:
            messages = await self.stored(self._conversation_id)
        except HTTPError as error:
            self._log.errors[f"http_{error.status}_{error.code}"] += 1
            return
        now = time.monotonic()
        for message in messages:
            self._heard(message, now)

    def _received(self, frame: dict[str, Any]) -> None:
        now = time.monotonic()
        kind = frame["t"]
        if kind == "ready":
            self._ready.set()
        elif kind == "message.created":
            self._heard(frame["message"], now)
        elif kind == "ack":
            if self._turn is not None and frame["client_msg_id"] == self._turn.client_msg_id:
                self._stored(frame["seq"], frame.get("conversation_id"), now)
        elif kind == "conversation.updated":
            if frame.get("status") in WITH_PEOPLE and not self._handed_off:
                self._handed_off = True
                self._log.handoffs += 1
                self._finish_handed_off()
        elif kind == "resync_required":
            self._log.resyncs += 1
            _keep(asyncio.create_task(self._resync()))
        elif kind == "error":
            self._log.errors[frame["code"]] += 1
            if self._turn is not None and frame.get("client_msg_id") == self._turn.client_msg_id:
                self._turn.error = frame["code"]
                self._done()

    def _heard(self, message: dict[str, Any], now: float) -> None:
        if message["id"] in self._seen:
            self._log.repeated_frames += not self._replayed
            return
        self._seen.add(message["id"])
        conversation_id, seq = message["conversation_id"], message["seq"]
        self.conversations[conversation_id] = max(seq, self.conversations.get(conversation_id, 0))
        if conversation_id == self._conversation_id:
            self._last_seq = max(self._last_seq, seq)
        turn = self._turn
        if turn is None:
            return
        if message["client_msg_id"] == turn.client_msg_id:
            self._stored(seq, conversation_id, now)
        elif is_reply(message) and (turn.seq is None or seq > turn.seq):
            if turn.conversation_id not in (None, conversation_id):
                return
            turn.replied_at = now
            self._done()

    def _stored(self, seq: int, conversation_id: str | None, now: float) -> None:
        turn = self._turn
        if turn is None:
            return
        turn.seq = seq
        turn.acked_at = turn.acked_at or now
        if conversation_id is not None:
            turn.conversation_id = self._conversation_id = conversation_id
            self.conversations.setdefault(conversation_id, seq)
            self._last_seq = max(self._last_seq, seq)
        self._finish_handed_off()

    def _finish_handed_off(self) -> None:
        # People answer from here on, so nothing more is due to the open question.
        if self._handed_off and (self._turn is None or self._turn.acked_at is not None):
            if self._turn is not None:
                self._turn.handed_off = True
                self._turn = None
            _keep(asyncio.create_task(self._start_over()))

    async def _start_over(self) -> None:
        try:
            if self._conversation_id is not None:
                await self._call("POST", f"/conversations/{self._conversation_id}/close", {})
            conversation = await self._call("POST", "/conversations", {})
        except HTTPError as error:
            self._log.errors[f"http_{error.status}_{error.code}"] += 1
            return
        self._conversation_id = conversation["id"]
        self._last_seq = 0
        self._handed_off = False
        self._idle(self)

    def _done(self) -> None:
        self._turn = None
        if not self._handed_off:
            self._idle(self)


def is_reply(message: dict[str, Any]) -> bool:
    """Return whether a message is what the assistant says to a question."""
    return message["author"]["kind"] == "bot" and message.get("kind", "text") in REPLY_KINDS


_background: set[asyncio.Task[None]] = set()


def _keep(task: asyncio.Task[None]) -> None:
    _background.add(task)
    task.add_done_callback(_background.discard)
