"""Ways to tickets that many tests take."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from conversations.models import ContactSession, Ticket
from conversations.services import tickets
from conversations.services.tickets import NewTicket
from conversations.ticket_states import TicketOrigin
from tenants import clock
from tenants.models import Membership

# A Monday morning at ten in Shanghai.
MONDAY = datetime(2026, 11, 23, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
PHONE = "138 0013 8000"
EMAIL = "li.lei@example.com"


def open_one(
    session: ContactSession,
    *,
    at: datetime = MONDAY,
    by: Membership | None = None,
    **fields: Any,
) -> Ticket:
    """Open a ticket for the visitor of a session."""
    asked: dict[str, Any] = {
        "contact": session.contact,
        "channel": session.channel,
        "origin": TicketOrigin.API,
        "description": "冰箱不制冷，请回电。\n订单 A1001",
        "name": "李雷",
        "phone": PHONE,
        "email": EMAIL,
    }
    with clock.travel(at):
        ticket, _created = tickets.open_ticket(NewTicket(**{**asked, **fields}), by=by)
    return Ticket.objects.select_related("assignee", "category", "contact").get(pk=ticket.pk)
