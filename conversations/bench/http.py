"""A small HTTP client for many calls at once: connections kept open, one per thread."""

import asyncio
import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

THREADS = 8
TIMEOUT_SECONDS = 30.0
PATIENCE_SECONDS = 120.0


class HTTPError(Exception):
    """The server answered with an error status, or not at all."""

    def __init__(self, call: str, status: int, code: str) -> None:
        self.status = status
        self.code = code
        super().__init__(f"{call}: {status} {code}".strip())


@dataclass(frozen=True)
class Answer:
    """Status and body of a response."""

    status: int
    body: bytes

    @property
    def data(self) -> Any:
        """The body as JSON; None if it is empty."""
        return json.loads(self.body) if self.body else None


class HTTPClient:
    """Calls one server. Being told to wait (429, 503) is obeyed for up to two minutes."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="bench-http")
        self._local = threading.local()

    def close(self) -> None:
        """End the threads; their connections go with them."""
        self._pool.shutdown(cancel_futures=True)

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        cookies: str = "",
    ) -> Answer:
        """Return the answer to one call. Raises HTTPError for a status of 400 and above.

        A visitor calls with a token, a person signed in with cookies.
        """
        headers = {"Accept": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if cookies:
            headers["Cookie"] = cookies
            csrf = SimpleCookie(cookies).get("csrftoken")
            headers["X-CSRFToken"] = csrf.value if csrf else ""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._call, method, path, body, headers)

    def _call(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer:
        if body is not None:
            headers["Content-Type"] = "application/json"
        sent = None if body is None else json.dumps(body).encode()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            response, content = self._exchange(method, path, sent, headers)
            if response.status < 400:
                return Answer(response.status, content)
            wait = float(response.headers.get("Retry-After") or 1)
            if response.status not in (429, 503) or time.monotonic() + wait > deadline:
                raise HTTPError(f"{method} {path}", response.status, _code(content))
            time.sleep(wait)

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        for last in (False, True):
            connection = getattr(self._local, "connection", None)
            if connection is None:
                connection = self._local.connection = self._connect()
            try:
                connection.request(method, self._parts.path.rstrip("/") + path, body, headers)
                response = connection.getresponse()
                return response, response.read()
            except (OSError, http.client.HTTPException) as error:
                # A kept connection may have been closed by the server meanwhile.
                connection.close()
                self._local.connection = None
                if last:
                    raise HTTPError(f"{method} {path}", 0, type(error).__name__) from error
        raise AssertionError("unreachable")

    def _connect(self) -> http.client.HTTPConnection:
        kind = (
            http.client.HTTPSConnection
            if self._parts.scheme == "https"
            else http.client.HTTPConnection
        )
        return kind(self._parts.hostname or "", self._parts.port, timeout=TIMEOUT_SECONDS)


def _code(content: bytes) -> str:
    try:
        return str(json.loads(content)["code"])
    except (ValueError, KeyError, TypeError):
        return ""
