"""A prober in the tests: its log, sent as the real one sends it."""

import json
from datetime import datetime, timedelta
from typing import Any

from django.test import Client

from reporting import probelog
from reporting.models import Prober
from reporting.services import probers
from tenants import clock


class Watcher:
    """Writes lines of a signed log and sends them to the API."""

    def __init__(self, name: str = "beijing-1") -> None:
        self.prober, self.secret = probers.register(name)
        self.sequence, self.previous = 0, probelog.GENESIS
        self.unsent: list[dict[str, Any]] = []

    def see(self, at: datetime, *, ok: bool, **more: Any) -> dict[str, Any]:
        """Write down one probe."""
        content = {
            "sequence": self.sequence + 1,
            "at": at.isoformat(),
            "run": "r1",
            "steady_ms": int(at.timestamp() * 1000),
            "target": "web",
            "tenant": "",
            "ok": ok,
            "ms": 80,
            "error": "" if ok else "refused",
            **more,
        }
        line = probelog.seal(content, self.previous, self.secret)
        self.sequence, self.previous = line["sequence"], line["hash"]
        self.unsent.append(line)
        return line

    def watch(self, start: datetime, outcomes: str) -> None:
        """Write down a probe for each slot: "+" answered, "-" failed, " " did not ask."""
        for number, outcome in enumerate(outcomes):
            if outcome != " ":
                self.see(start + timedelta(seconds=30 * number + 25), ok=outcome == "+")

    def send(self, lines: list[dict[str, Any]] | None = None, **more: Any) -> Any:
        """Send the lines that were not sent, or these; return the answer."""
        sent = self.unsent if lines is None else lines
        told = {"run": "r1", "steady_ms": int(clock.now().timestamp() * 1000), "lines": sent}
        body = json.dumps({**told, **more})
        if lines is None:
            self.unsent = []
        return Client().post(
            "/api/v1/probes/",
            body,
            content_type="application/json",
            headers={
                "X-Yingda-Prober": self.prober.name,
                "X-Yingda-Signature": probelog.sign(self.secret, body),
            },
        )

    def row(self) -> Prober:
        """Return the prober as the platform has it."""
        return Prober.objects.get(pk=self.prober.pk)
