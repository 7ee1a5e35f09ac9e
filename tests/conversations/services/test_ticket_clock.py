"""By whose hours a ticket is due."""

from datetime import UTC, datetime, time, timedelta

import pytest

from conversations.models import AgentGroup, ContactSession, Conversation, WorkingSpan
from conversations.services import ticket_clock, ticket_desk
from conversations.services.handoff import request_handoff
from conversations.ticket_states import TicketStatus
from tenants import clock
from tenants.models import Membership, Tenant
from tests.conversations.doors import send
from tests.conversations.ticketing import MONDAY, open_one


def group(name: str, *hours: int, **fields: bool) -> AgentGroup:
    """Make a group that works from Monday to Friday between two hours, or always."""
    made = AgentGroup.objects.create(name=name, **fields)
    if hours:
        for weekday in range(5):
            WorkingSpan.objects.create(
                group=made, weekday=weekday, starts_at=time(hours[0]), ends_at=time(hours[1])
            )
    return made


@pytest.fixture
def conversation(in_tenant: Tenant, visitor: ContactSession) -> Conversation:
    return request_handoff(send(visitor, "我想找人聊聊").message.conversation_id)


def of(conversation: Conversation, at: AgentGroup | None) -> Conversation:
    Conversation.objects.filter(pk=conversation.pk).update(group=at)
    return Conversation.objects.get(pk=conversation.pk)


def test_conversations_group_comes_before_the_default_one(
    conversation: Conversation, visitor: ContactSession
) -> None:
    late, day = group("夜班", 14, 16), group("白班", 10, 12, is_default=True)

    with_group = open_one(visitor, conversation=of(conversation, late))
    without = open_one(visitor, conversation=of(conversation, None))
    alone = open_one(visitor)

    # Eight working hours of two a day.
    assert with_group.respond_due_at == MONDAY.replace(hour=16) + timedelta(days=3)
    assert without.respond_due_at == alone.respond_due_at
    assert alone.respond_due_at == MONDAY.replace(hour=12) + timedelta(days=3)
    late.is_active = False
    late.save()
    assert ticket_clock.opening_hours(of(conversation, late)) == ticket_clock.opening_hours(None)
    assert day.is_default


def test_group_that_never_closes_counts_every_second(
    conversation: Conversation, visitor: ContactSession
) -> None:
    always = group("全天")

    ticket = open_one(visitor, conversation=of(conversation, always))

    assert ticket.respond_due_at == MONDAY + timedelta(hours=8)
    assert ticket.resolve_due_at == MONDAY + timedelta(hours=36)


def test_without_groups_the_offices_week_keeps_the_holidays(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    # A Wednesday; the National Day holiday begins on the morrow and lasts to the 7th.
    eve = MONDAY.replace(month=9, day=30, hour=17)

    assert ticket_clock.is_working_time(None, eve)
    assert not ticket_clock.is_working_time(None, eve + timedelta(days=1))
    assert open_one(visitor, at=eve).respond_due_at == MONDAY.replace(month=10, day=8, hour=16)


def test_pause_is_counted_in_the_groups_hours(
    conversation: Conversation, visitor: ContactSession, agent: Membership
) -> None:
    ticket = open_one(visitor, conversation=of(conversation, group("夜班", 14, 16)))
    due = ticket.resolve_due_at

    with clock.travel(MONDAY):
        ticket_desk.change_status(ticket.pk, TicketStatus.PENDING, by=agent)
    with clock.travel(MONDAY + timedelta(days=1)):
        resumed = ticket_desk.change_status(ticket.pk, TicketStatus.OPEN, by=agent)

    assert resumed.paused_for == timedelta(hours=2)
    assert resumed.resolve_due_at == due + timedelta(days=1)


def test_hours_that_never_come_round_still_give_a_date(
    conversation: Conversation, visitor: ContactSession
) -> None:
    rare = AgentGroup.objects.create(name="一分钟")
    WorkingSpan.objects.create(group=rare, weekday=0, starts_at=time(9), ends_at=time(9, 1))

    ticket = open_one(visitor, conversation=of(conversation, rare))

    assert ticket.respond_due_at == (MONDAY + timedelta(hours=8)).astimezone(UTC)
    assert isinstance(ticket.resolve_due_at, datetime)
