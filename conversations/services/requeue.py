"""Put conversations back into the queue when their agent is not there any more."""

import uuid
from datetime import datetime

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from conversations import events
from conversations.models import AuthorKind, Conversation, MessageKind, Note, PresenceStatus
from conversations.queries import waiting
from conversations.services import messages, phrases, routing
from conversations.services.transitions import move
from conversations.states import ConversationStatus
from tenants import clock
from tenants.models import Membership, Tenant
from tenants.scoping import active_tenant_id
from tenants.services import ledger
from tenants.services.ledger import Event


def requeue_all(member: Membership) -> int:
    """Put what an absent agent holds back into the queue and withdraw what rings at them.

    Return how many conversations went back. Does nothing while the agent is there.
    """
    held = Conversation.objects.filter(status=ConversationStatus.HUMAN, agent=member)
    ringing = waiting().filter(offered_to=member)
    requeued = 0
    for conversation_id in list(held.values_list("pk", flat=True)):
        requeued += _requeue(conversation_id, member)
    for conversation_id in list(ringing.values_list("pk", flat=True)):
        _withdraw(conversation_id, member)
    return requeued


def requeue_abandoned() -> int:
    """Put back what agents hold who are offline, whatever kept that from happening at once."""
    holders = Membership.objects.filter(
        presence__status=PresenceStatus.OFFLINE,
        pk__in=Conversation.objects.filter(status=ConversationStatus.HUMAN).values("agent"),
    )
    return sum(requeue_all(member) for member in holders)


def to_front(conversation: Conversation) -> None:
    """Let a locked conversation wait before all others of its group: it was served already."""
    first = (
        waiting()
        .filter(group=conversation.group_id)
        .order_by("waiting_since")
        .values_list("waiting_since", flat=True)
        .first()
    )
    at = clock.now()
    conversation.waiting_since = min(at, first - routing.A_MOMENT) if first else at


def _requeue(conversation_id: uuid.UUID, member: Membership) -> bool:
    with transaction.atomic():
        conversation = messages.lock_conversation(conversation_id)
        if conversation.status != ConversationStatus.HUMAN or conversation.agent_id != member.pk:
            return False
        at = clock.now()
        move(conversation, ConversationStatus.WAITING)
        to_front(conversation)
        with phrases.language_of(conversation.contact):
            text = phrases.requeued()
        message, event = messages.say(
            conversation, text, author_kind=AuthorKind.SYSTEM, kind=MessageKind.NOTICE, at=at
        )
        note = _note(conversation, member, at)
        messages.store(conversation)
        ledger.append(
            Event("conversation.requeued", conversation.pk, {"from": member.pk}, at),
            event,
            Event("note.created", note.pk, {"conversation": conversation.pk, "by": None}, at),
        )
        events.announce_conversation(conversation)
        events.announce_message(message)
        events.announce_note(conversation, note)
        routing.drain_soon(conversation.group_id)
    return True


def _note(conversation: Conversation, member: Membership, at: datetime) -> Note:
    """Tell colleagues why it waits again; it stands under the name of the agent who had it."""
    conversation.last_note += 1
    language = Tenant.objects.values_list("language", flat=True).get(pk=active_tenant_id())
    with translation.override(language):
        text = _(
            "Noted by the system: %(name)s is not there any more, so the conversation went back "
            "to the queue."
        ) % {"name": member.display_name}
    return Note.objects.create(
        conversation=conversation,
        number=conversation.last_note,
        after_seq=conversation.last_seq,
        author=member,
        client_msg_id=f"requeued-{conversation.pk.hex}-{conversation.epoch}",
        text=text,
        created_at=at,
    )


def _withdraw(conversation_id: uuid.UUID, member: Membership) -> None:
    with transaction.atomic():
        conversation = messages.lock_conversation(conversation_id)
        if conversation.offered_to_id != member.pk:
            return
        ended = routing.withdraw(conversation, clock.now(), why="absent")
        messages.store(conversation)
        ledger.append(*ended)
        events.announce_conversation(conversation, to_visitor=False)
        routing.drain_soon(conversation.group_id)
