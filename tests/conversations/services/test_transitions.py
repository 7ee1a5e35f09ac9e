"""Which state may follow which."""

import itertools
from datetime import UTC, datetime

import pytest

from conversations.models import Conversation
from conversations.services.transitions import move
from conversations.states import MOVES, ConversationStatus, TransitionError

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
ALLOWED = {
    ("bot", "waiting_human"),
    ("bot", "closed"),
    ("waiting_human", "human"),
    ("waiting_human", "bot"),
    ("waiting_human", "closed"),
    ("human", "waiting_human"),
    ("human", "bot"),
    ("human", "closed"),
    ("closed", "bot"),
}


@pytest.mark.parametrize(
    ("before", "after"), list(itertools.product(ConversationStatus.values, repeat=2))
)
def test_moves(before: str, after: str) -> None:
    conversation = Conversation(
        status=before,
        epoch=4,
        undecided_seq=3,
        undecided_since=NOON,
        failed_turns=1,
        waiting_since=NOON,
        handoff_reason="asked",
    )

    if (before, after) not in ALLOWED:
        with pytest.raises(TransitionError) as refused:
            move(conversation, ConversationStatus(after))
        assert (refused.value.code, refused.value.status) == ("wrong_state", 409)
        assert (conversation.status, conversation.epoch) == (before, 4)
        return
    move(conversation, ConversationStatus(after))

    assert (conversation.status, conversation.epoch) == (after, 5)
    assert (conversation.undecided_seq, conversation.undecided_since) == (None, None)
    assert (conversation.failed_turns, conversation.agent) == (0, None)
    assert conversation.waiting_since == (NOON if after == "waiting_human" else None)
    assert conversation.handoff_reason == ("" if after in ("bot", "closed") else "asked")


def test_every_state_has_its_row() -> None:
    assert set(MOVES) == set(ConversationStatus.values)


@pytest.mark.parametrize("after", ["waiting_human", "bot", "closed"])
def test_whoever_has_it_next_does_not_have_it_aside(after: str) -> None:
    conversation = Conversation(status="human", snoozed_until=NOON)

    move(conversation, ConversationStatus(after))

    assert conversation.snoozed_until is None
