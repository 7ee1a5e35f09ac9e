"""Tickets that are overdue, solved, or to be told of."""

from celery import shared_task

from conversations.models import Ticket, TicketNotice
from tenants import clock
from tenants.chores import due, safely, within

# Mail servers that are slow keep a run no longer than this.
_MAIL_SECONDS = 20.0


@shared_task(name="conversations.find_overdue_tickets", platform=True, alone_for=60)
def find_overdue_tickets() -> None:
    """Mark the tickets whose due time has passed, and have their people told."""
    from conversations.services import ticket_sweeps  # noqa: PLC0415 -- leaf

    for (ticket_id,) in due(Ticket, ("pk",), due_at__lte=clock.now(), overdue_since=None):
        safely(ticket_sweeps.mark_overdue, ticket_id)


@shared_task(name="conversations.close_solved_tickets", platform=True, alone_for=300)
def close_solved_tickets() -> None:
    """Close the tickets that were solved long enough ago."""
    from conversations.services import ticket_sweeps  # noqa: PLC0415 -- leaf

    since = clock.now() - ticket_sweeps.REOPENABLE
    for (ticket_id,) in due(Ticket, ("pk",), status="solved", solved_at__lte=since):
        safely(ticket_sweeps.close_solved, ticket_id)


@shared_task(name="conversations.send_ticket_notices", platform=True, alone_for=600)
def send_ticket_notices() -> None:
    """Send the mails about tickets that are due."""
    from conversations.services import ticket_notices  # noqa: PLC0415 -- leaf

    within(
        _MAIL_SECONDS, ticket_notices.deliver, due(TicketNotice, ("pk",), due_at__lte=clock.now())
    )
