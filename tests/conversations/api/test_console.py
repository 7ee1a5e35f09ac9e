"""The console's API: who may, what is shown, who gets the conversation."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from conversations.models import (
    Channel,
    ContactSession,
    Conversation,
    Message,
    Note,
    Presence,
)
from conversations.services import bot, desk, endings
from conversations.services.contacts import Admission
from conversations.services.handoff import request_handoff
from knowledge.models import Release
from tenants import clock
from tenants.models import Membership, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.conversations.api.clients import problem
from tests.conversations.conftest import ANSWER, KNOWN
from tests.conversations.doors import ask, send
from tests.tenants.agreements import Parties, draft_contract, draft_terms

API = "/console/api/"
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
ROW = {
    "id",
    "contact",
    "channel",
    "status",
    "last_text",
    "last_author",
    "last_at",
    "last_seq",
    "last_note",
    "waiting_since",
    "unread",
    "agent",
    "reason",
    "reason_label",
    "elsewhere",
    "snoozed_until",
    "wrap_up",
    "demo",
    "group",
    "offer",
}


@pytest.fixture
def desk_of(client_as: Callable[[User], Client]) -> Callable[..., Callable[..., Any]]:
    """Sit a person at the console: desk_of(member)(method, path, body) -> response."""

    def sit(person: Membership | User) -> Callable[..., Any]:
        client = client_as(person.user if isinstance(person, Membership) else person)

        def call(method: str, path: str, body: Any = None, **headers: str) -> Any:
            return client.generic(
                method,
                API + path,
                b"" if body is None else json.dumps(body),
                content_type="application/json",
                headers=headers,
            )

        return call

    return sit


@pytest.fixture
def call(agent: Membership, desk_of: Callable[..., Any]) -> Callable[..., Any]:
    return desk_of(agent)


@pytest.fixture
def waiting(tenant: Tenant, visitor: ContactSession) -> Conversation:
    with tenant_scope(tenant):
        return request_handoff(send(visitor, "我想找人聊聊").message.conversation_id)


def test_me_says_who_sits_where_under_which_promises(
    call: Callable[..., Any], agent: Membership, tenant: Tenant
) -> None:
    body = call("GET", "me").json()

    assert body["member"] == {
        "id": str(agent.pk),
        "name": "林晓",
        "role": "agent",
        "can_handle": True,
        "can_supervise": False,
    }
    assert body["tenant"] == {"name": "青禾生活", "time_zone": "Asia/Shanghai"}
    assert body["promises"] == {"first_reply_seconds": 10, "handoff_seconds": 60}
    assert (body["presence"], body["locale"]) == ("online", "zh-hans")


def test_the_promises_are_those_that_were_signed(
    call: Callable[..., Any], tenant: Tenant, make_member: Callable[..., User]
) -> None:
    with tenant_scope(tenant), clock.travel(NOON):
        contract = draft_contract(effective_from=NOON.date())
        terms = draft_terms(contract, first_reply_seconds=8, handoff_seconds=45)
        Parties(make_member, tenant).sign(terms)
    with clock.travel(NOON + timedelta(days=1)):
        body = call("GET", "me").json()

    assert body["promises"] == {"first_reply_seconds": 8, "handoff_seconds": 45}
    assert set(body) == {
        "member",
        "tenant",
        "presence",
        "rested",
        "groups",
        "colleagues",
        "server_time",
        "promises",
        "locale",
    }
    with tenant_scope(tenant):
        assert Presence.objects.get().status == "online"


PATHS = [
    ("GET", "me", None),
    ("POST", "presence", {"status": "busy"}),
    ("GET", "conversations", None),
    ("GET", "conversations/ID", None),
    ("GET", "conversations/ID/messages", None),
    ("POST", "conversations/ID/messages", {"client_msg_id": "m", "text": "x"}),
    ("POST", "conversations/ID/notes", {"client_msg_id": "n", "text": "x"}),
    ("POST", "conversations/ID/take", {}),
    ("POST", "conversations/ID/decline", {}),
    ("POST", "conversations/ID/transfer", {"to_group": "00000000-0000-0000-0000-000000000000"}),
    ("POST", "conversations/ID/return", {}),
    ("POST", "conversations/ID/close", {}),
    ("POST", "conversations/ID/read", {"up_to_seq": 1}),
    ("POST", "conversations/ID/typing", {"on": True}),
]


@pytest.mark.parametrize(("method", "path", "body"), PATHS)
def test_nobody_enters_unsigned(waiting: Conversation, method: str, path: str, body: Any) -> None:
    response = Client().generic(
        method, API + path.replace("ID", str(waiting.pk)), b"{}", content_type="application/json"
    )

    assert problem(response) == (401, "signed_out")


@pytest.mark.parametrize(("method", "path", "body"), PATHS)
def test_roles_without_the_console_stay_outside(
    tenant: Tenant,
    waiting: Conversation,
    make_member: Callable[..., User],
    desk_of: Callable[..., Any],
    method: str,
    path: str,
    body: Any,
) -> None:
    call = desk_of(make_member(tenant, Role.KNOWLEDGE_EDITOR))

    assert problem(call(method, path.replace("ID", str(waiting.pk)), body)) == (403, "forbidden")


@pytest.mark.parametrize("whose", ["another tenant", "nobody", "nonsense"])
@pytest.mark.parametrize(("method", "path", "body"), [row for row in PATHS if "ID" in row[1]])
def test_conversation_of_another_tenant_is_not_there(
    other_tenant: Tenant,
    make_channel: Callable[..., Channel],
    admit: Callable[..., Admission],
    call: Callable[..., Any],
    whose: str,
    method: str,
    path: str,
    body: Any,
) -> None:
    target = {"nobody": str(uuid.uuid4()), "nonsense": "1--"}.get(whose, "")
    with tenant_scope(other_tenant):
        stranger = admit(make_channel(other_tenant)).session
        theirs = request_handoff(send(stranger, "云杉的").message.conversation_id)

    response = call(method, path.replace("ID", target or str(theirs.pk)), body)

    assert problem(response) == (404, "not_found")
    with tenant_scope(other_tenant):
        theirs.refresh_from_db()
        assert (theirs.status, theirs.agent_read_seq) == ("waiting_human", 0)
        assert Message.objects.count() == 2
        assert Note.objects.count() == 0


def test_operator_looks_and_does_not_touch(
    tenant: Tenant, waiting: Conversation, operator: User
) -> None:
    client = Client()
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session["tenant"] = tenant.pk
    session.save()

    seen = client.get(f"{API}conversations/{waiting.pk}")
    taken = client.post(f"{API}conversations/{waiting.pk}/take", content_type="application/json")

    assert seen.status_code == 200
    assert problem(taken) == (403, "forbidden")
    assert client.get(f"{API}me").json()["member"]["can_handle"] is False


def test_writing_needs_the_csrf_token(tenant: Tenant, agent: Membership) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(agent.user, backend="django.contrib.auth.backends.ModelBackend")

    response = client.post(f"{API}presence", {"status": "busy"}, content_type="application/json")

    assert problem(response) == (403, "forbidden")
    with tenant_scope(tenant):
        assert not Presence.objects.exists()


def test_presence_is_set(call: Callable[..., Any], tenant: Tenant) -> None:
    response = call("POST", "presence", {"status": "rest"})

    assert (response.status_code, response.json()) == (200, {"status": "rest"})
    assert call("GET", "me").json()["presence"] == "rest"
    assert problem(call("POST", "presence", {"status": "asleep"})) == (422, "invalid")


def test_row_says_who_waits_for_what(
    call: Callable[..., Any], waiting: Conversation, visitor: ContactSession
) -> None:
    body = call("GET", "conversations?list=queue").json()

    row = body["conversations"][0]
    assert set(body) == {"conversations", "counts", "next", "server_time"}
    assert set(row) == ROW
    assert (row["id"], row["status"], row["reason"]) == (str(waiting.pk), "waiting_human", "asked")
    assert row["contact"]["id"] == str(visitor.contact_id)
    assert row["contact"]["verified"] is False
    assert row["channel"] == {"name": "qinghe官网", "kind": "web"}
    assert (row["last_seq"], row["last_note"], row["unread"]) == (2, 0, 2)
    assert (row["agent"], row["demo"], row["last_author"]) == (None, False, "system")
    assert row["reason_label"]
    assert row["waiting_since"].endswith("Z")
    assert (body["counts"], body["next"]) == (
        {"queue": 1, "mine": 0, "snoozed": 0, "group": 0, "all": 1},
        None,
    )


@pytest.fixture
def five(
    tenant: Tenant, channel: Channel, admit: Callable[..., Admission], agent: Membership
) -> list[Conversation]:
    """With the assistant; waiting second; waiting first; with the agent; closed. And an empty one."""
    with tenant_scope(tenant):
        rows = []
        for number, name in enumerate(["李雷", "韩梅梅", "张三", "李四", "王五"]):
            session = admit(channel, profile={"name": name, "phone": f"1390000000{number}"}).session
            with clock.travel(NOON + timedelta(minutes=number)):
                rows.append(send(session, f"第{number}个问题").message.conversation)
        for number, minute in ((2, 10), (1, 11)):
            with clock.travel(NOON + timedelta(minutes=minute)):
                request_handoff(rows[number].pk)
        with clock.travel(NOON + timedelta(minutes=12)):
            desk.take(rows[3].pk, by=agent)
            endings.close(rows[4].pk, by=agent)
        Conversation.objects.create(
            channel=channel, contact=admit(channel).session.contact, created_at=NOON, last_at=NOON
        )
    return rows


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("list=queue", [2, 1]),
        ("list=mine", [3]),
        ("list=all", [3, 1, 2, 0]),
        ("", [3, 1, 2, 0]),
        ("list=closed", [4]),
        ("list=all&q=韩梅", [1]),
        ("list=all&q=13900000002", [2]),
        ("list=all&q=第0个", [0]),
        ("list=all&q=没有的", []),
        ("list=all&q=%25", []),
        ("list=all&q=%00", [3, 1, 2, 0]),
    ],
)
def test_lists(
    call: Callable[..., Any], five: list[Conversation], query: str, expected: list[int]
) -> None:
    body = call("GET", f"conversations?{query}").json()

    order = [str(row.pk) for row in five]
    assert [order.index(row["id"]) for row in body["conversations"]] == expected
    assert body["counts"] == {"queue": 2, "mine": 1, "snoozed": 0, "group": 0, "all": 4}


@pytest.mark.parametrize("which", ["queue", "all"])
def test_lists_go_on_where_they_stopped(
    call: Callable[..., Any],
    tenant: Tenant,
    channel: Channel,
    admit: Callable[..., Admission],
    which: str,
) -> None:
    with tenant_scope(tenant):
        contact = admit(channel).session.contact
        Conversation.objects.bulk_create(
            Conversation(
                channel=channel,
                contact=contact,
                status="waiting_human",
                waiting_since=NOON + timedelta(seconds=number),
                created_at=NOON,
                last_at=NOON + timedelta(seconds=number),
                last_seq=1,
            )
            for number in range(53)
        )

    first = call("GET", f"conversations?list={which}").json()
    # Both ways a client may write the cursor: with the plus sign encoded, and as it is.
    rest = call("GET", f"conversations?list={which}&before={first['next']}").json()
    encoded = first["next"].replace("+", "%2B")
    again = call("GET", f"conversations?list={which}&before={encoded}").json()

    seen = [row["id"] for row in first["conversations"] + rest["conversations"]]
    assert (len(first["conversations"]), len(set(seen))) == (50, 53)
    assert again["conversations"] == rest["conversations"]
    assert rest["next"] is None


@pytest.mark.parametrize("cursor", ["nonsense", "2026-11-20", "2026-11-20T04:03:30"])
def test_cursor_of_somebody_elses_making(
    call: Callable[..., Any], five: list[Conversation], cursor: str
) -> None:
    body = call("GET", f"conversations?list=all&before={cursor}")

    assert body.status_code == 200
    assert len(body.json()["conversations"]) == {"nonsense": 4, "2026-11-20": 0}.get(cursor, 1)


def test_lists_cost_the_same_for_one_row_and_for_many(
    call: Callable[..., Any],
    five: list[Conversation],
    tenant: Tenant,
    django_assert_max_num_queries: Any,
) -> None:
    with django_assert_max_num_queries(12):
        call("GET", "conversations?list=all")


def test_detail_tells_of_contact_handoff_and_the_past(
    tenant: Tenant,
    channel: Channel,
    admit: Callable[..., Admission],
    call: Callable[..., Any],
    agent: Membership,
) -> None:
    session = admit(
        channel, profile={"name": "李雷", "phone": "139"}, attributes={"vip": 1}
    ).session
    with tenant_scope(tenant):
        ended = send(session, "上次的问题").message.conversation
        endings.close_by_contact(ended.pk)
        row = request_handoff(send(session, "这次的").message.conversation_id, note="急")
        desk.take(row.pk, by=agent)

    body = call("GET", f"conversations/{row.pk}").json()

    assert set(body) == ROW | {"handoff", "page", "pages", "contact_detail", "earlier"}
    assert set(body["handoff"]) == {
        "reason",
        "reason_label",
        "note",
        "requested_at",
        "accepted_at",
        "external_url",
        "first_question",
        "last_question",
        "tried",
        "sounds_like",
        "unhelpful",
    }
    assert (body["handoff"]["reason"], body["handoff"]["note"]) == ("asked", "急")
    assert body["contact_detail"]["name"] == "李雷"
    assert body["contact_detail"]["phone"] == "139"
    assert body["contact_detail"]["attributes"] == {"vip": 1}
    assert [earlier["id"] for earlier in body["earlier"]] == [str(ended.pk)]


def test_brief_of_a_later_handoff_tells_what_was_asked_since(
    tenant: Tenant, visitor: ContactSession, agent: Membership, call: Callable[..., Any]
) -> None:
    with tenant_scope(tenant):
        key = send(visitor, "这个多少钱").message.conversation_id
        ask(visitor, "转人工")
        desk.take(key, by=agent)
        endings.return_to_bot(key, by=agent)
        send(visitor, "能用几年")
        ask(visitor, "我要人工")
        send(visitor, "还在吗")

    brief = call("GET", f"conversations/{key}").json()["handoff"]

    assert (brief["first_question"], brief["last_question"]) == ("这个多少钱", "能用几年")


def test_detail_tells_what_the_visitor_looks_at(
    tenant: Tenant, visitor: ContactSession, call: Callable[..., Any]
) -> None:
    with tenant_scope(tenant):
        send(visitor, "这个怎么样", context={"page": "https://shop.example/", "product_id": "S1"})
        key = send(visitor, "在吗", context={"page": "https://shop.example/2", "secret": "x"})

    body = call("GET", f"conversations/{key.message.conversation_id}").json()

    assert body["page"] == {"page": "https://shop.example/2", "product_id": "S1"}
    assert [(visit["page"], visit["title"]) for visit in body["pages"]] == [
        ("https://shop.example/2", ""),
        ("https://shop.example/", ""),
    ]


def test_messages_come_with_decisions_and_notes(
    tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    call: Callable[..., Any],
    agent: Membership,
) -> None:
    with tenant_scope(tenant):
        received = send(visitor, KNOWN)
        bot.confirm_receipt(received.message.pk)
        bot.take_turn(received.message.pk)
        key = received.message.conversation_id
        desk.note(key, "老客户", by=agent, client_msg_id="n1")
        desk.note(key, "先别催", by=agent, client_msg_id="n2")

    body = call("GET", f"conversations/{key}/messages").json()
    later = call("GET", f"conversations/{key}/messages?after_seq=2&after_note=1").json()

    assert set(body) == {"messages", "notes", "withdrawn", "has_more", "last_seq"}
    question, _confirmation, answer = body["messages"]
    assert (question["decision"], answer["text"]) == (None, ANSWER)
    assert answer["decision"]["outcome"] == "answered"
    assert KNOWN in answer["decision"]["why"]
    assert [(note["number"], note["text"]) for note in body["notes"]] == [
        (1, "老客户"),
        (2, "先别催"),
    ]
    assert body["notes"][0]["author"] == {"id": str(agent.pk), "name": "林晓"}
    assert [row["seq"] for row in later["messages"]] == [3]
    assert [note["number"] for note in later["notes"]] == [2]


def test_agent_takes_replies_notes_reads_returns_and_closes(
    tenant: Tenant, call: Callable[..., Any], waiting: Conversation, agent: Membership
) -> None:
    base = f"conversations/{waiting.pk}"

    taken = call("POST", f"{base}/take")
    reply = call("POST", f"{base}/messages", {"client_msg_id": "r1", "text": "您好"})
    repeat = call("POST", f"{base}/messages", {"client_msg_id": "r1", "text": "您好"})
    note = call("POST", f"{base}/notes", {"client_msg_id": "n1", "text": "要退款"})
    again = call("POST", f"{base}/notes", {"client_msg_id": "n1", "text": "要退款"})
    read = call("POST", f"{base}/read", {"up_to_seq": 99})
    typing = call("POST", f"{base}/typing", {"on": True})
    returned = call("POST", f"{base}/return", {"note": "已解释"})
    closed = call("POST", f"{base}/close")

    assert (taken.status_code, taken.json()["status"]) == (200, "human")
    assert taken.json()["agent"] == {"id": str(agent.pk), "name": "林晓"}
    assert (reply.status_code, repeat.status_code) == (201, 200)
    assert reply.json()["id"] == repeat.json()["id"]
    assert reply.json()["author"]["kind"] == "agent"
    assert (note.status_code, again.status_code, note.json()["number"]) == (201, 200, 1)
    assert (read.status_code, typing.status_code) == (204, 204)
    assert (returned.status_code, returned.json()["status"]) == (200, "bot")
    assert (closed.status_code, closed.json()["status"]) == (200, "closed")
    with tenant_scope(tenant):
        assert list(Note.objects.values_list("text", flat=True)) == ["要退款", "已解释"]
        assert Conversation.objects.get().agent_read_seq == 4


def test_lost_race_says_who_was_faster(
    call: Callable[..., Any],
    desk_of: Callable[..., Any],
    colleague: Membership,
    waiting: Conversation,
) -> None:
    desk_of(colleague)("POST", f"conversations/{waiting.pk}/take")

    response = call("POST", f"conversations/{waiting.pk}/take")

    assert problem(response) == (409, "already_taken")
    assert "周舟" in response.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("messages", {"client_msg_id": "r", "text": "抢话"}, (409, "not_yours")),
        ("return", {}, (409, "not_yours")),
        ("close", {}, (409, "not_yours")),
        ("notes", {"client_msg_id": "n", "text": " "}, (422, "invalid")),
        ("notes", {"client_msg_id": "n", "text": "长" * 4001}, (413, "too_large")),
        ("notes", {"text": "x"}, (422, "invalid")),
        ("messages", {"client_msg_id": "r", "text": "长" * 30_000}, (413, "too_large")),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_an_agent_may_not(
    tenant: Tenant,
    call: Callable[..., Any],
    colleague: Membership,
    waiting: Conversation,
    path: str,
    body: Any,
    expected: tuple[int, str],
) -> None:
    with tenant_scope(tenant):
        desk.take(waiting.pk, by=colleague)

    assert problem(call("POST", f"conversations/{waiting.pk}/{path}", body)) == expected


def test_reading_along_marks_nothing_as_read(
    tenant: Tenant, call: Callable[..., Any], colleague: Membership, waiting: Conversation
) -> None:
    with tenant_scope(tenant):
        desk.take(waiting.pk, by=colleague)
        before = Conversation.objects.get().agent_read_seq

    assert call("POST", f"conversations/{waiting.pk}/read", {"up_to_seq": 99}).status_code == 204

    with tenant_scope(tenant):
        assert Conversation.objects.get().agent_read_seq == before


def test_notes_and_decisions_are_not_for_visitors(
    tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    admit: Callable[..., Admission],
    channel: Channel,
    agent: Membership,
) -> None:
    admission = admit(channel)
    with tenant_scope(tenant):
        reply = ask(admission.session, KNOWN)
        desk.note(reply.conversation_id, "内部备注", by=agent, client_msg_id="n1")

    response = Client(headers={"Authorization": f"Bearer {admission.token}"}).get(
        f"/api/client/v1/conversations/{reply.conversation_id}/messages"
    )

    assert response.json()["last_seq"] == 2
    assert "内部备注" not in response.content.decode()
    assert "decision" not in response.content.decode()
