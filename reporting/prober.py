"""The program that asks as a visitor would, from another host: no database, no framework.

It keeps its own log, a file that only grows, and sends the platform what it has not got yet.
"""

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reporting import probelog

# Seconds within which a visitor has to see a reply, and within which each request is answered.
REPLY_SECONDS = 10.0
REQUEST_SECONDS = 5.0
SLOT_SECONDS = 30.0
# Asked late in a slot, and again 10 seconds after a failure: the second failure lies in the next
# slot, so that an outage of 40 seconds is seen wherever it begins.
PHASE_SECONDS = 25.0
RETRY_SECONDS = 10.0
OWN_SECONDS = 300.0
_POLL_SECONDS = 0.25
_BATCH = 200
_BODY_BYTES = 1_000_000
_LINE_BYTES = 8192


class ProbeError(Exception):
    """The service did not do what it should; the text says which step failed."""


@dataclass
class Door:
    """One way in: a channel's key, what it stands for, and the session it was last let in with."""

    key: str
    target: str
    token: str = ""
    conversation: str = ""

    @property
    def tenant(self) -> str:
        """The code of the tenant, inside its key."""
        return self.key.split("_")[1] if self.key.count("_") >= 2 else ""


@dataclass
class Prober:
    """A prober with its log; `run` and the steady clock tell how old a line is when it is sent."""

    name: str
    secret: str
    url: str
    log: Path
    question: str = "Hello"
    run: str = field(default_factory=lambda: uuid.uuid4().hex)
    sequence: int = 0
    previous: str = probelog.GENESIS
    received: int = 0

    def __post_init__(self) -> None:
        self.url = self.url.rstrip("/")
        for line in self.lines():
            reason = probelog.fault_of(line, self.previous, self.secret)
            if reason:
                raise ProbeError(f"line {self.sequence + 1} of the log: {reason}")
            self.sequence, self.previous = line["sequence"], line["hash"]

    def lines(self, after: int = 0) -> Iterator[dict[str, Any]]:
        """Yield the lines of the log after that number; one that was cut off by a crash is none."""
        if not self.log.exists():
            return
        with self.log.open(encoding="utf-8") as file:
            for text in file:
                if not text.endswith("\n"):
                    return
                line = json.loads(text)
                if line["sequence"] > after:
                    yield line

    def probe(self, door: Door) -> bool:
        """Ask once and write down what happened; return whether a visitor would have had a reply."""
        told, began = datetime.now(UTC), time.monotonic()
        error = ""
        try:
            self._ask(door)
        except (ProbeError, OSError, ValueError, KeyError) as caught:
            error = f"{type(caught).__name__}: {caught}"[:200]
            if not isinstance(caught, ProbeError | OSError):
                door.token = ""
        self._write(
            {
                "at": told.isoformat(timespec="milliseconds"),
                "run": self.run,
                "steady_ms": round(began * 1000),
                "target": door.target,
                "tenant": door.tenant if door.target == "own" else "",
                "ok": not error,
                "ms": round((time.monotonic() - began) * 1000),
                "error": error,
            }
        )
        return not error

    def report(self) -> int:
        """Send what the platform has not got; return how many lines went. Raises OSError, ProbeError."""
        sent = 0
        while self.received < self.sequence:
            lines = []
            for line in self.lines(self.received):
                lines.append(line)
                if len(lines) == _BATCH:
                    break
            body = json.dumps(
                {"run": self.run, "steady_ms": round(time.monotonic() * 1000), "lines": lines}
            ).encode()
            headers = {
                "X-Yingda-Prober": self.name,
                "X-Yingda-Signature": probelog.sign(self.secret, body),
            }
            status, answer = self._call("POST", "/api/v1/probes/", headers, body)
            expected = answer.get("next")
            if status not in (200, 409) or not isinstance(expected, int):
                raise ProbeError(f"report refused: {status} {answer.get('code', '')}")
            if expected - 1 > self.sequence or (status == 200 and expected - 1 <= self.received):
                raise ProbeError("the platform has other lines than this log")
            sent += max(0, expected - 1 - self.received)
            self.received = expected - 1
        return sent

    def _write(self, content: Mapping[str, Any]) -> None:
        line = probelog.seal({"sequence": self.sequence + 1, **content}, self.previous, self.secret)
        text = probelog.canonical(line) + "\n"
        self._cut_off_rest()
        with self.log.open("a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
        self.sequence, self.previous = line["sequence"], line["hash"]

    def _cut_off_rest(self) -> None:
        """End a line that a crash cut off: it was never sealed, so it is none."""
        if not self.log.exists():
            return
        with self.log.open("rb+") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _LINE_BYTES))
            tail = file.read()
            if tail and not tail.endswith(b"\n"):
                file.truncate(size - len(tail) + tail.rfind(b"\n") + 1)

    def _ask(self, door: Door) -> None:
        deadline = time.monotonic() + REPLY_SECONDS
        status, _answer = self._call("GET", "/widget/v1/loader.js", {}, None, parse=False)
        if status != 200:
            raise ProbeError(f"widget: {status}")
        if not door.token:
            self._enter(door)
        message = {"client_msg_id": uuid.uuid4().hex, "text": self.question, "context": {}}
        path = f"/api/client/v1/conversations/{door.conversation}/messages"
        headers = {"Authorization": f"Bearer {door.token}"}
        status, answer = self._call("POST", path, headers, json.dumps(message).encode())
        if status not in (200, 201):
            door.token = ""
            raise ProbeError(f"message: {status} {answer.get('code', '')}")
        after = answer["seq"]
        while time.monotonic() < deadline:
            status, answer = self._call("GET", f"{path}?after_seq={after}", headers, None)
            if status == 200 and any(
                said["seq"] > after and said["author"]["kind"] != "customer"
                for said in answer["messages"]
            ):
                return
            time.sleep(_POLL_SECONDS)
        raise ProbeError("no reply in 10 seconds")

    def _enter(self, door: Door) -> None:
        told = datetime.now(UTC).isoformat(timespec="seconds")
        signature = probelog.sign(self.secret, f"probe {self.name} {told} {door.key}")
        headers = {"X-Yingda-Probe": f"{self.name} {told} {signature}"}
        body = json.dumps({"channel_key": door.key, "device_id": f"probe-{self.name}"}).encode()
        status, answer = self._call("POST", "/api/client/v1/sessions", headers, body)
        if status != 201:
            raise ProbeError(f"session: {status} {answer.get('code', '')}")
        token = answer["token"]
        conversation = answer["conversation"]
        if conversation is None or conversation["status"] != "bot":
            headers = {"Authorization": f"Bearer {token}"}
            status, conversation = self._call(
                "POST", "/api/client/v1/conversations", headers, b"{}"
            )
            if status != 201:
                raise ProbeError(f"conversation: {status} {conversation.get('code', '')}")
        door.token, door.conversation = token, conversation["id"]

    def _call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        parse: bool = True,
    ) -> tuple[int, dict[str, Any]]:
        request = urllib.request.Request(  # noqa: S310 -- the operator's own address
            self.url + path,
            data=body,
            method=method,
            headers={"Content-Type": "application/json", **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as response:  # noqa: S310 -- the same
                data, status = response.read(_BODY_BYTES), response.status
        except urllib.error.HTTPError as error:
            data, status = error.read(_BODY_BYTES), error.code
        if not parse:
            return status, {}
        try:
            answer = json.loads(data or b"{}")
        except ValueError:
            answer = {}
        return status, answer if isinstance(answer, dict) else {}


def next_due(now: float, *, failed: bool) -> float:
    """Return when to ask next, in seconds of the world's clock: late in a slot, sooner if it failed."""
    regular = now - now % SLOT_SECONDS + PHASE_SECONDS
    if regular <= now:
        regular += SLOT_SECONDS
    return min(regular, now + RETRY_SECONDS) if failed else regular
