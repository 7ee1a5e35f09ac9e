"""Send the copies of notifications: gathered into letters, at least once, with patience.

Lease, send, mark (R8). What leaves together is fixed in rows before the first attempt, so a sender
that dies leaves a letter that the next one sends again under the same id. Source: contract R7, R8.
"""

import hashlib
import logging
import smtplib
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.core.mail import BadHeaderError, EmailMessage, get_connection
from django.db import transaction
from django.db.models import F
from django.utils import timezone, translation

from tenants import clock
from tenants.alerting.letter import Letter, Outcome
from tenants.alerting.posting import post
from tenants.models import (
    AlertRobot,
    AlertState,
    Notification,
    NotificationDelivery,
    Tenant,
    User,
)
from tenants.models.notification import UNFINISHED
from tenants.scoping import active_tenant_id
from tenants.services import alert_letters, alert_settings, ledger
from tenants.services.ledger import Event

logger = logging.getLogger(__name__)

# After a letter, what follows of its kind waits and goes as one (R7).
DIGEST = timedelta(minutes=5)
# What a robot is sent in a minute; its makers silence it above twenty (protocols §6.4).
ROBOT_MINUTE = timedelta(minutes=1)
ROBOT_LETTERS = 15
# Longer than any attempt takes: after it another sender may try.
LEASE = timedelta(seconds=60)
MAIL_SECONDS = 10
MOST_IN_LETTER = 5000
# Waits after a failed attempt; then it is given up.
_AGAIN = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 60, 300, 900, 3600, 7200, 21_600))


def deliver(delivery_id: uuid.UUID) -> bool:
    """Send the letter this copy belongs to, or the one it now begins; return whether it was accepted.

    A new letter takes everything that is due to the same person or robot of the same kind, once
    the last one is five minutes old. Of two callers at once one sends, and no transaction is open
    meanwhile. Words are those of the tenant's language.
    """
    copy = NotificationDelivery.objects.get(pk=delivery_id)
    letter_id = copy.letter or _begin(copy)
    if letter_id is None or not _lease(letter_id, copy.robot_id):
        return False
    copies = NotificationDelivery.objects.filter(letter=letter_id)
    attempts = copies.values_list("attempts", flat=True)[0]
    rows = list(
        Notification.objects.filter(pk__in=copies.values("notification_id")).order_by(
            "created_at", "pk"
        )
    )
    tenant = Tenant.objects.get(pk=active_tenant_id())
    with translation.override(tenant.language), timezone.override(tenant.zone):
        letter = alert_letters.compose(letter_id, rows, tenant)
        digest = _digest(letter)
        outcome = _attempt(copy, letter)
    with transaction.atomic():
        _mark(copy, letter_id, attempts, digest, len(rows), outcome)
    return outcome.is_fine


def _begin(copy: NotificationDelivery) -> uuid.UUID | None:
    """Put what is due together into a new letter; None where it has to wait."""
    with transaction.atomic():
        at = clock.now()
        # One letter of a tenant is begun at a time: two would be told apart by nobody.
        type(alert_settings.current()).objects.select_for_update().get()
        to_same = NotificationDelivery.objects.filter(
            channel=copy.channel, recipient=copy.recipient_id, robot=copy.robot_id
        )
        waiting = to_same.filter(letter=None, state=AlertState.PENDING, due_at__lte=at)
        of_kind = waiting.filter(thread=copy.thread)
        last = (
            to_same.filter(thread=copy.thread, lettered_at__isnull=False)
            .order_by("-lettered_at")
            .values_list("lettered_at", flat=True)
            .first()
        )
        if last is not None and at < last + DIGEST:
            of_kind.update(due_at=last + DIGEST)
            return None
        gathered = of_kind
        if copy.robot_id is not None:
            room = _room(copy.robot_id, at)
            if room <= 0:
                waiting.update(due_at=at + timedelta(seconds=10))
                return None
            # The last letter of the minute takes along all that would have to wait.
            gathered = of_kind if room > 1 else waiting
        letter_id = uuid.uuid4()
        chosen = gathered.order_by("created_at", "pk").values("pk")[:MOST_IN_LETTER]
        begun = NotificationDelivery.objects.filter(pk__in=chosen, letter=None).update(
            letter=letter_id, lettered_at=at
        )
    return letter_id if begun else None


def _lease(letter_id: uuid.UUID, robot_id: uuid.UUID | None) -> bool:
    at = clock.now()
    copies = NotificationDelivery.objects.filter(NotificationDelivery.due(at), letter=letter_id)
    with transaction.atomic():
        if robot_id is not None:
            AlertRobot.objects.select_for_update().get(pk=robot_id)
            if _room(robot_id, at) <= 0:
                copies.update(due_at=at + timedelta(seconds=10))
                return False
        leased = copies.update(lease_until=at + LEASE, attempts=F("attempts") + 1, attempted_at=at)
    return bool(leased)


def _room(robot_id: uuid.UUID, at: datetime) -> int:
    lately = NotificationDelivery.objects.filter(robot=robot_id, attempted_at__gt=at - ROBOT_MINUTE)
    return ROBOT_LETTERS - lately.order_by().values("letter").distinct().count()


def _attempt(copy: NotificationDelivery, letter: Letter) -> Outcome:
    if copy.recipient is not None:
        person = copy.recipient
        return _mail(letter, person) if person.is_active else Outcome("left", is_final=True)
    robot = AlertRobot.objects.get(pk=copy.robot_id)
    if not robot.is_active:
        return Outcome("switched_off", is_final=True)
    return post(robot, letter, clock.now())


def _mail(letter: Letter, person: User) -> Outcome:
    message = alert_letters.mail(letter, person)
    try:
        message.connection = get_connection(timeout=MAIL_SECONDS)
        EmailMessage.send(message)
    except (BadHeaderError, smtplib.SMTPRecipientsRefused, UnicodeError) as error:
        return Outcome(type(error).__name__[:40], is_final=True)
    except (smtplib.SMTPException, OSError) as error:
        # The name of the fault alone: servers repeat addresses in their answers.
        return Outcome(type(error).__name__[:40], getattr(error, "smtp_code", None))
    return Outcome(status=250, provider_id=alert_letters.message_id(letter))


def _mark(
    copy: NotificationDelivery,
    letter_id: uuid.UUID,
    attempts: int,
    digest: str,
    count: int,
    outcome: Outcome,
) -> None:
    at = clock.now()
    pause = None if outcome.is_final or attempts > len(_AGAIN) else _AGAIN[attempts - 1]
    changes: dict[str, Any] = {
        "lease_until": None,
        "content_hash": digest,
        "last_status": outcome.status,
        "last_error": outcome.error,
    }
    if outcome.is_fine:
        provider_id = outcome.provider_id or str(letter_id)
        changes |= {"state": AlertState.SENT, "sent_at": at, "provider_id": provider_id}
    elif pause is None:
        changes |= {"state": AlertState.DEAD}
    else:
        wait = max(pause, outcome.wait or timedelta())
        changes |= {"state": AlertState.FAILED, "due_at": at + wait}
    # One that came too late finds the letter sent: what was accepted stays so.
    NotificationDelivery.objects.filter(letter=letter_id, state__in=UNFINISHED).update(**changes)
    if copy.robot_id is not None:
        failures = 0 if outcome.is_fine else F("failures") + 1
        AlertRobot.objects.filter(pk=copy.robot_id).update(
            failures=failures, last_error=outcome.error
        )
    if not outcome.is_fine:
        logger.warning("Alert not sent: %s by %s, %s", letter_id, copy.channel, outcome.error)
    if outcome.is_fine or pause is None:
        facts = {
            "channel": copy.channel,
            "recipient": copy.recipient_id or copy.robot_id,
            "notifications": count,
            "sha256": digest,
            "error": outcome.error,
        }
        kind = "alert.sent" if outcome.is_fine else "alert.given_up"
        ledger.append(Event(kind, letter_id, facts, at))


def _digest(letter: Letter) -> str:
    said = [letter.level, letter.title, *(f"{line.id} {line.text}" for line in letter.lines)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()
