"""The console's API of groups: who sees what, offers, transfers, the board."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from conversations.models import (
    AgentGroup,
    Channel,
    Conversation,
    GroupMember,
    HoursException,
    Note,
    PresenceStatus,
    Ticket,
)
from conversations.services import desk, presences, routing
from conversations.services.contacts import Admission
from conversations.services.handoff import request_handoff
from conversations.ticket_visitors import TICKETS_PER_VISITOR
from tenants import clock
from tenants.models import Breach, Membership, Obligation, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.conversations.api.clients import Caller
from tests.conversations.doors import send

API = "/console/api/"
Call = Callable[..., Any]


@pytest.fixture
def group(tenant: Tenant, agent: Membership) -> AgentGroup:
    with tenant_scope(tenant):
        group = AgentGroup.objects.create(name="售后组", is_default=True)
        GroupMember.objects.create(group=group, member=agent)
        return group


@pytest.fixture
def supervisor(
    tenant: Tenant,
    make_member: Callable[..., User],
    member_of: Callable[[User, Tenant], Membership],
) -> Membership:
    return member_of(make_member(tenant, Role.SUPERVISOR, name="班长"), tenant)


@pytest.fixture
def waiting(
    tenant: Tenant, group: AgentGroup, channel: Channel, admit: Callable[..., Admission]
) -> Conversation:
    with tenant_scope(tenant):
        session = admit(channel).session
        return request_handoff(send(session, "只有售后组该看到").message.conversation_id)


@pytest.fixture
def as_member(client_as: Callable[[User], Client]) -> Callable[[Membership], Call]:
    def sit(member: Membership) -> Call:
        client = client_as(member.user)

        def call(method: str, path: str, body: Any = None) -> Any:
            return client.generic(
                method,
                f"{API}{path}",
                json.dumps(body or {}) if method == "POST" else "",
                content_type="application/json",
            )

        return call

    return sit


def listed(call: Call, name: str) -> list[str]:
    return [row["id"] for row in call("GET", f"conversations?list={name}").json()["conversations"]]


def test_agents_of_other_groups_see_nothing_of_it(
    waiting: Conversation, colleague: Membership, as_member: Callable[[Membership], Call]
) -> None:
    """Source: peers §3, row 15: neither the row, nor its last message, nor its past."""
    stranger = as_member(colleague)
    path = f"conversations/{waiting.pk}"

    for name in ("queue", "mine", "group", "all", "closed"):
        body = stranger("GET", f"conversations?list={name}").json()
        assert (body["conversations"], body["counts"]["queue"]) == ([], 0)
    assert stranger("GET", "conversations?list=all&q=售后").json()["conversations"] == []
    assert stranger("GET", "search?q=售后").json()["results"] == []
    told = {
        (response.status_code, response.json()["code"])
        for response in (
            stranger("GET", path),
            stranger("GET", f"{path}/messages"),
            stranger("POST", f"{path}/take"),
            stranger("POST", f"{path}/notes", {"client_msg_id": "n", "text": "x"}),
            stranger("POST", f"{path}/decline"),
            stranger("POST", f"{path}/transfer", {"to_member": str(colleague.pk)}),
        )
    }
    assert told == {(404, "not_found")}


def test_its_group_and_supervisors_see_it(
    waiting: Conversation,
    agent: Membership,
    supervisor: Membership,
    group: AgentGroup,
    as_member: Callable[[Membership], Call],
) -> None:
    for member in (agent, supervisor):
        call = as_member(member)
        for name in ("queue", "group", "all"):
            assert listed(call, name) == [str(waiting.pk)]
        assert call("GET", "search?q=售后").json()["results"] != []
        row = call("GET", f"conversations/{waiting.pk}").json()
        assert row["group"] == {"id": str(group.pk), "name": "售后组", "auto_assign": True}
        assert call("GET", "me").json()["groups"] == [{"id": str(group.pk), "name": "售后组"}]


def test_who_is_offered_it_sees_it_whatever_the_group(
    waiting: Conversation,
    agent: Membership,
    colleague: Membership,
    tenant: Tenant,
    as_member: Callable[[Membership], Call],
) -> None:
    with tenant_scope(tenant):
        presences.set_status(colleague, PresenceStatus.ONLINE)
        desk.take(waiting.pk, by=agent)

    moved = as_member(agent)(
        "POST",
        f"conversations/{waiting.pk}/transfer",
        {"to_member": str(colleague.pk), "note": "请接手"},
    )

    assert (moved.status_code, moved.json()["offer"]["to"]) == (200, str(colleague.pk))
    stranger = as_member(colleague)
    assert listed(stranger, "queue") == [str(waiting.pk)]
    taken = stranger("POST", f"conversations/{waiting.pk}/take").json()
    assert (taken["status"], taken["agent"]["name"], taken["offer"]) == ("human", "周舟", None)
    with tenant_scope(tenant):
        assert Note.objects.get().text == "请接手"


def test_offer_is_declined(
    waiting: Conversation,
    agent: Membership,
    tenant: Tenant,
    as_member: Callable[[Membership], Call],
) -> None:
    with tenant_scope(tenant):
        presences.set_status(agent, PresenceStatus.ONLINE)
        assert routing.drain() == 1
    call = as_member(agent)

    offered = call("GET", f"conversations/{waiting.pk}").json()["offer"]
    declined = call("POST", f"conversations/{waiting.pk}/decline").json()

    assert (offered["to"], declined["offer"]) == (str(agent.pk), None)


@pytest.mark.parametrize(
    "body", [{}, {"to_member": str(uuid.uuid4()), "to_group": str(uuid.uuid4())}]
)
def test_transfer_names_one_target(
    waiting: Conversation,
    agent: Membership,
    body: dict[str, str],
    as_member: Callable[[Membership], Call],
) -> None:
    answer = as_member(agent)("POST", f"conversations/{waiting.pk}/transfer", body)

    assert (answer.status_code, answer.json()["code"]) == (422, "no_target")


@pytest.mark.parametrize("target", ["to_member", "to_group"])
def test_transfer_into_another_tenant_is_not_there(
    waiting: Conversation,
    agent: Membership,
    tenant: Tenant,
    other_tenant: Tenant,
    make_member: Callable[..., User],
    target: str,
    as_member: Callable[[Membership], Call],
) -> None:
    user = make_member(other_tenant)
    with tenant_scope(other_tenant):
        rows = {
            "to_member": Membership.objects.get(user=user).pk,
            "to_group": AgentGroup.objects.create(name="别家").pk,
        }
    with tenant_scope(tenant):
        desk.take(waiting.pk, by=agent)

    answer = as_member(agent)(
        "POST", f"conversations/{waiting.pk}/transfer", {target: str(rows[target])}
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_targets_are_groups_and_colleagues_who_are_there(
    waiting: Conversation,
    agent: Membership,
    colleague: Membership,
    tenant: Tenant,
    as_member: Callable[[Membership], Call],
) -> None:
    with tenant_scope(tenant):
        presences.set_status(agent, PresenceStatus.ONLINE)
        presences.set_status(colleague, PresenceStatus.BUSY)

    body = as_member(agent)("GET", "transfer-targets").json()

    assert [(each["name"], each["is_open"], each["online"]) for each in body["groups"]] == [
        ("售后组", True, 1)
    ]
    assert [(each["name"], each["status"], each["load"]) for each in body["members"]] == [
        ("周舟", "busy", 0)
    ]


def test_supervisor_reassigns_and_takes_over(
    waiting: Conversation,
    agent: Membership,
    supervisor: Membership,
    tenant: Tenant,
    as_member: Callable[[Membership], Call],
) -> None:
    with tenant_scope(tenant):
        presences.set_status(agent, PresenceStatus.ONLINE)
    path = f"conversations/{waiting.pk}"
    call = as_member(supervisor)

    given = call("POST", f"{path}/reassign", {"to_member": str(agent.pk)})
    over = call("POST", f"{path}/take-over")

    assert (given.json()["agent"]["name"], over.json()["agent"]["name"]) == ("林晓", "班长")
    for deed in ("reassign", "take-over"):
        refused = as_member(agent)("POST", f"{path}/{deed}", {"to_member": str(agent.pk)})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_board_counts_queues_agents_and_promises(
    waiting: Conversation,
    agent: Membership,
    supervisor: Membership,
    tenant: Tenant,
    as_member: Callable[[Membership], Call],
) -> None:
    with tenant_scope(tenant):
        presences.set_status(agent, PresenceStatus.ONLINE)
        late = Obligation.objects.get(kind="first_reply")
        Obligation.objects.filter(pk=late.pk).update(state="breached")
        Breach.objects.create(
            obligation=late,
            clause=late.clause,
            subject_id=late.subject_id,
            conversation_id=waiting.pk,
            started_at=late.started_at,
            due_at=late.due_at,
            detected_at=clock.now(),
        )

    body = as_member(supervisor)("GET", "board").json()

    group = body["groups"][0]
    assert (group["name"], group["waiting"], group["is_open"]) == ("售后组", 1, True)
    assert group["longest_since"] is not None
    assert [(one["name"], one["status"], one["capacity"]) for one in group["agents"]] == [
        ("林晓", "online", 5)
    ]
    assert body["promises"] == {
        "first_reply": {"met": 0, "breached": 1, "total": 1},
        "handoff": {"met": 1, "breached": 0, "total": 1},
    }
    assert [one["conversation_id"] for one in body["breaches"]] == [str(waiting.pk)]
    assert [row["id"] for row in body["conversations"]] == [str(waiting.pk)]


def test_board_asks_no_more_for_more_groups(
    waiting: Conversation,
    supervisor: Membership,
    tenant: Tenant,
    django_assert_max_num_queries: Any,
    as_member: Callable[[Membership], Call],
) -> None:
    call = as_member(supervisor)
    call("GET", "board")
    with django_assert_max_num_queries(40) as one:
        call("GET", "board")
    with tenant_scope(tenant):
        for number in range(4):
            AgentGroup.objects.create(name=f"组{number}")

    with django_assert_max_num_queries(len(one)):
        call("GET", "board")


def test_waiting_visitor_goes_back_to_the_assistant(
    tenant: Tenant, group: AgentGroup, channel: Channel, admit: Callable[..., Admission]
) -> None:
    admission = admit(channel)
    call = Caller(admission.token)
    with tenant_scope(tenant):
        pk = request_handoff(send(admission.session, "找人").message.conversation_id).pk

    waiting = call("GET", f"/conversations/{pk}").json()
    back = call("POST", f"/conversations/{pk}/resume", {})

    assert (waiting["queue_position"], waiting["opens_at"]) == (1, None)
    assert (back.status_code, back.json()["status"]) == (200, "bot")
    assert back.json()["queue_position"] is None


def test_wait_is_estimated_by_the_latest_pick_ups(
    tenant: Tenant,
    group: AgentGroup,
    channel: Channel,
    agent: Membership,
    admit: Callable[..., Admission],
) -> None:
    start = clock.now() - timedelta(minutes=10)
    with tenant_scope(tenant):
        for number in range(4):
            with clock.travel(start + timedelta(minutes=number)):
                session = admit(channel, device_id=f"d{number}").session
                pk = request_handoff(send(session, "找人").message.conversation_id).pk
            with clock.travel(start + timedelta(minutes=number, seconds=50)):
                desk.take(pk, by=agent)
        admission = admit(channel, device_id="last")
        pk = request_handoff(send(admission.session, "找人").message.conversation_id).pk

    body = Caller(admission.token)("GET", f"/conversations/{pk}").json()

    assert (body["queue_position"], body["wait_estimate_seconds"]) == (1, 50)


@pytest.fixture
def closed_today(group: AgentGroup, tenant: Tenant) -> AgentGroup:
    """Nobody works today nor on the morrow, in any zone."""
    today = clock.now().date()
    with tenant_scope(tenant):
        for days in (-1, 0, 1, 2):
            HoursException.objects.create(
                group=group, date=today + timedelta(days=days), is_closed=True
            )
    return group


def test_out_of_hours_the_visitor_gets_a_number_and_may_go_back(
    tenant: Tenant, closed_today: AgentGroup, channel: Channel, admit: Callable[..., Admission]
) -> None:
    admission = admit(channel)
    call = Caller(admission.token)
    with tenant_scope(tenant):
        pk = send(admission.session, "冰箱不制冷").message.conversation_id

    first = call("POST", f"/conversations/{pk}/handoff", {"note": "请回电"}).json()
    second = call("POST", f"/conversations/{pk}/handoff", {}).json()
    said = call("GET", f"/conversations/{pk}/messages").json()["messages"][-1]["text"]
    own = call("GET", "/tickets").json()["tickets"]
    back = call("POST", f"/conversations/{pk}/resume", {}).json()
    again = call("POST", f"/conversations/{pk}/handoff", {}).json()

    assert first["status"] == "waiting_human"
    assert first["queue_position"] == 1
    assert first["opens_at"] is not None
    assert first["ticket"] == second["ticket"] == again["ticket"] == own[0]["number"]
    assert first["ticket"] in said
    assert [each["number"] for each in own] == [first["ticket"]]
    assert (back["status"], back["opens_at"], back["ticket"]) == ("bot", None, None)


def test_what_is_kept_out_of_hours_takes_nothing_from_what_a_visitor_may_leave(
    tenant: Tenant, closed_today: AgentGroup, channel: Channel, admit: Callable[..., Admission]
) -> None:
    admission = admit(channel)
    call = Caller(admission.token)
    with tenant_scope(tenant):
        pk = send(admission.session, "冰箱不制冷").message.conversation_id
    call("POST", f"/conversations/{pk}/handoff", {})

    left = [
        call(
            "POST",
            "/tickets",
            {"client_id": str(uuid.uuid4()), "text": "请回电", "phone": "13800138000"},
        ).status_code
        for _ in range(TICKETS_PER_VISITOR + 1)
    ]

    assert left == [201] * TICKETS_PER_VISITOR + [429]


def test_agent_finds_the_ticket_beside_the_conversation(
    tenant: Tenant,
    closed_today: AgentGroup,
    waiting: Conversation,
    agent: Membership,
    as_member: Callable[[Membership], Call],
) -> None:
    call = as_member(agent)

    assert listed(call, "queue") == [str(waiting.pk)]
    taken = call("POST", f"conversations/{waiting.pk}/take")
    card = call("GET", f"conversations/{waiting.pk}/ticket-draft").json()

    assert taken.status_code == 200
    with tenant_scope(tenant):
        assert [each["number"] for each in card["open"]] == [Ticket.objects.get().number]
