"""Conversations put aside: by whom, until when, and what brings them back."""

from datetime import UTC, datetime, timedelta

import pytest

from conversations import tasks
from conversations.models import ContactSession, Conversation, PresenceStatus
from conversations.services import desk, endings, presences, requeue, snoozes, transfers
from conversations.services.handoff import request_handoff
from conversations.services.snoozes import SnoozeTimeError
from conversations.states import ConversationClosedError, NotYoursError
from tenants import clock
from tenants.models import Membership, Tenant
from tests.conversations.doors import ledger_kinds, send

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def held(in_tenant: Tenant, visitor: ContactSession, agent: Membership) -> Conversation:
    with clock.travel(NOON):
        row = request_handoff(send(visitor, "找人").message.conversation_id)
        return desk.take(row.pk, by=agent)


def until(row: Conversation) -> datetime | None:
    return Conversation.objects.get(pk=row.pk).snoozed_until


def test_an_agent_puts_aside_moves_and_takes_up_again(
    held: Conversation, agent: Membership
) -> None:
    with clock.travel(NOON):
        snoozes.snooze(held.pk, LATER, by=agent)
        assert until(held) == LATER
        snoozes.snooze(held.pk, LATER + timedelta(hours=1), by=agent)
        assert until(held) == LATER + timedelta(hours=1)
        snoozes.end(held.pk, by=agent)
        snoozes.end(held.pk, by=agent)

    assert until(held) is None
    assert ledger_kinds()[-3:] == [
        "conversation.snoozed",
        "conversation.snoozed",
        "conversation.woken",
    ]


@pytest.mark.parametrize("away", [timedelta(0), timedelta(minutes=-1), timedelta(days=31)])
def test_only_a_time_to_come_and_not_too_far(
    held: Conversation, agent: Membership, away: timedelta
) -> None:
    with clock.travel(NOON), pytest.raises(SnoozeTimeError):
        snoozes.snooze(held.pk, NOON + away, by=agent)
    assert until(held) is None


def test_only_its_agent_may(held: Conversation, agent: Membership, colleague: Membership) -> None:
    with clock.travel(NOON):
        with pytest.raises(NotYoursError):
            snoozes.snooze(held.pk, LATER, by=colleague)
        endings.close(held.pk, by=agent)
        with pytest.raises(ConversationClosedError):
            snoozes.snooze(held.pk, LATER, by=agent)


def test_the_visitors_word_brings_it_back_at_once(
    held: Conversation, agent: Membership, visitor: ContactSession
) -> None:
    with clock.travel(NOON):
        snoozes.snooze(held.pk, LATER, by=agent)
        send(visitor, "我又来了")

    assert until(held) is None
    assert ledger_kinds()[-1] == "conversation.woken"


def test_the_sweeper_brings_back_what_is_due_and_leaves_the_rest(
    held: Conversation, agent: Membership
) -> None:
    with clock.travel(NOON):
        snoozes.snooze(held.pk, LATER, by=agent)
    with clock.travel(LATER - timedelta(seconds=1)):
        tasks.wake_snoozed()
        assert until(held) == LATER
    with clock.travel(LATER):
        tasks.wake_snoozed()
        tasks.wake_snoozed()

    assert until(held) is None
    assert ledger_kinds().count("conversation.woken") == 1


def test_nobody_is_called_back_to_what_was_closed(held: Conversation, agent: Membership) -> None:
    with clock.travel(NOON):
        snoozes.snooze(held.pk, LATER, by=agent)
        endings.close(held.pk, by=agent)
    with clock.travel(LATER):
        tasks.wake_snoozed()

    assert until(held) is None
    assert "conversation.woken" not in ledger_kinds()


def test_whoever_gets_it_next_has_it_in_hand(
    held: Conversation, agent: Membership, colleague: Membership
) -> None:
    with clock.travel(NOON):
        presences.set_status(colleague, PresenceStatus.ONLINE)

        snoozes.snooze(held.pk, LATER, by=agent)
        transfers.transfer(held.pk, by=agent, to_member=colleague)
        assert until(held) is None
        desk.take(held.pk, by=colleague)

        snoozes.snooze(held.pk, LATER, by=colleague)
        presences.set_status(agent, PresenceStatus.ONLINE)
        transfers.reassign(held.pk, to_member=agent, by=colleague)
        assert until(held) is None

        snoozes.snooze(held.pk, LATER, by=agent)
        transfers.take_over(held.pk, by=colleague)
        assert until(held) is None

        snoozes.snooze(held.pk, LATER, by=colleague)
        presences.set_status(colleague, PresenceStatus.OFFLINE)
        requeue.requeue_all(colleague)
        assert until(held) is None
    assert Conversation.objects.get().status == "waiting_human"


def test_whoever_loses_it_does_not_keep_it_aside(held: Conversation, agent: Membership) -> None:
    with clock.travel(NOON):
        snoozes.snooze(held.pk, LATER, by=agent)
        endings.return_to_bot(held.pk, by=agent)

    assert until(held) is None
