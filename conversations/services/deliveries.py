"""Send webhooks: from rows, signed, at least once, with patience.

Source: protocols §5.2 (Standard Webhooks 1.0.0).
"""

import json
import logging
import random
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx2
from django.db import transaction
from django.db.models import F

from conversations import payloads
from conversations.models import (
    Conversation,
    DeliveryState,
    Rule,
    ServiceEvent,
    WebhookDelivery,
    WebhookEndpoint,
)
from tenants import clock, outward, webhooks
from tenants.secrets import SecretUnreadableError, unseal
from tenants.services import ledger
from tenants.services.ledger import Event

logger = logging.getLogger(__name__)

PING = "ping"
TIMEOUT_SECONDS = 15.0
MOST_BYTES = 64 * 1024
# Waits before each attempt, in seconds.
SCHEDULE = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
_JITTER = 0.1
# Longer than any attempt takes: after it another sender may try.
_LEASE = timedelta(seconds=60)
_LONGEST_WAIT = timedelta(hours=24)
# An address that failed this often in a row, over this long, is switched off.
MOST_FAILURES = 20
FAILING_FOR = timedelta(hours=24)


@dataclass(frozen=True)
class _Answer:
    """What came of one attempt: an HTTP status, or the code of what went wrong before one."""

    status: int | None = None
    excerpt: str = ""
    error: str = ""
    wait: timedelta | None = None

    @property
    def is_fine(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def queue(
    endpoint: WebhookEndpoint,
    event: ServiceEvent,
    conversation: Conversation,
    *,
    message_id: str,
    rule: Rule | None = None,
) -> WebhookDelivery | None:
    """Put one message about an event to an address into the queue, once per `message_id`.

    Inside the caller's transaction. Its words are those of now. None where it stands there already.
    """
    body = payloads.event_body(endpoint, event, conversation, rule)
    at = clock.now()
    delivery, created = WebhookDelivery.objects.get_or_create(
        endpoint=endpoint,
        message_id=message_id,
        defaults={
            "conversation": conversation,
            "kind": event.kind,
            "body": body,
            "next_at": at,
            "created_at": at,
        },
    )
    return delivery if created else None


def queue_ping(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Write a test message for the address; it is sent by whoever calls `deliver`."""
    at = clock.now()
    return WebhookDelivery.objects.create(
        endpoint=endpoint,
        kind=PING,
        message_id=f"msg_{uuid.uuid4().hex}",
        body=json.dumps(payloads.envelope(PING, at, {"webhook_id": str(endpoint.pk)})),
        next_at=at,
        created_at=at,
    )


def deliver(delivery_id: uuid.UUID) -> bool:
    """Make one attempt if one is due; return whether the message was accepted.

    Lease, send, mark: of two callers at once one sends, and no transaction is open meanwhile. The
    address answers 2xx, or the next attempt is put off: by the schedule with jitter, or by its
    Retry-After if that is later. 410 and a long row of failures switch the address off.
    """
    at = clock.now()
    leased = WebhookDelivery.objects.filter(
        pk=delivery_id, state=DeliveryState.PENDING, next_at__lte=at
    ).update(next_at=at + _LEASE, attempts=F("attempts") + 1, attempted_at=at)
    if not leased:
        return False
    delivery = WebhookDelivery.objects.select_related("endpoint").get(pk=delivery_id)
    answer = _attempt(delivery, at)
    with transaction.atomic():
        _mark(delivery, answer)
    logger.info(
        "Webhook attempt: %s, attempt %s, status %s %s",
        delivery.pk,
        delivery.attempts,
        answer.status,
        answer.error,
    )
    return answer.is_fine


def replay(delivery: WebhookDelivery, *, by_id: int) -> None:
    """Send a message again from the start of the schedule, under the same id."""
    with transaction.atomic():
        WebhookDelivery.objects.filter(pk=delivery.pk).update(
            state=DeliveryState.PENDING, attempts=0, next_at=clock.now(), delivered_at=None
        )
        facts = {"by": by_id, "message_id": delivery.message_id}
        ledger.append(Event("webhook.replayed", delivery.endpoint_id, facts))


def clear_old(before: datetime) -> int:
    """Remove the messages of before this instant that wait no more; return how many."""
    removed, _rows = (
        WebhookDelivery.objects.filter(created_at__lt=before)
        .exclude(state=DeliveryState.PENDING)
        .delete()
    )
    return removed


def _attempt(delivery: WebhookDelivery, at: datetime) -> _Answer:
    endpoint = delivery.endpoint
    if outward.why_refused(endpoint.url) is not None:
        return _Answer(error="address_refused")
    body = delivery.body.encode()
    try:
        headers = _signed(endpoint, delivery.message_id, body, at)
    except SecretUnreadableError:
        return _Answer(error="secret_unreadable")
    try:
        with (
            outward.within(TIMEOUT_SECONDS, max_bytes=MOST_BYTES),
            outward.http_client().stream(
                "POST", endpoint.url, content=body, headers=headers
            ) as response,
        ):
            excerpt = _excerpt(response)
    except httpx2.TimeoutException:
        return _Answer(error="timeout")
    except httpx2.HTTPError as error:
        forbidden = isinstance(error.__cause__, outward.ForbiddenAddressError)
        return _Answer(error="address_refused" if forbidden else "unreachable")
    wait = _retry_after(response.headers.get("retry-after", ""), at)
    return _Answer(status=response.status_code, excerpt=excerpt, wait=wait)


def _signed(
    endpoint: WebhookEndpoint, message_id: str, body: bytes, at: datetime
) -> dict[str, str]:
    sealed = [endpoint.sealed_secret]
    if endpoint.sealed_previous and endpoint.previous_until and at < endpoint.previous_until:
        sealed.append(endpoint.sealed_previous)
    made = [
        webhooks.headers(unseal(one), message_id, body, at=int(at.timestamp())) for one in sealed
    ]
    signatures = " ".join(one["webhook-signature"] for one in made)
    return {
        **made[0],
        "webhook-signature": signatures,
        "content-type": "application/json",
        "user-agent": "Yingda-Webhooks/1",
    }


def _excerpt(response: httpx2.Response) -> str:
    """Return the beginning of the answer; a body that is too long or broken takes nothing away."""
    read = b""
    try:
        for part in response.iter_bytes():
            read += part
            if len(read) >= 2000:
                break
    except httpx2.HTTPError:
        logger.info("Answer of a webhook not read to its end")
    text = read.decode("utf-8", errors="replace")
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", text)[:500]


def _retry_after(value: str, at: datetime) -> timedelta | None:
    if re.fullmatch(r"[0-9]{1,9}", value.strip()):
        return min(timedelta(seconds=int(value)), _LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(until - at, timedelta()), _LONGEST_WAIT)


def _mark(delivery: WebhookDelivery, answer: _Answer) -> None:
    at = clock.now()
    once = delivery.kind == PING
    next_at = None if answer.is_fine or once else _next_at(delivery.attempts, answer, at)
    if answer.is_fine:
        state = DeliveryState.DELIVERED
    elif next_at is None or answer.status == 410:
        state, next_at = DeliveryState.FAILED, None
    else:
        state = DeliveryState.PENDING
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        state=state,
        next_at=next_at,
        last_status=answer.status,
        last_excerpt=answer.excerpt,
        last_error=answer.error,
        delivered_at=at if answer.is_fine else None,
    )
    _count(delivery.endpoint_id, answer, at)


def _next_at(attempts: int, answer: _Answer, at: datetime) -> datetime | None:
    if attempts >= len(SCHEDULE):
        return None
    seconds = SCHEDULE[attempts]
    # Spread, so that what failed together does not come back together.
    wait = timedelta(seconds=seconds * random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311 -- no secret
    if answer.status in (429, 503) and answer.wait is not None:
        wait = max(wait, answer.wait)
    return at + wait


def _count(endpoint_id: uuid.UUID, answer: _Answer, at: datetime) -> None:
    endpoint = WebhookEndpoint.objects.select_for_update().get(pk=endpoint_id)
    if answer.is_fine:
        if endpoint.failures:
            WebhookEndpoint.objects.filter(pk=endpoint_id).update(failures=0, failing_since=None)
        return
    failures, since = endpoint.failures + 1, endpoint.failing_since or at
    changes: dict[str, object] = {"failures": failures, "failing_since": since}
    reason = ""
    if answer.status == 410:
        reason = "gone"
    elif failures >= MOST_FAILURES and at - since >= FAILING_FOR:
        reason = "failing"
    if reason and endpoint.is_active:
        changes |= {"is_active": False, "disabled_at": at, "disabled_reason": reason}
        ledger.append(Event("webhook.disabled", endpoint_id, {"reason": reason}, at))
        logger.warning("Webhook switched off: %s, %s", endpoint_id, reason)
    WebhookEndpoint.objects.filter(pk=endpoint_id).update(**changes)
