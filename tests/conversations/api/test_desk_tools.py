"""The agent's tools through the console's API."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversations.models import (
    CannedReply,
    Channel,
    ContactSession,
    Conversation,
    DeskSettings,
    Message,
    WrapUp,
    WrapUpCategory,
)
from conversations.services import desk, endings
from conversations.services.contacts import Admission
from conversations.services.handoff import request_handoff
from conversations.services.wrap_ups import Account
from knowledge.models import EntryVersion, Proposal, Release
from tenants import clock
from tenants.ids import new_id
from tenants.models import Membership, Tenant, User
from tenants.scoping import tenant_scope
from tests.conversations.api.clients import problem
from tests.conversations.conftest import ANSWER, KNOWN
from tests.conversations.doors import ask, send

API = "/console/api/"


@pytest.fixture
def sit(client_as: Callable[[User], Client]) -> Callable[[Membership], Callable[..., Any]]:
    """Sit a member at the console: sit(member)(method, path, body) -> response."""

    def at(member: Membership) -> Callable[..., Any]:
        client = client_as(member.user)

        def call(method: str, path: str, body: Any = None) -> Any:
            return client.generic(
                method,
                API + path,
                b"" if body is None else json.dumps(body),
                content_type="application/json",
            )

        return call

    return at


@pytest.fixture
def call(agent: Membership, sit: Callable[..., Any]) -> Callable[..., Any]:
    return sit(agent)  # type: ignore[no-any-return]


@pytest.fixture
def held(tenant: Tenant, visitor: ContactSession, agent: Membership) -> Conversation:
    with tenant_scope(tenant):
        row = request_handoff(send(visitor, "东西什么时候能寄到").message.conversation_id)
        return desk.take(row.pk, by=agent)


def test_desk_names_colleagues_channels_and_how_to_wrap_up(
    tenant: Tenant, channel: Channel, agent: Membership, colleague: Membership, call: Any
) -> None:
    with tenant_scope(tenant):
        DeskSettings.objects.create(wrap_up="required")
        WrapUpCategory.objects.create(name="物流")
        WrapUpCategory.objects.create(name="旧", is_active=False)

    body = call("GET", "desk").json()

    assert [person["name"] for person in body["people"]] == ["周舟", "林晓"]
    assert [each["name"] for each in body["channels"]] == [channel.name]
    assert body["wrap_up"]["demand"] == "required"
    assert [each["name"] for each in body["wrap_up"]["categories"]] == ["物流"]
    assert body["mentions_unread"] == 0


def test_canned_replies_come_filled_and_own_ones_are_kept(
    tenant: Tenant, held: Conversation, call: Any
) -> None:
    with tenant_scope(tenant):
        CannedReply.objects.create(shortcut="hi", title="问候", text="我是{{agent}}，{{x}}")
    path = f"conversations/{held.pk}/canned"
    own = {"shortcut": "mine", "title": "我的", "text": "好的"}

    made = call("POST", "canned", own)
    taken = call("POST", "canned", own)
    used = call("POST", "canned/use", {"id": made.json()["id"]})
    replies = {each["shortcut"]: each for each in call("GET", path).json()["replies"]}

    assert (made.status_code, used.status_code) == (201, 204)
    assert problem(taken) == (409, "shortcut_taken")
    assert replies["hi"]["filled"] == "我是林晓，{{x}}"
    assert (replies["mine"]["own"], replies["mine"]["use_count"]) == (True, 1)
    assert call("POST", "canned/remove", {"id": made.json()["id"]}).status_code == 204
    assert problem(call("POST", "canned/remove", {"id": str(new_id())})) == (404, "not_found")


@pytest.mark.parametrize("shortcut", ["两 词", "a/b", "{{x}}", "", "x" * 31])
def test_a_shortcut_is_one_word(call: Any, shortcut: str) -> None:
    body = {"shortcut": shortcut, "title": "x", "text": "x"}

    assert problem(call("POST", "canned", body)) == (422, "invalid")


def test_a_standard_answer_is_found_sent_and_shown_with_its_source(
    tenant: Tenant, knowledge: Release, held: Conversation, call: Any
) -> None:
    entry = call("GET", f"knowledge?q={KNOWN}").json()["entries"][0]
    sent = call(
        "POST",
        f"conversations/{held.pk}/messages",
        {"client_msg_id": "m1", "text": entry["answer"], "version_id": entry["version_id"]},
    )

    assert (entry["question"], entry["answer"], entry["category"]) == (KNOWN, ANSWER, "配送")
    assert entry["percent"] > 90
    assert sent.json()["cites"] == entry["version_id"]
    shown = call("GET", f"conversations/{held.pk}/messages").json()["messages"][-1]
    assert shown["cites"] == entry["version_id"]


def test_a_suggestion_is_offered_and_can_be_refused(
    tenant: Tenant, knowledge: Release, visitor: ContactSession, held: Conversation, call: Any
) -> None:
    with tenant_scope(tenant):
        send(visitor, KNOWN)
        version = EntryVersion.objects.get(question=KNOWN)
    path = f"conversations/{held.pk}/suggestion"

    body = call("GET", path).json()
    refused = call("POST", path, {"message_id": body["message_id"], "version_id": str(version.pk)})

    assert body["question"].endswith(KNOWN)
    assert refused.status_code == 204
    with tenant_scope(tenant):
        assert Proposal.objects.filter(source="unanswered").count() <= 1


def test_a_mention_is_read_by_whom_it_calls(
    held: Conversation, colleague: Membership, call: Any, sit: Callable[..., Any]
) -> None:
    note = call(
        "POST",
        f"conversations/{held.pk}/notes",
        {"client_msg_id": "n1", "text": "@周舟 看", "mentions": [str(colleague.pk)]},
    )
    theirs = sit(colleague)
    body = theirs("GET", "mentions").json()

    assert note.json()["mentions"] == [{"id": str(colleague.pk), "name": "周舟"}]
    assert (body["unread"], body["mentions"][0]["text"]) == (1, "@周舟 看")
    assert body["mentions"][0]["conversation_id"] == str(held.pk)
    assert theirs("POST", "mentions", {"ids": [body["mentions"][0]["id"]]}).json() == {"unread": 0}
    assert call("GET", "mentions").json() == {"mentions": [], "unread": 0}


def test_closing_demands_what_the_tenant_demands_and_the_list_shows_it(
    tenant: Tenant, held: Conversation, call: Any
) -> None:
    with tenant_scope(tenant):
        DeskSettings.objects.create(wrap_up="required")
        category = WrapUpCategory.objects.create(name="物流")
    path = f"conversations/{held.pk}"
    account = {"resolved": "yes", "category_id": str(category.pk), "summary": "已查到"}

    refused = call("POST", f"{path}/close", {})
    wrong = call("POST", f"{path}/close", {"wrap_up": {"resolved": "perhaps"}})
    closed = call("POST", f"{path}/close", {"wrap_up": account})
    row = call("GET", "conversations?list=closed").json()["conversations"][0]
    changed = call("POST", f"{path}/wrap-up", {"resolved": "partly"})

    assert problem(refused) == (422, "wrap_up_needed")
    assert problem(wrong) == (422, "invalid")
    assert closed.json()["status"] == "closed"
    assert (row["wrap_up"]["resolved"], row["wrap_up"]["summary"]) == ("yes", "已查到")
    assert row["wrap_up"]["category"]["name"] == "物流"
    assert changed.json()["wrap_up"]["resolved"] == "partly"


def test_the_closed_list_costs_the_same_for_one_and_for_many(
    tenant: Tenant,
    channel: Channel,
    admit: Callable[..., Admission],
    agent: Membership,
    call: Any,
) -> None:
    counts = []
    for number in range(3):
        with tenant_scope(tenant):
            message = send(admit(channel, device_id=f"d{number}").session, "找人").message
            desk.take(request_handoff(message.conversation_id).pk, by=agent)
            endings.close(message.conversation_id, by=agent, account=Account("yes"))
        with CaptureQueriesContext(connection) as queries:
            call("GET", "conversations?list=closed")
        counts.append(len(queries))

    assert len(set(counts)) == 1


def test_a_snoozed_conversation_changes_its_list(held: Conversation, call: Any) -> None:
    path = f"conversations/{held.pk}/snooze"
    until = (clock.now() + timedelta(hours=1)).isoformat()

    row = call("POST", path, {"until": until}).json()
    lists = {
        name: [
            each["id"] for each in call("GET", f"conversations?list={name}").json()["conversations"]
        ]
        for name in ("mine", "snoozed")
    }
    counts = call("GET", "conversations").json()["counts"]
    back = call("POST", path, {"until": None}).json()
    late = call("POST", path, {"until": "2020-01-01T00:00:00Z"})

    assert row["snoozed_until"].endswith("Z")
    assert lists == {"mine": [], "snoozed": [str(held.pk)]}
    assert (counts["mine"], counts["snoozed"]) == (0, 1)
    assert back["snoozed_until"] is None
    assert problem(late) == (422, "snooze_time")


def test_search_finds_by_words_and_filters(
    held: Conversation, channel: Channel, agent: Membership, call: Any
) -> None:
    path = f"search?q=寄到&channel={channel.pk}&agent={agent.pk}"

    hits = call("GET", path).json()["results"]

    assert [(hit["kind"], hit["seq"], hit["conversation_id"]) for hit in hits] == [
        ("message", 1, str(held.pk))
    ]
    assert call("GET", f"search?q=寄到&channel={new_id()}").json()["results"] == []
    assert problem(call("GET", "search?q=x&channel=nonsense")) == (422, "invalid")


def test_closing_several_tells_of_each_and_a_strangers_is_not_there(
    tenant: Tenant,
    other_tenant: Tenant,
    make_channel: Callable[..., Channel],
    admit: Callable[..., Admission],
    held: Conversation,
    call: Any,
) -> None:
    with tenant_scope(other_tenant):
        session = admit(make_channel(other_tenant)).session
        theirs = request_handoff(send(session, "云杉的").message.conversation_id)
    missing = new_id()
    ids = [str(held.pk), str(theirs.pk), str(missing)]

    body = call("POST", "bulk/close", {"ids": ids, "wrap_up": {"resolved": "no"}}).json()

    own, stranger, nobody = body["results"]
    assert (own["ok"], stranger["code"], nobody["code"]) == (True, "not_found", "not_found")
    assert {**stranger, "id": ""} == {**nobody, "id": ""}
    with tenant_scope(other_tenant):
        assert Conversation.objects.get().status == "waiting_human"
    with tenant_scope(tenant):
        assert WrapUp.objects.get().resolved == "no"


def test_the_brief_says_what_the_assistant_tried_and_the_pages_seen(
    tenant: Tenant, knowledge: Release, visitor: ContactSession, call: Any
) -> None:
    page = {"page": "https://shop.example/1", "page_title": "保温杯"}
    with tenant_scope(tenant):
        reply = ask(visitor, KNOWN, context=page)
        Message.objects.filter(pk=reply.pk).update(feedback="unhelpful")
        send(visitor, "还是不明白", context=page)
        request_handoff(reply.conversation_id)

    body = call("GET", f"conversations/{reply.conversation_id}").json()

    brief = body["handoff"]
    assert [each["question"] for each in brief["tried"]] == ["还是不明白", KNOWN]
    assert brief["tried"][1]["outcome"] == "answered"
    assert brief["tried"][1]["entries"][0]["question"] == KNOWN
    assert brief["tried"][1]["entries"][0]["percent"] > 90
    assert brief["unhelpful"] == 1
    assert [(visit["page"], visit["title"]) for visit in body["pages"]] == [
        ("https://shop.example/1", "保温杯")
    ]
