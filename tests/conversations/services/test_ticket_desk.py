"""What is done with a ticket, what it does to the clocks, and who is told."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from conversations.models import (
    Channel,
    ContactSession,
    Ticket,
    TicketCategory,
    TicketComment,
    TicketNotice,
)
from conversations.services import ticket_desk
from conversations.services.contacts import Admission
from conversations.services.desk import ReusedIdError
from conversations.services.intake import EmptyMessageError, TooLongError
from conversations.services.ticket_desk import NotAssignableError
from conversations.ticket_states import (
    TICKET_MOVES,
    TicketClosedError,
    TicketPriority,
    TicketsDifferError,
    TicketStateError,
    TicketStatus,
)
from tenants import clock
from tenants.errors import NotFoundError
from tenants.ids import new_id
from tenants.models import Membership, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.conversations.doors import ledger_kinds
from tests.conversations.ticketing import MONDAY, open_one


def hours(count: float) -> datetime:
    return MONDAY + timedelta(hours=count)


def say(
    ticket: Ticket,
    by: Membership,
    text: str = "已安排师傅上门。",
    *,
    public: bool = True,
    client_id: str = "c-1",
) -> TicketComment:
    comment, _created = ticket_desk.comment(
        ticket.pk, text, by=by, is_public=public, client_id=client_id
    )
    return comment


def told() -> list[tuple[str, str]]:
    """Kinds and recipients of the mails in the outbox, by kind."""
    return sorted(TicketNotice.objects.values_list("kind", "address"))


def test_every_state_can_be_reached_and_all_but_the_last_left() -> None:
    reached = {status for after in TICKET_MOVES.values() for status in after}

    assert set(TICKET_MOVES) == set(TicketStatus.values)
    assert reached == set(TicketStatus.values) - {"new"}
    assert [status for status, after in TICKET_MOVES.items() if not after] == ["closed"]


def test_public_comment_is_the_response(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    ticket = open_one(visitor)

    with clock.travel(hours(1)):
        say(ticket, agent)

    ticket.refresh_from_db()
    assert (ticket.status, ticket.first_responded_at) == ("open", hours(1))
    assert ticket.assignee == agent
    assert ticket.due_at == ticket.resolve_due_at
    assert told()[:1] == [("answered", "li.lei@example.com")]
    assert ledger_kinds()[-4:] == [
        "ticket.commented",
        "ticket.responded",
        "ticket.assigned",
        "ticket.moved",
    ]


def test_internal_comment_changes_nothing_and_tells_nobody(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    ticket = open_one(visitor)

    say(ticket, agent, public=False)

    ticket.refresh_from_db()
    assert (ticket.status, ticket.first_responded_at, ticket.assignee) == ("new", None, None)
    assert len(told()) == 1


def test_comment_is_stored_once_per_id(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    ticket, other = open_one(visitor), open_one(visitor)
    first = say(ticket, agent)

    again, created = ticket_desk.comment(
        ticket.pk, "第二次", by=agent, is_public=True, client_id="c-1"
    )

    assert (again.pk, again.text, created) == (first.pk, "已安排师傅上门。", False)
    with pytest.raises(ReusedIdError):
        say(other, agent)
    assert TicketComment.objects.count() == 1


@pytest.mark.parametrize(("text", "error"), [(" ", EmptyMessageError), ("长" * 4001, TooLongError)])
def test_comment_that_says_nothing_or_too_much_is_refused(
    in_tenant: Tenant,
    visitor: ContactSession,
    agent: Membership,
    text: str,
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        say(open_one(visitor), agent, text)


def test_clock_of_the_solution_stands_still_while_the_visitor_has_the_word(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    ticket = open_one(visitor, priority="high")
    with clock.travel(hours(1)):
        say(ticket, agent)
        ticket_desk.change_status(ticket.pk, TicketStatus.PENDING, by=agent)
    waiting = Ticket.objects.get()
    # From Monday 11:00 to Tuesday 11:00 nine working hours pass.
    with clock.travel(hours(25)):
        ticket_desk.comment_by_contact(
            ticket.pk, "今天下午可以", contact=visitor.contact, client_id="v-1"
        )

    ticket.refresh_from_db()
    assert (waiting.status, waiting.due_at) == ("pending", None)
    assert ticket.status == "open"
    assert ticket.paused_for == timedelta(hours=9)
    assert ticket.resolve_due_at == waiting.resolve_due_at + timedelta(days=1)
    assert ticket.due_at == ticket.resolve_due_at
    assert told()[-1] == ("replied", agent.user.email)


def test_words_on_a_solved_ticket_reopen_it_with_what_was_left(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    ticket = open_one(visitor, assignee=agent)
    with clock.travel(hours(2)):
        solved = ticket_desk.change_status(ticket.pk, TicketStatus.SOLVED, by=agent)
    with clock.travel(hours(4)):
        ticket_desk.comment_by_contact(
            ticket.pk, "又坏了", contact=visitor.contact, client_id="v-1"
        )

    assert (solved.solved_at, solved.first_responded_at, solved.due_at) == (
        hours(2),
        hours(2),
        None,
    )
    ticket.refresh_from_db()
    assert (ticket.status, ticket.solved_at) == ("open", None)
    assert ticket.resolve_due_at == MONDAY + timedelta(days=4, hours=2)
    assert [kind for kind, _to in told()] == ["assigned", "created", "replied", "solved"]


def test_closed_ticket_takes_internal_words_alone(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    ticket = open_one(visitor)
    ticket_desk.change_status(ticket.pk, TicketStatus.CLOSED, by=agent)

    say(ticket, agent, public=False)
    with pytest.raises(TicketClosedError):
        say(ticket, agent, client_id="c-2")
    with pytest.raises(TicketClosedError):
        ticket_desk.comment_by_contact(ticket.pk, "喂", contact=visitor.contact, client_id="v")
    with pytest.raises(TicketClosedError):
        ticket_desk.assign(ticket.pk, agent, by=agent)
    with pytest.raises(TicketClosedError):
        ticket_desk.change_priority(ticket.pk, TicketPriority.LOW, by=agent, category=None)
    with pytest.raises(TicketStateError):
        ticket_desk.change_status(ticket.pk, TicketStatus.OPEN, by=agent)
    assert TicketComment.objects.count() == 1


def test_state_it_has_already_changes_nothing(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    ticket = open_one(visitor)
    ticket_desk.change_status(ticket.pk, TicketStatus.SOLVED, by=agent)
    before = ledger_kinds()

    ticket_desk.change_status(ticket.pk, TicketStatus.SOLVED, by=agent)

    assert ledger_kinds() == before
    assert len(told()) == 2


def test_priority_moves_the_due_times(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    ticket = open_one(visitor)
    category = TicketCategory.objects.create(name="维修", respond_urgent=1, resolve_urgent=3)

    with clock.travel(hours(2)):
        ticket_desk.change_priority(ticket.pk, TicketPriority.URGENT, by=agent, category=category)

    ticket.refresh_from_db()
    assert (ticket.respond_due_at, ticket.resolve_due_at) == (hours(1), hours(3))
    assert ticket.is_overdue(hours(2))


def test_assignee_is_told_but_not_of_their_own_deed(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership, colleague: Membership
) -> None:
    ticket = open_one(visitor)

    ticket_desk.assign(ticket.pk, colleague, by=agent)
    ticket_desk.assign(ticket.pk, colleague, by=agent)
    ticket_desk.assign(ticket.pk, agent, by=agent)
    ticket_desk.assign(ticket.pk, None, by=agent)

    assert told() == [
        ("assigned", "colleague@qinghe.example"),
        ("created", "li.lei@example.com"),
    ]
    assert ledger_kinds().count("ticket.assigned") == 3


def test_who_handles_no_tickets_gets_none(
    tenant: Tenant,
    visitor: ContactSession,
    agent: Membership,
    make_member: Callable[..., User],
    member_of: Callable[[User, Tenant], Membership],
) -> None:
    editor = member_of(make_member(tenant, Role.KNOWLEDGE_EDITOR), tenant)
    with tenant_scope(tenant):
        gone = Membership.objects.select_related("user").get(pk=agent.pk)
        gone.is_active = False
        ticket = open_one(visitor)

        for member in (editor, gone):
            with pytest.raises(NotAssignableError):
                ticket_desk.assign(ticket.pk, member, by=agent)


def test_merged_ticket_goes_on_in_the_other(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    main, second, third = (open_one(visitor) for _number in range(3))
    say(second, agent, "第二张的内部备注", public=False)
    ticket_desk.merge(third.pk, second.pk, by=agent)

    ticket_desk.merge(second.pk, main.pk, by=agent)

    for ticket in (second, third):
        ticket.refresh_from_db()
        assert (ticket.status, ticket.merged_into_id) == ("closed", main.pk)
    comments = TicketComment.objects.filter(ticket=main)
    assert sorted(comments.values_list("merged_from", "is_public")) == [
        (second.number, False),
        (second.number, True),
        (third.number, True),
    ]
    assert not TicketComment.objects.exclude(ticket=main).exists()
    ticket_desk.comment_by_contact(third.pk, "还在吗", contact=visitor.contact, client_id="v-9")
    assert TicketComment.objects.get(client_id="v-9").ticket_id == main.pk
    again, created = ticket_desk.comment_by_contact(
        third.pk, "还在吗", contact=visitor.contact, client_id="v-9"
    )
    assert (again.client_id, created) == ("v-9", False)


def test_tickets_of_different_people_stay_apart(
    in_tenant: Tenant,
    channel: Channel,
    visitor: ContactSession,
    agent: Membership,
    admit: Callable[..., Admission],
) -> None:
    stranger = admit(channel).session
    mine = open_one(visitor)
    theirs = open_one(stranger, phone="13900000000", email="other@example.com")
    alike = open_one(stranger, phone="+86 13800138000", email="")
    nameless = open_one(stranger, phone="", email="")
    unknown = open_one(visitor, phone="", email="")

    for one, other in ((theirs, mine), (mine, mine), (nameless, unknown)):
        with pytest.raises(TicketsDifferError):
            ticket_desk.merge(one.pk, other.pk, by=agent)
    assert ticket_desk.merge(alike.pk, mine.pk, by=agent).pk == mine.pk
    with pytest.raises(TicketStateError):
        ticket_desk.merge(alike.pk, theirs.pk, by=agent)
    with pytest.raises(TicketClosedError):
        ticket_desk.merge(theirs.pk, alike.pk, by=agent)


def test_ticket_of_another_tenant_is_not_there(
    tenant: Tenant, other_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    with tenant_scope(tenant):
        ticket = open_one(visitor)

    with tenant_scope(other_tenant):
        for pk in (ticket.pk, new_id()):
            with pytest.raises(NotFoundError):
                ticket_desk.change_status(pk, TicketStatus.SOLVED, by=agent)
