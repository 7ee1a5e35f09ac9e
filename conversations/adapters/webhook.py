"""Any system that takes signed events: Standard Webhooks 1.0.0 (protocols §5.2)."""

import json
from typing import Any

from conversations.adapters.base import (
    Adapter,
    DeliveryError,
    Outbound,
    Receipt,
    checked,
    excerpt_of,
    link,
    word,
)
from tenants import webhooks

_STATUSES = ("accepted", "queued", "rejected")


class WebhookAdapter(Adapter):
    """Posts each event; whatever 2xx answers has it."""

    def send(self, outbound: Outbound) -> Receipt:
        body = outbound.body.encode()
        try:
            signed = webhooks.headers(self.connection.signing_secret, outbound.key, body)
        except ValueError as error:
            raise DeliveryError("unreadable") from error
        response = checked(
            self.request(
                "POST",
                self.connection.base_url,
                content=body,
                headers={"content-type": "application/json", **signed},
            )
        )
        said = _said(response.content)
        status = word(said.get("status"), 10)
        agent = said.get("agent")
        return Receipt(
            http_status=response.status_code,
            excerpt=excerpt_of(response),
            status=status if status in _STATUSES else "",
            external_id=word(said.get("external_id"), 120),
            external_url=link(said.get("external_url")),
            agent=word(agent.get("name"), 60) if isinstance(agent, dict) else "",
        )

    def ping(self, key: str, body: str) -> Receipt:
        return self.send(Outbound("ping", key, body))


def _said(content: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer; an empty one where it is anything else: 2xx suffices."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
