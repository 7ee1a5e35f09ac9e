"""Local systems of a pretend client that take hand-offs, check all they get, and fail on demand."""

import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SLOW_SECONDS = 60.0
FAULTS = (
    "healthy",
    "error",
    "slow",
    "black_hole",
    "error_after_creating",
    "redirect",
    "gone",
    "throttled",
    "huge",
    "rejecting",
)
_KEY = base64.b64encode(b"a-secret-of-thirty-two-bytes-000").decode()


@dataclass(frozen=True)
class Call:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Desk:
    """A system on a port of its own; `fault` may be changed between requests.

    `problems` lists what no request should have been like; `made` counts, for each hand-off, the
    things opened for it; `said` keeps what was told to each, in order.
    """

    fault: str = "healthy"
    secret: str = f"whsec_{_KEY}"
    token: str = "token-of-the-pretend-client"  # noqa: S105 -- of nobody
    email: str = "bot@client.example"
    account: int = 7
    inbox: int = 3
    largest_body: int = 0
    calls: list[Call] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    made: Counter[str] = field(default_factory=Counter)
    said: dict[str, list[str]] = field(default_factory=dict)
    packages: dict[str, dict[str, Any]] = field(default_factory=dict)
    once: set[str] = field(default_factory=set)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Called with each request before it is answered.
    meanwhile: Callable[[Call], None] = lambda call: None
    lock: threading.RLock = field(default_factory=threading.RLock)
    ended: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        """The root address."""
        return f"http://127.0.0.1:{self.port}"

    def fails_once(self, name: str) -> bool:
        """Return whether what was just made is to be answered with an error, the first time."""
        if self.fault != "error_after_creating" or name in self.once:
            return False
        self.once.add(name)
        return True

    def number(self) -> int:
        """Return the next number of a row."""
        return 1000 + len(self.rows)


class DeskHandler(BaseHTTPRequestHandler):
    """Keeps what was asked, plays the fault, and lets the kind of system do the rest."""

    protocol_version = "HTTP/1.1"
    desk: Desk

    def answer(self, call: Call) -> None:
        """Do what is asked, and reply."""
        raise NotImplementedError

    def handle_one_request(self) -> None:
        if self.desk.fault == "black_hole":
            self._hang(float("inf"))
            return
        super().handle_one_request()

    def do_GET(self) -> None:
        self._take()

    def do_POST(self) -> None:
        self._take()

    def do_PUT(self) -> None:
        self._take()

    def reply(self, status: int, body: Any = None, **headers: str) -> None:
        """Send a JSON answer, or raw bytes."""
        data = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Say nothing: what was asked is kept."""

    def _take(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        desk = self.desk
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = None
            desk.problems.append("a body is no JSON")
        call = Call(self.command, self.path, headers, body)
        with desk.lock:
            desk.calls.append(call)
            desk.largest_body = max(desk.largest_body, len(raw))
        try:
            self._play(call, raw)
        except OSError:
            self.close_connection = True

    def _play(self, call: Call, raw: bytes) -> None:
        fault = self.desk.fault
        if fault == "slow" and not self._hang(SLOW_SECONDS):
            return
        if fault == "error":
            self.reply(500, {"error": "boom"})
        elif fault == "redirect":
            self.reply(301, Location="http://169.254.169.254/latest/meta-data/")
        elif fault == "gone":
            self.reply(410)
        elif fault == "huge":
            self.reply(200, b"x" * 1_000_000)
        elif fault == "throttled" and "throttled" not in self.desk.once:
            self.desk.once.add("throttled")
            self.reply(429, {"error": "slow down"}, Retry_After="2")
        elif not self.is_known(call, raw):
            self.desk.problems.append(f"not let in: {call.method} {call.path}")
            self.reply(401, {"error": "who are you?"})
        else:
            self.desk.meanwhile(call)
            with self.desk.lock:
                self.answer(call)

    def is_known(self, call: Call, raw: bytes) -> bool:
        """Return whether the caller has the right key."""
        raise NotImplementedError

    def _hang(self, seconds: float) -> bool:
        """Say nothing until the time is over (True), or the caller or the system goes (False)."""
        until = time.monotonic() + seconds
        self.connection.settimeout(0.25)
        while time.monotonic() < until:
            if self.desk.ended.is_set() or self._has_gone():
                self.close_connection = True
                return False
        self.connection.settimeout(None)
        return True

    def _has_gone(self) -> bool:
        try:
            return not self.connection.recv(65536)
        except TimeoutError:
            return False
        except OSError:
            return True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512


@contextmanager
def serving(kind: str, fault: str = "healthy") -> Iterator[Desk]:
    """Keep such a system running on the loopback address."""
    from conversations.bench.desk_kinds import HANDLERS  # noqa: PLC0415 -- made of what is here

    desk = Desk(fault)
    handler = type("Handler", (HANDLERS[kind],), {"desk": desk})
    server = _Server(("127.0.0.1", 0), handler)
    desk.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield desk
    finally:
        desk.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
