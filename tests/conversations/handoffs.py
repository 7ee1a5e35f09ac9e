"""Hand-offs to a pretend client's systems, for tests."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from conversations.bench.desks import Desk
from conversations.models import ContactSession, Handoff, HandoffTarget
from conversations.services import delivery, targets
from conversations.services.handoff import request_handoff
from tests.conversations.doors import send

INBOUND = "whsec_" + base64.b64encode(b"what-the-client-signs-with-00000").decode()


def employ(desk: Desk | None, kind: str = "webhook", **fields: Any) -> HandoffTarget:
    """Make this system the target of the tenant in scope; without one, an address nobody serves."""
    target = HandoffTarget(
        kind=kind,
        name=fields.pop("name", "客户工单系统"),
        base_url=desk.url if desk else "http://127.0.0.1:9",
        chatwoot_account=desk.account if desk else 7,
        chatwoot_inbox=desk.inbox if desk else 3,
        zendesk_email=desk.email if desk else "bot@client.example",
        **fields,
    )
    return targets.save_target(
        target,
        by=None,
        signing_secret=desk.secret if desk else INBOUND,
        inbound_secrets=[INBOUND if kind == "webhook" else "theirs"],
        token=desk.token if desk else "t",
    )


def hand_over(visitor: ContactSession, text: str = "我要投诉，请转人工") -> Handoff:
    """Let the visitor write and press the button; nothing is sent yet. Return the hand-off."""
    conversation_id = send(visitor, text).message.conversation_id
    request_handoff(conversation_id)
    return Handoff.objects.get(conversation=conversation_id, ended_at=None)


def deliver(handoff: Handoff) -> Handoff:
    """Send what the target is to hear now, in this thread; return the hand-off as it stands."""
    delivery.drain(handoff.pk)
    return Handoff.objects.select_related("conversation", "target").get(pk=handoff.pk)


def signed(body: Any, *, secret: str = INBOUND, at: int | None = None, id: str = "m1") -> Any:
    """Return (raw body, headers) as a client's system signs it, by code that is not ours."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = str(int(time.time()) if at is None else at)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{id}.{stamp}.".encode() + raw, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return raw, {"webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": signature}
