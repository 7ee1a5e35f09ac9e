"""The console's customer card: what it shows, what it lets whom change, and what it refuses."""

from collections.abc import Callable
from typing import Any

import pytest

from conversations.models import (
    Channel,
    Contact,
    ContactMerge,
    ContactSession,
    Conversation,
    Tag,
)
from conversations.services import blocks, profiles
from conversations.services.contacts import Admission
from tenants.models import Membership, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.conversations.api.clients import Caller, problem
from tests.conversations.api.test_console import desk_of
from tests.conversations.doors import send

__all__ = ["desk_of"]

Call = Callable[..., Any]


@pytest.fixture
def call(agent: Membership, desk_of: Call) -> Call:
    return desk_of(agent)  # type: ignore[no-any-return]


@pytest.fixture
def supervisor(tenant: Tenant, make_member: Callable[..., User], desk_of: Call) -> Call:
    return desk_of(make_member(tenant, Role.SUPERVISOR))  # type: ignore[no-any-return]


@pytest.fixture
def path(tenant: Tenant, visitor: ContactSession) -> str:
    with tenant_scope(tenant):
        send(visitor, "在吗")
    return f"contacts/{visitor.contact_id}"


def test_card_shows_the_person_and_what_one_may_do(call: Call, path: str) -> None:
    card = call("GET", path).json()

    assert card["may"] == {"change": True, "block": True, "merge": False}
    assert card["counts"] == {"conversations": 1, "messages": 1, "handoffs": 0}
    assert (card["tags"], card["notes"], card["block"], card["merges"]) == ([], [], None, [])


def test_facts_tags_and_notes_are_written_and_answered_with_the_card(
    call: Call, path: str, tenant: Tenant
) -> None:
    call("POST", path, {"name": "李雷", "opted_out": True})
    tagged = call("POST", f"{path}/tags", {"name": "老客户", "reason": "常来"}).json()
    noted = call("POST", f"{path}/notes", {"text": "急性子", "pinned": True}).json()

    assert (noted["facts"]["name"]["noted"], noted["name"], noted["opted_out"]) == (
        "李雷",
        "李雷",
        True,
    )
    assert [(tag["name"], tag["by"], tag["reason"]) for tag in tagged["tags"]] == [
        ("老客户", "林晓", "常来")
    ]
    assert [(note["text"], note["pinned"]) for note in noted["notes"]] == [("急性子", True)]
    assert [row["name"] for row in call("GET", "tags").json()["tags"]] == ["老客户"]

    note, tag = noted["notes"][0]["id"], tagged["tags"][0]["id"]
    unpinned = call("POST", f"{path}/notes", {"note": note, "pinned": False}).json()
    bare = call("POST", f"{path}/notes", {"note": note, "remove": True}).json()
    untagged = call("POST", f"{path}/tags", {"remove": tag}).json()
    again = call("POST", f"{path}/tags", {"add": tag}).json()

    assert [each["pinned"] for each in unpinned["notes"]] == [False]
    assert (bare["notes"], untagged["tags"]) == ([], [])
    assert [each["id"] for each in again["tags"]] == [tag]


def test_noted_name_is_what_the_lists_and_their_search_know(
    call: Call, path: str, tenant: Tenant
) -> None:
    call("POST", path, {"name": "韩梅梅", "phone": "13800000000"})

    for words in ("韩梅", "1380000"):
        (row,) = call("GET", f"conversations?list=all&q={words}").json()["conversations"]
        assert row["contact"]["name"] == "韩梅梅"


@pytest.mark.parametrize(
    ("tail", "body", "expected"),
    [
        ("", {}, (422, "invalid")),
        ("", {"email": "no-mail"}, (422, "invalid")),
        ("/tags", {}, (422, "invalid")),
        ("/tags", {"add": "01a22400-0000-7000-8000-000000000000"}, (404, "not_found")),
        ("/notes", {"text": "  "}, (422, "invalid")),
        (
            "/notes",
            {"note": "01a22400-0000-7000-8000-000000000000", "remove": True},
            (404, "not_found"),
        ),
        ("/block", {"reason": ""}, (422, "invalid")),
        ("/block", {"reason": "骚扰", "days": 999}, (422, "invalid")),
        ("/unblock", {"reason": "没拉黑"}, (404, "not_found")),
        ("/merge", {"other": "01a22400-0000-7000-8000-000000000000"}, (403, "forbidden")),
    ],
)
def test_what_does_not_fit_is_refused(
    call: Call, path: str, tail: str, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert problem(call("POST", f"{path}{tail}", body)) == expected


def test_blocked_visitor_gets_one_calm_sentence_at_every_door(
    call: Call, path: str, tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    admission = admit(channel)
    device = Caller(admission.token)
    with tenant_scope(tenant):
        conversation = send(admission.session, "你们这些骗子").message.conversation
    own = f"contacts/{admission.session.contact_id}"

    card = call("POST", f"{own}/block", {"reason": "辱骂", "days": 7}).json()

    assert (card["block"]["reason"], card["block"]["by"]) == ("辱骂", "林晓")
    message = {"client_msg_id": "m-1", "text": "还在吗"}
    doors = [
        device("GET", "/config"),
        device("GET", "/conversations"),
        device("POST", f"/conversations/{conversation.pk}/messages", message),
        device("POST", f"/conversations/{conversation.pk}/handoff", {}),
        Caller()("POST", "/sessions/refresh", {"refresh_token": admission.refresh_token}),
    ]
    assert [problem(door) for door in doors] == [(403, "blocked")] * 5
    assert "辱骂" not in "".join(door.content.decode() for door in doors)
    with tenant_scope(tenant):
        assert Conversation.objects.get(pk=conversation.pk).status == "closed"

    served = call("POST", f"{own}/unblock", {"reason": "误会"}).json()

    assert served["block"] is None
    assert device("GET", "/config").status_code == 200


def test_blocked_address_gets_no_session_and_sends_nothing(
    tenant: Tenant,
    channel: Channel,
    admit: Callable[..., Admission],
    agent: Membership,
    path: str,
    visitor: ContactSession,
) -> None:
    admission = admit(channel)
    with tenant_scope(tenant):
        conversation = send(admission.session, "问").message.conversation
        blocks.block_address("127.0.0.1", by=agent, reason="攻击")
    message = {"client_msg_id": "m-1", "text": "还在吗"}

    answers = [
        Caller()("POST", "/sessions", {"channel_key": channel.key}),
        Caller()("POST", "/sessions/refresh", {"refresh_token": admission.refresh_token}),
        Caller(admission.token)("POST", f"/conversations/{conversation.pk}/messages", message),
    ]

    assert [problem(answer) for answer in answers] == [(403, "blocked")] * 3


def test_merge_and_its_undoing_by_who_may(
    call: Call,
    supervisor: Call,
    path: str,
    tenant: Tenant,
    channel: Channel,
    admit: Callable[..., Admission],
) -> None:
    other = admit(channel, profile={"name": "小李"}).session.contact
    found = supervisor("GET", f"contacts?q=小李&beside={path.partition('/')[2]}").json()["contacts"]
    assert [each["id"] for each in found] == [str(other.pk)]
    assert problem(call("POST", f"{path}/merge", {"other": found[0]["id"]})) == (403, "forbidden")

    merged = supervisor("POST", f"{path}/merge", {"other": found[0]["id"]}).json()
    seen_as = supervisor("GET", f"contacts/{other.pk}").json()
    merge = merged["merges"][0]["id"]
    undone = supervisor("POST", f"{path}/unmerge", {"merge": merge}).json()

    assert [each["name"] for each in merged["merges"]] == ["小李"]
    assert seen_as["id"] == merged["id"]
    assert (undone["merges"], undone["left"]) == ([], {})
    assert problem(supervisor("POST", f"{path}/unmerge", {"merge": merge})) == (
        409,
        "already_undone",
    )
    with tenant_scope(tenant):
        assert ContactMerge.objects.get().undone_at is not None


def test_time_line_comes_in_pages(call: Call, path: str, tenant: Tenant, agent: Membership) -> None:
    with tenant_scope(tenant):
        contact = Contact.objects.get()
        for number in range(25):
            profiles.add_note(contact, f"第{number}条", by=agent)

    first = call("GET", f"{path}/timeline").json()
    second = call("GET", f"{path}/timeline?before={first['next']}").json()

    lines = [*first["happenings"], *second["happenings"]]
    assert second["next"] is None
    assert len({line["key"] for line in lines}) == len(lines) == 26
    assert lines[-1]["kind"] == "conversation"


def test_erased_person_is_shown_and_not_changed(call: Call, path: str, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        Contact.objects.update(erased_at="2026-11-20T04:00:00Z")

    card = call("GET", path).json()

    assert set(card["may"].values()) == {False}
    assert problem(call("POST", path, {"name": "李雷"})) == (409, "contact_erased")
    with tenant_scope(tenant):
        assert not Tag.objects.exists()
