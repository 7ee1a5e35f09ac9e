"""Send the mails of reports that are due: leased, repeated, logged."""

import logging
import smtplib
from datetime import timedelta
from uuid import UUID

from django.core.mail import BadHeaderError
from django.db import transaction
from django.db.models import F

from reporting.models import DeliveryChannel, ReportDelivery
from reporting.rendering import mail
from reporting.services import report_alerts
from tenants import clock
from tenants.services import ledger
from tenants.services.ledger import Event

logger = logging.getLogger(__name__)

# Longer than making and sending one mail may take.
LEASE = timedelta(minutes=3)
MAX_ATTEMPTS = 12
# A mail that fails for so long is told of.
TOLD_AFTER = timedelta(hours=2)
_LONGEST_PAUSE = timedelta(hours=2)


def deliver(delivery_id: UUID) -> bool:
    """Send one mail that is due; return whether it went out.

    The row is leased before and marked after, so of several senders one sends. What fails is tried
    again with growing pauses under the same Message-ID, `MAX_ATTEMPTS` times.
    """
    at = clock.now()
    leased = ReportDelivery.objects.filter(
        pk=delivery_id, channel=DeliveryChannel.MAIL, due_at__lte=at, sent_at=None
    ).update(due_at=at + LEASE, attempts=F("attempts") + 1)
    if not leased:
        return False
    row = ReportDelivery.objects.select_related("report").get(pk=delivery_id)
    row.mail_id = mail.mail_id(row)
    try:
        mail.letter(row).send()
    except (BadHeaderError, smtplib.SMTPRecipientsRefused, UnicodeError) as error:
        _failed(row, error, give_up=True)
        return False
    except (smtplib.SMTPException, OSError) as error:
        _failed(row, error, give_up=row.attempts >= MAX_ATTEMPTS)
        return False
    with transaction.atomic():
        ReportDelivery.objects.filter(pk=row.pk).update(
            sent_at=clock.now(), due_at=None, error="", mail_id=row.mail_id
        )
        facts = {"report": row.report_id, "sha256": row.report.sha256}
        ledger.append(Event("report.mailed", row.pk, facts))
    return True


def _failed(row: ReportDelivery, error: Exception, *, give_up: bool) -> None:
    # The name of the fault alone: servers repeat addresses in their answers.
    pause = min(timedelta(minutes=2**row.attempts), _LONGEST_PAUSE)
    code = getattr(error, "smtp_code", None)
    ReportDelivery.objects.filter(pk=row.pk).update(
        due_at=None if give_up else clock.now() + pause,
        error=f"{type(error).__name__} {code or ''}".strip(),
        mail_id=row.mail_id,
    )
    logger.warning("Report not mailed: %s, given up %s", row.pk, give_up)
    if give_up or clock.now() - row.created_at >= TOLD_AFTER:
        report_alerts.report_not_mailed(row, type(error).__name__)
