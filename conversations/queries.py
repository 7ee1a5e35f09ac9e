"""Reading questions about conversations that several doors ask."""

from conversations.models import Conversation
from conversations.states import ConversationStatus


def queue_position(conversation: Conversation) -> int | None:
    """Return the conversation's place among those waiting for an agent, from 1; None if it is not."""
    if conversation.status != ConversationStatus.WAITING:
        return None
    return (
        1
        + Conversation.objects.filter(
            status=ConversationStatus.WAITING, waiting_since__lt=conversation.waiting_since
        ).count()
    )
