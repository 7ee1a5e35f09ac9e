"""The client API, call by call (protocols §3.2-3.3)."""

import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from django.test import Client

from conversations.executor import close_pool
from conversations.models import (
    Channel,
    ChannelStatus,
    ContactSession,
    Handoff,
    Inquiry,
    Message,
)
from conversations.origins import boot_ticket
from conversations.services import desk, endings
from conversations.services.contacts import Admission
from conversations.services.handoff import request_handoff
from knowledge.models import Release
from tenants import clock
from tenants.models import Membership, Tenant, TenantStatus
from tenants.scoping import tenant_scope
from tests.conversations.api.clients import API, Caller, problem
from tests.conversations.conftest import ANSWER, KNOWN
from tests.conversations.doors import ask, send

CONVERSATION = {
    "id",
    "status",
    "last_seq",
    "queue_position",
    "wait_estimate_seconds",
    "opens_at",
    "ticket",
    "agent",
    "created_at",
    "closed_at",
}
MESSAGE = {
    "id",
    "seq",
    "client_msg_id",
    "conversation_id",
    "author",
    "type",
    "kind",
    "text",
    "attachments",
    "buttons",
    "sources",
    "quote",
    "withdrawn_at",
    "created_at",
    "edited_at",
    "status",
    "feedback",
}


@pytest.fixture
def admission(channel: Channel, admit: Callable[..., Admission]) -> Admission:
    return admit(channel)


@pytest.fixture
def call(admission: Admission) -> Caller:
    return Caller(admission.token)


@pytest.fixture
def conversation_id(call: Caller) -> str:
    return call("POST", "/conversations").json()["id"]


def write(call: Caller, conversation_id: object, text: str = "你好", **more: Any) -> Any:
    body = {"client_msg_id": uuid.uuid4().hex, "type": "text", "text": text, **more}
    return call("POST", f"/conversations/{conversation_id}/messages", body)


def as_instant(text: str) -> datetime:
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


# Sessions


def test_session_is_all_a_client_needs(channel: Channel) -> None:
    response = Caller()(
        "POST", "/sessions", {"channel_key": channel.key, "device_id": str(uuid.uuid4())}
    )

    body = response.json()
    assert response.status_code == 201
    assert set(body) == {
        "contact_id",
        "verified",
        "token",
        "expires_at",
        "refresh_token",
        "conversation",
        "ws_url",
        "config",
    }
    assert (body["verified"], body["conversation"]) == (False, None)
    assert body["ws_url"] == "ws://testserver/ws/client/v1"
    remaining = as_instant(body["expires_at"]) - clock.now()
    assert timedelta(hours=23) < remaining <= timedelta(hours=24)
    assert Caller(body["token"])("GET", "/config").json() == body["config"]


def test_config_says_how_to_look_and_speak(channel: Channel, tenant: Tenant, call: Caller) -> None:
    with tenant_scope(tenant):
        channel.quick_questions = [KNOWN, "怎么退货？"]
        channel.save()

    body = call("GET", "/config").json()

    assert body == {
        "brand": {"name": "青禾生活", "color": "#0f766e", "logo_url": None},
        "assistant_name": "小应",
        "greeting": "您好，请问有什么可以帮您？",
        "quick_questions": [{"id": "q1", "label": KNOWN}, {"id": "q2", "label": "怎么退货？"}],
        "pre_chat_form": [],
        "business_hours": None,
        "languages": ["zh-CN", "en"],
        "locale": "zh-CN",
        "max_upload": 10 * 1024 * 1024,
        "features": {"attachments": True, "feedback": True, "handoff": True, "rating": True},
        "ai_notice": "您正在与 AI 智能助手对话，内容由 AI 生成",
        "ai_badge": "AI 生成",
        "notice": {
            "version": "1",
            "text": "我们仅为回答咨询处理您的信息。",
            "accepted": False,
        },
        "poll_seconds": 5,
    }


def test_english_session_has_an_english_label(channel: Channel) -> None:
    body = Caller()("POST", "/sessions", {"channel_key": channel.key, "locale": "en-GB"}).json()

    config = body["config"]
    assert (config["locale"], config["ai_badge"]) == ("en", "AI-generated")
    assert config["ai_notice"] == (
        "You are chatting with an AI assistant; its content is AI-generated"
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (422, "invalid")),
        ([], (422, "invalid")),
        ({"channel_key": "ck_unknown00_1"}, (404, "not_found")),
        ({"channel_key": "nonsense"}, (404, "not_found")),
        ({"channel_key": "ck_\x00_1"}, (422, "invalid")),
        ({"channel_key": "KEY0"}, (404, "not_found")),
        ({"channel_key": "KEY", "device_id": "x" * 65}, (422, "invalid")),
        ({"channel_key": "KEY", "profile": {"email": "no-address"}}, (422, "invalid")),
        ({"channel_key": "KEY", "identity_token": "a.b.c"}, (422, "identity_refused")),
        (b"{", (400, "malformed")),
        (b'{"channel_key": "\xff"}', (400, "malformed")),
        (b"x" * 70_000, (413, "too_large")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_session_that_cannot_be(channel: Channel, body: Any, expected: tuple[int, str]) -> None:
    if isinstance(body, dict) and "channel_key" in body:
        body = {**body, "channel_key": body["channel_key"].replace("KEY", channel.key)}

    assert problem(Caller()("POST", "/sessions", body)) == expected


def test_body_that_is_not_json_is_an_unsupported_type(channel: Channel) -> None:
    response = Client().post(f"{API}/sessions", {"channel_key": channel.key})

    assert problem(response) == (415, "unsupported_type")


def test_disabled_channel_and_suspended_tenant_take_nobody(
    tenant: Tenant, channel: Channel, call: Caller, admission: Admission
) -> None:
    body = {"channel_key": channel.key}
    with tenant_scope(tenant):
        Channel.objects.update(status=ChannelStatus.DISABLED)
    assert problem(Caller()("POST", "/sessions", body)) == (403, "channel_disabled")
    assert problem(call("GET", "/config")) == (403, "channel_disabled")
    with tenant_scope(tenant):
        Channel.objects.update(status=ChannelStatus.ACTIVE)
    Tenant.objects.update(status=TenantStatus.SUSPENDED)

    assert problem(Caller()("POST", "/sessions", body)) == (403, "channel_disabled")
    assert problem(call("GET", "/config")) == (403, "channel_disabled")
    refresh = {"refresh_token": admission.refresh_token}
    assert problem(Caller()("POST", "/sessions/refresh", refresh)) == (403, "channel_disabled")


@pytest.mark.parametrize(
    ("origin", "admitted"),
    [
        (None, True),
        ("http://testserver", True),
        ("https://www.qinghe.example", True),
        ("https://shop.qinghe.example", True),
        ("https://qinghe.example", False),
        ("http://www.qinghe.example", False),
        ("https://www.qinghe.example.evil.example", False),
        ("https://evil.example", False),
        ("null", False),
    ],
)
def test_pages_are_admitted_by_their_origin(
    tenant: Tenant, make_channel: Callable[..., Channel], origin: str | None, admitted: bool
) -> None:
    channel = make_channel(
        tenant, allowed_origins=["https://www.qinghe.example", "https://*.qinghe.example"]
    )
    headers = {"Origin": origin} if origin else {}

    response = Caller(**headers)("POST", "/sessions", {"channel_key": channel.key})

    if admitted:
        assert response.status_code == 201
    else:
        assert problem(response) == (403, "origin_refused")


def test_boot_ticket_stands_for_the_page_that_asked(
    tenant: Tenant, channel: Channel, make_channel: Callable[..., Channel]
) -> None:
    other = make_channel(tenant, name="另一个渠道")

    def open_session(ticket: str) -> Any:
        return Caller(Origin="http://testserver")(
            "POST", "/sessions", {"channel_key": channel.key, "ticket": ticket}
        )

    ticket = boot_ticket(channel, "https://www.qinghe.example")
    assert open_session(ticket).status_code == 201
    assert problem(open_session(ticket[:-1] + "~")) == (403, "origin_refused")
    wrong = boot_ticket(other, "https://www.qinghe.example")
    assert problem(open_session(wrong)) == (403, "origin_refused")


def test_boot_ticket_is_good_for_a_minute(channel: Channel, time_machine: Any) -> None:
    time_machine.move_to("2026-11-20T04:00:00Z", tick=False)
    ticket = boot_ticket(channel, "https://www.qinghe.example")
    statuses = []
    for seconds in (60, 61):
        time_machine.move_to(
            datetime.fromisoformat("2026-11-20T04:00:00+00:00") + timedelta(seconds=seconds),
            tick=False,
        )
        response = Caller()("POST", "/sessions", {"channel_key": channel.key, "ticket": ticket})
        statuses.append(response.status_code)

    assert statuses == [201, 403]


def test_refresh_rotates_and_a_spent_token_ends_the_session(admission: Admission) -> None:
    first = {"refresh_token": admission.refresh_token}

    response = Caller()("POST", "/sessions/refresh", first)

    body = response.json()
    assert response.status_code == 200
    assert body["contact_id"] == str(admission.session.contact_id)
    assert body["refresh_token"] != admission.refresh_token
    assert Caller(body["token"])("GET", "/config").status_code == 200
    assert problem(Caller(admission.token)("GET", "/config")) == (401, "token_expired")
    assert problem(Caller()("POST", "/sessions/refresh", first)) == (401, "token_expired")
    assert problem(Caller(body["token"])("GET", "/config")) == (401, "token_expired")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"refresh_token": "cr_x_y"}, (401, "token_expired")),
        ({"refresh_token": ""}, (422, "invalid")),
        ({}, (422, "invalid")),
        ([], (422, "invalid")),
        ("text", (422, "invalid")),
    ],
    ids=str,
)
def test_refresh_without_a_token_of_ours(db: None, body: Any, expected: tuple[int, str]) -> None:
    assert problem(Caller()("POST", "/sessions/refresh", body)) == expected


def test_log_out_ends_the_session(call: Caller, admission: Admission) -> None:
    assert call("DELETE", "/sessions/current").status_code == 204

    assert problem(call("GET", "/config")) == (401, "token_expired")
    refresh = {"refresh_token": admission.refresh_token}
    assert problem(Caller()("POST", "/sessions/refresh", refresh)) == (401, "token_expired")


def test_identity_brings_the_same_conversation_to_another_device(channel: Channel) -> None:
    now = int(time.time())
    token = jwt.encode(
        {"sub": "u_42", "aud": channel.key, "iat": now, "exp": now + 600, "name": "李雷"},
        channel.identity_secret,
        algorithm="HS256",
    )
    phone = Caller()(
        "POST", "/sessions", {"channel_key": channel.key, "identity_token": token}
    ).json()
    conversation = Caller(phone["token"])("POST", "/conversations").json()

    pad = Caller()(
        "POST", "/sessions", {"channel_key": channel.key, "identity_token": token}
    ).json()

    assert (phone["verified"], pad["verified"]) == (True, True)
    assert (pad["contact_id"], pad["conversation"]) == (phone["contact_id"], conversation)


def test_identify_moves_the_current_conversation(channel: Channel, call: Caller) -> None:
    now = int(time.time())
    token = jwt.encode(
        {"sub": "u_42", "aud": channel.key, "iat": now, "exp": now + 600},
        channel.identity_secret,
        algorithm="HS256",
    )
    conversation_id = call("POST", "/conversations").json()["id"]
    message = write(call, conversation_id).json()

    response = call("POST", "/sessions/identify", {"identity_token": token})

    assert response.status_code == 200
    assert set(response.json()) == {"contact_id", "verified"}
    assert response.json()["verified"] is True
    history = call("GET", f"/conversations/{conversation_id}/messages").json()
    assert history["messages"][0]["id"] == message["id"]
    again = write(call, conversation_id, client_msg_id=message["client_msg_id"])
    assert (again.status_code, again.json()["id"]) == (200, message["id"])


@pytest.mark.parametrize("body", [{}, {"user_id": "u_42"}, {"identity_token": "a.b.c"}], ids=str)
def test_identify_without_proof_is_refused(call: Caller, body: dict[str, str]) -> None:
    assert problem(call("POST", "/sessions/identify", body)) == (422, "identity_refused")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer cs_x_y", "Bearer \u00e9", "Basic dTpw", "Bearer cs_CODE_guess"]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/config"),
        ("DELETE", "/sessions/current"),
        ("POST", "/sessions/identify"),
        ("POST", "/notices/accept"),
        ("GET", "/conversations"),
        ("POST", "/conversations"),
        ("GET", "/conversations/ID"),
        ("GET", "/conversations/ID/messages"),
        ("POST", "/conversations/ID/messages"),
        ("POST", "/conversations/ID/read"),
        ("POST", "/conversations/ID/typing"),
        ("POST", "/conversations/ID/handoff"),
        ("POST", "/conversations/ID/close"),
        ("POST", "/messages/ID/feedback"),
    ],
)
def test_no_call_without_a_token(tenant: Tenant, method: str, path: str, header: str) -> None:
    call = Caller(**({"Authorization": header.replace("CODE", tenant.code)} if header else {}))

    response = call(method, path.replace("ID", str(uuid.uuid4())), {})

    assert problem(response) == (401, "token_expired")


# Notice


def test_notice_is_accepted_once_read(call: Caller) -> None:
    response = call("POST", "/notices/accept", {"version": "1"})

    assert response.status_code == 204
    assert call("GET", "/config").json()["notice"]["accepted"] is True


def test_acceptance_is_remembered_over_a_refresh(admission: Admission, call: Caller) -> None:
    call("POST", "/notices/accept", {"version": 1})

    body = Caller()("POST", "/sessions/refresh", {"refresh_token": admission.refresh_token}).json()

    assert body["config"]["notice"]["accepted"] is True


def test_changed_notice_stands_before_the_next_message(
    tenant: Tenant, call: Caller, conversation_id: str
) -> None:
    first = write(call, conversation_id).json()
    with tenant_scope(tenant):
        Channel.objects.update(notice_version=2, notice_text="新的说明")

    refused = write(call, conversation_id)

    assert problem(refused) == (409, "notice_outdated")
    assert refused.json()["notice"] == {"version": "2", "text": "新的说明", "accepted": False}
    repeat = write(call, conversation_id, client_msg_id=first["client_msg_id"])
    assert (repeat.status_code, repeat.json()["id"]) == (200, first["id"])
    outdated = call("POST", "/notices/accept", {"version": 1})
    assert problem(outdated) == (409, "notice_outdated")
    assert call("POST", "/notices/accept", {"version": 2}).status_code == 204
    assert write(call, conversation_id).status_code == 201
    with tenant_scope(tenant):
        assert Inquiry.objects.get().notice_version == 1


# Conversations


def test_conversation_is_opened_once(call: Caller) -> None:
    first = call("POST", "/conversations")
    second = call("POST", "/conversations")

    body = first.json()
    assert first.status_code == 201
    assert set(body) == CONVERSATION
    assert (body["status"], body["last_seq"], body["queue_position"]) == ("bot", 0, None)
    assert (body["agent"], body["closed_at"]) == (None, None)
    assert second.json() == body
    assert call("GET", f"/conversations/{body['id']}").json() == body


def test_ended_conversation_is_followed_by_another(call: Caller, conversation_id: str) -> None:
    write(call, conversation_id)
    closed = call("POST", f"/conversations/{conversation_id}/close")

    refused = write(call, conversation_id)
    handoff = call("POST", f"/conversations/{conversation_id}/handoff")
    fresh = call("POST", "/conversations").json()

    assert (closed.status_code, closed.json()["status"]) == (200, "closed")
    assert as_instant(closed.json()["closed_at"])
    assert problem(refused) == (409, "conversation_closed")
    assert problem(handoff) == (409, "conversation_closed")
    assert fresh["id"] != conversation_id
    assert write(call, fresh["id"]).json()["seq"] == 1


def test_conversation_that_an_agent_ended_goes_on(
    tenant: Tenant, call: Caller, conversation_id: str, agent: Membership
) -> None:
    write(call, conversation_id)
    with tenant_scope(tenant):
        desk.take(uuid.UUID(conversation_id), by=agent)
        endings.close(uuid.UUID(conversation_id), by=agent)

    response = write(call, conversation_id)

    assert response.status_code == 201
    assert call("GET", f"/conversations/{conversation_id}").json()["status"] == "bot"


def test_conversations_are_listed_newest_first_page_by_page(call: Caller) -> None:
    ids = []
    for _ in range(3):
        ids.append(call("POST", "/conversations").json()["id"])
        call("POST", f"/conversations/{ids[-1]}/close")

    first = call("GET", "/conversations?limit=2").json()
    rest = call("GET", f"/conversations?limit=2&before={ids[1]}").json()

    assert [row["id"] for row in first["conversations"]] == [ids[2], ids[1]]
    assert set(first["conversations"][0]) == CONVERSATION
    assert first["has_more"] is True
    assert ([row["id"] for row in rest["conversations"]], rest["has_more"]) == ([ids[0]], False)


@pytest.mark.parametrize("whose", ["another visitor", "another tenant", "nobody", "nonsense"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/conversations/ID", None),
        ("GET", "/conversations/ID/messages", None),
        ("POST", "/conversations/ID/messages", {"client_msg_id": "m", "text": "x"}),
        ("POST", "/conversations/ID/read", {"up_to_seq": 1}),
        ("POST", "/conversations/ID/typing", {"on": True}),
        ("POST", "/conversations/ID/handoff", {}),
        ("POST", "/conversations/ID/close", {}),
        ("POST", "/messages/ID/feedback", {"helpful": True}),
    ],
)
def test_what_is_not_yours_is_not_there(
    channel: Channel,
    other_tenant: Tenant,
    make_channel: Callable[..., Channel],
    admit: Callable[..., Admission],
    call: Caller,
    whose: str,
    method: str,
    path: str,
    body: Any,
) -> None:
    target = {"nobody": str(uuid.uuid4()), "nonsense": "1%27--"}.get(whose, "")
    if not target:
        owner = channel if whose == "another visitor" else make_channel(other_tenant)
        theirs = admit(owner)
        with tenant_scope(owner.tenant_id):
            reply = ask(theirs.session, "你好")
        target = str(reply.pk if path.startswith("/messages") else reply.conversation_id)

    response = call(method, path.replace("ID", target), body)

    assert problem(response) == (404, "not_found")
    for tenant_id in {channel.tenant_id, other_tenant.pk}:
        with tenant_scope(tenant_id):
            assert not Message.objects.exclude(feedback="").exists()
            assert not Handoff.objects.exists()
            assert not Message.objects.filter(text="x").exists()


# Messages


def test_message_is_shown_as_the_protocol_says(call: Caller, conversation_id: str) -> None:
    client_msg_id = str(uuid.uuid4())

    response = call(
        "POST",
        f"/conversations/{conversation_id}/messages",
        {
            "client_msg_id": client_msg_id,
            "type": "text",
            "text": "我的订单呢",
            "attachments": [],
            "quote": None,
            "withdrawn_at": None,
            "context": {"page": "https://shop.example/cart", "order_no": "A1"},
        },
    )

    body = response.json()
    assert response.status_code == 201
    assert set(body) == MESSAGE
    assert body["author"] == {"kind": "customer", "name": None, "avatar": None}
    assert (body["seq"], body["text"], body["type"], body["kind"]) == (
        1,
        "我的订单呢",
        "text",
        "text",
    )
    assert (body["client_msg_id"], body["conversation_id"]) == (client_msg_id, conversation_id)
    assert (body["attachments"], body["buttons"], body["sources"]) == ([], [], [])
    assert (body["status"], body["edited_at"], body["feedback"]) == ("sent", None, None)
    assert abs(as_instant(body["created_at"]) - clock.now()) < timedelta(seconds=60)


def test_repeated_message_is_answered_with_the_stored_one(
    call: Caller, conversation_id: str
) -> None:
    first = write(call, conversation_id, "一", client_msg_id="m1")
    again = write(call, conversation_id, "二", client_msg_id="m1")

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()


@pytest.mark.django_db(transaction=True)
def test_assistants_reply_carries_the_label(
    knowledge: Release, tenant: Tenant, call: Caller, conversation_id: str
) -> None:
    write(call, conversation_id, KNOWN)
    close_pool()

    history = call("GET", f"/conversations/{conversation_id}/messages").json()

    reply = history["messages"][-1]
    assert set(reply) == MESSAGE | {"ai"}
    assert (reply["ai"], reply["kind"], reply["text"]) == (True, "answer", ANSWER)
    assert reply["author"] == {"kind": "bot", "name": "小应", "avatar": None}
    assert reply["client_msg_id"] is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"text": "x"}, (422, "invalid")),
        ({"client_msg_id": "m"}, (422, "invalid")),
        ({"client_msg_id": "m" * 65, "text": "x"}, (422, "invalid")),
        ({"client_msg_id": "m", "text": ""}, (422, "invalid")),
        ({"client_msg_id": "m", "text": " \n "}, (422, "invalid")),
        ({"client_msg_id": "m", "text": "\ud83d"}, (422, "invalid")),
        ({"client_msg_id": "m", "text": "x", "type": "sticker"}, (422, "invalid")),
        ({"client_msg_id": "m", "text": "x", "attachments": ["att_1"]}, (422, "invalid")),
        ({"client_msg_id": "m", "text": "x", "context": "page"}, (422, "invalid")),
        ({"client_msg_id": "m", "text": "长" * 4001}, (413, "too_large")),
        ({"client_msg_id": "m", "text": "a" * 20_000}, (413, "too_large")),
        ({"client_msg_id": "m", "text": "a" * 70_000}, (413, "too_large")),
        ([1], (422, "invalid")),
    ],
    ids=lambda value: str(value)[:50].encode("ascii", "replace").decode(),
)
def test_message_that_cannot_be(
    tenant: Tenant, call: Caller, conversation_id: str, body: Any, expected: tuple[int, str]
) -> None:
    response = call("POST", f"/conversations/{conversation_id}/messages", body)

    assert problem(response) == expected
    with tenant_scope(tenant):
        assert Message.objects.count() == 0


def test_context_is_kept_as_far_as_it_can_be(
    tenant: Tenant, call: Caller, conversation_id: str
) -> None:
    context = b'{"page": "https://a.example", "bad": "\\ud83d", "nul": "\\u0000", "far": 1e999}'
    body = b'{"client_msg_id": "m", "text": "x", "context": %s}' % context

    response = call("POST", f"/conversations/{conversation_id}/messages", body)

    assert response.status_code == 201
    with tenant_scope(tenant):
        assert Message.objects.get().context == {"page": "https://a.example"}


@pytest.mark.parametrize(
    ("attempt", "believed"),
    [
        (timedelta(minutes=-3), True),
        (timedelta(days=-8), False),
        (timedelta(hours=1), False),
    ],
    ids=["minutes ago", "days ago", "in the future"],
)
def test_first_attempt_is_believed_where_plausible(
    tenant: Tenant, call: Caller, conversation_id: str, attempt: timedelta, believed: bool
) -> None:
    tried = clock.now() + attempt

    write(call, conversation_id, context={"first_attempt": tried.timestamp() * 1000})

    with tenant_scope(tenant):
        stored = Inquiry.objects.get().first_attempt_at
    assert (stored is not None) is believed


@pytest.mark.parametrize("value", [True, "yesterday", 10**400, -(10**30), None], ids=str)
def test_senseless_first_attempt_is_ignored(
    tenant: Tenant, call: Caller, conversation_id: str, value: Any
) -> None:
    assert write(call, conversation_id, context={"first_attempt": value}).status_code == 201

    with tenant_scope(tenant):
        assert Inquiry.objects.get().first_attempt_at is None


def test_history_is_paged_both_ways(
    tenant: Tenant, call: Caller, admission: Admission, conversation_id: str
) -> None:
    with tenant_scope(tenant):
        for number in range(1, 8):
            send(admission.session, f"第{number}条", conversation_id=uuid.UUID(conversation_id))

    def page(query: str) -> tuple[list[int], bool, int]:
        body = call("GET", f"/conversations/{conversation_id}/messages{query}").json()
        assert set(body) == {"messages", "withdrawn", "has_more", "last_seq"}
        return [row["seq"] for row in body["messages"]], body["has_more"], body["last_seq"]

    assert page("") == ([1, 2, 3, 4, 5, 6, 7], False, 7)
    assert page("?after_seq=0&limit=3") == ([1, 2, 3], True, 7)
    assert page("?after_seq=3&limit=4") == ([4, 5, 6, 7], False, 7)
    assert page("?after_seq=7") == ([], False, 7)
    assert page("?limit=3") == ([5, 6, 7], True, 7)
    assert page("?before_seq=5&limit=3") == ([2, 3, 4], True, 7)
    assert page("?before_seq=2&limit=3") == ([1], False, 7)


@pytest.mark.parametrize("query", ["limit=101", "limit=0", "after_seq=-1", "before_seq=x"])
def test_senseless_page_is_refused(call: Caller, conversation_id: str, query: str) -> None:
    response = call("GET", f"/conversations/{conversation_id}/messages?{query}")

    assert problem(response) == (422, "invalid")
    assert set(response.json()["errors"]) == {query.partition("=")[0]}


def test_twenty_messages_a_minute_and_no_more(
    tenant: Tenant, call: Caller, conversation_id: str, time_machine: Any
) -> None:
    time_machine.move_to("2026-11-20T04:00:30Z", tick=False)
    with tenant_scope(tenant):
        ContactSession.objects.update(
            expires_at=clock.now() + timedelta(hours=24), refresh_expires_at=clock.now()
        )
    ids = [uuid.uuid4().hex for _ in range(21)]
    statuses = [write(call, conversation_id, client_msg_id=name).status_code for name in ids]

    refused = write(call, conversation_id, client_msg_id=ids[20])
    repeated = write(call, conversation_id, client_msg_id=ids[0])

    assert statuses == [201] * 20 + [429]
    assert problem(refused) == (429, "rate_limited")
    assert refused["Retry-After"] == "30"
    assert repeated.status_code == 200
    time_machine.move_to("2026-11-20T04:01:00Z", tick=False)
    assert write(call, conversation_id, client_msg_id=ids[20]).status_code == 201


def test_sessions_are_limited_by_address(
    channel: Channel, settings: Any, time_machine: Any
) -> None:
    settings.RATE_LIMIT_EXEMPT = []
    time_machine.move_to("2026-11-20T04:00:30Z", tick=False)
    body = {"channel_key": channel.key}

    statuses = [Caller()("POST", "/sessions", body).status_code for _ in range(60)]
    refused = Caller()("POST", "/sessions", body)

    assert statuses == [201] * 60
    assert problem(refused) == (429, "rate_limited")
    assert refused["Retry-After"] == "30"


# Reading, typing, people, feedback


def test_read_marks_show_on_the_other_sides_messages(
    tenant: Tenant, call: Caller, conversation_id: str, agent: Membership
) -> None:
    key = uuid.UUID(conversation_id)
    write(call, conversation_id)
    with tenant_scope(tenant):
        request_handoff(key)
        desk.take(key, by=agent)
        desk.reply(key, "您好", by=agent, client_msg_id="r1")

    def statuses() -> list[str]:
        body = call("GET", f"/conversations/{conversation_id}/messages").json()
        return [row["status"] for row in body["messages"]]

    assert statuses() == ["read", "sent", "sent", "sent"]
    for up_to in (2, 99):
        response = call("POST", f"/conversations/{conversation_id}/read", {"up_to_seq": up_to})
        assert response.status_code == 204
    assert statuses() == ["read", "read", "read", "read"]
    refused = call("POST", f"/conversations/{conversation_id}/read", {"up_to_seq": -1})
    assert problem(refused) == (422, "invalid")


def test_typing_is_told_and_not_stored(call: Caller, conversation_id: str) -> None:
    path = f"/conversations/{conversation_id}/typing"

    assert call("POST", path, {"on": True}).status_code == 204
    assert problem(call("POST", path, {})) == (422, "invalid")


def test_person_is_asked_for_and_named_once_there(
    tenant: Tenant, call: Caller, conversation_id: str, agent: Membership
) -> None:
    path = f"/conversations/{conversation_id}/handoff"

    first = call("POST", path, {"reason": "发票抬头写错了"})
    second = call("POST", path)
    with tenant_scope(tenant):
        note = Handoff.objects.get().note
        desk.take(uuid.UUID(conversation_id), by=agent)
    with_agent = call("GET", f"/conversations/{conversation_id}").json()

    assert first.status_code == 200
    assert set(first.json()) == CONVERSATION
    assert (first.json()["status"], first.json()["queue_position"]) == ("waiting_human", 1)
    assert second.json() == first.json()
    assert note == "发票抬头写错了"
    assert with_agent["status"] == "human"
    assert with_agent["agent"] == {"name": "林晓", "avatar": None}
    assert with_agent["queue_position"] is None


def test_answer_is_judged_and_the_last_judgement_counts(
    tenant: Tenant, knowledge: Release, call: Caller, admission: Admission
) -> None:
    with tenant_scope(tenant):
        reply = ask(admission.session, KNOWN)

    first = call("POST", f"/messages/{reply.pk}/feedback", {"helpful": True})
    second = call(
        "POST", f"/messages/{reply.pk}/feedback", {"helpful": False, "comment": "没说几点"}
    )

    shown = call("GET", f"/conversations/{reply.conversation_id}/messages").json()["messages"]
    assert (first.status_code, second.status_code) == (204, 204)
    assert [row["feedback"] for row in shown] == [None, "unhelpful"]
    with tenant_scope(tenant):
        reply.refresh_from_db()
    assert reply.feedback_comment == "没说几点"
    refused = call("POST", f"/messages/{reply.pk}/feedback", {"comment": "?"})
    assert problem(refused) == (422, "invalid")


def test_own_words_are_not_judged(tenant: Tenant, call: Caller, conversation_id: str) -> None:
    message = write(call, conversation_id).json()

    response = call("POST", f"/messages/{message['id']}/feedback", {"helpful": True})

    assert problem(response) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/nothing", (404, "not_found")),
        ("GET", "/", (404, "not_found")),
        ("GET", "/attachments", (405, "method_not_allowed")),
        ("POST", "/conversations/x/rating", (404, "not_found")),
        ("GET", "/sessions", (405, "method_not_allowed")),
        ("PUT", "/conversations", (405, "method_not_allowed")),
        ("DELETE", "/config", (405, "method_not_allowed")),
    ],
)
def test_paths_and_methods_that_are_not_there(
    call: Caller, method: str, path: str, expected: tuple[int, str]
) -> None:
    assert problem(call(method, path)) == expected


def test_errors_speak_the_language_of_the_caller(call: Caller, conversation_id: str) -> None:
    response = call("GET", "/conversations/none", None, Cookie="django_language=en")

    assert response.json()["detail"] == "Not found."
