"""The states and priorities of a ticket, and which state may follow which."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.errors import DomainError


class TicketStatus(models.TextChoices):
    """How far a ticket is."""

    NEW = "new", _("Not started")
    OPEN = "open", _("In progress")
    PENDING = "pending", _("Waiting for the visitor")
    SOLVED = "solved", _("Solved")
    CLOSED = "closed", _("Closed")


class TicketPriority(models.TextChoices):
    """How soon somebody has to see to it."""

    LOW = "low", _("Low")
    NORMAL = "normal", _("Normal")
    HIGH = "high", _("High")
    URGENT = "urgent", _("Urgent")


class TicketOrigin(models.TextChoices):
    """Where a ticket came from."""

    CHAT = "chat", _("From a conversation")
    OUT_OF_HOURS = "out_of_hours", _("Out of hours")
    API = "api", _("Left by the visitor")
    ADMIN = "admin", _("Administration")


# A closed ticket stays closed: what comes up later is another ticket.
TICKET_MOVES: dict[str, frozenset[str]] = {
    TicketStatus.NEW: frozenset(
        {TicketStatus.OPEN, TicketStatus.PENDING, TicketStatus.SOLVED, TicketStatus.CLOSED}
    ),
    TicketStatus.OPEN: frozenset({TicketStatus.PENDING, TicketStatus.SOLVED, TicketStatus.CLOSED}),
    TicketStatus.PENDING: frozenset({TicketStatus.OPEN, TicketStatus.SOLVED, TicketStatus.CLOSED}),
    TicketStatus.SOLVED: frozenset({TicketStatus.OPEN, TicketStatus.CLOSED}),
    TicketStatus.CLOSED: frozenset(),
}

# In these somebody still has something to do or to say.
UNSETTLED = (TicketStatus.NEW, TicketStatus.OPEN, TicketStatus.PENDING)


class TicketStateError(DomainError):
    """The ticket is not in a state from which this is possible."""

    code = "wrong_ticket_state"
    status = 409
    message = _("This is not possible while the ticket is “%(status)s”.")


class TicketClosedError(DomainError):
    """The ticket is closed for good."""

    code = "ticket_closed"
    status = 409
    message = _("This ticket is closed. Please open a new one.")


class TicketsDifferError(DomainError):
    """Tickets of different people are not merged: each would see what the other wrote."""

    code = "tickets_differ"
    status = 409
    message = _(
        "Only tickets of one person can be merged: the same contact, phone number or e-mail "
        "address."
    )
