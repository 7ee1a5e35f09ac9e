"""See to what visitors want of people who are not there just now: as a ticket, and in words."""

from datetime import datetime

from conversations import hours
from conversations.models import Conversation
from conversations.queries import unsettled_ticket
from conversations.services import phrases, tickets
from tenants.services.ledger import Event


def keep(conversation: Conversation, *, reason: str, note: str, at: datetime) -> list[Event]:
    """Open a ticket for a locked waiting conversation if its group is closed; return the events.

    Nothing is done while people are there, or where another system has the conversation. A ticket
    of the conversation that is not settled yet serves again. Source: R22, R67.
    """
    if hours.opens_at(conversation, at) is None:
        return []
    _ticket, recorded = tickets.open_from_conversation(
        conversation, reason=reason, note=note, at=at
    )
    return recorded


def sentence(conversation: Conversation, at: datetime) -> str:
    """Return what a waiting visitor hears while nobody is there, or "" while people are.

    When people are back, in the tenant's zone, and under which number the request is kept. In the
    language in use.
    """
    opening = hours.opens_at(conversation, at)
    if opening is None:
        return ""
    ticket = unsettled_ticket(conversation)
    return phrases.away(opening.astimezone(hours.zone()), ticket.number if ticket else "")
