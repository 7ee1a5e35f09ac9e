"""Word the mails about tickets, in the language of who gets them."""

from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from conversations.models import Ticket, TicketNotice, TicketNoticeKind


def letter(notice: TicketNotice) -> EmailMultiAlternatives:
    """Return the mail that a notice stands for, as text and HTML.

    What a visitor wrote goes to members only: anybody could have given the address of somebody
    else. Links lead to PUBLIC_URL; without it there are none.
    """
    ticket = notice.ticket
    with translation.override(_language(notice)), timezone.override(ticket.tenant.zone):
        brand = _line(ticket.channel.brand_name)
        context = {
            "brand": brand,
            "ticket": ticket,
            "status": ticket.get_status_display(),
            "lead": _lead(notice),
            "quoted": _quoted(notice),
            "subject": ticket.subject if notice.member_id else "",
            "due": timezone.localtime(ticket.due_at)
            if ticket.due_at and notice.member_id
            else None,
            "link": member_link(ticket) if notice.member_id else lookup_link(ticket),
            "to_member": bool(notice.member_id),
        }
        mail = EmailMultiAlternatives(
            subject=f"[{ticket.number}] {_subject(notice)} · {brand}",
            body=render_to_string("email/ticket.txt", context),
            to=[notice.address],
            headers={
                "Message-ID": f"<ticket-{notice.pk}@{_domain()}>",
                "Auto-Submitted": "auto-generated",
            },
        )
        mail.attach_alternative(render_to_string("email/ticket.html", context), "text/html")
    return mail


def lookup_link(ticket: Ticket) -> str:
    """Return where the visitor may look the ticket up, "" without a PUBLIC_URL."""
    path = reverse("conversations:ticket-lookup", args=[ticket.channel.key])
    return _public(f"{path}?{urlencode({'number': ticket.number})}")


def member_link(ticket: Ticket) -> str:
    """Return where members find the ticket in their console, "" without a PUBLIC_URL."""
    return _public(f"{reverse('conversations:console')}#/t/{ticket.pk}")


def _public(path: str) -> str:
    return f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else ""


def _language(notice: TicketNotice) -> str:
    if notice.member_id:
        return notice.ticket.tenant.language
    return "en" if notice.ticket.contact.locale.lower().startswith("en") else "zh-hans"


def _subject(notice: TicketNotice) -> str:
    subjects = {
        TicketNoticeKind.CREATED: _("We have received your message"),
        TicketNoticeKind.ANSWERED: _("We have answered you"),
        TicketNoticeKind.SOLVED: _("Your ticket is solved"),
        TicketNoticeKind.ASSIGNED: _("A ticket was assigned to you"),
        TicketNoticeKind.REPLIED: _("The visitor has replied"),
        TicketNoticeKind.OVERDUE: _("A ticket is overdue"),
    }
    return subjects[TicketNoticeKind(notice.kind)]


def _lead(notice: TicketNotice) -> str:
    number = {"number": notice.ticket.number}
    leads = {
        TicketNoticeKind.CREATED: _(
            "We have received your message and will see to it. Its ticket number is %(number)s."
        ),
        TicketNoticeKind.ANSWERED: _("There is an answer to your ticket %(number)s:"),
        TicketNoticeKind.SOLVED: _(
            "Your ticket %(number)s is solved. If anything is still open, just reply to it within "
            "7 days."
        ),
        TicketNoticeKind.ASSIGNED: _("Ticket %(number)s was assigned to you."),
        TicketNoticeKind.REPLIED: _("The visitor has replied to ticket %(number)s:"),
        TicketNoticeKind.OVERDUE: _("Ticket %(number)s is overdue. Please see to it."),
    }
    return leads[TicketNoticeKind(notice.kind)] % number


def _quoted(notice: TicketNotice) -> str:
    shown = notice.comment is not None and (notice.comment.member_id or notice.member_id)
    return notice.comment.text if notice.comment is not None and shown else ""


def _line(text: str) -> str:
    return " ".join(text.split())


def _domain() -> str:
    _name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return address.rpartition("@")[2] or "localhost"
