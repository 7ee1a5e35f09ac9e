"""Feishu's and Lark's custom bots. Source: protocols §6.2."""

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from tenants.alerting.letter import Letter, Line, Outcome, Request

NEEDS_SECRET = True
_MOST_BYTES = 12_000
_TOO_MANY = {11232, 11233}
_REFUSED = {
    19001: "token_refused",
    19021: "signature_refused",
    19022: "address_refused",
    19024: "keyword_missing",
}


def token_of(address: str) -> str | None:
    """Return the bot's id from the address Feishu shows, None where it is none."""
    parts = urlsplit(address.strip())
    head, _slash, token = parts.path.rpartition("/")
    known = parts.hostname in ("open.feishu.cn", "open.larksuite.com")
    fits = known and head == "/open-apis/bot/v2/hook" and token.replace("-", "").isalnum()
    return token if fits else None


def request(token: str, secret: str, letter: Letter, at: datetime) -> Request:
    """Return the signed request that says the letter."""
    stamp = str(int(at.timestamp()))
    # What is signed stands in the key; the message is empty.
    digest = hmac.new(f"{stamp}\n{secret}".encode(), b"", hashlib.sha256).digest()
    shown, rest = letter.fitted(_plain, _MOST_BYTES)
    lines: list[list[dict[str, str]]] = [[{"tag": "text", "text": letter.tenant}]]
    lines += [_line(line) for line in letter.lines[: len(shown)]]
    lines += [[{"tag": "text", "text": rest}]] if rest else []
    if letter.link:
        lines.append([{"tag": "a", "text": letter.link_words, "href": letter.link}])
    title = f"{letter.urgency} · {letter.title}"
    body: dict[str, Any] = {
        "msg_type": "post",
        "content": {"post": {"zh_cn": {"title": title, "content": lines}}},
    }
    if secret:
        body |= {"timestamp": stamp, "sign": base64.b64encode(digest).decode()}
    return Request(
        url=f"{settings.FEISHU_API_BASE}/open-apis/bot/v2/hook/{token}",
        body=json.dumps(body, ensure_ascii=False).encode(),
        headers={"content-type": "application/json"},
    )


def outcome(status: int, answer: Any) -> Outcome:
    """Return what Feishu's answer means; older robots say StatusCode."""
    code = None
    if isinstance(answer, dict):
        code = answer.get("code", answer.get("StatusCode"))
    if status == 200 and code == 0:
        return Outcome(status=status)
    if code in _TOO_MANY:
        return Outcome("too_many", status, wait=timedelta(minutes=1))
    if code in _REFUSED:
        return Outcome(_REFUSED[code], status, is_final=True)
    return Outcome(f"code_{code}" if code is not None else "no_answer", status)


def _line(line: Line) -> list[dict[str, str]]:
    text = line.text or line.title
    if line.link:
        return [{"tag": "a", "text": text, "href": line.link}]
    return [{"tag": "text", "text": text}]


def _plain(line: Line) -> str:
    return json.dumps(_line(line), ensure_ascii=False)
