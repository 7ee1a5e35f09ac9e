"""What becomes of an offer: declined, or left ringing until the next agent is asked."""

import logging
import uuid

from django.db import transaction

from conversations import events
from conversations.models import Conversation
from conversations.queries import waiting
from conversations.services import messages, presences, routing
from conversations.states import ConversationStatus
from tenants import clock
from tenants.models import Membership
from tenants.services import ledger

logger = logging.getLogger(__name__)


def decline(conversation_id: uuid.UUID, *, by: Membership) -> Conversation:
    """Let an offer pass to the next agent; where it no longer rings at `by`, nothing changes."""
    with transaction.atomic():
        conversation = messages.lock_conversation(conversation_id)
        if conversation.status != ConversationStatus.WAITING or conversation.offered_to_id != by.pk:
            return conversation
        ended = routing.withdraw(conversation, clock.now(), why="declined")
        messages.store(conversation)
        ledger.append(*ended)
        events.announce_conversation(conversation, to_visitor=False)
        routing.drain_soon(conversation.group_id)
    return conversation


def expire() -> int:
    """End the offers that rang too long, set the silent agents to rest; return how many ended."""
    late = waiting().filter(offered_to__isnull=False, offered_until__lte=clock.now())
    ended = 0
    for conversation_id in list(late.order_by("offered_until").values_list("pk", flat=True)):
        ended += _expire(conversation_id)
    return ended


def _expire(conversation_id: uuid.UUID) -> bool:
    with transaction.atomic():
        conversation = messages.lock_conversation(conversation_id)
        at = clock.now()
        until, silent = conversation.offered_until, conversation.offered_to
        if until is None or silent is None or until > at:
            return False
        ended = routing.withdraw(conversation, at, why="timeout")
        messages.store(conversation)
        ledger.append(*ended)
        events.announce_conversation(conversation, to_visitor=False)
        routing.drain_soon(conversation.group_id)
    presences.rest(silent)
    return True
