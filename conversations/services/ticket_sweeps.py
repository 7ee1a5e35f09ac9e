"""What time does to tickets: they fall overdue, and solved ones close."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from conversations import events
from conversations.models import Ticket, TicketNoticeKind
from conversations.services import ticket_notices
from conversations.services.ticket_moves import lock_ticket, move_ticket
from conversations.ticket_states import TicketStatus
from tenants import clock
from tenants.models import Membership
from tenants.roles import Role
from tenants.services import ledger
from tenants.services.ledger import Event

# A solved ticket can be reopened for this long.
REOPENABLE = timedelta(days=7)


def mark_overdue(ticket_id: UUID) -> bool:
    """Mark a ticket whose due time has passed, once, and tell assignee and supervisors by mail."""
    with transaction.atomic():
        ticket = lock_ticket(ticket_id)
        at = clock.now()
        if ticket.overdue_since is not None or not ticket.is_overdue(at):
            return False
        ticket.overdue_since = ticket.due_at
        ticket.save(update_fields=["overdue_since"])
        for member in _alarmed(ticket):
            ticket_notices.tell_member(ticket, member, TicketNoticeKind.OVERDUE, at)
        responding = ticket.first_responded_at is None and ticket.due_at == ticket.respond_due_at
        what = "respond" if responding else "resolve"
        facts = {"due_at": ticket.due_at, "what": what, "assignee": ticket.assignee_id}
        ledger.append(Event("ticket.overdue", ticket.pk, facts, at))
        events.announce_ticket(ticket)
    return True


def close_solved(ticket_id: UUID) -> bool:
    """Close a ticket that was solved `REOPENABLE` ago and about which nobody wrote since."""
    with transaction.atomic():
        ticket = lock_ticket(ticket_id)
        at = clock.now()
        if ticket.status != TicketStatus.SOLVED or ticket.solved_at is None:
            return False
        if ticket.solved_at > at - REOPENABLE:
            return False
        move_ticket(ticket, TicketStatus.CLOSED, at)
        ticket.save()
        facts = {"from": TicketStatus.SOLVED, "to": TicketStatus.CLOSED, "by": None}
        ledger.append(Event("ticket.moved", ticket.pk, facts, at))
        events.announce_ticket(ticket)
    return True


def _alarmed(ticket: Ticket) -> list[Membership]:
    supervisors = Membership.objects.filter(role=Role.SUPERVISOR, is_active=True)
    alarmed = {member.pk: member for member in supervisors.select_related("user")}
    if ticket.assignee is not None:
        alarmed[ticket.assignee.pk] = ticket.assignee
    return list(alarmed.values())
