"""From the assistant to people: state first, words second, once."""

from datetime import UTC, datetime, timedelta

import pytest

from conversations.models import BotDecision, ContactSession, Conversation, Handoff, Message
from conversations.queries import queue_position
from conversations.services import desk, endings, intake, phrases
from conversations.services.handoff import request_handoff
from conversations.states import ConversationClosedError
from tenants import clock
from tenants.models import Membership, Obligation, Tenant
from tests.conversations.doors import at_once, clocks, ledger_kinds, send

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def test_button_hands_off_before_anything_was_said(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    conversation = intake.open_conversation(visitor.contact, visitor.channel)

    with clock.travel(NOON):
        handed = request_handoff(conversation.pk, note="订单有问题")

    handoff = Handoff.objects.get()
    said = Message.objects.get()
    assert (handed.status, handed.waiting_since, queue_position(handed)) == (
        "waiting_human",
        NOON,
        1,
    )
    assert (handoff.reason, handoff.note, handoff.trigger_seq) == ("asked", "订单有问题", 0)
    assert (handoff.triggered_at, handoff.decided_at, handoff.delivered_at) == (NOON, NOON, NOON)
    with phrases.language_of(visitor.contact):
        assert said.text == phrases.handed_off("asked", position=1)
    assert (said.author_kind, said.kind) == ("system", "notice")
    assert clocks("handoff") == [("met", False)]
    assert ledger_kinds()[1:] == [
        "handoff.requested",
        "obligation.started",
        "obligation.met",
        "message.created",
    ]


def test_button_decides_the_question_that_was_waiting(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    with clock.travel(NOON):
        question = send(visitor, "一直没人理我").message
    with clock.travel(NOON + timedelta(seconds=2)):
        request_handoff(question.conversation_id)

    decision = BotDecision.objects.get()
    assert (decision.question, decision.outcome, decision.rule) == (
        question,
        "handoff",
        "asked.button",
    )
    assert (decision.reason, decision.latency_ms) == ("asked", 2000)
    assert clocks("first_reply") == [("met", False)]


def test_second_press_changes_nothing(in_tenant: Tenant, visitor: ContactSession) -> None:
    conversation_id = send(visitor, "一").message.conversation_id
    request_handoff(conversation_id)

    request_handoff(conversation_id)

    assert (Handoff.objects.count(), Message.objects.count()) == (1, 2)


@pytest.mark.django_db(transaction=True)
def test_presses_at_once_make_one_handoff(in_tenant: Tenant, visitor: ContactSession) -> None:
    conversation_id = send(visitor, "一").message.conversation_id

    results = at_once(6, lambda _number: request_handoff(conversation_id).status)

    assert results == ["waiting_human"] * 6
    assert (Handoff.objects.count(), Obligation.objects.filter(kind="handoff").count()) == (1, 1)


def test_button_after_the_visitor_ended_is_refused(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    conversation_id = send(visitor, "一").message.conversation_id
    endings.close_by_contact(conversation_id)

    with pytest.raises(ConversationClosedError):
        request_handoff(conversation_id)

    assert Handoff.objects.count() == 0


def test_button_after_an_agent_ended_reopens(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    conversation_id = send(visitor, "一").message.conversation_id
    desk.take(conversation_id, by=agent)
    endings.close(conversation_id, by=agent)

    handed = request_handoff(conversation_id)

    assert (handed.status, handed.closed_at) == ("waiting_human", None)


def test_queue_counts_from_the_longest_wait(
    in_tenant: Tenant, channel, admit, agent: Membership
) -> None:
    waiting = []
    for number in range(3):
        conversation_id = send(admit(channel).session, "一").message.conversation_id
        with clock.travel(NOON + timedelta(seconds=number)):
            waiting.append(request_handoff(conversation_id))

    assert [queue_position(conversation) for conversation in waiting] == [1, 2, 3]
    desk.take(waiting[0].pk, by=agent)
    rest = [Conversation.objects.get(pk=conversation.pk) for conversation in waiting]
    assert [queue_position(conversation) for conversation in rest] == [None, 1, 2]
