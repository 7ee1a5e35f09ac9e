"""One agent's console: signed in over HTTP, listening on its socket."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import re
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from conversations.bench.http import HTTPError
from conversations.bench.visitor import Log

TIMEOUT_SECONDS = 30.0


class Agent:
    """Watches conversations as a person at the console would, and counts what it hears."""

    def __init__(self, url: str, cookies: str, log: Log) -> None:
        self._url = url
        self._cookies = cookies
        self._log = log
        self._connection: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._stopping = False

    async def open(self) -> None:
        """Connect the socket; the page it pretends to be on is the console's own."""
        parts = urlsplit(self._url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        self._connection = await connect(
            f"{scheme}://{parts.netloc}/ws/console/v1/",
            additional_headers={
                "Cookie": self._cookies,
                "Origin": f"{parts.scheme}://{parts.netloc}",
            },
            compression=None,
            ping_interval=None,
            open_timeout=TIMEOUT_SECONDS,
            proxy=None,
        )
        first = json.loads(await asyncio.wait_for(self._connection.recv(), TIMEOUT_SECONDS))
        if first["t"] != "ready":
            self._log.errors[f"agent_{first.get('code')}"] += 1
        self._reader = asyncio.create_task(self._read(self._connection))

    async def watch(self, conversation_id: str) -> None:
        """Hear the messages of a conversation, too."""
        await self._send({"t": "watch", "conversation_id": conversation_id})

    async def ping(self) -> None:
        """Keep the connection from being taken for dead."""
        await self._send({"t": "ping"})

    async def close(self) -> None:
        """Close the socket."""
        self._stopping = True
        if self._connection is not None:
            await self._connection.close()
        if self._reader is not None:
            await asyncio.wait({self._reader}, timeout=5)
            self._reader.cancel()

    async def _send(self, frame: dict[str, Any]) -> None:
        if self._connection is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._connection.send(json.dumps(frame))

    async def _read(self, connection: ClientConnection) -> None:
        try:
            async for text in connection:
                frame = json.loads(text)
                if frame["t"] == "error":
                    self._log.errors[f"agent_{frame['code']}"] += 1
                elif frame["t"] != "pong":
                    self._log.agent_frames += 1
        except ConnectionClosed:
            pass
        if not self._stopping:
            self._log.errors[f"agent_closed_{connection.close_code}"] += 1


def sign_in(url: str, email: str, password: str) -> str:
    """Return the cookies of a person signed in through the form. Raises HTTPError."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    with contextlib.closing(connection):
        connection.request("GET", "/login/")
        response = connection.getresponse()
        page = response.read().decode(errors="replace")
        cookies = _cookies(response)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        form = {
            "username": email,
            "password": password,
            "csrfmiddlewaretoken": token[1] if token else "",
        }
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": _header(cookies),
            "Referer": f"{url.rstrip('/')}/login/",
            "Origin": f"{parts.scheme}://{parts.netloc}",
        }
        connection.request("POST", "/login/", urlencode(form), headers)
        response = connection.getresponse()
        response.read()
        if response.status != http.client.FOUND:
            raise HTTPError("POST /login/", response.status, "not_signed_in")
        return _header(cookies | _cookies(response))


def _cookies(response: http.client.HTTPResponse) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in response.headers.get_all("Set-Cookie") or ():
        found |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
    return found


def _header(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())
