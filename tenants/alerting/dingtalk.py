"""DingTalk's group robots. Source: protocols §6.1."""

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from django.conf import settings

from tenants.alerting.letter import Letter, Line, Outcome, Request, escaped

NEEDS_SECRET = True
_MOST_BYTES = 15_000
# Above 20 messages in a minute a robot is silenced for ten.
_SILENCED = timedelta(minutes=10)
_TOO_MANY = {130101, 660026}
_REFUSED = {310000: "signature_refused", 300001: "token_refused", 300005: "token_refused"}


def token_of(address: str) -> str | None:
    """Return the robot's token from the address DingTalk shows, None where it is none."""
    parts = urlsplit(address.strip())
    named = parse_qs(parts.query).get("access_token", [""])[0]
    return named if parts.hostname == "oapi.dingtalk.com" and named.isalnum() else None


def request(token: str, secret: str, letter: Letter, at: datetime) -> Request:
    """Return the signed request that says the letter."""
    stamp = str(int(at.timestamp() * 1000))
    digest = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
    signed = {"access_token": token}
    if secret:
        signed |= {"timestamp": stamp, "sign": base64.b64encode(digest).decode()}
    body = {
        "msgtype": "markdown",
        "markdown": {"title": f"{letter.urgency} {letter.title}", "text": markdown(letter)},
        "at": {"isAtAll": False},
    }
    return Request(
        url=f"{settings.DINGTALK_API_BASE}/robot/send?{urlencode(signed, quote_via=quote)}",
        body=json.dumps(body, ensure_ascii=False).encode(),
        headers={"content-type": "application/json"},
    )


def markdown(letter: Letter, most_bytes: int = _MOST_BYTES) -> str:
    """Return the letter as robots' Markdown, within the bytes."""
    head = [f"### {escaped(letter.urgency)} · {escaped(letter.title)}", escaped(letter.tenant)]
    tail = [f"[{escaped(letter.link_words)}]({letter.link})"] if letter.link else []
    used = sum(len(part.encode()) + 2 for part in (*head, *tail))
    shown, rest = letter.fitted(_line, most_bytes - used)
    return "\n\n".join([*head, "\n".join(shown), *([escaped(rest)] if rest else []), *tail])


def outcome(status: int, answer: Any) -> Outcome:
    """Return what DingTalk's answer means."""
    code = answer.get("errcode") if isinstance(answer, dict) else None
    if status == 200 and code == 0:
        return Outcome(status=status)
    if code in _TOO_MANY:
        return Outcome("too_many", status, wait=_SILENCED)
    if code in _REFUSED:
        return Outcome(_REFUSED[code], status, is_final=True)
    return Outcome(f"errcode_{code}" if code is not None else "no_answer", status)


def _line(line: Line) -> str:
    text = escaped(line.text or line.title)
    return f"- [{text}]({line.link})" if line.link else f"- {text}"
