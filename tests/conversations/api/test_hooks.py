"""What clients' systems call: signed, bounded, harmless when repeated, and nobody else's."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from conversations import wire
from conversations.bench import desks
from conversations.models import (
    Channel,
    ContactSession,
    Conversation,
    Handoff,
    HandoffTarget,
    Message,
)
from conversations.queries import queue_position
from conversations.services import delivery, desk
from conversations.services.contacts import Admission
from tenants.models import Membership, Tenant
from tenants.scoping import tenant_scope
from tests.conversations.doors import clocks, ledger_kinds, send
from tests.conversations.handoffs import deliver, employ, hand_over, signed

THEIRS = "theirs"


@pytest.fixture(autouse=True)
def _local(settings: Any) -> None:
    settings.OUTWARD_ALLOWED = ["127.0.0.1"]


@pytest.fixture
def there(in_tenant: Tenant, visitor: ContactSession) -> Iterator[Handoff]:
    """A hand-off that the client's system has."""
    with desks.serving("webhook") as served:
        employ(served)
        yield deliver(hand_over(visitor))


def post(handoff: Handoff, what: str, body: Any, *, key: str = "", **how: Any) -> Any:
    raw, headers = signed(body, **how)
    path = f"/hooks/handoff/{key or handoff.target.key}/{handoff.pk}/{what}"
    return Client().post(path, raw, content_type="application/json", headers=headers)


def test_accepted_puts_the_visitor_with_a_named_agent(there: Handoff) -> None:
    body = {"status": "accepted", "external_id": "T-1", "agent": {"name": "王敏"}}

    answers = [post(there, "ack", body), post(there, "ack", body)]

    there.refresh_from_db()
    conversation = Conversation.objects.get()
    assert [(a.status_code, a.json()) for a in answers] == [(200, {"state": "accepted"})] * 2
    assert (there.external_id, there.external_agent) == ("T-1", "王敏")
    assert (conversation.status, conversation.agent, conversation.held_elsewhere) == (
        "human",
        None,
        True,
    )
    assert conversation.elsewhere == {
        "system": "客户工单系统",
        "state": "accepted",
        "agent": "王敏",
    }
    assert Message.objects.filter(text__contains="王敏").count() == 1


def test_rejected_goes_to_our_console_at_once(there: Handoff) -> None:
    answer = post(there, "ack", {"status": "rejected"})

    there.refresh_from_db()
    assert (answer.status_code, there.state, there.fallback_cause) == (
        200,
        "fallback_console",
        "rejected",
    )
    assert queue_position(Conversation.objects.get()) == 1
    assert clocks("handoff") == [("met", False)]


def test_words_reach_the_visitor_once_under_the_agents_name(there: Handoff) -> None:
    body = {"id": "r-1", "text": "您好，我来处理。", "agent": {"name": "王敏"}}

    answers = [post(there, "messages", body), post(there, "messages", body, id="m2")]

    said = Message.objects.get(author_kind="agent")
    assert [a.status_code for a in answers] == [202, 202]
    assert [a.json()["created"] for a in answers] == [True, False]
    assert {a.json()["message_id"] for a in answers} == {str(said.pk)}
    assert (said.text, said.author_name, said.agent) == ("您好，我来处理。", "王敏", None)
    assert Conversation.objects.get().status == "human"


def test_visitor_sees_whose_words_they_are(there: Handoff, visitor: ContactSession) -> None:
    post(there, "messages", {"id": "r-1", "text": "您好。", "agent": {"name": "王敏"}})
    message = Message.objects.select_related("conversation__channel").get(author_kind="agent")
    shown = wire.message_object(message)
    assert (shown["author"]["kind"], shown["author"]["name"]) == ("agent", "王敏")
    assert wire.conversation_object(Conversation.objects.get())["agent"]["name"] == "王敏"


def test_words_before_the_acknowledgement_are_one(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    employ(None)
    handoff = hand_over(visitor)

    answer = post(handoff, "messages", {"id": "r-1", "text": "在的。"})

    handoff.refresh_from_db()
    assert (answer.status_code, handoff.state) == (202, "accepted")
    assert clocks("handoff") == [("met", False)]


def test_closing_gives_back_to_the_assistant_or_ends(there: Handoff) -> None:
    first = post(there, "close", {"resume_bot": True})
    again = post(there, "close", {"resume_bot": False})

    there.refresh_from_db()
    conversation = Conversation.objects.get()
    assert (first.json(), again.json()) == ({"closed": True}, {"closed": False})
    assert (conversation.status, conversation.held_elsewhere) == ("bot", False)
    assert there.state == "closed"
    assert there.outbound.filter(kind="closed").count() == 0


def test_closing_ends(there: Handoff) -> None:
    post(there, "close", {})

    conversation = Conversation.objects.get()
    assert (conversation.status, conversation.closed_by_contact) == ("closed", False)
    assert conversation.close_reason == "agent"
    assert "conversation.closed" in ledger_kinds()


def test_what_people_here_took_is_no_longer_theirs(there: Handoff, agent: Membership) -> None:
    desk.take(there.conversation_id, by=agent)

    words = post(there, "messages", {"id": "r-1", "text": "您好。"})
    ack = post(there, "ack", {"status": "accepted"})
    close = post(there, "close", {})

    conversation = Conversation.objects.get()
    assert (words.status_code, words.json()["code"]) == (409, "not_at_target")
    assert (ack.status_code, ack.json()) == (200, {"state": "withdrawn"})
    assert close.json() == {"closed": False}
    assert (conversation.status, conversation.agent) == ("human", agent)


@pytest.mark.parametrize("what", ["ack", "messages", "close"])
@pytest.mark.parametrize(
    "how",
    [
        {"secret": "whsec_" + base64.b64encode(b"x" * 32).decode()},
        {"off": -400},
        {"off": 400},
        {"id": ""},
    ],
    ids=["wrong key", "old", "from the future", "no id"],
)
def test_wrong_signature_is_refused_and_nothing_happens(
    there: Handoff, what: str, how: dict[str, Any]
) -> None:
    before = ledger_kinds()
    signing = {name: value for name, value in how.items() if name != "off"}
    if "off" in how:
        signing["at"] = int(time.time()) + how["off"]

    answer = post(there, what, {"status": "rejected", "id": "1", "text": "假"}, **signing)

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert ledger_kinds() == before


def test_changed_body_is_refused(there: Handoff) -> None:
    raw, headers = signed({"status": "accepted"})
    path = f"/hooks/handoff/{there.target.key}/{there.pk}/ack"

    answer = Client().post(
        path,
        raw.replace(b"accepted", b"rejected"),
        content_type="application/json",
        headers=headers,
    )

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[1, 2]", 400),
        (b"not json", 400),
        (b"[" * 60_000, 400),
        (b"\xff\xfe", 400),
        (b'{"status": "accepted", "pad": "' + b"x" * 70_000 + b'"}', 413),
        ({"status": "perhaps"}, 422),
        ({"status": "accepted", "agent": "王敏"}, 422),
        ({"status": "accepted", "external_id": "x" * 500}, 422),
    ],
    ids=["list", "words", "deep", "bytes", "long", "value", "agent", "id"],
)
def test_hostile_bodies_are_refused(there: Handoff, body: Any, status: int) -> None:
    answer = post(there, "ack", body)

    there.refresh_from_db()
    assert (answer.status_code, there.state) == (status, "delivered")


def test_hostile_words_are_bounded_and_plain(there: Handoff) -> None:
    empty = post(there, "messages", {"id": "1", "text": " \x00 "})
    long = post(there, "messages", {"id": "2", "text": "长" * 4001})
    hostile = post(
        there,
        "messages",
        {
            "id": "3",
            "text": "<script>alert(1)</script>",
            "agent": {"name": "\u202e坏\n人" * 40},
            "attachments": [{"url": "javascript:alert(1)"}, {"url": "https://x.example/a.jpg"}, 7],
        },
    )

    said = Message.objects.get(author_kind="agent")
    assert (empty.status_code, long.status_code, hostile.status_code) == (422, 413, 202)
    assert said.text == "<script>alert(1)</script>\nhttps://x.example/a.jpg"
    assert len(said.author_name) <= 60
    assert "\u202e" not in said.author_name
    assert "\n" not in said.author_name


def test_foreign_and_unknown_are_one_answer(
    there: Handoff,
    other_tenant: Tenant,
    make_channel: Callable[..., Channel],
    admit: Callable[..., Admission],
) -> None:
    session = admit(make_channel(other_tenant)).session
    with tenant_scope(other_tenant):
        target = employ(None, name="别人的")
        theirs = hand_over(session)
    body = {"status": "rejected"}

    def refusal(**where: Any) -> tuple[int, str]:
        answer = post(where.pop("handoff", there), "ack", body, **where)
        return answer.status_code, answer.json()["code"]

    # Their hand-off under our key, ours under theirs, and keys that are none.
    assert refusal(handoff=theirs, key=there.target.key) == (404, "not_found")
    assert refusal(key=target.key) == (404, "not_found")
    assert refusal(key="ht_nobody_00") == (404, "not_found")
    assert refusal(key=there.target.key[:-1]) == (404, "not_found")
    assert Handoff.objects.get().state == "delivered"
    with tenant_scope(other_tenant):
        assert Handoff.objects.get(target=target).state == "created"


def test_disabled_target_is_not_there(there: Handoff) -> None:
    HandoffTarget.objects.update(status="disabled")

    assert post(there, "ack", {"status": "rejected"}).status_code == 404


@pytest.mark.parametrize("form", ["json", "txt", "html"])
def test_transcript_by_signature_and_by_link(
    there: Handoff, visitor: ContactSession, settings: Any, form: str
) -> None:
    send(visitor, "<b>后来</b>的话")
    path = f"/hooks/handoff/{there.target.key}/{there.pk}/transcript?format={form}"
    _raw, headers = signed(b"")
    token = delivery.packages.link_token(there)

    seen = Client().get(path, headers=headers)
    by_link = Client().get(f"{path}&token={token}&until=1")
    refused = [Client().get(path), Client().get(f"{path}&token={token[:-2]}xx")]

    text = seen.content.decode()
    assert (seen.status_code, seen["Cache-Control"]) == (200, "no-store")
    assert "的话" in text
    assert ("<b>" in text) == (form != "html")
    assert by_link.status_code == 200
    assert "后来" not in by_link.content.decode()
    assert [answer.status_code for answer in refused] == [403, 403]


def test_transcript_link_opens_no_other(there: Handoff, admit: Any, channel: Channel) -> None:
    other = hand_over(admit(channel, device_id="other").session)
    token = delivery.packages.link_token(other)

    answer = Client().get(f"/hooks/handoff/{there.target.key}/{there.pk}/transcript?token={token}")

    assert answer.status_code == 403


def chatwoot(target: HandoffTarget, told: Any, *, secret: str = THEIRS) -> Any:
    raw, stamp = json.dumps(told).encode(), str(int(time.time()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
    return Client().post(
        f"/hooks/handoff/{target.key}/events",
        raw,
        content_type="application/json",
        headers={"x-chatwoot-signature": f"sha256={digest}", "x-chatwoot-timestamp": stamp},
    )


def zendesk(target: HandoffTarget, told: Any, *, secret: str = THEIRS) -> Any:
    raw, stamp = json.dumps(told).encode(), datetime.now(UTC).isoformat()
    digest = hmac.new(secret.encode(), stamp.encode() + raw, hashlib.sha256).digest()
    return Client().post(
        f"/hooks/handoff/{target.key}/events",
        raw,
        content_type="application/json",
        headers={
            "x-zendesk-webhook-signature": base64.b64encode(digest).decode(),
            "x-zendesk-webhook-signature-timestamp": stamp,
        },
    )


def test_chatwoot_agents_words_and_end(in_tenant: Tenant, visitor: ContactSession) -> None:
    with desks.serving("chatwoot") as served:
        target = employ(served, "chatwoot")
        handoff = deliver(hand_over(visitor))
    told = {
        "event": "message_created",
        "id": 91,
        "content": "您好，我是 Chatwoot 的坐席。",
        "message_type": "outgoing",
        "private": False,
        "sender": {"type": "user", "name": "王敏"},
        "conversation": {"id": int(handoff.external_id)},
    }

    answers = [chatwoot(target, told), chatwoot(target, told)]
    silent = (
        {"id": 92, "private": True},
        {"id": 93, "message_type": "incoming"},
        {"id": 94, "sender": {"type": "agent_bot", "name": "机器人"}},
        {"id": 95, "content_attributes": {"yingda_id": "msg_1"}},
        {"id": 96, "conversation": {"id": 999_999}},
    )
    answers += [chatwoot(target, told | changed) for changed in silent]
    forged = chatwoot(target, told | {"id": 97}, secret="guess")
    ended = chatwoot(
        target,
        {
            "event": "conversation_status_changed",
            "id": int(handoff.external_id),
            "status": "resolved",
        },
    )

    said = Message.objects.get(author_kind="agent")
    assert {answer.status_code for answer in answers} == {200}
    assert (said.text, said.author_name) == ("您好，我是 Chatwoot 的坐席。", "王敏")
    assert (forged.status_code, ended.status_code) == (403, 200)
    assert Conversation.objects.get().status == "closed"


def test_zendesk_agents_comment_and_end(in_tenant: Tenant, visitor: ContactSession) -> None:
    with desks.serving("zendesk") as served:
        target = employ(served, "zendesk")
        handoff = deliver(hand_over(visitor))
    told = {
        "type": "comment",
        "ticket_id": handoff.external_id,
        "comment_id": "c-1",
        "text": "已为您处理。" * 700,
        "agent_name": "王敏",
    }

    answers = [zendesk(target, told), zendesk(target, told)]
    forged = zendesk(target, told | {"comment_id": "c-2"}, secret="guess")
    malformed = zendesk(target, ["no", "object"])
    ended = zendesk(target, {"type": "solved", "ticket_id": handoff.external_id})

    parts = list(Message.objects.filter(author_kind="agent").order_by("seq"))
    assert {answer.status_code for answer in answers} == {200}
    # Longer than a message of ours may be: nothing of it is lost.
    assert "".join(part.text for part in parts) == told["text"]
    assert len(parts) == 2
    assert (forged.status_code, malformed.status_code, ended.status_code) == (403, 400, 200)
    assert Conversation.objects.get().status == "closed"


def test_webhook_target_has_no_events(there: Handoff) -> None:
    assert chatwoot(there.target, {"event": "message_created"}).status_code == 404
