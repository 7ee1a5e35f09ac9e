"""Tickets through the APIs: visitors leave and follow them, agents work on them."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from conversations.models import (
    Channel,
    ContactSession,
    Message,
    Ticket,
    TicketCategory,
    TicketComment,
)
from conversations.services import ticket_desk
from conversations.services.contacts import Admission
from conversations.ticket_states import TicketStatus
from tenants import clock
from tenants.models import Membership, Tenant, User
from tenants.scoping import tenant_scope
from tests.conversations.api.clients import Caller, problem
from tests.conversations.doors import send
from tests.conversations.ticketing import MONDAY, open_one

LEFT = {"client_id": "t-1", "text": "冰箱不制冷", "name": "李雷", "phone": "13800138000"}


@pytest.fixture
def admission(channel: Channel, admit: Callable[..., Admission]) -> Admission:
    return admit(channel)


@pytest.fixture
def call(admission: Admission) -> Caller:
    return Caller(admission.token)


@pytest.fixture
def desk(agent: Membership, client_as: Callable[[User], Client]) -> Callable[..., Any]:
    """Call the console's API as the agent."""
    client = client_as(agent.user)

    def ask(method: str, path: str, body: Any = None) -> Any:
        return client.generic(
            method,
            f"/console/api/{path}",
            b"" if body is None else json.dumps(body),
            content_type="application/json",
        )

    return ask


def test_visitor_leaves_a_message_and_gets_a_number(
    tenant: Tenant, admission: Admission, call: Caller
) -> None:
    with tenant_scope(tenant):
        conversation = send(admission.session, "有人吗").message.conversation

    with clock.travel(MONDAY):
        first, again = call("POST", "/tickets", LEFT), call("POST", "/tickets", LEFT)
    with clock.travel(MONDAY + timedelta(hours=9)):
        late = call("POST", "/tickets", {**LEFT, "client_id": "t-2"})

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["number"] == "T261123-0001"
    assert first.json()["status"] == "new"
    with tenant_scope(tenant):
        tickets = list(Ticket.objects.order_by("number"))
        assert [each.origin for each in tickets] == ["api", "out_of_hours"]
        assert {each.conversation_id for each in tickets} == {conversation.pk}
        assert tickets[0].phone == "13800138000"
    assert late.json()["number"] == "T261123-0002"


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"phone": ""}, "phone"),
        ({"phone": "abc"}, "phone"),
        ({"text": " "}, "text"),
        ({"email": "no address"}, "email"),
        ({"client_id": ""}, "client_id"),
    ],
)
def test_message_nobody_could_answer_is_refused(
    call: Caller, change: dict[str, str], member: str
) -> None:
    response = call("POST", "/tickets", {**LEFT, **change})

    assert problem(response) == (422, "invalid")
    assert list(response.json()["errors"]) == [member]


def test_visitor_who_has_not_seen_the_notice_leaves_nothing(
    tenant: Tenant, admission: Admission, call: Caller
) -> None:
    with tenant_scope(tenant):
        Channel.objects.update(notice_version=2)

    assert problem(call("POST", "/tickets", LEFT)) == (409, "notice_outdated")


def test_visitor_leaves_no_more_than_five_an_hour(call: Caller) -> None:
    statuses = [
        call("POST", "/tickets", {**LEFT, "client_id": str(number)}).status_code
        for number in (1, 1, 2, 3, 4, 5, 6)
    ]

    assert statuses == [201, 200, 201, 201, 201, 201, 429]


def test_visitor_reads_own_story_without_internal_words(
    tenant: Tenant, call: Caller, admission: Admission, agent: Membership
) -> None:
    with tenant_scope(tenant):
        ticket = open_one(admission.session, at=clock.now())
        for text, public in (("明天上门", True), ("客户很急", False)):
            ticket_desk.comment(ticket.pk, text, by=agent, is_public=public, client_id=text)

    said = call("POST", f"/tickets/{ticket.number}/comments", {"client_id": "k", "text": "好的"})
    again = call("POST", f"/tickets/{ticket.number}/comments", {"client_id": "k", "text": "好的"})
    shown = call("GET", f"/tickets/{ticket.number}").json()

    assert (said.status_code, again.status_code) == (201, 200)
    assert [(each["author"]["kind"], each["text"]) for each in shown["comments"]] == [
        ("agent", "明天上门"),
        ("customer", "好的"),
    ]
    assert shown["comments"][0]["author"]["name"] == "林晓"
    assert shown["text"] == ticket.description
    assert "客户很急" not in str(shown)
    assert call("GET", "/tickets").json()["tickets"][0]["number"] == ticket.number


def test_merged_ticket_leads_its_visitor_on(
    tenant: Tenant, call: Caller, admission: Admission, agent: Membership
) -> None:
    with tenant_scope(tenant):
        main, second = open_one(admission.session), open_one(admission.session)
        ticket_desk.merge(second.pk, main.pk, by=agent)

    assert call("GET", f"/tickets/{second.number}").json()["number"] == main.number


def test_anothers_ticket_is_not_there(
    tenant: Tenant, call: Caller, channel: Channel, admit: Callable[..., Admission]
) -> None:
    with tenant_scope(tenant):
        theirs = open_one(admit(channel).session)

    for number in (theirs.number, "T000101-0001", "x"):
        assert problem(call("GET", f"/tickets/{number}")) == (404, "not_found")
        body = {"client_id": "k", "text": "好"}
        assert problem(call("POST", f"/tickets/{number}/comments", body)) == (404, "not_found")


def test_agent_opens_a_ticket_from_a_conversation(
    tenant: Tenant,
    channel: Channel,
    admit: Callable[..., Admission],
    agent: Membership,
    desk: Callable[..., Any],
) -> None:
    session = admit(channel, profile={"name": "韩梅", "phone": "13900139000"}).session
    with tenant_scope(tenant):
        conversation = send(session, "礼盒包装多少钱").message.conversation
        category = TicketCategory.objects.create(name="询价")

    draft = desk("GET", f"conversations/{conversation.pk}/ticket-draft").json()
    body = {
        **{name: draft[name] for name in ("subject", "description", "name", "phone", "email")},
        "client_id": "a-1",
        "conversation_id": str(conversation.pk),
        "priority": "high",
        "category": str(category.pk),
        "assignee": str(agent.pk),
    }
    made, again = desk("POST", "tickets", body), desk("POST", "tickets", body)

    assert (made.status_code, again.status_code) == (201, 200)
    row = made.json()
    assert (row["subject"], row["priority"], row["category"]["name"]) == (
        "礼盒包装多少钱",
        "high",
        "询价",
    )
    assert row["assignee"] == {"id": str(agent.pk), "name": "林晓"}
    with tenant_scope(tenant):
        ticket = Ticket.objects.get()
        assert (ticket.phone, ticket.origin) == ("13900139000", "chat")
        assert ticket.number in Message.objects.latest("seq").text
    after = desk("GET", f"conversations/{conversation.pk}/ticket-draft").json()
    assert [each["number"] for each in after["open"]] == [ticket.number]


def test_lists_show_what_is_due_first_and_search(
    tenant: Tenant, visitor: ContactSession, agent: Membership, desk: Callable[..., Any]
) -> None:
    now = clock.now()
    with tenant_scope(tenant):
        open_one(visitor, at=now - timedelta(days=60), description="最早的")
        open_one(visitor, at=now, description="我的", assignee=agent, priority="low")
        done = open_one(visitor, at=now, description="完成的")
        ticket_desk.change_status(done.pk, TicketStatus.SOLVED, by=agent)

    def listed(query: str) -> list[str]:
        return [each["subject"] for each in desk("GET", f"tickets?{query}").json()["tickets"]]

    assert listed("list=open") == ["最早的", "我的"]
    assert listed("list=overdue") == ["最早的"]
    assert listed("list=mine") == ["我的"]
    assert sorted(listed("list=all")) == sorted(["完成的", "我的", "最早的"])
    assert listed("list=all&q=完成") == ["完成的"]
    assert listed(f"list=all&q={done.number.lower()}") == ["完成的"]
    assert listed("list=all&q=1380013") == []
    assert len(listed(f"list=all&contact={visitor.contact_id}")) == 3
    assert desk("GET", "tickets").json()["counts"] == {"mine": 1, "open": 2, "overdue": 1}


def test_list_pages_and_costs_the_same_for_one_and_many(
    tenant: Tenant,
    visitor: ContactSession,
    desk: Callable[..., Any],
    django_assert_num_queries: Any,
    django_assert_max_num_queries: Any,
) -> None:
    with tenant_scope(tenant):
        open_one(visitor)
    desk("GET", "tickets")
    with django_assert_max_num_queries(14) as asked:
        desk("GET", "tickets")
    # A further request begins the count anew.
    once = len(asked)
    with tenant_scope(tenant):
        for _number in range(32):
            open_one(visitor)
    # That somebody is there is written down now and then, and not to be counted here.
    desk("GET", "tickets")

    with django_assert_num_queries(once):
        first = desk("GET", "tickets?list=all").json()
    second = desk("GET", f"tickets?list=all&offset={first['next']}").json()

    assert (len(first["tickets"]), first["next"]) == (30, 30)
    assert (len(second["tickets"]), second["next"]) == (3, None)


def test_agent_works_on_a_ticket(
    tenant: Tenant,
    visitor: ContactSession,
    agent: Membership,
    colleague: Membership,
    desk: Callable[..., Any],
) -> None:
    with tenant_scope(tenant):
        ticket, main = open_one(visitor), open_one(visitor)
        category = TicketCategory.objects.create(name="维修")
    path = f"tickets/{ticket.pk}"

    note = {"client_id": "n", "text": "先问仓库", "is_public": False}
    answer = {"client_id": "p", "text": "明天上门", "is_public": True}
    codes = [desk("POST", f"{path}/comments", body).status_code for body in (note, answer, answer)]
    rank = {"priority": "urgent", "category": str(category.pk)}
    ranked = desk("POST", f"{path}/priority", rank).json()
    given = desk("POST", f"{path}/assignee", {"assignee": str(colleague.pk)}).json()
    moved = desk("POST", f"{path}/status", {"status": "pending"}).json()
    detail = desk("GET", path).json()
    merged = desk("POST", f"{path}/merge", {"into": main.number})

    assert codes == [201, 201, 200]
    assert (ranked["priority"], ranked["category"]["name"]) == ("urgent", "维修")
    assert given["assignee"]["name"] == "周舟"
    assert (moved["status"], moved["due_at"]) == ("pending", None)
    assert [each["is_public"] for each in detail["comments"]] == [False, True]
    assert [each["value"] for each in detail["moves"]] == ["open", "solved", "closed"]
    assert detail["history"][0]["kind"] == "opened"
    assert detail["history"][-1] | {"at": ""} == {
        "kind": "moved",
        "at": "",
        "by": "林晓",
        "assignee": None,
        "status": detail["status_label"],
        "priority": None,
    }
    assert detail["paused"] is True
    assert merged.json()["number"] == main.number
    assert desk("GET", path).json()["merged_into"]["number"] == main.number
    assert desk("GET", f"tickets/{main.pk}").json()["merged"] == [ticket.number]
    assert problem(desk("POST", f"{path}/comments", {**answer, "client_id": "q"})) == (
        409,
        "ticket_closed",
    )


def test_what_is_not_there_cannot_be_given(
    tenant: Tenant, other_tenant: Tenant, visitor: ContactSession, desk: Callable[..., Any]
) -> None:
    with tenant_scope(other_tenant):
        foreign = TicketCategory.objects.create(name="别家")
    with tenant_scope(tenant):
        ticket = open_one(visitor)
    path = f"tickets/{ticket.pk}"

    body = {"priority": "low", "category": str(foreign.pk)}
    assert problem(desk("POST", f"{path}/priority", body)) == (404, "not_found")
    assert problem(desk("POST", f"{path}/assignee", {"assignee": str(foreign.pk)})) == (
        404,
        "not_found",
    )
    assert problem(desk("POST", f"{path}/merge", {"into": "T1-1"})) == (404, "not_found")
    with tenant_scope(tenant):
        assert not TicketComment.objects.exists()
