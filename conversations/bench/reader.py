"""One person in the administration who keeps loading a page, beside the visitors."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import threading
import time
from urllib.parse import urlsplit

from conversations.bench.http import TIMEOUT_SECONDS, HTTPError

PAUSE_SECONDS = 0.5


class Reader:
    """Loads `path` with these cookies, with half a second between loads, until stopped."""

    def __init__(self, url: str, cookies: str, path: str) -> None:
        self._parts = urlsplit(url)
        self._cookies = cookies
        self._path = path
        self._stopped = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self.seconds: list[float] = []

    def start(self) -> None:
        """Begin to load, in a thread of its own."""
        self._task = asyncio.create_task(asyncio.to_thread(self._load_on))

    async def stop(self) -> None:
        """Finish the load in progress. Raises HTTPError if a load did not succeed."""
        self._stopped.set()
        if self._task is not None:
            await self._task

    def _load_on(self) -> None:
        kind = (
            http.client.HTTPSConnection
            if self._parts.scheme == "https"
            else http.client.HTTPConnection
        )
        connection = kind(self._parts.hostname or "", self._parts.port, timeout=TIMEOUT_SECONDS)
        with contextlib.closing(connection):
            while not self._stopped.is_set():
                began = time.monotonic()
                connection.request("GET", self._path, headers={"Cookie": self._cookies})
                response = connection.getresponse()
                response.read()
                if response.status != http.client.OK:
                    raise HTTPError(f"GET {self._path}", response.status, "not_loaded")
                self.seconds.append(time.monotonic() - began)
                self._stopped.wait(PAUSE_SECONDS)
