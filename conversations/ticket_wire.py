"""How tickets look on the wire: to members, and to the visitor whose they are."""

from typing import Any

from conversations.models import Ticket, TicketComment
from conversations.ticket_states import TicketStatus
from conversations.wire import contact_object, instant
from tenants import clock


def ticket_row(ticket: Ticket) -> dict[str, Any]:
    """Return the ticket as a row of the console's lists, with its labels in the language in use."""
    assignee = ticket.assignee
    return {
        "id": str(ticket.pk),
        "number": ticket.number,
        "subject": ticket.subject,
        "status": ticket.status,
        "status_label": ticket.get_status_display(),
        "priority": ticket.priority,
        "priority_label": ticket.get_priority_display(),
        "category": {"id": str(ticket.category_id), "name": ticket.category.name}
        if ticket.category
        else None,
        "origin": ticket.origin,
        "origin_label": ticket.get_origin_display(),
        "contact": contact_object(ticket.contact),
        "conversation_id": str(ticket.conversation_id) if ticket.conversation_id else None,
        "assignee": {"id": str(assignee.pk), "name": assignee.display_name} if assignee else None,
        "created_at": instant(ticket.created_at),
        "updated_at": instant(ticket.updated_at),
        "due_at": instant(ticket.due_at),
        "overdue": ticket.is_overdue(clock.now()),
        "demo": ticket.is_demo,
    }


def comment_object(comment: TicketComment) -> dict[str, Any]:
    """Return a comment as members see it."""
    return {
        "id": str(comment.pk),
        "author": {
            "kind": "agent" if comment.member_id else "customer",
            "name": comment.member.display_name if comment.member else "",
        },
        "is_public": comment.is_public,
        "text": comment.text,
        "merged_from": comment.merged_from or None,
        "created_at": instant(comment.created_at),
    }


def visitor_ticket(ticket: Ticket) -> dict[str, Any]:
    """Return the ticket as its visitor sees it, without what was said on it."""
    return {
        "number": ticket.number,
        "subject": ticket.subject,
        "status": ticket.status,
        "status_label": ticket.get_status_display(),
        "merged": ticket.merged_into_id is not None,
        "can_reply": ticket.status != TicketStatus.CLOSED,
        "created_at": instant(ticket.created_at),
        "updated_at": instant(ticket.updated_at),
    }


def visitor_comment(comment: TicketComment) -> dict[str, Any]:
    """Return a public comment as the visitor sees it."""
    return {
        "id": str(comment.pk),
        "author": {
            "kind": "agent" if comment.member_id else "customer",
            "name": comment.member.display_name if comment.member else None,
        },
        "text": comment.text,
        "created_at": instant(comment.created_at),
    }
