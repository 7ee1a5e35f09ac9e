"""Tickets in the administration: what is late first, and every change through its service."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from conversations.models import (
    ContactSession,
    Ticket,
    TicketCategory,
    TicketComment,
    TicketNotice,
)
from conversations.services import ticket_desk
from conversations.ticket_states import TicketStatus
from tenants import clock
from tenants.models import Membership, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.conversations.doors import ledger_kinds
from tests.conversations.ticketing import MONDAY, open_one

LIST = "/admin/conversations/ticket/"


@pytest.fixture
def chief(
    tenant: Tenant,
    make_member: Callable[..., User],
    member_of: Callable[[User, Tenant], Membership],
) -> Membership:
    return member_of(make_member(tenant, Role.SUPERVISOR, name="班长"), tenant)


@pytest.fixture
def admin(chief: Membership, client_as: Callable[[User], Client]) -> Client:
    return client_as(chief.user)


def form(ticket: Ticket, **changes: Any) -> dict[str, Any]:
    """Return what the page of a ticket sends."""
    sent = {
        "priority": ticket.priority,
        "category": "",
        "assignee": ticket.assignee_id or "",
        "move_to": "",
        "words": "",
        "once": "f-1",
        "comments-TOTAL_FORMS": "0",
        "comments-INITIAL_FORMS": "0",
    }
    return {**sent, **changes}


def said(response: Any) -> list[str]:
    return [str(each) for each in get_messages(response.wsgi_request)]


def test_list_shows_what_is_late_first_and_costs_the_same_for_many(
    tenant: Tenant,
    visitor: ContactSession,
    admin: Client,
    django_assert_num_queries: Any,
    django_assert_max_num_queries: Any,
) -> None:
    now = clock.now()
    with tenant_scope(tenant):
        open_one(visitor, at=now, description="还早的")
    admin.get(LIST)
    with django_assert_max_num_queries(40) as once:
        admin.get(LIST)
    with tenant_scope(tenant):
        for number in range(3):
            open_one(visitor, at=now - timedelta(days=30 + number), description=f"逾期 {number}")

    with django_assert_num_queries(len(once)):
        page = admin.get(LIST)
    overdue = admin.get(LIST, {"standing": "overdue"})

    subjects = [row.subject for row in page.context["cl"].result_list]
    assert subjects == ["逾期 2", "逾期 1", "逾期 0", "还早的"]
    assert len(overdue.context["cl"].result_list) == 3


def test_page_changes_a_ticket_through_its_services(
    tenant: Tenant, visitor: ContactSession, agent: Membership, admin: Client
) -> None:
    with tenant_scope(tenant):
        ticket = open_one(visitor)
        category = TicketCategory.objects.create(name="维修")
    page = f"{LIST}{ticket.pk}/change/"
    sent = form(
        ticket,
        priority="high",
        category=category.pk,
        assignee=agent.pk,
        words="请补充型号",
        words_are_public="on",
    )

    shown = admin.get(page).content.decode()
    codes = [admin.post(page, {**sent, "move_to": to}).status_code for to in ("pending", "")]

    assert ticket.number in shown
    assert codes == [302, 302]
    with tenant_scope(tenant):
        ticket.refresh_from_db()
        assert (ticket.priority, ticket.category, ticket.assignee) == ("high", category, agent)
        assert ticket.status == "pending"
        comment = TicketComment.objects.get()
        assert (comment.text, comment.is_public) == ("请补充型号", True)
        kinds = ledger_kinds()
        assert {"ticket.ranked", "ticket.assigned", "ticket.commented", "ticket.moved"} <= set(
            kinds
        )
    assert "请补充型号" in admin.get(page).content.decode()


def test_page_offers_only_states_it_may_go_to(
    tenant: Tenant, visitor: ContactSession, chief: Membership, admin: Client
) -> None:
    with tenant_scope(tenant):
        ticket = open_one(visitor)
        ticket_desk.change_status(ticket.pk, TicketStatus.SOLVED, by=chief)
    page = f"{LIST}{ticket.pk}/change/"

    choices = admin.get(page).context["adminform"].form.fields["move_to"].choices
    refused = admin.post(page, form(ticket, move_to="pending"))

    assert [value for value, _label in choices] == ["", "open", "closed"]
    assert "move_to" in refused.context["adminform"].form.errors
    with tenant_scope(tenant):
        ticket_desk.change_status(ticket.pk, TicketStatus.CLOSED, by=chief)
    assert admin.post(page, form(ticket)).status_code == 403


def test_assignee_who_handles_no_tickets_is_refused_in_words(
    tenant: Tenant, visitor: ContactSession, admin: Client, make_member: Callable[..., User]
) -> None:
    editor = make_member(tenant, Role.KNOWLEDGE_EDITOR, name="编辑小王")
    with tenant_scope(tenant):
        ticket = open_one(visitor)
        member = Membership.objects.get(user=editor)

    response = admin.post(f"{LIST}{ticket.pk}/change/", form(ticket, assignee=member.pk))

    assert any("编辑小王" in each for each in said(response))
    with tenant_scope(tenant):
        assert Ticket.objects.get().assignee is None


def test_ticket_is_opened_by_hand(tenant: Tenant, visitor: ContactSession, admin: Client) -> None:
    sent = {
        "contact": visitor.contact_id,
        "subject": "电话来问",
        "description": "客户来电，要求回电。",
        "priority": "urgent",
        "category": "",
        "name": "李雷",
        "phone": "13800138000",
        "email": "li.lei@example.com",
        "comments-TOTAL_FORMS": "0",
        "comments-INITIAL_FORMS": "0",
    }

    response = admin.post(f"{LIST}add/", sent)

    assert response.status_code == 302
    with tenant_scope(tenant):
        ticket = Ticket.objects.get()
        assert (ticket.origin, ticket.subject, ticket.priority) == ("admin", "电话来问", "urgent")
        assert TicketNotice.objects.get().address == "li.lei@example.com"


def test_actions_assign_solve_and_merge(
    tenant: Tenant, visitor: ContactSession, chief: Membership, admin: Client
) -> None:
    with tenant_scope(tenant):
        first, second, third = (
            open_one(visitor, at=MONDAY + timedelta(minutes=minute)) for minute in range(3)
        )

    def act(action: str, *tickets: Ticket) -> Any:
        chosen = [str(ticket.pk) for ticket in tickets]
        return admin.post(LIST, {"action": action, "_selected_action": chosen})

    lone = act("merge_into_oldest", first)
    act("assign_to_me", first, second)
    act("merge_into_oldest", third, second, first)
    act("solve", first)
    closed = act("solve", second)

    with tenant_scope(tenant):
        for ticket in (first, second, third):
            ticket.refresh_from_db()
        assert (first.status, first.assignee) == ("solved", chief)
        assert {second.merged_into_id, third.merged_into_id} == {first.pk}
    assert len(said(lone)) == 1
    # What could not be done is said, by number.
    assert any(each.startswith(second.number) for each in said(closed))


def test_categories_are_kept_with_hours_of_at_least_one(tenant: Tenant, admin: Client) -> None:
    page = "/admin/conversations/ticketcategory/add/"
    hours = {
        f"{what}_{priority}": 2
        for what in ("respond", "resolve")
        for priority in ("low", "normal", "high", "urgent")
    }

    refused = admin.post(page, {"name": "维修", "is_active": "on", **hours, "respond_low": 0})
    taken = admin.post(page, {"name": "维修", "is_active": "on", **hours})
    twice = admin.post(page, {"name": "维修", "is_active": "on", **hours})

    assert "respond_low" in refused.context["adminform"].form.errors
    assert (taken.status_code, twice.status_code) == (302, 200)


def test_outbox_shows_how_each_mail_stands(
    tenant: Tenant, visitor: ContactSession, admin: Client
) -> None:
    with tenant_scope(tenant):
        ticket = open_one(visitor)
        notice = TicketNotice.objects.get()

    page = admin.get("/admin/conversations/ticketnotice/").content.decode()
    one = admin.get(f"/admin/conversations/ticketnotice/{notice.pk}/change/")

    assert ticket.number in page
    assert one.status_code == 200
