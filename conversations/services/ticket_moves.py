"""Lock a ticket, and move it from one state to the next: the only place that assigns its status."""

from datetime import datetime
from uuid import UUID

from django.db import connection

from conversations.models import Ticket
from conversations.services import ticket_clock
from conversations.ticket_states import TICKET_MOVES, TicketStateError, TicketStatus
from tenants.errors import NotFoundError

_WITH = ("category", "channel", "contact", "conversation", "assignee", "merged_into")


def lock_ticket(ticket_id: UUID) -> Ticket:
    """Return the ticket with what it points to, its row locked until the transaction ends.

    Raises NotFoundError for another tenant's ticket as for one that is not there.
    """
    if connection.features.has_select_for_update:
        # Locked first, joined after: see messages.lock_conversation.
        list(Ticket.objects.select_for_update().filter(pk=ticket_id).values_list("pk"))
    ticket = Ticket.objects.select_related(*_WITH).filter(pk=ticket_id).first()
    if ticket is None:
        raise NotFoundError
    return ticket


def move_ticket(ticket: Ticket, status: TicketStatus, at: datetime) -> None:
    """Give a locked ticket its next status on the object, and let its clocks follow.

    The solution's clock stands still while the visitor has the word and while the ticket is
    solved; reopened, it runs on with what was left. To solve a ticket is to respond to it. Raises
    TicketStateError where the table of moves does not allow it. The caller saves the ticket.
    """
    if status not in TICKET_MOVES[ticket.status]:
        raise TicketStateError(status=TicketStatus(ticket.status).label)
    ticket.status = status
    if status == TicketStatus.OPEN:
        ticket.solved_at = None
        ticket_clock.resume(ticket, at)
        return
    if status == TicketStatus.SOLVED:
        ticket.solved_at = at
        ticket.first_responded_at = ticket.first_responded_at or at
    if status == TicketStatus.CLOSED:
        ticket.closed_at = at
    ticket_clock.pause(ticket, at)
