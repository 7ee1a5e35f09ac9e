"""Visitors who repeat a message under its id until they are told that it is accepted."""

import asyncio
import http.client
import json
import uuid
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

API = "/api/client/v1"
PATIENCE_SECONDS = 5.0
PAUSE_SECONDS = 0.5
_FAILURES = (OSError, TimeoutError, http.client.HTTPException, WebSocketException)


class Visitor:
    """One visitor with one conversation, whose messages go by `_deliver`.

    `accepted` holds what the server has confirmed: the client's id for a message and its seq.
    """

    def __init__(self, port: int, heard: Callable[[], None]) -> None:
        self.port = port
        self.token = ""
        self.conversation_id = ""
        self.accepted: dict[str, int] = {}
        self.repeats = 0
        self._heard = heard

    async def come(self, channel_key: str) -> None:
        """Open a session and a conversation."""
        session = await self.call("POST", "/sessions", {"channel_key": channel_key})
        self.token = session["token"]
        self.conversation_id = (await self.call("POST", "/conversations"))["id"]

    async def say(self, text: str) -> None:
        """Send a message; return once the server has accepted it, however often that takes."""
        client_msg_id = str(uuid.uuid4())
        while True:
            try:
                seq = await self._deliver(client_msg_id, text)
            except _FAILURES:
                self.repeats += 1
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                self.accepted[client_msg_id] = seq
                self._heard()
                return

    async def is_answered(self) -> bool:
        """Return whether the assistant has had the last word, and not only to confirm receipt."""
        path = f"/conversations/{self.conversation_id}/messages?limit=1"
        last = (await self.call("GET", path))["messages"][-1]
        return bool(last["author"]["kind"] == "bot" and last["kind"] != "confirmation")

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of one call; HTTPException for a refusal."""
        return await asyncio.to_thread(self._call, method, path, body)

    async def leave(self) -> None:
        """Hang up."""

    async def _deliver(self, client_msg_id: str, text: str) -> int:
        raise NotImplementedError

    def _call(self, method: str, path: str, body: Any) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            headers = {"Content-Type": "application/json"}
            if self.token:
                headers["Authorization"] = f"Bearer {self.token}"
            connection.request(method, API + path, json.dumps(body or {}), headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status >= 400:
            raise http.client.HTTPException(f"{method} {path}: {response.status} {content!r}")
        return json.loads(content) if content else None


class Caller(Visitor):
    """Writes by POST."""

    async def _deliver(self, client_msg_id: str, text: str) -> int:
        message = await self.call(
            "POST",
            f"/conversations/{self.conversation_id}/messages",
            {"client_msg_id": client_msg_id, "text": text},
        )
        return int(message["seq"])


class Chatter(Visitor):
    """Writes through the socket, and dials again whenever it breaks."""

    _line: ClientConnection | None = None

    async def come(self, channel_key: str) -> None:
        await super().come(channel_key)
        self._line = await self._dial()

    async def leave(self) -> None:
        if self._line is not None:
            await self._line.close()

    async def _deliver(self, client_msg_id: str, text: str) -> int:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                if self._line is None:
                    self._line = await self._dial()
                frame = {
                    "t": "message.send",
                    "conversation_id": self.conversation_id,
                    "client_msg_id": client_msg_id,
                    "text": text,
                }
                await self._line.send(json.dumps(frame))
                while True:
                    answer = json.loads(await self._line.recv())
                    if answer.get("client_msg_id") != client_msg_id:
                        continue
                    if answer["t"] == "ack":
                        return int(answer["seq"])
                    raise ConnectionError(answer)
        except _FAILURES:
            if self._line is not None:
                self._line.transport.abort()
                self._line = None
            raise

    async def _dial(self) -> ClientConnection:
        return await connect(
            f"ws://127.0.0.1:{self.port}/ws/client/v1",
            subprotocols=[Subprotocol("cs.v1"), Subprotocol(f"auth.{self.token}")],
            compression=None,
            ping_interval=None,
            proxy=None,
        )
