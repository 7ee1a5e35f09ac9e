"""Move conversations and hand-offs from state to state: the only place that assigns these."""

from typing import Any

from conversations.models import Conversation, Handoff
from conversations.states import (
    HANDOFF_MOVES,
    MOVES,
    ConversationStatus,
    HandoffState,
    TransitionError,
)


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
    # Whoever has it next did not put it aside, and nobody is called back to what is closed.
    conversation.snoozed_until = None
    if status != ConversationStatus.WAITING:
        conversation.waiting_since = None
        conversation.offered_to = conversation.offered_until = None
        conversation.passed_over = {}
    if status != ConversationStatus.HUMAN:
        conversation.agent = None
        conversation.visitor_silent_since = conversation.unanswered_since = None
    if status != ConversationStatus.CLOSED:
        conversation.close_reason, conversation.closed_at = "", None
    if status in (ConversationStatus.BOT, ConversationStatus.CLOSED):
        conversation.handoff_reason = ""
        conversation.held_elsewhere, conversation.elsewhere = False, {}


def move_handoff(handoff: Handoff, state: HandoffState, **fields: Any) -> bool:
    """Give a hand-off its next state, and what else changes with it; return whether it moved.

    Compare-and-set on the row: of two movers at once one moves it. False where the table of moves
    does not allow it, too. The object follows the row.
    """
    if state not in HANDOFF_MOVES[handoff.state]:
        return False
    moved = Handoff.objects.filter(pk=handoff.pk, state=handoff.state).update(state=state, **fields)
    if not moved:
        return False
    handoff.state = state
    for name, value in fields.items():
        setattr(handoff, name, value)
    return True
