"""What sockets hear: group names, and announcements after the commit that made them true."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import translation

from conversations import wire
from conversations.hub import get_hub
from conversations.models import BotDecision, Conversation, Message, Note, Presence
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
    _tell_desks(
        partial(console_group, conversation.tenant_id),
        lambda: {"t": "conversation.updated", "conversation": wire.row_object(conversation)},
    )


def announce_note(conversation: Conversation, note: Note) -> None:
    """Tell the agents who watch of a new private note."""
    frame = {
        "t": "note.created",
        "conversation_id": str(conversation.pk),
        "note": wire.note_object(note),
    }
    _tell_desks(partial(desk_group, conversation.pk), lambda: frame)


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
    }
    _tell_desks(partial(console_group, active_tenant_id()), lambda: frame)


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
