"""What receivers of webhooks get to read (docs/webhooks.md)."""

import json
from datetime import datetime
from typing import Any

from conversations import wire
from conversations.models import Conversation, Rule, ServiceEvent, WebhookEndpoint
from tenants.masking import masked

# Messages stay far below the 20 KB that receivers must take.
_TEXT_LENGTH = 2000


def envelope(kind: str, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    """Return a message's body: type, timestamp and data (Standard Webhooks)."""
    return {"type": kind, "timestamp": wire.instant(at), "data": data}


def event_body(
    endpoint: WebhookEndpoint,
    event: ServiceEvent,
    conversation: Conversation,
    rule: Rule | None,
) -> str:
    """Return the JSON text about an event: ids and states.

    Only an address "with contents" gets the visitor's name and words, with what identifies a person
    in them masked.
    """
    agent = conversation.agent
    data: dict[str, Any] = {
        "event_id": str(event.pk),
        "conversation_id": str(conversation.pk),
        "contact_id": str(conversation.contact_id),
        "verified": conversation.contact.verified,
        "language": "en" if conversation.contact.locale.lower().startswith("en") else "zh-CN",
        "channel": {
            "id": str(conversation.channel_id),
            "kind": conversation.channel.kind,
            "name": conversation.channel.name,
        },
        "status": conversation.status,
        "handoff_reason": conversation.handoff_reason or None,
        "close_reason": conversation.close_reason or None,
        "agent_id": str(agent.pk) if agent else None,
        "message_id": str(event.message_id) if event.message_id else None,
        "seq": event.message.seq if event.message else conversation.last_seq,
    }
    if event.rating is not None:
        data["rating"] = {
            "id": str(event.rating.pk),
            "part": event.rating.part,
            "score": event.rating.score,
            "counts": not event.rating.excluded_reason,
        }
    if rule is not None:
        data["rule"] = {"id": str(rule.pk), "name": rule.name}
    if endpoint.with_contents:
        data["visitor_name"] = masked(conversation.contact.name)
        data["agent_name"] = agent.display_name if agent else None
        if event.rating is not None:
            data["rating"]["comment"] = masked(event.rating.comment)
        data["text"] = masked(event.message.text)[:_TEXT_LENGTH] if event.message else None
    return json.dumps(envelope(event.kind, event.at, data), ensure_ascii=False)
