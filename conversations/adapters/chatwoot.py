"""Chatwoot, by an inbox of the kind API: contact, conversation, note, step by step.

Source: Chatwoot application API, and its webhooks of 4.x (protocols §5.3). There are no idempotency
keys, so each step keeps what it made, and looks before it makes anything again.
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
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
LABEL = "bot-handoff"
_LONGEST_NOTE = 20_000
# Under this member of a message's attributes stands our own key.
_MARK = "yingda_id"


class ChatwootAdapter(Adapter):
    """Opens a conversation in an API inbox, tells it all in a private note, goes on in it."""

    has_events = True

    def send(self, outbound: Outbound) -> Receipt:
        if outbound.kind == "created":
            return self._create(outbound)
        conversation = outbound.ids.get("conversation", "") or self._lost(outbound)
        if not conversation:
            return nothing_there(outbound)
        if outbound.kind == "message":
            return self._say(
                conversation, outbound, lines_of_message(outbound.data), kind="incoming"
            )
        receipt = self._say(
            conversation, outbound, lines.ending(outbound.kind), kind="outgoing", private=True
        )
        self._call("POST", f"/conversations/{conversation}/toggle_status", {"status": "resolved"})
        return receipt

    def ping(self, key: str, body: str) -> Receipt:
        response = self._call("GET", f"/inboxes/{self.connection.inbox}")
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
        data, ids = outbound.data, dict(outbound.ids)
        if not ids.get("contact"):
            ids |= self._contact(data["customer"])
            self.note(ids)
        if not ids.get("source"):
            ids["source"] = self._source(ids["contact"])
            self.note(ids)
        if not ids.get("conversation"):
            found = "" if outbound.attempt == 1 else self._standing(ids["contact"], data)
            ids["conversation"] = found or self._open(ids, data)
            self.note(ids)
        conversation = ids["conversation"]
        receipt = self._say(
            conversation,
            outbound,
            lines.as_text(data, limit=_LONGEST_NOTE),
            kind="outgoing",
            private=True,
        )
        if not ids.get("labelled"):
            self._call("POST", f"/conversations/{conversation}/labels", {"labels": [LABEL]})
            if self.connection.team:
                assigned = {"team_id": self.connection.team}
                self._call("POST", f"/conversations/{conversation}/assignments", assigned)
            self.note(ids | {"labelled": "1"})
        root = self.connection.base_url.rstrip("/")
        return Receipt(
            receipt.http_status,
            receipt.excerpt,
            external_id=conversation,
            external_url=f"{root}/app/accounts/{self.connection.account}/conversations/{conversation}",
        )

    def _lost(self, outbound: Outbound) -> str:
        contact = outbound.ids.get("contact", "")
        return self._standing(contact, outbound.data) if contact else ""

    def _contact(self, customer: Mapping[str, Any]) -> dict[str, str]:
        identifier = f"yingda:{customer['contact_id']}"
        found = object_of(self._call("GET", f"/contacts/search?q={quote(identifier)}"))
        for row in objects_in(found.get("payload")):
            if row.get("identifier") == identifier:
                return {"contact": _number(row.get("id"))}
        about = {
            "inbox_id": self.connection.inbox,
            "identifier": identifier,
            "name": customer["name"],
        }
        if customer["email"] and not customer["masked"]:
            about["email"] = customer["email"]
        if re.fullmatch(r"\+[1-9][0-9]{6,14}", customer["phone"] or "") and not customer["masked"]:
            about["phone_number"] = customer["phone"]
        made = _payload(object_of(self._call("POST", "/contacts", about)))
        contact, source = made.get("contact"), made.get("contact_inbox")
        if not isinstance(contact, dict):
            raise DeliveryError("malformed")
        ids = {"contact": _number(contact.get("id"))}
        if isinstance(source, dict) and word(source.get("source_id"), 120):
            ids["source"] = word(source.get("source_id"), 120)
        return ids

    def _source(self, contact: str) -> str:
        inbox = {"inbox_id": self.connection.inbox}
        made = object_of(self._call("POST", f"/contacts/{contact}/contact_inboxes", inbox))
        source = word(made.get("source_id"), 120)
        if not source:
            raise DeliveryError("malformed")
        return source

    def _standing(self, contact: str, data: Mapping[str, Any]) -> str:
        """Return the conversation that an attempt before made without our hearing of it, or ""."""
        found = object_of(self._call("GET", f"/contacts/{contact}/conversations"))
        for row in objects_in(found.get("payload")):
            attributes = row.get("additional_attributes")
            if isinstance(attributes, dict) and attributes.get("handoff_id") == data["handoff_id"]:
                return _number(row.get("id"))
        return ""

    def _open(self, ids: Mapping[str, str], data: Mapping[str, Any]) -> str:
        made = object_of(
            self._call(
                "POST",
                "/conversations",
                {
                    "source_id": ids["source"],
                    "inbox_id": self.connection.inbox,
                    "contact_id": int(ids["contact"]),
                    "status": "open",
                    "additional_attributes": {"handoff_id": data["handoff_id"]},
                    "custom_attributes": {
                        "channel": data["channel"]["name"],
                        "reason": data["reason"]["code"],
                    },
                },
            )
        )
        return _number(made.get("id"))

    def _say(
        self, conversation: str, outbound: Outbound, text: str, *, kind: str, private: bool = False
    ) -> Receipt:
        path = f"/conversations/{conversation}/messages"
        if outbound.attempt > 1 or outbound.kind == "created":
            listed = object_of(self._call("GET", path))
            for row in objects_in(listed.get("payload")):
                attributes = row.get("content_attributes")
                if isinstance(attributes, dict) and attributes.get(_MARK) == outbound.key:
                    return Receipt(200, external_id=_number(row.get("id")))
        response = self._call(
            "POST",
            path,
            {
                "content": text,
                "message_type": kind,
                "private": private,
                "content_attributes": {_MARK: outbound.key},
            },
        )
        return Receipt(response.status_code, excerpt_of(response))

    def _call(self, method: str, path: str, data: Any = None) -> Any:
        return self.json_request(
            method,
            f"/api/v1/accounts/{self.connection.account}{path}",
            data,
            {"api_access_token": self.connection.token},
        )

    def _check(self, headers: Mapping[str, str], body: bytes) -> None:
        timestamp = headers.get("x-chatwoot-timestamp", "")
        given = headers.get("x-chatwoot-signature", "").encode()
        if not re.fullmatch(r"[0-9]{1,12}", timestamp):
            raise ForgedError
        if abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
            raise ForgedError
        for secret in self.connection.inbound_secrets:
            signed = timestamp.encode() + b"." + body
            digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
            if hmac.compare_digest(f"sha256={digest}".encode(), given):
                return
        raise ForgedError


def lines_of_message(data: Mapping[str, Any]) -> str:
    """Return the visitor's words of an event."""
    return str(data["message"]["text"])


def _understood(told: Mapping[str, Any]) -> list[Inbound]:
    event = told.get("event")
    if event == "message_created":
        conversation, sender = told.get("conversation"), told.get("sender")
        if not isinstance(conversation, dict) or not isinstance(sender, dict):
            raise MalformedError
        attributes = told.get("content_attributes")
        ours = isinstance(attributes, dict) and _MARK in attributes
        # What its agents say to the visitor, and nothing that we said ourselves.
        if (
            told.get("message_type") not in ("outgoing", 1)
            or told.get("private") is not False
            or sender.get("type") != "user"
            or ours
        ):
            return []
        return [
            Inbound(
                "message",
                id=word(told.get("id"), 120),
                external_id=word(conversation.get("display_id") or conversation.get("id"), 120),
                text=told["content"] if isinstance(told.get("content"), str) else "",
                agent=word(sender.get("name"), 60),
            )
        ]
    if event == "conversation_status_changed" and told.get("status") == "resolved":
        return [Inbound("close", external_id=word(told.get("display_id") or told.get("id"), 120))]
    return []


def _payload(found: Mapping[str, Any]) -> Mapping[str, Any]:
    payload = found.get("payload")
    return payload if isinstance(payload, dict) else found


def _number(value: Any) -> str:
    found = word(value, 20)
    if not re.fullmatch(r"[0-9]{1,19}", found):
        raise DeliveryError("malformed")
    return found
