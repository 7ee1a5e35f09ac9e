"""Tickets are opened: numbered without a gap, due in working hours, once."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import transaction

from conversations.models import (
    Channel,
    ContactSession,
    Message,
    Ticket,
    TicketCategory,
    TicketDay,
    TicketNotice,
)
from conversations.services import messages, tickets
from conversations.services.contacts import Admission
from conversations.services.handoff import request_handoff
from conversations.services.intake import EmptyMessageError, TooLongError
from conversations.services.tickets import NewTicket
from conversations.ticket_states import TicketOrigin
from tenants.models import LedgerEntry, Membership, Tenant
from tenants.scoping import tenant_scope
from tenants.services import ledger
from tests.conversations.doors import ask, at_once, ledger_kinds, send
from tests.conversations.ticketing import MONDAY, open_one


def test_ticket_is_numbered_described_and_due(in_tenant: Tenant, visitor: ContactSession) -> None:
    ticket = open_one(visitor)

    assert ticket.number == "T261123-0001"
    assert ticket.subject == "冰箱不制冷，请回电。 订单 A1001"
    assert (ticket.status, ticket.priority, ticket.origin) == ("new", "normal", "api")
    assert ticket.respond_due_at == ticket.due_at == MONDAY + timedelta(hours=8)
    assert ticket.resolve_due_at == MONDAY + timedelta(days=4)
    assert ledger_kinds()[-2:] == ["ticket.opened", "contact.told_by_ticket"]
    assert "冰箱" not in str(LedgerEntry.objects.latest("position").data)


@pytest.mark.parametrize(
    ("priority", "respond", "resolve"),
    [
        ("low", timedelta(days=1, hours=7), timedelta(days=10)),
        ("high", timedelta(hours=4), timedelta(days=2)),
        ("urgent", timedelta(hours=1), timedelta(days=1)),
    ],
)
def test_due_times_follow_priority(
    in_tenant: Tenant,
    visitor: ContactSession,
    priority: str,
    respond: timedelta,
    resolve: timedelta,
) -> None:
    ticket = open_one(visitor, priority=priority)

    assert ticket.respond_due_at - MONDAY == respond
    assert ticket.resolve_due_at - MONDAY == resolve


def test_category_says_how_many_hours_there_are(in_tenant: Tenant, visitor: ContactSession) -> None:
    category = TicketCategory.objects.create(name="维修", respond_normal=2, resolve_normal=4)

    ticket = open_one(visitor, category=category)

    assert ticket.respond_due_at == MONDAY + timedelta(hours=2)
    assert ticket.resolve_due_at == MONDAY + timedelta(hours=4)


def test_numbers_begin_anew_each_day_of_the_tenants_zone_and_in_each_tenant(
    tenant: Tenant,
    other_tenant: Tenant,
    make_channel: Callable[..., Channel],
    admit: Callable[..., Admission],
) -> None:
    late = datetime.fromisoformat("2026-11-23T15:59:00+00:00")
    numbers = []
    for owner in (tenant, other_tenant):
        session = admit(make_channel(owner)).session
        with tenant_scope(owner):
            instants = (late, late, late + timedelta(minutes=1))
            numbers += [open_one(session, at=instant).number for instant in instants]

    assert numbers == ["T261123-0001", "T261123-0002", "T261124-0001"] * 2


@pytest.mark.django_db(transaction=True)
def test_numbers_of_one_moment_have_no_gap_and_no_double(
    tenant: Tenant, visitor: ContactSession
) -> None:
    def work(number: int) -> str:
        with transaction.atomic():
            found = open_one(visitor).number
            if number % 3 == 0:
                raise RuntimeError("fails after it took a number")
        return found

    with tenant_scope(tenant):
        got = at_once(9, work)
        opened = [f"T261123-{number:04d}" for number in range(1, 7)]

        assert sorted(each for each in got if isinstance(each, str)) == opened
        assert list(Ticket.objects.order_by("number").values_list("number", flat=True)) == opened
        assert TicketDay.objects.get().last_number == 6
        assert ledger.verify()[1] is None


@pytest.mark.django_db(transaction=True)
def test_asking_at_once_under_one_id_opens_one(tenant: Tenant, visitor: ContactSession) -> None:
    with tenant_scope(tenant):
        got = at_once(4, lambda _number: open_one(visitor, client_id="c-1").number)

        assert got == ["T261123-0001"] * 4
        assert TicketDay.objects.get().last_number == 1
        assert TicketNotice.objects.count() == 1
        assert ledger_kinds().count("ticket.opened") == 1


@pytest.mark.parametrize(
    ("description", "error"), [(" \n ", EmptyMessageError), ("长" * 8001, TooLongError)]
)
def test_ticket_that_says_nothing_or_too_much_is_refused(
    in_tenant: Tenant, visitor: ContactSession, description: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        open_one(visitor, description=description)

    assert not TicketDay.objects.exists()


def test_address_that_is_none_is_not_kept(in_tenant: Tenant, visitor: ContactSession) -> None:
    ticket = open_one(visitor, email="a@b.example\nBcc: c@d.example", name="李\r\n雷")

    assert (ticket.email, ticket.name) == ("", "李 雷")
    assert not TicketNotice.objects.exists()


def test_agent_opens_one_from_a_conversation_and_the_visitor_hears_the_number(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    conversation = send(visitor, "礼盒包装多少钱").message.conversation

    ticket = open_one(
        visitor, by=agent, conversation=conversation, origin=TicketOrigin.CHAT, assignee=agent
    )

    said = Message.objects.latest("seq")
    assert ticket.conversation_id == conversation.pk
    assert (said.author_kind, said.kind, said.seq) == ("system", "notice", 2)
    assert ticket.number in said.text
    assert [each.kind for each in TicketNotice.objects.all()] == ["created"]


def test_draft_is_what_the_visitor_asked_last(in_tenant: Tenant, visitor: ContactSession) -> None:
    ask(visitor, "你好")
    conversation = send(visitor, "礼盒包装多少钱").message.conversation
    send(visitor, "要两个")

    draft = tickets.draft_from(conversation)

    assert draft["subject"] == "礼盒包装多少钱 要两个"
    assert draft["description"] == "你好\n礼盒包装多少钱\n要两个"


def test_hand_off_out_of_hours_is_a_ticket_within_the_callers_transaction(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    session = admit(channel, profile={"name": "韩梅", "email": "han@example.com"}).session
    waiting = request_handoff(send(session, "怎么退货").message.conversation_id)
    at = MONDAY - timedelta(hours=12)

    with transaction.atomic():
        conversation = messages.lock_conversation(waiting.pk)
        ticket, events = tickets.open_from_conversation(conversation, reason="asked", at=at)
        again, nothing = tickets.open_from_conversation(conversation, reason="asked", at=at)
        ledger.append(*events)

    assert (ticket.origin, ticket.subject, ticket.name) == ("out_of_hours", "怎么退货", "韩梅")
    assert ticket.respond_due_at == MONDAY.replace(hour=17)
    assert [event.kind for event in events] == ["ticket.opened"]
    assert events[0].data["reason"] == "asked"
    assert (again.pk, nothing) == (ticket.pk, [])
    assert TicketNotice.objects.get().address == "han@example.com"


def test_hand_off_of_somebody_silent_is_a_ticket_too(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    conversation = request_handoff(send(visitor, "转人工").message.conversation_id)
    Message.objects.all().delete()

    with transaction.atomic():
        locked = messages.lock_conversation(conversation.pk)
        ticket, _events = tickets.open_from_conversation(locked, reason="asked", at=MONDAY)

    assert ticket.description
    assert ticket.subject


def test_demonstration_sends_no_mail(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    visitor.contact.is_demo = True
    visitor.contact.save()

    ticket = open_one(visitor, assignee=agent)

    assert ticket.is_demo
    assert not TicketNotice.objects.exists()


def test_ticket_of_another_tenants_contact_cannot_be_made(
    tenant: Tenant, other_tenant: Tenant, visitor: ContactSession
) -> None:
    asked = NewTicket(
        contact=visitor.contact,
        channel=visitor.channel,
        description="越界",
        origin=TicketOrigin.API,
    )

    with tenant_scope(other_tenant), pytest.raises(Exception, match="another tenant"):
        tickets.open_ticket(asked, by=None)

    with tenant_scope(other_tenant):
        assert not Ticket.objects.exists()
