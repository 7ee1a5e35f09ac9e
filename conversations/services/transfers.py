"""Pass a conversation from one agent to another, to a group, or to whom a supervisor says."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from conversations import events
from conversations.models import (
    AgentGroup,
    AuthorKind,
    Conversation,
    GroupMember,
    MessageKind,
    Presence,
    PresenceStatus,
    Rule,
)
from conversations.services import desk, messages, phrases, requeue, routing
from conversations.services.handoff import take_open
from conversations.services.transitions import move
from conversations.states import ConversationStatus, NotYoursError, TransitionError
from tenants import clock
from tenants.errors import DomainError
from tenants.models import Membership
from tenants.services import ledger
from tenants.services.ledger import Event

THERE = (PresenceStatus.ONLINE, PresenceStatus.BUSY)


class AgentAwayError(DomainError):
    """The agent who is to have the conversation is not there."""

    code = "agent_away"
    status = 409
    message = _("%(name)s is not there just now. Please choose somebody else, or a group.")


class SameAgentError(DomainError):
    """The conversation is with this agent already."""

    code = "same_agent"
    status = 409
    message = _("The conversation is with %(name)s already.")


class GroupOutOfUseError(DomainError):
    """The group is not in use any more."""

    code = "group_out_of_use"
    status = 409
    message = _("The group “%(name)s” is not in use. Please choose another one.")


def transfer(
    conversation_id: uuid.UUID,
    *,
    by: Membership,
    to_member: Membership | None = None,
    to_group: AgentGroup | None = None,
    note: str = "",
    client_msg_id: str = "",
) -> Conversation:
    """Pass a conversation to a colleague, at whom it rings, or to a group; the visitor is told.

    It waits before all others there; where the colleague does not accept, it goes on to the next
    agent. The note is left for colleagues. Its agent may, and who supervises. Raises NotYoursError,
    TransitionError unless an agent has it, AgentAwayError, SameAgentError.
    """
    with transaction.atomic():
        conversation = _of_agent(conversation_id, by)
        if to_member is not None:
            _check_there(to_member)
            if to_member.pk == conversation.agent_id:
                raise SameAgentError(name=to_member.display_name)
        if note.strip():
            mark = client_msg_id or f"transfer-{conversation.pk.hex}-{conversation.epoch}"
            desk.note(conversation.pk, note, by=by, client_msg_id=mark)
            conversation = messages.lock_conversation(conversation_id)
        at = clock.now()
        left, before = conversation.agent_id, conversation.group_id
        move(conversation, ConversationStatus.WAITING)
        conversation.group = to_group or _group_for(conversation, to_member)
        conversation.passed_over = {str(left): at.isoformat()}
        requeue.to_front(conversation)
        if to_member is not None:
            conversation.offered_to = to_member
            conversation.offered_until = at + routing.accept_time(conversation.group)
        facts = {
            "by": by.pk,
            "from": left,
            "to_member": to_member.pk if to_member else None,
            "to_group": conversation.group_id,
        }
        with phrases.language_of(conversation.contact):
            text = phrases.transferred()
        _say(conversation, text, Event("conversation.transferred", conversation.pk, facts, at))
        if conversation.group_id != before:
            events.announce_left(conversation, before)
        events.announce_conversation(conversation)
        if left is not None:
            events.announce_to_member(conversation, left)
        routing.drain_soon()
    return conversation


def reassign(conversation_id: uuid.UUID, *, to_member: Membership, by: Membership) -> Conversation:
    """Give a conversation to an agent at once, whoever has it; for those who supervise.

    The visitor hears who has joined. Raises AgentAwayError unless it is oneself, SameAgentError,
    TransitionError for a closed conversation.
    """
    with transaction.atomic():
        conversation = messages.lock_conversation(conversation_id)
        if conversation.status == ConversationStatus.CLOSED:
            raise TransitionError(status=ConversationStatus(conversation.status).label)
        if to_member.pk == conversation.agent_id:
            raise SameAgentError(name=to_member.display_name)
        if to_member.pk != by.pk:
            _check_there(to_member)
        at = clock.now()
        left = conversation.agent_id
        if conversation.status != ConversationStatus.WAITING:
            move(conversation, ConversationStatus.WAITING)
        move(conversation, ConversationStatus.HUMAN)
        conversation.agent = to_member
        taken = take_open(conversation, by=to_member, at=at)
        facts = {"by": by.pk, "from": left, "to_member": to_member.pk}
        with phrases.language_of(conversation.contact):
            text = phrases.agent_joined(to_member.display_name)
        _say(
            conversation, text, Event("conversation.reassigned", conversation.pk, facts, at), taken
        )
        events.announce_conversation(conversation)
        if left is not None:
            events.announce_to_member(conversation, left)
        routing.drain_soon()
    return conversation


def take_over(conversation_id: uuid.UUID, *, by: Membership) -> Conversation:
    """Give a conversation to oneself, whoever has it; taking over what one has changes nothing."""
    with transaction.atomic():
        conversation = messages.lock_conversation(conversation_id)
        if conversation.agent_id == by.pk:
            return conversation
        return reassign(conversation_id, to_member=by, by=by)


def send_to_group(conversation_id: uuid.UUID, group: AgentGroup, *, rule: Rule) -> Conversation:
    """Let a waiting conversation wait in another group from now on, with the time it has waited.

    What rings at an agent of the former group rings no longer. Nothing changes where it is in the
    group already. Raises GroupOutOfUseError, and TransitionError unless it waits for our agents.
    """
    with transaction.atomic():
        if not group.is_active:
            raise GroupOutOfUseError(name=group.name)
        conversation = messages.lock_conversation(conversation_id)
        if conversation.status != ConversationStatus.WAITING or conversation.held_elsewhere:
            raise TransitionError(status=ConversationStatus(conversation.status).label)
        before = conversation.group_id
        if before == group.pk:
            return conversation
        at = clock.now()
        ended = routing.withdraw(conversation, at, why="moved")
        conversation.group = group
        messages.store(conversation)
        facts = {"by": None, "rule": rule.pk, "from": before, "to_group": group.pk}
        ledger.append(*ended, Event("conversation.sent_to_group", conversation.pk, facts, at))
        events.announce_left(conversation, before)
        events.announce_conversation(conversation)
        routing.drain_soon()
    return conversation


def _of_agent(conversation_id: uuid.UUID, by: Membership) -> Conversation:
    conversation = messages.lock_conversation(conversation_id)
    # Without an agent it is with people elsewhere, in the client's own system.
    if conversation.status != ConversationStatus.HUMAN or conversation.agent_id is None:
        raise TransitionError(status=ConversationStatus(conversation.status).label)
    if conversation.agent_id != by.pk and not by.can("conversation.supervise"):
        raise NotYoursError
    return conversation


def _check_there(member: Membership) -> None:
    at = clock.now()
    there = Presence.objects.filter(
        member=member, status__in=THERE, seen_at__gt=at - routing.SILENCE
    )
    if not member.is_active or not there.exists():
        raise AgentAwayError(name=member.display_name)


def _group_for(conversation: Conversation, member: Membership | None) -> AgentGroup | None:
    """The conversation's own group where the colleague is in it, else their first one."""
    if member is None:
        return conversation.group
    places = GroupMember.objects.filter(member=member, group__is_active=True).select_related(
        "group"
    )
    groups = [place.group for place in places.order_by("group__order", "group__name")]
    if not groups or conversation.group in groups:
        return conversation.group
    return groups[0]


def _say(conversation: Conversation, text: str, what: Event, more: Sequence[Event] = ()) -> None:
    at: datetime = what.at or clock.now()
    message, event = messages.say(
        conversation, text, author_kind=AuthorKind.SYSTEM, kind=MessageKind.NOTICE, at=at
    )
    messages.store(conversation)
    ledger.append(what, event, *more)
    events.announce_message(message)
