"""What the agents' console reads of tickets."""

from typing import Any

from django.db.models import F, Q, QuerySet

from conversations import ticket_wire, wire
from conversations.models import Ticket, TicketCategory, TicketComment
from conversations.services import tickets
from conversations.ticket_states import (
    TICKET_MOVES,
    UNSETTLED,
    TicketPriority,
    TicketStatus,
)
from tenants import clock
from tenants.actors import Actor
from tenants.errors import NotFoundError
from tenants.models import LedgerEntry, Membership
from tenants.roles import CAPABILITIES
from tenants.scoping import as_uuid

PAGE = 30
_WITH = ("category", "contact", "assignee", "merged_into")
_HANDLERS = [role for role, held in CAPABILITIES.items() if "ticket.handle" in held]


def ticket(ticket_id: object) -> Ticket:
    """Return a ticket of the tenant; NotFoundError where there is none of its own."""
    found = Ticket.objects.select_related(*_WITH).filter(pk=as_uuid(ticket_id)).first()
    if found is None:
        raise NotFoundError
    return found


def numbered(number: str) -> Ticket:
    """Return the tenant's ticket of this number. Raises NotFoundError."""
    found = Ticket.objects.filter(number=number.strip().upper()).first()
    if found is None:
        raise NotFoundError
    return found


def rows(
    actor: Actor, which: str, *, search: str = "", contact: object = None, offset: int = 0
) -> dict[str, Any]:
    """Return one page of a list: "mine", "open" and "overdue" what is due first, "all" latest first.

    `search` looks in numbers, subjects, names, telephone numbers and e-mail addresses; `contact`
    keeps to one contact. `next` continues as `offset`; `counts` are of the whole lists.
    """
    lists = _lists(actor)
    chosen = lists.get(which, lists["all"]).select_related(*_WITH)
    if contact:
        chosen = chosen.filter(contact=as_uuid(contact))
    if search:
        chosen = chosen.filter(
            Q(number__icontains=search)
            | Q(subject__icontains=search)
            | Q(name__icontains=search)
            | Q(phone__icontains=search)
            | Q(email__icontains=search)
            | Q(contact__name__icontains=search)
        )
    order = ("-updated_at", "pk")
    if which in ("mine", "open", "overdue"):
        order = (F("due_at").asc(nulls_last=True), *order)  # type: ignore[assignment]  # a term
    page = list(chosen.order_by(*order)[offset : offset + PAGE + 1])
    return {
        "tickets": [ticket_wire.ticket_row(row) for row in page[:PAGE]],
        "counts": {name: lists[name].count() for name in ("mine", "open", "overdue")},
        "next": offset + PAGE if len(page) > PAGE else None,
        "server_time": wire.instant(clock.now()),
    }


def detail(row: Ticket) -> dict[str, Any]:
    """Return a ticket with all that was said and done, and where it may go from here."""
    comments = TicketComment.objects.filter(ticket=row).select_related("member")
    merged = Ticket.objects.filter(merged_into=row).order_by("number")
    return {
        **ticket_wire.ticket_row(row),
        "description": row.description,
        "name": row.name,
        "phone": row.phone,
        "email": row.email,
        "respond_due_at": wire.instant(row.respond_due_at),
        "resolve_due_at": wire.instant(row.resolve_due_at),
        "first_responded_at": wire.instant(row.first_responded_at),
        "paused": row.paused_at is not None,
        "solved_at": wire.instant(row.solved_at),
        "closed_at": wire.instant(row.closed_at),
        "merged_into": {"id": str(row.merged_into.pk), "number": row.merged_into.number}
        if row.merged_into
        else None,
        "merged": list(merged.values_list("number", flat=True)),
        "comments": [
            ticket_wire.comment_object(each) for each in comments.order_by("created_at", "pk")
        ],
        "moves": [
            {"value": status, "label": str(TicketStatus(status).label)}
            for status in TicketStatus.values
            if status in TICKET_MOVES[row.status] and status != TicketStatus.NEW
        ],
        "history": _history(row),
    }


def choices() -> dict[str, Any]:
    """Return what a ticket may be given: categories, priorities, and members who handle tickets."""
    members = Membership.objects.filter(is_active=True, role__in=_HANDLERS)
    return {
        "categories": [
            {"id": str(pk), "name": name}
            for pk, name in TicketCategory.objects.filter(is_active=True)
            .order_by("name")
            .values_list("pk", "name")
        ],
        "priorities": [
            {"value": value, "label": str(label)} for value, label in TicketPriority.choices
        ],
        "members": [
            {"id": str(pk), "name": name}
            for pk, name in members.order_by("display_name").values_list("pk", "display_name")
        ],
    }


def draft(conversation: Any) -> dict[str, Any]:
    """Return a ticket as a conversation suggests it, with its contact's other open ones."""
    contact = conversation.contact
    unsettled = Ticket.objects.filter(contact=contact, status__in=UNSETTLED)
    return {
        **tickets.draft_from(conversation),
        "name": contact.name,
        "phone": contact.phone,
        "email": contact.email,
        "open": [
            ticket_wire.ticket_row(row)
            for row in unsettled.select_related(*_WITH).order_by("-created_at")[:5]
        ],
    }


def _history(row: Ticket) -> list[dict[str, Any]]:
    entries = list(
        LedgerEntry.objects.filter(subject=str(row.pk), kind__startswith="ticket.")
        .exclude(kind="ticket.commented")
        .order_by("position")[:200]
    )
    people = {
        pk for entry in entries for pk in (entry.data.get("by"), entry.data.get("assignee")) if pk
    }
    names = {
        str(pk): name
        for pk, name in Membership.objects.filter(pk__in=people).values_list("pk", "display_name")
    }
    return [_happened(entry, names) for entry in entries]


def _happened(entry: LedgerEntry, names: dict[str, str]) -> dict[str, Any]:
    data = entry.data
    to = data.get("to")
    priority = data.get("priority")
    return {
        "kind": entry.kind.removeprefix("ticket."),
        "at": wire.instant(entry.at),
        "by": names.get(data.get("by") or ""),
        "assignee": names.get(data.get("assignee") or ""),
        "status": str(TicketStatus(to).label) if to else None,
        "priority": str(TicketPriority(priority).label) if priority else None,
    }


def _lists(actor: Actor) -> dict[str, QuerySet[Ticket]]:
    member = actor.membership
    every = Ticket.objects.all()
    unsettled = every.filter(status__in=UNSETTLED)
    return {
        "mine": unsettled.filter(assignee=member) if member else every.none(),
        "open": unsettled,
        "overdue": every.filter(due_at__lte=clock.now()),
        "all": every,
    }
