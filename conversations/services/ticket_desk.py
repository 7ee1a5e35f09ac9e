"""What is done with a ticket: comment, assign, rank, move, merge."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from conversations import events
from conversations.models import (
    COMMENT_LENGTH,
    Contact,
    Ticket,
    TicketCategory,
    TicketComment,
    TicketNoticeKind,
)
from conversations.services import ticket_clock, ticket_notices
from conversations.services.desk import ReusedIdError
from conversations.services.intake import EmptyMessageError, TooLongError
from conversations.services.ticket_moves import lock_ticket, move_ticket
from conversations.ticket_states import (
    TicketClosedError,
    TicketPriority,
    TicketsDifferError,
    TicketStateError,
    TicketStatus,
)
from tenants import clock
from tenants.errors import DomainError
from tenants.models import Membership
from tenants.services import ledger
from tenants.services.ledger import Event


class NotAssignableError(DomainError):
    """The person does not handle tickets, or works here no more."""

    code = "not_assignable"
    status = 422
    message = _("%(name)s does not handle tickets. Please choose somebody else.")


def comment(
    ticket_id: UUID, text: str, *, by: Membership, is_public: bool, client_id: str
) -> tuple[TicketComment, bool]:
    """Add a member's remark, once per `client_id`; return (comment, created).

    A public one is the response that the first due time is about: the visitor is told by mail, a
    ticket that was not started is in progress, and one that nobody had is its author's. On a
    closed ticket only internal ones are possible. Raises EmptyMessageError, TooLongError,
    TicketClosedError, ReusedIdError.
    """
    text = _checked(text)
    try:
        with transaction.atomic():
            ticket = lock_ticket(ticket_id)
            at = clock.now()
            if is_public and ticket.status == TicketStatus.CLOSED:
                raise TicketClosedError
            remark = TicketComment.objects.create(
                ticket=ticket,
                member=by,
                is_public=is_public,
                text=text,
                client_id=client_id,
                created_at=at,
            )
            recorded = [_said(remark, at)]
            if is_public:
                recorded += _responded(ticket, by, at)
                ticket_notices.tell_visitor(ticket, TicketNoticeKind.ANSWERED, at, comment=remark)
            _finish(ticket, at, *recorded)
    except IntegrityError:
        return _stored(ticket_id, client_id, member=by), False
    return remark, True


def comment_by_contact(
    ticket_id: UUID, text: str, *, contact: Contact, client_id: str
) -> tuple[TicketComment, bool]:
    """Add the visitor's words, once per `client_id`; return (comment, created).

    They put a solved ticket, and one that waits for the visitor, in progress again; the assignee
    is told by mail. On a merged ticket they go to the one it was merged into. Raises
    EmptyMessageError, TooLongError, TicketClosedError, ReusedIdError.
    """
    text = _checked(text)
    try:
        with transaction.atomic():
            ticket = lock_ticket(ticket_id)
            if ticket.merged_into_id is not None:
                ticket = lock_ticket(ticket.merged_into_id)
            at = clock.now()
            if ticket.status == TicketStatus.CLOSED:
                raise TicketClosedError
            remark = TicketComment.objects.create(
                ticket=ticket,
                contact=contact,
                is_public=True,
                text=text,
                client_id=client_id,
                created_at=at,
            )
            recorded = [_said(remark, at)]
            if ticket.status in (TicketStatus.SOLVED, TicketStatus.PENDING):
                recorded.append(_moved(ticket, TicketStatus.OPEN, None, at))
            ticket_notices.tell_member(
                ticket, ticket.assignee, TicketNoticeKind.REPLIED, at, comment=remark
            )
            _finish(ticket, at, *recorded)
    except IntegrityError:
        return _stored(ticket_id, client_id, contact=contact), False
    return remark, True


def change_status(ticket_id: UUID, status: TicketStatus, *, by: Membership) -> Ticket:
    """Put the ticket into another state; the state it has already changes nothing.

    Solved, the visitor is told by mail. Raises TicketStateError.
    """
    with transaction.atomic():
        ticket = lock_ticket(ticket_id)
        if ticket.status == status:
            return ticket
        at = clock.now()
        recorded = _moved(ticket, status, by, at)
        if status == TicketStatus.SOLVED:
            ticket_notices.tell_visitor(ticket, TicketNoticeKind.SOLVED, at)
        _finish(ticket, at, recorded)
    return ticket


def assign(ticket_id: UUID, member: Membership | None, *, by: Membership) -> Ticket:
    """Give the ticket to a member, or to nobody; the member is told by mail.

    Raises NotAssignableError for somebody who does not handle tickets, TicketClosedError.
    """
    with transaction.atomic():
        ticket = lock_ticket(ticket_id)
        if member is not None and not member.can("ticket.handle"):
            raise NotAssignableError(name=member.display_name)
        if ticket.assignee == member:
            return ticket
        if ticket.status == TicketStatus.CLOSED:
            raise TicketClosedError
        at = clock.now()
        ticket.assignee = member
        ticket_notices.tell_member(ticket, member, TicketNoticeKind.ASSIGNED, at, by=by)
        facts = {"assignee": ticket.assignee_id, "by": by.pk}
        _finish(ticket, at, Event("ticket.assigned", ticket.pk, facts, at))
    return ticket


def change_priority(
    ticket_id: UUID, priority: TicketPriority, *, by: Membership, category: TicketCategory | None
) -> Ticket:
    """Give the ticket this priority and category; its due times follow, from its opening on.

    Raises TicketClosedError.
    """
    with transaction.atomic():
        ticket = lock_ticket(ticket_id)
        if (ticket.priority, ticket.category) == (priority, category):
            return ticket
        if ticket.status == TicketStatus.CLOSED:
            raise TicketClosedError
        at = clock.now()
        ticket.priority, ticket.category = priority, category
        ticket_clock.promise(ticket, at)
        facts = {
            "priority": priority,
            "category": ticket.category_id,
            "by": by.pk,
            "respond_due_at": ticket.respond_due_at,
            "resolve_due_at": ticket.resolve_due_at,
        }
        _finish(ticket, at, Event("ticket.ranked", ticket.pk, facts, at))
    return ticket


def merge(ticket_id: UUID, into_id: UUID, *, by: Membership) -> Ticket:
    """Close the ticket and let another one of the same person go on for both; return that one.

    What was said on it moves there, with its number, and so does what it was opened with. Numbers
    that lead to the merged ticket lead on. Raises TicketsDifferError, TicketClosedError,
    TicketStateError for a ticket that was merged before.
    """
    with transaction.atomic():
        locked = {pk: lock_ticket(pk) for pk in sorted({ticket_id, into_id})}
        merged, main = locked[ticket_id], locked[into_id]
        if merged == main or not _same_person(merged, main):
            raise TicketsDifferError
        if main.status == TicketStatus.CLOSED:
            raise TicketClosedError
        if merged.merged_into_id is not None:
            raise TicketStateError(status=TicketStatus(merged.status).label)
        at = clock.now()
        moved = merged.comments.filter(merged_from="")
        moved.update(merged_from=merged.number)
        merged.comments.update(ticket=main)
        TicketComment.objects.create(
            ticket=main,
            contact=merged.contact,
            is_public=True,
            text=merged.description,
            merged_from=merged.number,
            created_at=merged.created_at,
        )
        Ticket.objects.filter(merged_into=merged).update(merged_into=main)
        if merged.status != TicketStatus.CLOSED:
            move_ticket(merged, TicketStatus.CLOSED, at)
        merged.merged_into = main
        facts = {"into": main.pk, "by": by.pk}
        merged.updated_at = at
        merged.save()
        events.announce_ticket(merged)
        _finish(main, at, Event("ticket.merged", merged.pk, facts, at))
    return main


def _same_person(one: Ticket, other: Ticket) -> bool:
    if one.contact_id == other.contact_id:
        return True
    given = [(one.email.lower(), other.email.lower()), (_digits(one.phone), _digits(other.phone))]
    return any(mine and mine == theirs for mine, theirs in given)


def _digits(phone: str) -> str:
    return "".join(each for each in phone if each.isdecimal())[-11:]


def _responded(ticket: Ticket, by: Membership, at: datetime) -> list[Event]:
    recorded = []
    if ticket.first_responded_at is None:
        ticket.first_responded_at = at
        facts = {"by": by.pk, "due_at": ticket.respond_due_at}
        recorded.append(Event("ticket.responded", ticket.pk, facts, at))
    if ticket.assignee is None and by.can("ticket.handle"):
        ticket.assignee = by
        facts = {"assignee": by.pk, "by": by.pk}
        recorded.append(Event("ticket.assigned", ticket.pk, facts, at))
    if ticket.status == TicketStatus.NEW:
        recorded.append(_moved(ticket, TicketStatus.OPEN, by, at))
    ticket_clock.judge(ticket, at)
    return recorded


def _moved(ticket: Ticket, status: TicketStatus, by: Membership | None, at: datetime) -> Event:
    facts = {"from": ticket.status, "to": status, "by": by.pk if by else None}
    move_ticket(ticket, status, at)
    return Event("ticket.moved", ticket.pk, facts, at)


def _said(remark: TicketComment, at: datetime) -> Event:
    facts = {
        "comment": remark.pk,
        "public": remark.is_public,
        "by": remark.member_id,
        "text_sha256": ledger.fingerprint(remark.text),
    }
    return Event("ticket.commented", remark.ticket_id, facts, at)


def _finish(ticket: Ticket, at: datetime, *recorded: Event) -> None:
    ticket.updated_at = at
    ticket.save()
    ledger.append(*recorded)
    events.announce_ticket(ticket)


def _stored(
    ticket_id: UUID,
    client_id: str,
    *,
    member: Membership | None = None,
    contact: Contact | None = None,
) -> TicketComment:
    # The constraint is the judge of duplicates; which ticket it is on may have changed by merging.
    stored = TicketComment.objects.filter(
        member=member, contact=contact, client_id=client_id
    ).select_related("ticket", "member")
    found = stored.first()
    if not client_id or found is None:
        raise ReusedIdError
    asked = Ticket.objects.filter(pk=ticket_id).values_list("merged_into", flat=True).first()
    if found.ticket_id not in (ticket_id, asked):
        raise ReusedIdError
    return found


def _checked(text: str) -> str:
    text = text.replace("\x00", "").strip()
    if not text:
        raise EmptyMessageError
    if len(text) > COMMENT_LENGTH:
        raise TooLongError(limit=COMMENT_LENGTH)
    return text
