"""Out of hours: what is handed off is a ticket at once, and waits for people as ever."""

from collections.abc import Callable
from datetime import datetime, time, timedelta

import pytest

from conversations import tasks
from conversations.models import (
    AgentGroup,
    Channel,
    ContactSession,
    Conversation,
    Handoff,
    Message,
    Ticket,
    TicketDay,
    WorkingSpan,
)
from conversations.queries import queue_position
from conversations.services import desk, endings, messages, phrases, ticket_desk, tickets
from conversations.services.contacts import Admission
from conversations.services.handoff import request_handoff
from conversations.ticket_states import TicketStatus
from knowledge.models import Release
from tenants import clock
from tenants.models import Membership, Tenant
from tenants.services import ledger
from tests.conversations.conftest import UNKNOWN
from tests.conversations.doors import ask, at_once, clocks, ledger_kinds, send
from tests.conversations.handoffs import employ
from tests.conversations.ticketing import MONDAY

# A Sunday evening in Shanghai; people are back on Monday at nine.
SUNDAY = MONDAY - timedelta(hours=14)
BACK = "2026-11-23 09:00"


@pytest.fixture
def group(in_tenant: Tenant) -> AgentGroup:
    made = AgentGroup.objects.create(name="售后组", is_default=True)
    for weekday in range(5):
        WorkingSpan.objects.create(group=made, weekday=weekday, starts_at=time(9), ends_at=time(18))
    return made


def press(session: ContactSession, *, at: datetime = SUNDAY, note: str = "") -> Conversation:
    """Let the visitor write, and ask for a person by the button."""
    with clock.travel(at):
        conversation_id = send(session, "冰箱不制冷").message.conversation_id
        return request_handoff(conversation_id, note=note)


def last_said() -> str:
    return Message.objects.latest("seq").text


def test_button_opens_a_ticket_and_tells_its_number_and_when_people_are_back(
    group: AgentGroup, visitor: ContactSession
) -> None:
    handed = press(visitor, note="订单有问题")

    ticket = Ticket.objects.get()
    assert (ticket.number, ticket.origin, ticket.conversation) == (
        "T261122-0001",
        "out_of_hours",
        handed,
    )
    assert ticket.description == "订单有问题\n冰箱不制冷"
    assert ticket.respond_due_at == MONDAY.replace(hour=17)
    with phrases.language_of(visitor.contact):
        away = phrases.away(datetime.fromisoformat(BACK), ticket.number)
        assert last_said() == phrases.handed_off("asked", position=1, away=away)
    assert ticket.number in last_said()
    assert BACK in last_said()
    assert ledger_kinds()[-6:] == [
        "handoff.requested",
        "obligation.started",
        "obligation.met",
        "ticket.opened",
        "message.created",
        "obligation.met",
    ]
    assert ledger.verify()[1] is None


def test_assistants_turn_opens_one_too(
    group: AgentGroup, knowledge: Release, visitor: ContactSession
) -> None:
    with clock.travel(SUNDAY):
        reply = ask(visitor, UNKNOWN)

    ticket = Ticket.objects.get()
    assert (ticket.description, ticket.conversation_id) == (UNKNOWN, reply.conversation_id)
    assert ticket.number in reply.text
    assert BACK in reply.text
    assert (reply.author_kind, reply.kind) == ("bot", "notice")
    assert ledger_kinds().count("ticket.opened") == 1


def test_it_waits_in_the_queue_and_its_promise_is_met_as_ever(
    group: AgentGroup, visitor: ContactSession
) -> None:
    handed = press(visitor)

    handoff = Handoff.objects.get()
    assert (handed.status, handed.waiting_since, handed.group) == ("waiting_human", SUNDAY, group)
    assert queue_position(handed) == 1
    assert (handoff.state, handoff.delivered_at) == ("delivered", SUNDAY)
    assert clocks("handoff") == [("met", False)]


def test_second_press_opens_no_second_ticket(group: AgentGroup, visitor: ContactSession) -> None:
    handed = press(visitor)
    with clock.travel(SUNDAY):
        request_handoff(handed.pk)

    assert (Ticket.objects.count(), Handoff.objects.count()) == (1, 1)
    assert Message.objects.filter(author_kind="system").count() == 1


@pytest.mark.django_db(transaction=True)
def test_presses_at_once_open_one_ticket(group: AgentGroup, visitor: ContactSession) -> None:
    with clock.travel(SUNDAY):
        conversation_id = send(visitor, "冰箱不制冷").message.conversation_id
        results = at_once(5, lambda _number: request_handoff(conversation_id).status)

    assert results == ["waiting_human"] * 5
    assert Ticket.objects.count() == TicketDay.objects.get().last_number == 1
    assert ledger.verify()[1] is None


def test_further_hand_off_has_the_same_number_while_the_ticket_is_unsettled(
    group: AgentGroup, visitor: ContactSession, agent: Membership
) -> None:
    handed = press(visitor)
    number = Ticket.objects.get().number
    with clock.travel(SUNDAY + timedelta(minutes=5)):
        endings.resume_by_contact(handed.pk)
        request_handoff(handed.pk)

    assert Ticket.objects.count() == 1
    assert number in last_said()
    ticket = Ticket.objects.get()
    with clock.travel(SUNDAY + timedelta(minutes=6)):
        ticket_desk.change_status(ticket.pk, TicketStatus.SOLVED, by=agent)
        endings.resume_by_contact(handed.pk)
        request_handoff(handed.pk)
    assert Ticket.objects.count() == 2
    assert "T261122-0002" in last_said()


def test_agent_who_takes_it_doubles_nothing(
    group: AgentGroup, visitor: ContactSession, agent: Membership
) -> None:
    handed = press(visitor)
    with clock.travel(MONDAY):
        taken = desk.take(handed.pk, by=agent)
        desk.reply(handed.pk, "您好", by=agent, client_msg_id="a-1")

    assert (taken.status, taken.agent) == ("human", agent)
    assert Ticket.objects.count() == 1
    assert Handoff.objects.get().state == "accepted"
    assert ledger_kinds().count("ticket.opened") == 1


def test_while_people_are_there_nothing_is_opened(
    group: AgentGroup, visitor: ContactSession
) -> None:
    press(visitor, at=MONDAY)

    assert not Ticket.objects.exists()
    with phrases.language_of(visitor.contact):
        assert last_said() == phrases.handed_off("asked", position=1)


def test_without_groups_nothing_is_opened(in_tenant: Tenant, visitor: ContactSession) -> None:
    press(visitor)

    assert not Ticket.objects.exists()
    with phrases.language_of(visitor.contact):
        assert last_said() == phrases.handed_off("asked", position=1)


def test_open_group_that_serves_comes_before_the_closed_one(
    group: AgentGroup, visitor: ContactSession
) -> None:
    night = AgentGroup.objects.create(name="夜班组")

    handed = press(visitor)

    assert (handed.group, Ticket.objects.count()) == (night, 0)


def test_other_system_that_takes_it_has_hours_of_its_own(
    group: AgentGroup, visitor: ContactSession
) -> None:
    employ(None)

    handed = press(visitor)

    assert handed.held_elsewhere
    assert not Ticket.objects.exists()
    with phrases.language_of(visitor.contact):
        assert last_said() == phrases.handed_off("asked", position=None, elsewhere=True)


def test_other_system_that_does_not_take_it_leaves_a_ticket(
    group: AgentGroup, visitor: ContactSession
) -> None:
    employ(None)
    press(visitor)
    with clock.travel(SUNDAY + timedelta(seconds=45)):
        tasks.fail_over_handoffs()
        tasks.fail_over_handoffs()

    ticket = Ticket.objects.get()
    with phrases.language_of(visitor.contact):
        away = phrases.away(datetime.fromisoformat(BACK), ticket.number)
        assert last_said() == phrases.failed_over(None, away=away)
    assert Handoff.objects.get().state == "fallback_console"
    assert clocks("handoff") == [("met", False)]
    assert ledger_kinds().count("ticket.opened") == 1
    assert ledger.verify()[1] is None


def test_ticket_and_hand_off_are_one_commit(
    group: AgentGroup, visitor: ContactSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_more: object) -> None:
        raise RuntimeError("fails after the ticket was opened")

    with clock.travel(SUNDAY):
        conversation_id = send(visitor, "冰箱不制冷").message.conversation_id
        monkeypatch.setattr(messages, "store", fail)
        with pytest.raises(RuntimeError):
            request_handoff(conversation_id)

    assert not Ticket.objects.exists()
    assert not TicketDay.objects.exists()
    assert Conversation.objects.get().status == "bot"


def test_each_visitor_has_a_ticket_and_a_place(
    group: AgentGroup, channel: Channel, admit: Callable[..., Admission]
) -> None:
    handed = [
        press(admit(channel, device_id=f"d{number}").session, at=SUNDAY + timedelta(seconds=number))
        for number in range(3)
    ]

    assert [queue_position(row) for row in handed] == [1, 2, 3]
    assert sorted(Ticket.objects.values_list("number", flat=True)) == [
        f"T261122-{number:04d}" for number in (1, 2, 3)
    ]
    assert tickets.draft_from(handed[0])["description"] == "冰箱不制冷"
