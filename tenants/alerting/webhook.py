"""Alerts to any address, as Standard Webhooks 1.0.0: the way to telephones and other systems.

Source: protocols §5.2.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tenants import webhooks
from tenants.alerting.letter import Letter, Line, Outcome, Request

NEEDS_SECRET = True
_MOST_BYTES = 18_000


def token_of(address: str) -> str | None:
    """Return the address itself; whether it may be sent to is judged elsewhere."""
    return address.strip() or None


def request(token: str, secret: str, letter: Letter, at: datetime) -> Request:
    """Return the signed request; the letter's id stays the same over all attempts."""
    shown, _rest = letter.fitted(lambda line: json.dumps(_line(line)), _MOST_BYTES)
    body = {
        "type": "alert",
        "timestamp": _instant(at),
        "data": {
            "alert_id": letter.id,
            "tenant": letter.tenant,
            "level": letter.level,
            "title": letter.title,
            "count": len(letter.lines),
            "alerts": [_line(line) for line in letter.lines[: len(shown)]],
            "url": letter.link,
        },
    }
    content = json.dumps(body).encode()
    signed = webhooks.headers(secret, letter.id, content, at=int(at.timestamp()))
    return Request(
        url=token,
        body=content,
        headers={**signed, "content-type": "application/json", "user-agent": "Yingda-Alerts/1"},
    )


def outcome(status: int, answer: Any) -> Outcome:
    """Return what the answer's status means."""
    if 200 <= status < 300:
        return Outcome(status=status)
    if status == 410:
        return Outcome("gone", status, is_final=True)
    if status in (429, 502, 503, 504):
        return Outcome("busy", status, wait=timedelta(minutes=1))
    return Outcome("refused", status)


def _line(line: Line) -> dict[str, str]:
    return {
        "id": line.id,
        "kind": line.kind,
        "level": line.level,
        "title": line.title,
        "text": line.text,
        "subject": line.subject,
        "url": line.link,
        "created_at": _instant(line.at),
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
