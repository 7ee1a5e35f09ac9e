"""Open tickets: from a conversation, by a visitor, by a member, out of hours."""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from conversations import events
from conversations.models import (
    DESCRIPTION_LENGTH,
    SUBJECT_LENGTH,
    AuthorKind,
    Channel,
    Contact,
    Conversation,
    Message,
    MessageKind,
    Ticket,
    TicketCategory,
    TicketDay,
    TicketNoticeKind,
)
from conversations.queries import question_of, unsettled_ticket
from conversations.services import messages, profiles, ticket_clock, ticket_notices, ticket_phrases
from conversations.services.intake import EmptyMessageError, TooLongError
from conversations.services.phrases import language_of
from conversations.states import ConversationStatus
from conversations.ticket_states import TicketOrigin, TicketPriority
from tenants import clock
from tenants.models import Membership, Tenant
from tenants.scoping import active_tenant_id
from tenants.services import ledger
from tenants.services.ledger import Event

# So many of the visitor's last words make up the description.
_DESCRIBING = 20


@dataclass(frozen=True)
class NewTicket:
    """What somebody asks to be seen to, and how to reach them.

    Without a subject the description's first line is one. `client_id` is the asker's own id:
    asking again under it opens nothing new.
    """

    contact: Contact
    channel: Channel
    description: str
    origin: TicketOrigin
    subject: str = ""
    conversation: Conversation | None = None
    category: TicketCategory | None = None
    priority: str = TicketPriority.NORMAL
    assignee: Membership | None = None
    name: str = ""
    phone: str = ""
    email: str = ""
    client_id: str = ""


def open_ticket(asked: NewTicket, *, by: Membership | None) -> tuple[Ticket, bool]:
    """Open a ticket, once per `client_id` of its contact; return (ticket, created).

    One transaction: the day's next number (gapless, in the tenant's zone), the due times, the
    mails to the visitor and to the assignee, the ledger. What a visitor says of themselves goes to
    their profile where it knows nothing yet. Where a member opens it from a
    conversation that goes on, the visitor is told the number there. Raises EmptyMessageError,
    TooLongError.
    """
    _check(asked)
    try:
        with transaction.atomic():
            at = clock.now()
            conversation = None
            if by is not None and asked.conversation is not None:
                # Before the day's counter: a conversation is always locked first.
                conversation = messages.lock_conversation(asked.conversation.pk)
            ticket, recorded = _create(asked, by, at)
            if conversation is not None and conversation.status != ConversationStatus.CLOSED:
                recorded.append(_say_number(conversation, ticket, at))
            if by is None:
                recorded += profiles.learn_from(ticket)
            ledger.append(*recorded)
    except IntegrityError:
        stored = Ticket.objects.filter(contact=asked.contact, client_id=asked.client_id).first()
        if not asked.client_id or stored is None:
            raise
        return stored, False
    return ticket, True


def open_from_conversation(
    conversation: Conversation, *, reason: str, at: datetime, note: str = ""
) -> tuple[Ticket, list[Event]]:
    """Open a ticket for what a locked conversation asks while nobody is there; return its events.

    Within the caller's transaction, who says so to the visitor and appends the events. `note` is
    what the visitor said about it beside their messages. While the conversation has a ticket that is
    not settled, that one is returned, and nothing is written.
    Source: R22, R67.
    """
    unsettled = unsettled_ticket(conversation)
    if unsettled is not None:
        return unsettled, []
    draft = draft_from(conversation)
    said = "\n".join(part for part in (note.strip(), draft["description"]) if part)
    asked = NewTicket(
        contact=conversation.contact,
        channel=conversation.channel,
        conversation=conversation,
        origin=TicketOrigin.OUT_OF_HOURS,
        subject=draft["subject"],
        description=said[:DESCRIPTION_LENGTH] or ticket_phrases.nothing_said(),
        name=conversation.contact.name,
        phone=conversation.contact.phone,
        email=conversation.contact.email,
    )
    ticket, recorded = _create(asked, None, at, reason=reason)
    return ticket, recorded


def draft_from(conversation: Conversation) -> dict[str, str]:
    """Return subject and description as the conversation suggests them: its last question.

    The description is what the visitor wrote in the latest inquiry, in order.
    """
    said = list(
        Message.objects.filter(
            conversation=conversation,
            inquiry=conversation.inquiry,
            author_kind=AuthorKind.CUSTOMER,
        ).order_by("-seq")[:_DESCRIBING]
    )
    question = question_of(said[0]) if said else ""
    return {
        "subject": _line(question)[:SUBJECT_LENGTH],
        "description": "\n".join(each.words for each in reversed(said))[:DESCRIPTION_LENGTH],
    }


def _check(asked: NewTicket) -> None:
    if not asked.description.strip():
        raise EmptyMessageError
    if len(asked.description) > DESCRIPTION_LENGTH:
        raise TooLongError(limit=DESCRIPTION_LENGTH)


def _create(
    asked: NewTicket, by: Membership | None, at: datetime, *, reason: str = ""
) -> tuple[Ticket, list[Event]]:
    description = asked.description.replace("\x00", "").strip()
    ticket = Ticket(
        number=_next_number(at),
        subject=_line(asked.subject or description)[:SUBJECT_LENGTH],
        description=description,
        category=asked.category,
        priority=asked.priority,
        origin=asked.origin,
        channel=asked.channel,
        contact=asked.contact,
        conversation=asked.conversation,
        name=_line(asked.name)[:60],
        phone=_line(asked.phone)[:40],
        email=ticket_notices.usable_address(asked.email),
        assignee=asked.assignee,
        client_id=asked.client_id,
        created_at=at,
        updated_at=at,
        is_demo=asked.contact.is_demo,
    )
    ticket_clock.promise(ticket, at)
    ticket.save()
    ticket_notices.tell_visitor(ticket, TicketNoticeKind.CREATED, at)
    ticket_notices.tell_member(ticket, asked.assignee, TicketNoticeKind.ASSIGNED, at, by=by)
    facts = {
        "number": ticket.number,
        "contact": ticket.contact_id,
        "conversation": ticket.conversation_id,
        "origin": ticket.origin,
        "priority": ticket.priority,
        "assignee": ticket.assignee_id,
        "by": by.pk if by else None,
        "reason": reason,
        "respond_due_at": ticket.respond_due_at,
        "resolve_due_at": ticket.resolve_due_at,
        "text_sha256": ledger.fingerprint(description),
    }
    events.announce_ticket(ticket)
    return ticket, [Event("ticket.opened", ticket.pk, facts, at)]


def _next_number(at: datetime) -> str:
    zone = Tenant.objects.get(pk=active_tenant_id()).zone
    day = at.astimezone(zone).date()
    counter, _created = TicketDay.objects.get_or_create(day=day)
    # Locked to the end of the transaction: a number that is not used after all is given again.
    counter = TicketDay.objects.select_for_update().get(pk=counter.pk)
    counter.last_number += 1
    counter.save(update_fields=["last_number"])
    return f"T{day:%y%m%d}-{counter.last_number:04d}"


def _say_number(conversation: Conversation, ticket: Ticket, at: datetime) -> Event:
    with language_of(conversation.contact):
        text = ticket_phrases.opened(ticket.number)
    message, event = messages.say(
        conversation, text, author_kind=AuthorKind.SYSTEM, kind=MessageKind.NOTICE, at=at
    )
    messages.store(conversation)
    events.announce_message(message)
    events.announce_conversation(conversation, to_visitor=False)
    return event


def _line(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())
