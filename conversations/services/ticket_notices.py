"""Put what is to be told of a ticket into the outbox, and send what is due."""

import logging
import smtplib
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.mail import BadHeaderError
from django.core.validators import validate_email
from django.db.models import F

from conversations.models import Ticket, TicketComment, TicketNotice, TicketNoticeKind
from conversations.services import ticket_letters
from tenants import clock
from tenants.models import Membership

logger = logging.getLogger(__name__)

# Longer than sending one mail may take; whoever dies in it leaves the mail to the next run.
LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 10
_LONGEST_PAUSE = timedelta(hours=6)


def usable_address(text: str) -> str:
    """Return the e-mail address in the text, "" where it is none."""
    address = text.strip()
    try:
        validate_email(address)
    except ValidationError:
        return ""
    return address


def tell_visitor(
    ticket: Ticket, kind: TicketNoticeKind, at: datetime, *, comment: TicketComment | None = None
) -> None:
    """Queue a mail to the address given with the ticket; nothing where there is none."""
    if ticket.email and not ticket.is_demo:
        TicketNotice.objects.create(
            ticket=ticket,
            comment=comment,
            kind=kind,
            address=ticket.email,
            created_at=at,
            due_at=at,
        )


def tell_member(
    ticket: Ticket,
    member: Membership | None,
    kind: TicketNoticeKind,
    at: datetime,
    *,
    by: Membership | None = None,
    comment: TicketComment | None = None,
) -> None:
    """Queue a mail to a member; nothing for what they did themselves, nor once they have left."""
    if member is None or member == by or not member.is_active or ticket.is_demo:
        return
    TicketNotice.objects.create(
        ticket=ticket,
        comment=comment,
        kind=kind,
        member=member,
        address=member.user.email,
        created_at=at,
        due_at=at,
    )


def deliver(notice_id: UUID) -> bool:
    """Send one mail that is due; return whether it went out.

    The row is leased before and marked after, so of several senders one sends, and what a dying
    one left is tried again: then under the same Message-ID. What fails is tried again with growing
    pauses, `MAX_ATTEMPTS` times; an address that can't be written to is given up at once.
    """
    at = clock.now()
    leased = TicketNotice.objects.filter(pk=notice_id, due_at__lte=at, sent_at=None).update(
        due_at=at + LEASE, attempts=F("attempts") + 1
    )
    if not leased:
        return False
    notice = TicketNotice.objects.select_related(
        "comment", "member", "ticket__channel", "ticket__contact", "ticket__tenant"
    ).get(pk=notice_id)
    try:
        ticket_letters.letter(notice).send()
    except (BadHeaderError, smtplib.SMTPRecipientsRefused, UnicodeError) as error:
        _failed(notice, error, give_up=True)
        return False
    except (smtplib.SMTPException, OSError) as error:
        _failed(notice, error, give_up=notice.attempts >= MAX_ATTEMPTS)
        return False
    TicketNotice.objects.filter(pk=notice.pk).update(sent_at=clock.now(), due_at=None, error="")
    return True


def _failed(notice: TicketNotice, error: Exception, *, give_up: bool) -> None:
    # The name of the fault alone: servers repeat addresses, and what was written, in their answers.
    name = type(error).__name__
    code = getattr(error, "smtp_code", None)
    pause = min(timedelta(minutes=2**notice.attempts), _LONGEST_PAUSE)
    TicketNotice.objects.filter(pk=notice.pk).update(
        due_at=None if give_up else clock.now() + pause,
        error=f"{name} {code}" if code else name,
    )
    logger.warning("Mail about a ticket not sent: %s, %s, given up %s", notice.pk, name, give_up)
