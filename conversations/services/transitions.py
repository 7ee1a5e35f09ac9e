"""Move a conversation from one state to the next: the only place that assigns its status."""

from conversations.models import Conversation
from conversations.states import MOVES, ConversationStatus, TransitionError


def move(conversation: Conversation, status: ConversationStatus) -> None:
    """Give a locked conversation its next status and a new epoch, on the object.

    Whatever was decided under the older epoch is not said any more. Raises TransitionError where
    the table of moves does not allow it. The caller stores the conversation.
    """
    if status not in MOVES[conversation.status]:
        raise TransitionError(status=ConversationStatus(conversation.status).label)
    conversation.status = status
    conversation.epoch += 1
    conversation.undecided_seq = conversation.undecided_since = None
    conversation.failed_turns = 0
    if status != ConversationStatus.WAITING:
        conversation.waiting_since = None
    if status != ConversationStatus.HUMAN:
        conversation.agent = None
    if status in (ConversationStatus.BOT, ConversationStatus.CLOSED):
        conversation.handoff_reason = ""
