"""Take back what an agent has said, shortly after it was said."""

import uuid
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from conversations import events
from conversations.models import AuthorKind, Conversation, Message
from conversations.services import messages, phrases
from conversations.states import NotYoursError
from tenants import clock
from tenants.errors import DomainError, NotFoundError
from tenants.models import Membership
from tenants.services import ledger
from tenants.services.ledger import Event

# After this long the visitor has read it, and taking it back would only confuse.
WITHDRAW_WITHIN = timedelta(minutes=2)


class TooLateError(DomainError):
    """The message has stood for too long."""

    code = "too_late"
    status = 409
    message = _("Messages can be withdrawn within %(minutes)s minutes only.")


def withdraw(
    conversation_id: uuid.UUID, message_id: uuid.UUID, *, by: Membership
) -> tuple[Message, bool]:
    """Take the agent's own message back; return (message, whether this call did it).

    Nobody in the conversation is shown its text or files from now on, and neither is who reads a
    quote of it; row and ledger keep it. The conversation may be closed meanwhile. Raises
    NotFoundError, NotYoursError for anybody else's words, TooLateError after two minutes.
    """
    with transaction.atomic():
        try:
            conversation = messages.lock_conversation(conversation_id)
        except Conversation.DoesNotExist:
            raise NotFoundError from None
        message = (
            Message.objects.select_related("agent")
            .filter(conversation=conversation, pk=message_id)
            .first()
        )
        if message is None:
            raise NotFoundError
        message.conversation = conversation
        if message.author_kind != AuthorKind.AGENT or message.agent_id != by.pk:
            raise NotYoursError
        if message.withdrawn_at is not None:
            return message, False
        at = clock.now()
        if at - message.created_at > WITHDRAW_WITHIN:
            raise TooLateError(minutes=int(WITHDRAW_WITHIN.total_seconds() // 60))
        message.withdrawn_at = at
        Message.objects.filter(pk=message.pk).update(withdrawn_at=at)
        if message.seq == conversation.last_seq:
            with phrases.language_of(conversation.contact):
                conversation.last_text = phrases.withdrawn()
        messages.store(conversation)
        facts = {"conversation": conversation.pk, "seq": message.seq, "by": by.pk}
        ledger.append(Event("message.withdrawn", message.pk, facts, at))
        events.announce_message(message, updated=True)
        for quoting in Message.objects.filter(quote=message).select_related("agent"):
            quoting.conversation, quoting.quote = conversation, message
            events.announce_message(quoting, updated=True)
        events.announce_conversation(conversation, to_visitor=False)
    return message, True


def withdrawn_before(conversation: Conversation, seq: int) -> list[Message]:
    """Return the latest withdrawn messages up to `seq`: who was away may still show their words."""
    rows = (
        Message.objects.filter(conversation=conversation, withdrawn_at__isnull=False, seq__lte=seq)
        .select_related("agent")
        .order_by("-seq")[:50]
    )
    found = list(rows)
    for message in found:
        message.conversation = conversation
    return found
