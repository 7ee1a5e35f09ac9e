"""Tell a client's system what the outbox holds: one attempt at a time, each in the log."""

import hashlib
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from conversations.adapters import ADAPTERS
from conversations.adapters.base import MAX_ANSWER, DeliveryError, Outbound, Receipt
from conversations.models import (
    Conversation,
    Handoff,
    HandoffDelivery,
    HandoffTarget,
    OutboundDelivery,
    OutboundKind,
)
from conversations.services import elsewhere, failover, outbox, packages, targets
from conversations.services.elsewhere import Ack
from conversations.services.packages import IncompleteError
from conversations.services.transitions import move_handoff
from conversations.states import HandoffState
from tenants import clock, outward
from tenants.errors import DomainError
from tenants.ids import new_id
from tenants.masking import masked
from tenants.models import User
from tenants.secrets import SecretUnreadableError
from tenants.services import ledger
from tenants.services.ledger import Event

logger = logging.getLogger(__name__)

_EXCERPT = 1024


class NotRepeatableError(DomainError):
    """The hand-off is not, or no longer, meant for that system."""

    code = "not_repeatable"
    status = 409
    message = _(
        "This is not sent again: the hand-off is over, with people here, or the target off."
    )


@dataclass(frozen=True)
class Went:
    """How an attempt went: `cause` is "" where it went well, else one of adapters.base.CAUSES."""

    cause: str = ""
    http_status: int | None = None
    excerpt: str = ""
    duration_ms: int = 0
    retry_after: int | None = None
    receipt: Receipt | None = None


def drain(handoff_id: uuid.UUID) -> datetime | None:
    """Send, in order, what the hand-off's target is to hear now; return when to come again.

    None: there is nothing more to send, or another process is sending it. Outside any transaction;
    each attempt takes up to `outbox.seconds_of` its number, and two short transactions around it.
    """
    while True:
        row = outbox.head(handoff_id)
        if row is None or not row.target.is_active:
            return None
        at = clock.now()
        due = max(row.due_at, row.target.throttled_until or row.due_at)
        if due > at:
            return due
        with transaction.atomic():
            _hold(row)
            if not outbox.claim(row, at):
                return None
            unfit = _prepared(row)
        if not _attempt(row, at, unfit):
            return row.due_at if row.due_at > at else None


def ping(target: HandoffTarget) -> Went:
    """Find out whether the target would be heard and understood; return how it went. Logged."""
    key = f"ping_{new_id().hex}"
    began = clock.now()
    went = _sent(
        target, Outbound("ping", key, packages.ping_body(target)), lambda ids: None, seconds=5.0
    )
    _log(target, None, OutboundKind.PING, key, began, went)
    if not went.cause:
        targets.succeeded(target, began)
    return went


def send_again(entry: HandoffDelivery, *, by: User) -> None:
    """Send what an attempt was about once more, under the same key. Raises NotRepeatableError.

    A hand-off that our console has, or that is over, is not delivered again: two would answer.
    """
    row = entry.outbound
    if row is None or not entry.target.is_active:
        raise NotRepeatableError
    held = (HandoffState.CREATED, HandoffState.DELIVERING, HandoffState.DELIVERED)
    open_there = (*held, HandoffState.ACCEPTED, HandoffState.FALLBACK_CONSOLE)
    opening = row.kind in (OutboundKind.CREATED, OutboundKind.MESSAGE)
    if opening and row.handoff.state not in open_there:
        raise NotRepeatableError
    with transaction.atomic():
        outbox.send_again(row)
        facts = {"outbound": row.pk, "kind": row.kind, "by": by.pk}
        ledger.append(Event("handoff.sent_again", row.handoff_id, facts))


def _attempt(row: OutboundDelivery, began: datetime, unfit: Went | None) -> bool:
    """Make one attempt at a claimed row; return whether it was delivered."""
    target = row.target
    went = unfit
    if went is None:
        outbound = Outbound(
            row.kind,
            row.idempotency_key,
            row.body,
            attempt=row.attempts,
            ids=dict(row.handoff.external_ids),
        )
        seconds = outbox.seconds_of(row.attempts)
        went = _sent(target, outbound, partial(_note, row.handoff_id), seconds=seconds)
    at = clock.now()
    answered = not went.cause or went.cause == "rejected"
    with transaction.atomic():
        _hold(row)
        _log(target, row, OutboundKind(row.kind), row.idempotency_key, began, went)
        if answered:
            _delivered(row, went, began, at)
        else:
            _failed(row, went, at)
    if went.cause == "gone":
        # By itself: it takes back everything that the target has.
        targets.disable_gone(target)
    return answered


def _hold(row: OutboundDelivery) -> None:
    """Lock the conversation before any row about it, as everybody does: so nobody waits crosswise."""
    pk = row.handoff.conversation_id
    Conversation.objects.select_for_update().values_list("pk").get(pk=pk)


def _prepared(row: OutboundDelivery) -> Went | None:
    """Make the event at the first attempt and keep it; compare a package with the database.

    Return why it cannot be sent, or None.
    """
    handoff = row.handoff
    if row.kind == OutboundKind.CREATED and handoff.state == HandoffState.CREATED:
        move_handoff(handoff, HandoffState.DELIVERING)
    try:
        if not row.body:
            row.body = packages.body_of(row)
            row.payload_hash = hashlib.sha256(row.body.encode()).hexdigest()
            OutboundDelivery.objects.filter(pk=row.pk).update(
                body=row.body, payload_hash=row.payload_hash
            )
            if row.kind == OutboundKind.CREATED:
                Handoff.objects.filter(pk=row.handoff_id).update(package_hash=row.payload_hash)
        if row.kind == OutboundKind.CREATED:
            packages.check(row.body, handoff, row.target)
    except IncompleteError as error:
        logger.error("Package not complete: hand-off %s: %s", row.handoff_id, error)
        OutboundDelivery.objects.filter(pk=row.pk).update(body="")
        return Went("incomplete", excerpt=str(error))
    except DatabaseError:
        raise
    except Exception:
        logger.exception("Event not made: outbound %s", row.pk)
        return Went("internal")
    return None


def _sent(
    target: HandoffTarget,
    outbound: Outbound,
    note: Callable[[Mapping[str, str]], None],
    *,
    seconds: float,
) -> Went:
    """Send the event; return how that went, whatever happens."""
    began = time.monotonic()
    try:
        reached = targets.connection(target)
        _let_go_of_connection()
        with (
            outward.within(seconds, max_bytes=MAX_ANSWER),
            translation.override(settings.LANGUAGE_CODE),
        ):
            adapter = ADAPTERS[target.kind](reached, outward.http_client(), note)
            receipt = (
                adapter.ping(outbound.key, outbound.body)
                if outbound.kind == "ping"
                else adapter.send(outbound)
            )
    except DeliveryError as error:
        went = Went(error.cause, error.http_status, error.excerpt, retry_after=error.retry_after)
    except SecretUnreadableError:
        went = Went("unreadable")
    except Exception:
        logger.exception("Attempt failed: target %s", target.pk)
        went = Went("internal")
    else:
        cause = "rejected" if receipt.status == "rejected" else ""
        went = Went(cause, receipt.http_status, receipt.excerpt, receipt=receipt)
    return replace(went, duration_ms=round((time.monotonic() - began) * 1000))


def _delivered(row: OutboundDelivery, went: Went, began: datetime, at: datetime) -> None:
    receipt = went.receipt
    assert receipt is not None
    targets.succeeded(row.target, at)
    if row.kind != OutboundKind.CREATED:
        outbox.done(row, at)
        return
    if went.cause == "rejected":
        outbox.done(row, at)
        failover.fail_over(row.handoff_id, cause="rejected")
        return
    ack = Ack(receipt.status, receipt.external_id, receipt.external_url, receipt.agent)
    elsewhere.acknowledge(row.handoff_id, ack, at=at, began=began)


def _failed(row: OutboundDelivery, went: Went, at: datetime) -> None:
    not_before = None
    if went.retry_after is not None:
        not_before = at + timedelta(seconds=went.retry_after)
        targets.throttle(row.target_id, not_before)
    if outbox.retry(row, at, not_before=not_before):
        return
    if row.kind == OutboundKind.CREATED:
        failover.give_up(row.handoff_id)
    elif row.kind == OutboundKind.MESSAGE:
        failover.fail_over(row.handoff_id, cause="undelivered")


def _note(handoff_id: uuid.UUID, ids: Mapping[str, str]) -> None:
    """Keep what the other system has made so far, before the next step begins."""
    with transaction.atomic():
        handoff = Handoff.objects.select_for_update().get(pk=handoff_id)
        Handoff.objects.filter(pk=handoff_id).update(external_ids={**handoff.external_ids, **ids})
    _let_go_of_connection()


def _log(
    target: HandoffTarget,
    row: OutboundDelivery | None,
    kind: OutboundKind,
    key: str,
    began: datetime,
    went: Went,
) -> None:
    HandoffDelivery.objects.create(
        handoff_id=row.handoff_id if row else None,
        outbound=row,
        target=target,
        what=kind,
        attempt=row.attempts if row else 1,
        request_id=key,
        started_at=began,
        duration_ms=went.duration_ms,
        http_status=went.http_status,
        error_class=went.cause,
        response_excerpt=_redacted(target, went.excerpt),
    )


def _redacted(target: HandoffTarget, text: str) -> str:
    """Return an excerpt without the target's secrets, without what identifies people, printable."""
    text = "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in text)
    try:
        kept = [target.signing_secret, target.token, *target.inbound_secrets]
    except SecretUnreadableError:
        kept = []
    for secret in filter(None, kept):
        text = text.replace(secret, "[secret]")
    text = masked(text)
    return text.encode()[:_EXCERPT].decode("utf-8", "ignore")


def _let_go_of_connection() -> None:
    # The other system may take seconds: a connection of the pool is not kept for so long.
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()
