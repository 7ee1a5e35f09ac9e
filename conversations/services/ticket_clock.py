"""By when a ticket is due: in working hours, with the solution's clock stopped while we wait."""

from datetime import datetime, timedelta

from conversations import hours
from conversations.models import Conversation, Ticket
from conversations.models.ticket import DEFAULT_HOURS
from conversations.ticket_states import TicketStatus
from tenants.worktime import (
    Hours,
    NeverOpenError,
    add_working_time,
    is_open,
    weekdays,
    working_time_between,
)

_SOLVING = (TicketStatus.NEW, TicketStatus.OPEN)


def opening_hours(conversation: Conversation | None) -> Hours:
    """Return the hours in which somebody sees to what comes of a conversation, or of none.

    Those of its group, else of the tenant's default group; where there is neither, Monday to Friday,
    9 to 18, in the tenant's zone, with the statutory calendar.
    """
    group = hours.responsible(conversation)
    if group is None:
        return weekdays(hours.zone(), statutory=True)
    return hours.hours_of(group)


def is_working_time(conversation: Conversation | None, at: datetime) -> bool:
    """Return whether somebody is expected to be there at the instant `at`."""
    return is_open(opening_hours(conversation), at)


def promise(ticket: Ticket, at: datetime) -> None:
    """Set, on the object, when the ticket is due, by its category and priority, and what runs.

    Counted from its opening, with the pauses so far. A response that was given keeps the due time
    it was measured by.
    """
    respond, resolve = _hours(ticket)
    opening = opening_hours(ticket.conversation)
    if ticket.first_responded_at is None:
        ticket.respond_due_at = _due(opening, ticket.created_at, respond)
    ticket.resolve_due_at = _due(opening, ticket.created_at, resolve + ticket.paused_for)
    judge(ticket, at)


def pause(ticket: Ticket, at: datetime) -> None:
    """Stop the clock of the solution on the object; stopping it twice changes nothing."""
    ticket.paused_at = ticket.paused_at or at
    judge(ticket, at)


def resume(ticket: Ticket, at: datetime) -> None:
    """Let the clock of the solution run on, later by the working time for which it stood still."""
    if ticket.paused_at is not None:
        opening = opening_hours(ticket.conversation)
        paused = working_time_between(opening, ticket.paused_at, at)
        ticket.paused_for += paused
        ticket.resolve_due_at = _due(opening, ticket.resolve_due_at, paused)
        ticket.paused_at = None
    judge(ticket, at)


def judge(ticket: Ticket, at: datetime) -> None:
    """Set, on the object, which due time runs now; what is overdue no more is not marked so."""
    running = []
    if ticket.is_unsettled and ticket.first_responded_at is None:
        running.append(ticket.respond_due_at)
    if ticket.status in _SOLVING:
        running.append(ticket.resolve_due_at)
    ticket.due_at = min(running, default=None)
    if not ticket.is_overdue(at):
        ticket.overdue_since = None


def _due(opening: Hours, start: datetime, amount: timedelta) -> datetime:
    try:
        return add_working_time(opening, start, amount)
    except NeverOpenError:
        # A promise always has a date, whatever hours somebody entered.
        return start + amount


def _hours(ticket: Ticket) -> tuple[timedelta, timedelta]:
    if ticket.category is not None:
        return ticket.category.hours(ticket.priority)
    respond, resolve = DEFAULT_HOURS[ticket.priority]
    return timedelta(hours=respond), timedelta(hours=resolve)
