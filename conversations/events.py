"""What sockets hear: group names, and announcements after the commit that made them true."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import translation

from conversations import ticket_wire, wire
from conversations.hub import get_hub
from conversations.models import (
    BotDecision,
    Conversation,
    Mention,
    Message,
    Note,
    Notice,
    Presence,
    Ticket,
)
from tenants.models import Membership
from tenants.scoping import active_tenant_id


def contact_group(contact_id: UUID) -> str:
    """Return the group of a contact's sockets: they hear of all the contact's conversations.

    Not one group a conversation: a socket would have to join before its first message is stored.
    """
    return f"contact.{contact_id.hex}"


def desk_group(conversation_id: UUID, language: str) -> str:
    """Return the group of the console sockets that watch a conversation, in one language."""
    return f"desk.{conversation_id.hex}.{language}"


def console_group(tenant_id: int, language: str) -> str:
    """Return the group of all console sockets of a tenant, in one language."""
    return f"console.{tenant_id}.{language}"


def queue_group(group_id: UUID, language: str) -> str:
    """Return the group of the console sockets of one group of agents, in one language."""
    return f"queue.{group_id.hex}.{language}"


def supervisors_group(tenant_id: int, language: str) -> str:
    """Return the group of the console sockets that may see all groups' conversations."""
    return f"supervisors.{tenant_id}.{language}"


def member_group(member_id: UUID, language: str) -> str:
    """Return the group of one member's console sockets, in one language."""
    return f"member.{member_id.hex}.{language}"


def announce_message(
    message: Message, *, decision: BotDecision | None = None, updated: bool = False
) -> None:
    """Tell visitor and agents of a new or changed message once it is committed.

    `decision` is what the assistant said it by; only agents hear that.
    """
    frame = {
        "t": "message.updated" if updated else "message.created",
        "conversation_id": str(message.conversation_id),
    }
    _after_commit(
        contact_group(message.conversation.contact_id),
        lambda: {**frame, "message": wire.message_object(message)},
    )
    _tell_desks(
        partial(desk_group, message.conversation_id),
        lambda: {**frame, "message": wire.desk_message_object(message, decision)},
    )


def announce_conversation(conversation: Conversation, *, to_visitor: bool = True) -> None:
    """Tell both sides how the conversation stands now."""
    if to_visitor:
        _after_commit(
            contact_group(conversation.contact_id),
            lambda: {
                "t": "conversation.updated",
                "conversation_id": str(conversation.pk),
                **wire.conversation_object(conversation),
            },
        )
    for audience in _audience(conversation):
        _tell_desks(
            audience,
            lambda: {"t": "conversation.updated", "conversation": wire.row_object(conversation)},
        )


def announce_to_member(conversation: Conversation, member_id: UUID) -> None:
    """Tell the agent who no longer has a conversation how it stands now."""
    _tell_desks(
        partial(member_group, member_id),
        lambda: {"t": "conversation.updated", "conversation": wire.row_object(conversation)},
    )


def announce_left(conversation: Conversation, group_id: UUID | None) -> None:
    """Tell the agents who could see a conversation that it is another group's from now on.

    To be called before `announce_conversation`, which tells those who may see it still.
    """
    frame = {"t": "conversation.left", "conversation_id": str(conversation.pk)}
    audience = (
        partial(queue_group, group_id)
        if group_id
        else partial(console_group, conversation.tenant_id)
    )
    _tell_desks(audience, lambda: frame)


def announce_place(
    contact_id: UUID, conversation_id: UUID, *, position: int, estimate: int | None
) -> None:
    """Tell a waiting visitor that their place in the queue has changed."""
    frame = {
        "t": "queue.moved",
        "conversation_id": str(conversation_id),
        "queue_position": position,
        "wait_estimate_seconds": estimate,
    }
    _publish(contact_group(contact_id), lambda: frame)


def _audience(conversation: Conversation) -> list[Callable[[str], str]]:
    """Whose consoles hear of a row: what its last message says is not every agent's business."""
    if conversation.group_id is None:
        return [partial(console_group, conversation.tenant_id)]
    people = {conversation.agent_id, conversation.offered_to_id} - {None}
    return [
        partial(queue_group, conversation.group_id),
        partial(supervisors_group, conversation.tenant_id),
        *(partial(member_group, member_id) for member_id in people if member_id),
    ]


def announce_note(conversation: Conversation, note: Note) -> None:
    """Tell the agents who watch of a new private note, and its agent wherever they look."""
    frame = {
        "t": "note.created",
        "conversation_id": str(conversation.pk),
        "note": wire.note_object(note),
    }
    _tell_desks(partial(desk_group, conversation.pk), lambda: frame)
    if conversation.agent_id not in (None, note.author_id):
        _tell_desks(partial(member_group, conversation.agent_id), lambda: frame)


def announce_notice(notice: Notice) -> None:
    """Tell the tenant's consoles of a notice; each shows it if it is theirs."""
    _tell_desks(
        partial(console_group, notice.tenant_id),
        lambda: {"t": "notice", "notice": wire.notice_object(notice)},
    )


def announce_mention(mention: Mention) -> None:
    """Tell the colleague, wherever they sit, that they were called to a note."""
    frame = {"t": "mention.created"}
    _tell_desks(
        partial(member_group, mention.member_id),
        lambda: {**frame, "mention": wire.mention_object(mention)},
    )


def announce_woken(conversation: Conversation, *, because: str) -> None:
    """Tell its agent that a snoozed conversation is back: it is "due", or the "visitor" wrote."""
    if conversation.agent_id is None:
        return
    frame = {
        "t": "conversation.woken",
        "conversation_id": str(conversation.pk),
        "because": because,
    }
    _tell_desks(
        partial(member_group, conversation.agent_id),
        lambda: {**frame, "contact": wire.contact_object(conversation.contact)},
    )


def announce_viewing(conversation_id: UUID, member: Membership, *, on: bool) -> None:
    """Tell those who watch that a colleague does, or no longer; nothing is stored."""
    frame = {
        "t": "viewing",
        "conversation_id": str(conversation_id),
        "member": {"id": str(member.pk), "name": member.display_name},
        "on": on,
    }
    _tell_desks(partial(desk_group, conversation_id), lambda: frame)


def announce_read(conversation: Conversation, *, by: str, up_to_seq: int) -> None:
    """Tell the other side how far `by` ("customer" or "agent") has read."""
    frame = {
        "t": "read",
        "conversation_id": str(conversation.pk),
        "by": by,
        "up_to_seq": up_to_seq,
    }
    if by == "customer":
        _tell_desks(partial(desk_group, conversation.pk), lambda: frame)
    else:
        _after_commit(contact_group(conversation.contact_id), lambda: frame)


def announce_delivered(conversation_id: UUID, *, up_to_seq: int) -> None:
    """Tell the agents who watch how far the visitor's device has got what was said."""
    frame = {"t": "delivered", "conversation_id": str(conversation_id), "up_to_seq": up_to_seq}
    _tell_desks(partial(desk_group, conversation_id), lambda: frame)


def announce_visitor_typing(conversation_id: UUID, *, on: bool) -> None:
    """Tell the agents who watch that the visitor is writing; nothing is stored."""
    frame = _typing(conversation_id, {"kind": "customer"}, on)
    _tell_desks(partial(desk_group, conversation_id), lambda: frame)


def announce_agent_typing(conversation: Conversation, *, name: str, on: bool) -> None:
    """Tell the visitor that their agent is writing; nothing is stored."""
    frame = _typing(conversation.pk, {"kind": "agent", "name": name}, on)
    _publish(contact_group(conversation.contact_id), lambda: frame)


def announce_presence(member: Membership, presence: Presence) -> None:
    """Tell all agents of the tenant that a colleague came, went or rests."""
    frame = {
        "t": "presence.updated",
        "member_id": str(member.pk),
        "name": member.display_name,
        "status": presence.status,
        "rested": presence.rested_by_system,
    }
    _tell_desks(partial(console_group, active_tenant_id()), lambda: frame)


def announce_ticket(ticket: Ticket) -> None:
    """Tell the consoles of the tenant how a ticket stands now."""
    _tell_desks(
        partial(console_group, ticket.tenant_id),
        lambda: {"t": "ticket.updated", "ticket": ticket_wire.ticket_row(ticket)},
    )


def _typing(conversation_id: UUID, author: Mapping[str, Any], on: bool) -> dict[str, Any]:
    return {
        "t": "typing",
        "conversation_id": str(conversation_id),
        "author": dict(author),
        "on": on,
    }


def _tell_desks(group: Callable[[str], str], frame: Callable[[], dict[str, Any]]) -> None:
    for language, _name in settings.LANGUAGES:
        _after_commit(group(language), partial(_in_language, language, frame))


def _in_language(language: str, frame: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    with translation.override(language):
        return frame()


def _after_commit(group: str, frame: Callable[[], dict[str, Any]]) -> None:
    transaction.on_commit(partial(_publish, group, frame), robust=True)


def _publish(group: str, frame: Callable[[], dict[str, Any]]) -> None:
    hub = get_hub()
    if hub.reaches(group):
        hub.publish(group, frame())
