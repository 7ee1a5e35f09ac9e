"""Put a conversation aside, and bring it back in time."""

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from conversations import events
from conversations.models import Conversation
from conversations.services import messages
from tenants import clock
from tenants.errors import DomainError
from tenants.models import Membership
from tenants.services import ledger
from tenants.services.ledger import Event

LONGEST = timedelta(days=30)
DUE, VISITOR = "due", "visitor"


class SnoozeTimeError(DomainError):
    """A conversation can be put aside until some time from now on, and not for ever."""

    code = "snooze_time"
    status = 422
    message = _("Choose a time within the next %(days)s days.")


def snooze(conversation_id: uuid.UUID, until: datetime, *, by: Membership) -> Conversation:
    """Put the agent's conversation aside until an instant; putting aside again moves it.

    The visitor is told nothing; whatever they write brings it back at once. Raises NotYoursError,
    ConversationClosedError, SnoozeTimeError.
    """
    with transaction.atomic():
        conversation = messages.lock_own(conversation_id, by=by)
        at = clock.now()
        if not at < until <= at + LONGEST:
            raise SnoozeTimeError(days=LONGEST.days)
        conversation.snoozed_until = until
        messages.store(conversation)
        facts = {"by": by.pk, "until": until}
        ledger.append(Event("conversation.snoozed", conversation.pk, facts, at))
        events.announce_conversation(conversation, to_visitor=False)
    return conversation


def end(conversation_id: uuid.UUID, *, by: Membership) -> Conversation:
    """Take the agent's conversation up again; one that is not put aside stays as it is."""
    with transaction.atomic():
        conversation = messages.lock_own(conversation_id, by=by)
        if conversation.snoozed_until is not None:
            conversation.snoozed_until = None
            messages.store(conversation)
            ledger.append(Event("conversation.woken", conversation.pk, {"by": by.pk}))
            events.announce_conversation(conversation, to_visitor=False)
    return conversation


def wake_for_visitor(conversation: Conversation) -> list[Event]:
    """Bring a locked conversation back because the visitor writes; return the ledger events.

    Changes the object; the caller stores and announces it. Its agent hears why it is back.
    """
    if conversation.snoozed_until is None:
        return []
    return _wake(conversation, VISITOR)


def wake_due(conversation_id: uuid.UUID) -> None:
    """Bring a conversation back whose time has come; one moved meanwhile stays aside."""
    with transaction.atomic():
        conversation = messages.lock_conversation(conversation_id)
        until = conversation.snoozed_until
        if until is None or until > clock.now():
            return
        recorded = _wake(conversation, DUE)
        messages.store(conversation)
        ledger.append(*recorded)
        events.announce_conversation(conversation, to_visitor=False)


def _wake(conversation: Conversation, because: str) -> list[Event]:
    conversation.snoozed_until = None
    events.announce_woken(conversation, because=because)
    return [Event("conversation.woken", conversation.pk, {"because": because})]
