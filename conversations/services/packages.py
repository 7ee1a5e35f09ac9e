"""The package a client's system gets with a hand-off, and the proof that nothing is missing (R64)."""

import hashlib
import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.urls import reverse

from conversations import wire
from conversations.models import (
    AuthorKind,
    BotDecision,
    Contact,
    Handoff,
    HandoffTarget,
    Message,
    OutboundDelivery,
    OutboundKind,
)
from conversations.states import HandoffReason
from knowledge.models import EntryVersion
from tenants import clock
from tenants.masking import masked
from tenants.models import Tenant
from tenants.scoping import as_uuid

SCHEMA = 1
INLINE = 20
# Standard Webhooks asks for bodies below 20 KB; older messages are behind the link.
MAX_BODY = 20_000
LINK_DAYS = 7
_SALT = "handoff-transcript"
_URGENT = {HandoffReason.COMPLAINT: "high", HandoffReason.LEGAL: "high"}


class IncompleteError(Exception):
    """The package does not hold what the database holds; the text says what is missing."""


def body_of(row: OutboundDelivery) -> str:
    """Return the event for the outbox row as JSON text."""
    handoff = row.handoff
    kind = OutboundKind(row.kind)
    if kind == OutboundKind.CREATED:
        data = _package(handoff, row.target)
    elif kind == OutboundKind.MESSAGE:
        message = _messages(handoff).get(seq=row.seq)
        data = _names(handoff) | {"message": message_object(message, row.target)}
    else:
        data = _names(handoff)
    event = {"type": f"handoff.{row.kind}", "timestamp": wire.instant(row.created_at), "data": data}
    return _text(event)


def ping_body(target: HandoffTarget) -> str:
    """Return the event of a test as JSON text."""
    now = wire.instant(clock.now())
    return _text({"type": "ping", "timestamp": now, "data": {"target": target.name}})


def check(body: str, handoff: Handoff, target: HandoffTarget) -> None:
    """Compare a package with the database before it is sent. Raises IncompleteError."""
    data = json.loads(body)["data"]
    told = [
        message_object(message, target)
        for message in _messages(handoff).filter(seq__lte=handoff.package_seq).order_by("seq")
    ]
    transcript = data["transcript"]
    inline = transcript["messages"]
    if [message["seq"] for message in told] != list(range(1, handoff.package_seq + 1)):
        raise IncompleteError("the transcript has gaps")
    if transcript["total"] != len(told) or transcript["sha256"] != fingerprint(told):
        raise IncompleteError("the transcript differs")
    if [m["seq"] for m in inline] != [m["seq"] for m in told[len(told) - len(inline) :]]:
        raise IncompleteError("the last messages differ")
    if len(inline) < len(told) and not transcript["full_url"]:
        raise IncompleteError("there is no link to the older messages")
    if (data["handoff_id"], data["conversation_id"], data["inquiry_id"]) != (
        str(handoff.pk),
        str(handoff.conversation_id),
        str(handoff.inquiry_id) if handoff.inquiry_id else None,
    ):
        raise IncompleteError("the ids differ")
    if data["reason"]["code"] != handoff.reason or not data["channel"]["name"]:
        raise IncompleteError("reason or channel is missing")
    if data["customer"]["contact_id"] != str(handoff.conversation.contact_id):
        raise IncompleteError("it is another visitor's")


def transcript(handoff: Handoff, *, until: int | None = None) -> list[dict[str, Any]]:
    """Return the conversation's messages in order, up to number `until`, as the target may see."""
    assert handoff.target is not None
    rows = _messages(handoff).order_by("seq")
    rows = rows.filter(seq__lte=until) if until is not None else rows
    return [message_object(message, handoff.target) for message in rows]


def fingerprint(messages: Iterable[dict[str, Any]]) -> str:
    """Return the SHA-256 of messages as canonical JSON: sorted members, no spaces, UTF-8."""
    text = json.dumps(list(messages), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def link_token(handoff: Handoff) -> str:
    """Return what lets an address of the transcript be opened for a week."""
    return signing.TimestampSigner(salt=_SALT).sign(handoff.pk.hex).partition(":")[2]


def opens(token: str, handoff: Handoff) -> bool:
    """Return whether the token was made for this hand-off's transcript within the week."""
    signer = signing.TimestampSigner(salt=_SALT)
    try:
        signer.unsign(f"{handoff.pk.hex}:{token}", max_age=timedelta(days=LINK_DAYS))
    except signing.BadSignature:
        return False
    return True


def message_object(message: Message, target: HandoffTarget) -> dict[str, Any]:
    """Return one message as the target sees it."""
    conversation = message.conversation
    name = {
        AuthorKind.CUSTOMER: conversation.contact.display_name,
        AuthorKind.BOT: conversation.channel.assistant_name,
        AuthorKind.AGENT: message.agent.display_name if message.agent else message.author_name,
    }.get(AuthorKind(message.author_kind), "")
    return {
        "id": str(message.pk),
        "seq": message.seq,
        "at": wire.instant(message.received_at),
        "author": message.author_kind,
        "author_name": name or str(AuthorKind(message.author_kind).label),
        "type": "text",
        "kind": message.kind,
        "text": masked(message.words) if target.masks_contact else message.words,
    }


def _package(handoff: Handoff, target: HandoffTarget) -> dict[str, Any]:
    conversation = handoff.conversation
    channel = conversation.channel
    told = transcript(handoff, until=handoff.package_seq)
    links = _links(handoff, target)
    full_url = f"{links['transcript']}&until={handoff.package_seq}" if links["transcript"] else None
    expires = clock.now() + timedelta(days=LINK_DAYS)
    data = _names(handoff) | {
        "schema": SCHEMA,
        "tenant": Tenant.objects.values_list("slug", flat=True).get(pk=handoff.tenant_id),
        "inquiry_id": str(handoff.inquiry_id) if handoff.inquiry_id else None,
        "triggered_at": wire.instant(handoff.triggered_at),
        "deadline_at": wire.instant(handoff.deadline_at),
        "reason": _reason(handoff, told),
        "priority": _URGENT.get(HandoffReason(handoff.reason), "normal"),
        "language": conversation.contact.locale,
        "channel": {
            "id": str(channel.pk),
            "kind": channel.kind,
            "name": channel.name,
            "reply_window": None,
            "supports": ["text"],
        },
        "customer": _customer(conversation.contact, target),
        "consent": [
            {"version": row.version, "basis": row.basis, "at": wire.instant(row.at)}
            for row in conversation.contact.consents.filter(channel=channel).order_by("at")
        ],
        "transcript": {
            "total": len(told),
            "sha256": fingerprint(told),
            # Without a public address of ours there is nothing a link could lead to.
            "messages": told[-INLINE:] if full_url else told,
            "full_url": full_url,
            "expires_at": wire.instant(expires) if full_url else None,
        },
        "links": links,
    }
    inline = data["transcript"]["messages"]
    while full_url and len(inline) > 1 and len(_text(data).encode()) > MAX_BODY - 200:
        inline.pop(0)
    return data


def _names(handoff: Handoff) -> dict[str, Any]:
    return {
        "handoff_id": str(handoff.pk),
        "conversation_id": str(handoff.conversation_id),
        "external_id": handoff.external_id or None,
    }


def _reason(handoff: Handoff, told: list[dict[str, Any]]) -> dict[str, Any]:
    decision = BotDecision.objects.filter(
        conversation=handoff.conversation_id, question__seq=handoff.trigger_seq
    ).first()
    candidates = decision.candidates if decision else []
    best = as_uuid(candidates[0]["version"]) if candidates else None
    category = EntryVersion.objects.filter(pk=best).values_list("category_name", flat=True).first()
    asked = [message["text"] for message in told if message["author"] == AuthorKind.CUSTOMER]
    return {
        "code": handoff.reason,
        "label": str(handoff.get_reason_display()),
        "detail": handoff.note,
        "rule": decision.rule if decision else None,
        "category": category,
        "last_question": asked[-1] if asked else None,
        "candidates": [
            {"question": found["question"], "p": found["p"]} for found in candidates[:3]
        ],
    }


def _customer(contact: Contact, target: HandoffTarget) -> dict[str, Any]:
    hides = target.masks_contact
    return {
        "contact_id": str(contact.pk),
        "verified": contact.verified,
        "user_id": contact.external_id or None,
        "name": contact.display_name,
        "phone": (_mask(contact.phone) if hides else contact.phone) or None,
        "email": (_mask_mail(contact.email) if hides else contact.email) or None,
        "masked": hides,
        "attributes": {} if hides else contact.attributes,
    }


def _mask(value: str) -> str:
    return f"***{value[-4:]}" if len(value) > 6 else "***" if value else ""


def _mask_mail(value: str) -> str:
    name, _at, domain = value.partition("@")
    return f"{name[:1]}***@{domain}" if domain else "***" if value else ""


def _links(handoff: Handoff, target: HandoffTarget) -> dict[str, str | None]:
    if not settings.PUBLIC_URL:
        return dict.fromkeys(("console", "ack", "reply", "close", "transcript"))

    def to(name: str) -> str:
        path = reverse(f"conversations:hook-{name}", args=[target.key, handoff.pk])
        return f"{settings.PUBLIC_URL}{path}"

    console = f"{settings.PUBLIC_URL}{reverse('conversations:console')}"
    return {
        "console": f"{console}#/c/{handoff.conversation_id}",
        "ack": to("ack"),
        "reply": to("messages"),
        "close": to("close"),
        "transcript": f"{to('transcript')}?format=html&token={link_token(handoff)}",
    }


def _messages(handoff: Handoff) -> Any:
    return Message.objects.filter(conversation=handoff.conversation_id).select_related(
        "agent", "conversation__contact", "conversation__channel"
    )


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
