"""WeCom's group robots. The key in their address is the whole secret. Source: protocols §6.3."""

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.conf import settings

from tenants.alerting import dingtalk
from tenants.alerting.letter import Letter, Outcome, Request

NEEDS_SECRET = False
_MOST_BYTES = 4096
_TOO_MANY = {45009, 45033}
_REFUSED = {93000: "token_refused", 40058: "text_refused"}


def token_of(address: str) -> str | None:
    """Return the robot's key from the address WeCom shows, None where it is none."""
    parts = urlsplit(address.strip())
    named = parse_qs(parts.query).get("key", [""])[0]
    fits = parts.hostname == "qyapi.weixin.qq.com" and named.replace("-", "").isalnum()
    return named if fits else None


def request(token: str, secret: str, letter: Letter, at: datetime) -> Request:
    """Return the request that says the letter; nothing of it is signed."""
    text = dingtalk.markdown(letter, _MOST_BYTES)
    body = {"msgtype": "markdown", "markdown": {"content": text}}
    return Request(
        url=f"{settings.WECOM_API_BASE}/cgi-bin/webhook/send?{urlencode({'key': token})}",
        body=json.dumps(body, ensure_ascii=False).encode(),
        headers={"content-type": "application/json"},
    )


def outcome(status: int, answer: Any) -> Outcome:
    """Return what WeCom's answer means."""
    code = answer.get("errcode") if isinstance(answer, dict) else None
    if status == 200 and code == 0:
        return Outcome(status=status)
    if code in _TOO_MANY:
        return Outcome("too_many", status, wait=timedelta(minutes=1))
    if code in _REFUSED:
        return Outcome(_REFUSED[code], status, is_final=True)
    return Outcome(f"errcode_{code}" if code is not None else "no_answer", status)
