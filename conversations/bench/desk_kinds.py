"""The kinds of systems that `desks` serves: a signed webhook, Chatwoot, Zendesk.

Signatures are checked by code of their own, not by ours: hmac and hashlib alone.
"""

import base64
import hashlib
import hmac
import time
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from conversations.bench.desks import Call, DeskHandler


class WebhookHandler(DeskHandler):
    """Takes signed events and knows each again by its id."""

    def is_known(self, call: Call, raw: bytes) -> bool:
        key = base64.b64decode(self.desk.secret.removeprefix("whsec_"))
        name, at = call.headers.get("webhook-id", ""), call.headers.get("webhook-timestamp", "0")
        if abs(time.time() - int(at)) > 300:
            return False
        digest = hmac.new(key, f"{name}.{at}.".encode() + raw, hashlib.sha256).digest()
        expected = "v1," + base64.b64encode(digest).decode()
        return expected in call.headers.get("webhook-signature", "").split(" ")

    def answer(self, call: Call) -> None:
        desk, event = self.desk, call.body
        key, kind = call.headers["webhook-id"], event["type"]
        if kind == "ping":
            self.reply(204)
            return
        about = event["data"]["handoff_id"]
        known = desk.rows.setdefault(key, event)
        if known != event:
            desk.problems.append(f"{key} came with another body")
        first = f"seen {key}" not in desk.once
        desk.once.add(f"seen {key}")
        if first and kind == "handoff.created":
            desk.made[about] += 1
            desk.packages[about] = event["data"]
        if first:
            words = event["data"].get("message", {}).get("text", kind)
            desk.said.setdefault(about, []).append(words)
        if desk.fails_once(key):
            self.reply(500)
        elif desk.fault == "rejecting" and kind == "handoff.created":
            self.reply(200, {"status": "rejected"})
        else:
            self.reply(200, {"external_id": f"W-{about[-6:]}"})


class ChatwootHandler(DeskHandler):
    """Speaks as much of Chatwoot's interface as a hand-off needs; knows no idempotency keys."""

    def is_known(self, call: Call, raw: bytes) -> bool:
        given = call.headers.get("api_access_token", "")
        return hmac.compare_digest(given.encode(), self.desk.token.encode())

    def answer(self, call: Call) -> None:
        url = urlsplit(call.path)
        root = f"/api/v1/accounts/{self.desk.account}/"
        if not url.path.startswith(root):
            self.reply(404, {"error": "no such account"})
            return
        parts = url.path.removeprefix(root).split("/")
        if call.method == "GET":
            self._read(parts, parse_qs(url.query))
        else:
            self._write(parts, call.body)

    def _read(self, parts: list[str], query: dict[str, list[str]]) -> None:
        rows = self.desk.rows
        if parts == ["contacts", "search"]:
            wanted = unquote(query["q"][0])
            found = [r for r in rows.values() if r.get("identifier") == wanted]
        elif parts[0] == "inboxes":
            self.reply(200 if parts[1] == str(self.desk.inbox) else 404, {"id": parts[1]})
            return
        elif parts[-1] == "conversations":
            found = [r for r in rows.values() if r.get("contact_id") == int(parts[1])]
        else:
            found = [r for r in rows.values() if r.get("in") == int(parts[1])]
        self.reply(200, {"payload": found})

    def _write(self, parts: list[str], body: dict[str, Any]) -> None:
        desk, number = self.desk, self.desk.number()
        row: dict[str, Any] = {**body, "id": number}
        name = "/".join(parts)
        answer: dict[str, Any] = row
        if parts == ["contacts"]:
            if any(r.get("identifier") == body["identifier"] for r in desk.rows.values()):
                self.reply(422, {"message": "Identifier has already been taken"})
                return
            name = body["identifier"]
            source = {"source_id": f"source-{number}"}
            answer = {"payload": {"contact": row, "contact_inbox": source}}
        elif parts[-1] == "contact_inboxes":
            answer = {"source_id": f"source-{parts[1]}"}
        elif parts == ["conversations"]:
            about = body["additional_attributes"]["handoff_id"]
            desk.made[about] += 1
            name = about
        elif parts[-1] == "messages":
            row["in"] = int(parts[1])
            about = desk.rows[parts[1]]["additional_attributes"]["handoff_id"]
            name = body["content_attributes"]["yingda_id"]
            desk.said.setdefault(about, []).append(body["content"])
        else:
            desk.rows[f"{name}#{number}"] = {"done": name}
            self.reply(200, {})
            return
        desk.rows[str(number)] = row
        self.reply(500 if desk.fails_once(name) else 200, answer)


class ZendeskHandler(DeskHandler):
    """Speaks as much of Zendesk's ticket interface as a hand-off needs."""

    def is_known(self, call: Call, raw: bytes) -> bool:
        user = f"{self.desk.email}/token:{self.desk.token}".encode()
        expected = f"Basic {base64.b64encode(user).decode()}"
        return hmac.compare_digest(
            call.headers.get("authorization", "").encode(), expected.encode()
        )

    def answer(self, call: Call) -> None:
        desk, url = self.desk, urlsplit(call.path)
        path = url.path.removeprefix("/api/v2/").removesuffix(".json")
        tickets = [row for row in desk.rows.values() if "external_id" in row]
        if path == "users/me":
            self.reply(200, {"user": {"id": 1}})
        elif call.method == "GET" and path == "tickets":
            wanted = parse_qs(url.query)["external_id"][0]
            self.reply(200, {"tickets": [t for t in tickets if t["external_id"] == wanted]})
        elif call.method == "GET":
            self.reply(200, {"comments": desk.rows[path.split("/")[1]]["comments"]})
        elif call.method == "POST":
            self._open(call)
        else:
            self._change(path.split("/")[1], call.body["ticket"])

    def _open(self, call: Call) -> None:
        desk, key = self.desk, f"key {call.headers.get('idempotency-key', '')}"
        known = desk.rows.get(key)
        if known and known["body"] != call.body:
            self.reply(400, {"error": "IdempotentRequestError"})
            return
        if known:
            self.reply(201, known["answer"], X_Idempotency_Lookup="hit")
            return
        ticket, number = call.body["ticket"], desk.number()
        desk.made[ticket["external_id"]] += 1
        desk.said.setdefault(ticket["external_id"], []).append(ticket["comment"]["body"])
        answer = {"ticket": {"id": number}}
        desk.rows[str(number)] = {"id": number, **ticket, "comments": []}
        desk.rows[key] = {"body": call.body, "answer": answer}
        status = 500 if desk.fails_once(ticket["external_id"]) else 201
        self.reply(status, answer, X_Idempotency_Lookup="miss")

    def _change(self, number: str, changed: dict[str, Any]) -> None:
        row = self.desk.rows[number]
        comment = {**changed["comment"], "metadata": changed.get("metadata", {})}
        row["comments"].append(comment)
        row["status"] = changed.get("status", row.get("status", "new"))
        self.desk.said[row["external_id"]].append(comment["body"])
        name = comment["metadata"].get("custom", {}).get("yingda_id", "")
        self.reply(500 if self.desk.fails_once(name) else 200, {"ticket": {"id": row["id"]}})


HANDLERS: dict[str, type[DeskHandler]] = {
    "webhook": WebhookHandler,
    "chatwoot": ChatwootHandler,
    "zendesk": ZendeskHandler,
}
