"""Zendesk: a hand-off is a ticket, found by its external id, made under an idempotency key.

Source: Zendesk tickets API, "Idempotency", and "Verifying webhooks" (protocols §5.4).
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from conversations.adapters import lines
from conversations.adapters.base import (
    Adapter,
    DeliveryError,
    ForgedError,
    Inbound,
    MalformedError,
    Outbound,
    Receipt,
    excerpt_of,
    nothing_there,
    object_of,
    objects_in,
    word,
)

TOLERANCE_SECONDS = 300
TAGS = ["bot_handoff"]
_LONGEST_COMMENT = 60_000
# In which order the signature covers timestamp and body: the current pages say this one.
_TIMESTAMP_FIRST = True
_MARK = "yingda_id"
_PRIORITIES = {"normal": "normal", "high": "high", "urgent": "urgent"}


class ZendeskAdapter(Adapter):
    """Makes one ticket for a hand-off and comments on it."""

    has_events = True

    def send(self, outbound: Outbound) -> Receipt:
        if outbound.kind == "created":
            return self._create(outbound)
        ticket = outbound.ids.get("ticket", "") or self._standing(outbound.data["handoff_id"])
        if not ticket:
            return nothing_there(outbound)
        if outbound.attempt > 1 and self._has_comment(ticket, outbound.key):
            return Receipt(200, external_id=ticket)
        changed: dict[str, Any] = {"metadata": {"custom": {_MARK: outbound.key}}}
        if outbound.kind == "message":
            changed["comment"] = {"body": lines.as_line(outbound.data["message"]), "public": True}
        else:
            changed["comment"] = {"body": lines.ending(outbound.kind), "public": False}
            changed["status"] = "solved"
        response = self._call("PUT", f"/tickets/{ticket}.json", {"ticket": changed})
        return Receipt(response.status_code, excerpt_of(response))

    def ping(self, key: str, body: str) -> Receipt:
        response = self._call("GET", "/users/me.json")
        me = object_of(response).get("user")
        # Without credentials Zendesk answers as "Anonymous user", with 200.
        if not isinstance(me, dict) or not me.get("id"):
            raise DeliveryError("unauthorized", http_status=response.status_code)
        return Receipt(response.status_code, excerpt_of(response))

    def events(self, headers: Mapping[str, str], body: bytes) -> list[Inbound]:
        self._check(headers, body)
        try:
            told = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise MalformedError from error
        if not isinstance(told, dict):
            raise MalformedError
        return _understood(told)

    def _create(self, outbound: Outbound) -> Receipt:
        data = outbound.data
        found = self._standing(data["handoff_id"]) if outbound.attempt > 1 else ""
        if found:
            self.note({"ticket": found})
            return self._receipt(200, found)
        customer = data["customer"]
        requester = {"name": customer["name"]}
        if customer["email"] and not customer["masked"]:
            requester["email"] = customer["email"]
        response = self._call(
            "POST",
            "/tickets.json",
            {
                "ticket": {
                    "subject": lines.title(data),
                    "comment": {
                        "body": lines.as_text(data, limit=_LONGEST_COMMENT),
                        "public": False,
                    },
                    "requester": requester,
                    "external_id": data["handoff_id"],
                    "tags": [*TAGS, f"reason_{data['reason']['code']}"],
                    "priority": _PRIORITIES[data["priority"]],
                    "type": "question",
                }
            },
            {"idempotency-key": outbound.key},
        )
        made = object_of(response).get("ticket")
        ticket = _number(made.get("id")) if isinstance(made, dict) else ""
        if not ticket:
            raise DeliveryError("malformed", http_status=response.status_code)
        self.note({"ticket": ticket})
        return self._receipt(response.status_code, ticket, excerpt_of(response))

    def _receipt(self, status: int, ticket: str, excerpt: str = "") -> Receipt:
        root = self.connection.base_url.rstrip("/")
        return Receipt(
            status, excerpt, external_id=ticket, external_url=f"{root}/agent/tickets/{ticket}"
        )

    def _standing(self, handoff_id: str) -> str:
        """Return the ticket that an attempt before made without our hearing of it, or ""."""
        path = f"/tickets.json?external_id={quote(handoff_id)}"
        found = object_of(self._call("GET", path))
        for row in objects_in(found.get("tickets")):
            if row.get("external_id") == handoff_id:
                return _number(row.get("id"))
        return ""

    def _has_comment(self, ticket: str, key: str) -> bool:
        path = f"/tickets/{ticket}/comments.json?sort_order=desc"
        found = object_of(self._call("GET", path))
        for row in objects_in(found.get("comments")):
            metadata = row.get("metadata")
            custom = metadata.get("custom") if isinstance(metadata, dict) else None
            if isinstance(custom, dict) and custom.get(_MARK) == key:
                return True
        return False

    def _call(
        self,
        method: str,
        path: str,
        data: Any = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Any:
        user = f"{self.connection.email}/token:{self.connection.token}".encode()
        signed_in = {"authorization": f"Basic {base64.b64encode(user).decode()}"}
        return self.json_request(method, f"/api/v2{path}", data, {**signed_in, **headers})

    def _check(self, headers: Mapping[str, str], body: bytes) -> None:
        timestamp = headers.get("x-zendesk-webhook-signature-timestamp", "")
        given = headers.get("x-zendesk-webhook-signature", "").encode()
        try:
            at = datetime.fromisoformat(timestamp)
        except ValueError as error:
            raise ForgedError from error
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        if abs((datetime.now(UTC) - at).total_seconds()) > TOLERANCE_SECONDS:
            raise ForgedError
        stamp = timestamp.encode()
        signed = stamp + body if _TIMESTAMP_FIRST else body + stamp
        for secret in self.connection.inbound_secrets:
            digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
            if hmac.compare_digest(base64.b64encode(digest), given):
                return
        raise ForgedError


def _understood(told: Mapping[str, Any]) -> list[Inbound]:
    """Read the body that our own set-up page tells people to put into their trigger."""
    ticket = word(told.get("ticket_id"), 20)
    if not ticket:
        raise MalformedError
    if told.get("type") == "comment":
        return [
            Inbound(
                "message",
                id=word(told.get("comment_id"), 120),
                external_id=ticket,
                text=told["text"] if isinstance(told.get("text"), str) else "",
                agent=word(told.get("agent_name"), 60),
            )
        ]
    if told.get("type") == "solved":
        return [Inbound("close", external_id=ticket)]
    return []


def _number(value: Any) -> str:
    found = word(value, 20)
    if not re.fullmatch(r"[0-9]{1,19}", found):
        raise DeliveryError("malformed")
    return found
