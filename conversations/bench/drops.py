"""Clients whose connections are cut at random, visitors and consoles, and what they hold at the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import random
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from conversations.bench.http import HTTPClient, HTTPError

API = "/api/client/v1"
DESK = "/console/api"
OPEN_SECONDS = 60.0
# How long a connection lives, and how long its client writes nothing.
LIVES_SECONDS = (5.0, 40.0)
QUIET_SECONDS = (8.0, 25.0)
# The page of a history that is fetched when the server says so.
_PAGE = 100
_ASKED = ("Hello", "Thanks", "Is anybody there?", "One more thing", "OK")
_chance = random.Random()  # noqa: S311 -- not a secret
_CUT = (OSError, TimeoutError, WebSocketException)


@dataclass
class View:
    """What a client shows of a conversation: ids by `seq`, as it put them there."""

    shown: list[str] = field(default_factory=list)
    repeated: int = 0

    @property
    def last_seq(self) -> int:
        """The number up to which nothing is missing."""
        return len(self.shown)

    def put(self, message: dict[str, Any]) -> bool:
        """Show a message if it is the next one; return whether there is a gap before it."""
        if message["seq"] <= self.last_seq:
            self.repeated += 1
            return False
        if message["seq"] > self.last_seq + 1:
            return True
        self.shown.append(message["id"])
        return False


@dataclass
class Tally:
    """What happened to all clients together."""

    drops: int = 0
    away_seconds: list[float] = field(default_factory=list)
    caught_up_seconds: list[float] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Client:
    """Keeps a socket open, loses it, comes back, and asks for what it has missed."""

    def __init__(self, tally: Tally, longest: float) -> None:
        self.tally = tally
        self.view = View()
        self.conversation_id = ""
        self._longest = longest
        self._connection: ClientConnection | None = None
        self._fetching = asyncio.Lock()
        self._connected_at = 0.0
        self._wanted_seq: int | None = None

    async def live(self, until: float) -> None:
        """Live through cuts until the instant of the loop's clock, then come back for good."""
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            if not await self._come():
                continue
            stays = min(_chance.uniform(*LIVES_SECONDS), max(0.0, until - loop.time()))
            await self._listen(stays)
            self._cut()
            away = math.exp(_chance.uniform(0, math.log(self._longest)))
            away = min(away, max(0.0, until - loop.time()))
            self.tally.drops += 1
            self.tally.away_seconds.append(away)
            await asyncio.sleep(away)

    async def come_to_rest(self) -> None:
        """Come back, catch up, and go."""
        if await self._come():
            await self._listen(3.0)
            await self.fetch()
            self._cut()

    async def fetch(self) -> None:
        """Fetch what comes after the last message shown."""
        async with self._fetching:
            more = True
            while more:
                page = await self.history(self.view.last_seq)
                for message in page["messages"]:
                    self.view.put(message)
                more = bool(page["has_more"] and page["messages"])

    async def history(self, after_seq: int) -> dict[str, Any]:
        """Return the messages after `after_seq`, as the server has them."""
        raise NotImplementedError

    async def stored(self) -> list[dict[str, Any]]:
        """Return all messages of the conversation, as the server has them."""
        messages: list[dict[str, Any]] = []
        more = True
        while more:
            page = await self.history(messages[-1]["seq"] if messages else 0)
            messages += page["messages"]
            more = bool(page["has_more"] and page["messages"])
        return messages

    async def _open(self) -> ClientConnection:
        raise NotImplementedError

    async def _greeted(self) -> None:
        raise NotImplementedError

    async def _come(self) -> bool:
        try:
            self._connection = await self._open()
            self._connected_at = time.monotonic()
        except _CUT as error:
            self.tally.failures.append(type(error).__name__)
            await asyncio.sleep(_chance.uniform(0.5, 2))
            return False
        return True

    async def _listen(self, seconds: float) -> None:
        assert self._connection is not None
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(seconds):
                async for text in self._connection:
                    await self._received(json.loads(text))

    async def _received(self, frame: dict[str, Any]) -> None:
        kind = frame["t"]
        if kind == "ready":
            await self._greeted()
        elif kind == "message.created" and frame["conversation_id"] == self.conversation_id:
            if self.view.put(frame["message"]):
                await self.fetch()
            self._note_caught_up()
        elif kind == "resync_required":
            await self.fetch()
            self._note_caught_up()

    def _note_caught_up(self) -> None:
        if self._wanted_seq is not None and self.view.last_seq >= self._wanted_seq:
            self.tally.caught_up_seconds.append(time.monotonic() - self._connected_at)
            self._wanted_seq = None

    async def _send(self, frame: dict[str, Any]) -> None:
        if self._connection is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._connection.send(json.dumps(frame, ensure_ascii=False))

    def _cut(self) -> None:
        # Not a farewell: the server hears nothing but silence, as from a phone in a tunnel.
        if self._connection is not None:
            self._connection.transport.abort()
            self._connection = None


class DroppingVisitor(Client):
    """Writes whether connected or not; sends what is not acknowledged again under its old id."""

    def __init__(self, client: HTTPClient, tally: Tally, longest: float) -> None:
        super().__init__(tally, longest)
        self._client = client
        self._token = ""
        self._ws_url = ""
        self._outbox: deque[dict[str, Any]] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._resuming = False

    async def start(self, channel_key: str, ws_url: str) -> None:
        """Open session and conversation. Raises HTTPError."""
        body = {"channel_key": channel_key, "device_id": str(uuid.uuid4()), "locale": "zh-CN"}
        session = (await self._client.call("POST", f"{API}/sessions", body)).data
        self._token, self._ws_url = session["token"], ws_url
        notice = session["config"].get("notice") or {}
        if notice and not notice.get("accepted"):
            await self._call("POST", "/notices/accept", {"version": notice["version"]})
        self.conversation_id = (await self._call("POST", "/conversations", {}))["id"]

    async def live(self, until: float) -> None:
        self._writer = asyncio.create_task(self._write(until))
        await super().live(until)

    async def come_to_rest(self) -> None:
        if self._writer is not None:
            self._writer.cancel()
        tries = 0
        while self._outbox and tries < 10:
            tries += 1
            if await self._come():
                await self._listen(3.0)
                self._cut()
        await super().come_to_rest()

    async def history(self, after_seq: int) -> dict[str, Any]:
        path = f"/conversations/{self.conversation_id}/messages?after_seq={after_seq}&limit={_PAGE}"
        found: dict[str, Any] = await self._call("GET", path)
        return found

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        return (await self._client.call(method, API + path, body, token=self._token)).data

    async def _open(self) -> ClientConnection:
        return await connect(
            self._ws_url,
            subprotocols=[Subprotocol("cs.v1"), Subprotocol(f"auth.{self._token}")],
            compression=None,
            ping_interval=None,
            open_timeout=OPEN_SECONDS,
            user_agent_header=None,
            proxy=None,
        )

    async def _greeted(self) -> None:
        self._resuming = True
        await self._send(
            {
                "t": "resume",
                "conversation_id": self.conversation_id,
                "last_seq": self.view.last_seq,
            }
        )
        if self._outbox:
            await self._send(self._outbox[0])

    async def _received(self, frame: dict[str, Any]) -> None:
        kind = frame["t"]
        if kind == "conversation.updated" and frame["conversation_id"] == self.conversation_id:
            # The answer to `resume` says how much there is; later ones come with their messages.
            if self._resuming and frame["last_seq"] > self.view.last_seq:
                self._wanted_seq = frame["last_seq"]
            self._resuming = False
        elif kind == "ack":
            await self._settled(frame["client_msg_id"])
        elif kind == "error" and frame.get("client_msg_id"):
            self.tally.refused.append(frame["code"])
            self.tally.sent.remove(frame["client_msg_id"])
            await self._settled(frame["client_msg_id"])
        await super()._received(frame)

    async def _settled(self, client_msg_id: str) -> None:
        if self._outbox and self._outbox[0]["client_msg_id"] == client_msg_id:
            self._outbox.popleft()
            if self._outbox:
                await self._send(self._outbox[0])

    async def _write(self, until: float) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            await asyncio.sleep(_chance.uniform(*QUIET_SECONDS))
            frame = {
                "t": "message.send",
                "client_msg_id": str(uuid.uuid4()),
                "conversation_id": self.conversation_id,
                "type": "text",
                "text": _chance.choice(_ASKED),
            }
            self.tally.sent.append(frame["client_msg_id"])
            self._outbox.append(frame)
            if len(self._outbox) == 1:
                await self._send(frame)


class DroppingConsole(Client):
    """Watches one visitor's conversation; now and then the agent replies, connected or not."""

    def __init__(
        self, client: HTTPClient, url: str, cookies: str, tally: Tally, longest: float
    ) -> None:
        super().__init__(tally, longest)
        self._client = client
        self._url = urlsplit(url)
        self._cookies = cookies
        self._writer: asyncio.Task[None] | None = None

    async def live(self, until: float) -> None:
        self._writer = asyncio.create_task(self._write(until))
        await super().live(until)

    async def come_to_rest(self) -> None:
        if self._writer is not None:
            self._writer.cancel()
        await super().come_to_rest()

    async def history(self, after_seq: int) -> dict[str, Any]:
        path = f"conversations/{self.conversation_id}/messages?after_seq={after_seq}&limit={_PAGE}"
        found: dict[str, Any] = await self._call("GET", path)
        return found

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self._client.call(method, f"{DESK}/{path}", body, cookies=self._cookies)
        return answer.data

    async def _open(self) -> ClientConnection:
        scheme = "wss" if self._url.scheme == "https" else "ws"
        return await connect(
            f"{scheme}://{self._url.netloc}/ws/console/v1/",
            additional_headers={
                "Cookie": self._cookies,
                "Origin": f"{self._url.scheme}://{self._url.netloc}",
            },
            compression=None,
            ping_interval=None,
            open_timeout=OPEN_SECONDS,
            proxy=None,
        )

    async def _greeted(self) -> None:
        await self._send(
            {
                "t": "watch",
                "conversation_id": self.conversation_id,
                "last_seq": self.view.last_seq,
            }
        )

    async def _write(self, until: float) -> None:
        loop = asyncio.get_running_loop()
        taken = False
        while loop.time() < until:
            await asyncio.sleep(_chance.uniform(*QUIET_SECONDS) * 2)
            path = f"conversations/{self.conversation_id}"
            try:
                if not taken:
                    await self._call("POST", f"{path}/take", {})
                    taken = True
                client_msg_id = str(uuid.uuid4())
                body = {"client_msg_id": client_msg_id, "text": "Let me have a look."}
                self.tally.sent.append(client_msg_id)
                await self._call("POST", f"{path}/messages", body)
            except HTTPError as error:
                self.tally.refused.append(error.code or str(error.status))
                if taken:
                    self.tally.sent.remove(client_msg_id)
