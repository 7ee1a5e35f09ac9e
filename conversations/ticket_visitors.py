"""What visitors may do with tickets: by their session, or by number and proof."""

from typing import Any

from conversations import ticket_wire
from conversations.models import Contact, ContactSession, Ticket, TicketComment
from conversations.services import (
    intake,
    ticket_clock,
    ticket_desk,
    ticket_lookup,
    tickets,
)
from conversations.services.tickets import NewTicket
from conversations.ticket_states import TicketOrigin
from conversations.visitors import NoticeOutdatedError, limit_address, notice
from tenants import clock, ratelimit
from tenants.scoping import active_tenant_id

TICKETS_PER_VISITOR = 5
_TICKETS_SECONDS = 3600
COMMENTS_PER_VISITOR = 10
TICKETS_PER_ADDRESS = 30
LOOKUPS_PER_ADDRESS = 10
_LISTED = 20


def leave(
    session: ContactSession,
    *,
    client_id: str,
    text: str,
    name: str,
    phone: str,
    email: str,
    address: str,
) -> tuple[dict[str, Any], bool]:
    """Open a ticket for what a visitor leaves, once per `client_id`; return (ticket, created).

    It belongs to the visitor's conversation on the channel if there is one. Raises
    NoticeOutdatedError, RateLimitedError, EmptyMessageError.
    """
    contact, channel = session.contact, session.channel
    stored = Ticket.objects.filter(contact=contact, client_id=f"visitor:{client_id}").first()
    if stored is not None:
        return ticket_wire.visitor_ticket(stored), False
    if session.notice_version != channel.notice_version:
        raise NoticeOutdatedError(extra={"notice": notice(session)})
    ratelimit.spend(
        f"ticket:{contact.pk}", limit=TICKETS_PER_VISITOR, seconds=_TICKETS_SECONDS, once=client_id
    )
    limit_address(f"ticket:{active_tenant_id()}", address, TICKETS_PER_ADDRESS, client_id)
    conversation = intake.current_conversation(contact, channel)
    manned = ticket_clock.is_working_time(conversation, clock.now())
    ticket, created = tickets.open_ticket(
        NewTicket(
            contact=contact,
            channel=channel,
            conversation=conversation,
            origin=TicketOrigin.API if manned else TicketOrigin.OUT_OF_HOURS,
            description=text,
            name=name,
            phone=phone,
            email=email,
            client_id=f"visitor:{client_id}",
        ),
        by=None,
    )
    return ticket_wire.visitor_ticket(ticket), created


def own(session: ContactSession) -> list[dict[str, Any]]:
    """Return the visitor's latest tickets, without what was said on them."""
    rows = Ticket.objects.filter(contact=session.contact).order_by("-created_at")[:_LISTED]
    return [ticket_wire.visitor_ticket(row) for row in rows]


def read(session: ContactSession, number: str) -> dict[str, Any]:
    """Return one of the visitor's tickets with its public story. Raises NotFoundError."""
    return _story(ticket_lookup.of_contact(session.contact, number))


def comment(
    session: ContactSession, number: str, *, client_id: str, text: str, address: str
) -> tuple[dict[str, Any], bool]:
    """Add the visitor's words to their ticket, once per `client_id`; return (comment, created).

    Raises NotFoundError, TicketClosedError, RateLimitedError.
    """
    ticket = ticket_lookup.of_contact(session.contact, number)
    remark, created = _say(ticket, text, session.contact, client_id, address)
    return ticket_wire.visitor_comment(remark), created


def look_up(number: str, proof: str, *, address: str) -> Ticket:
    """Return the ticket of this number for who knows the phone or e-mail address given with it.

    Raises NotFoundError alike for a wrong number and a wrong proof, and RateLimitedError.
    """
    limit_address(f"ticket-lookup:{active_tenant_id()}", address, LOOKUPS_PER_ADDRESS)
    return ticket_lookup.by_proof(number, proof)


def reply(ticket: Ticket, text: str, *, client_id: str, address: str) -> None:
    """Add the words of somebody who has proved that they may read the ticket.

    Raises EmptyMessageError, TooLongError, TicketClosedError, RateLimitedError.
    """
    _say(ticket, text, ticket.contact, client_id, address)


def public_story(ticket: Ticket) -> tuple[Ticket, list[TicketComment]]:
    """Return the ticket whose story its reader is shown, with the public comments, in order."""
    shown = ticket_lookup.shown_for(ticket)
    public = TicketComment.objects.filter(ticket=shown, is_public=True).select_related("member")
    return shown, list(public.order_by("created_at", "pk"))


def _story(ticket: Ticket) -> dict[str, Any]:
    shown, comments = public_story(ticket)
    return {
        **ticket_wire.visitor_ticket(shown),
        "text": shown.description,
        "comments": [ticket_wire.visitor_comment(each) for each in comments],
    }


def _say(
    ticket: Ticket, text: str, contact: Contact, client_id: str, address: str
) -> tuple[TicketComment, bool]:
    ratelimit.spend(
        f"ticket-comment:{ticket.pk}", limit=COMMENTS_PER_VISITOR, seconds=60, once=client_id
    )
    limit_address(f"ticket:{active_tenant_id()}", address, TICKETS_PER_ADDRESS, client_id)
    return ticket_desk.comment_by_contact(ticket.pk, text, contact=contact, client_id=client_id)
