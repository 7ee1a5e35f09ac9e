"""To the client's own system and back: in time, whole, once, or to our console instead."""

import hashlib
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from conversations import deliveries, tasks
from conversations.adapters.base import CAUSES
from conversations.bench import desks
from conversations.bench.desks import Call, Desk
from conversations.models import (
    ContactSession,
    Conversation,
    Handoff,
    HandoffDelivery,
    HandoffTarget,
    Message,
    OutboundDelivery,
)
from conversations.queries import queue_position
from conversations.services import delivery, desk, endings, failover, phrases, targets
from conversations.services.delivery import NotRepeatableError
from tenants import clock
from tenants.models import LedgerEntry, Membership, Obligation, Tenant, User
from tenants.scoping import tenant_scope
from tests.conversations.doors import ask, at_once, clocks, ledger_kinds, send
from tests.conversations.handoffs import deliver, employ, hand_over

KINDS = ("webhook", "chatwoot", "zendesk")


@pytest.fixture(autouse=True)
def _local(settings: Any) -> None:
    settings.OUTWARD_ALLOWED = ["127.0.0.1"]


@pytest.fixture(params=KINDS)
def system(request: pytest.FixtureRequest) -> Iterator[tuple[str, Desk]]:
    with desks.serving(request.param) as served:
        yield request.param, served


@pytest.fixture
def webhook() -> Iterator[Desk]:
    with desks.serving("webhook") as served:
        yield served


def later(handoff: Handoff, seconds: float) -> Any:
    return clock.travel(handoff.decided_at + timedelta(seconds=seconds))


def log() -> list[tuple[str, int, int | None, str]]:
    return [
        (row.what, row.attempt, row.http_status, row.error_class)
        for row in HandoffDelivery.objects.order_by("started_at", "pk")
    ]


def test_state_row_outbox_and_promise_are_one_commit(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    target = employ(None)

    handoff = hand_over(visitor)

    conversation = Conversation.objects.get()
    row = OutboundDelivery.objects.get()
    assert (handoff.state, handoff.target, handoff.delivered_at) == ("created", target, None)
    assert handoff.deadline_at == handoff.triggered_at + timedelta(seconds=60)
    assert (conversation.status, conversation.held_elsewhere) == ("waiting_human", True)
    assert conversation.elsewhere == {"system": target.name, "state": "delivering", "agent": ""}
    assert (row.kind, row.state, row.attempts, row.due_at) == (
        "created",
        "pending",
        0,
        handoff.decided_at,
    )
    assert clocks("handoff") == [("running", False)]
    assert queue_position(conversation) is None
    with phrases.language_of(visitor.contact):
        said = phrases.handed_off("asked", position=None, elsewhere=True)
    assert Message.objects.latest("seq").text == said


def test_hand_off_is_delivered_and_the_promise_met(
    in_tenant: Tenant, visitor: ContactSession, system: tuple[str, Desk]
) -> None:
    kind, served = system
    employ(served, kind)
    handoff = hand_over(visitor)

    handoff = deliver(handoff)

    assert handoff.state == "delivered"
    assert handoff.conversation.elsewhere["state"] == "delivered"
    assert handoff.conversation.held_elsewhere
    assert served.made == {str(handoff.pk): 1}
    assert served.problems == []
    assert clocks("handoff") == [("met", False)]
    met = Obligation.objects.get(kind="handoff")
    assert met.met_at == handoff.delivered_at
    assert [(what, cause) for what, _n, _status, cause in log()] == [("created", "")]
    assert {"handoff.requested", "handoff.delivered"} <= set(ledger_kinds())
    assert OutboundDelivery.objects.get().body == ""


@pytest.mark.parametrize("kind", ["chatwoot", "zendesk"])
def test_agents_over_there_read_the_whole_story(
    in_tenant: Tenant, visitor: ContactSession, kind: str
) -> None:
    with desks.serving(kind) as served:
        employ(served, kind)
        send(visitor, "第一句")
        handoff = deliver(hand_over(visitor, "第二句"))

    text = served.said[str(handoff.pk)][0]
    assert text.index("第一句") < text.index("第二句")
    assert visitor.contact.display_name in text
    assert handoff.external_id
    assert handoff.external_url.startswith(served.url)


def test_package_holds_what_the_contract_asks(
    in_tenant: Tenant, visitor: ContactSession, webhook: Desk, settings: Any
) -> None:
    """Source: R64."""
    settings.PUBLIC_URL = "https://chat.example.com"
    visitor.contact.name, visitor.contact.phone = "李雷", "+8613800138000"
    visitor.contact.save()
    target = employ(webhook)
    for number in range(25):
        send(visitor, f"第 {number} 句")
    handoff = deliver(hand_over(visitor))

    data = webhook.packages[str(handoff.pk)]
    package = data["transcript"]
    seqs = [message["seq"] for message in package["messages"]]
    assert (data["schema"], data["tenant"]) == (1, in_tenant.slug)
    assert (package["total"], handoff.package_seq, len(seqs)) == (26, 26, 20)
    assert seqs == list(range(7, 27))
    assert (
        data["customer"]
        | {
            "contact_id": str(visitor.contact.pk),
            "name": "李雷",
            "phone": "+8613800138000",
            "verified": False,
            "masked": False,
        }
        == data["customer"]
    )
    assert (data["reason"]["code"], data["channel"]["name"]) == ("asked", visitor.channel.name)
    assert data["inquiry_id"] == str(handoff.inquiry_id)
    assert data["links"]["ack"] == (
        f"https://chat.example.com/hooks/handoff/{target.key}/{handoff.pk}/ack"
    )
    assert package["full_url"].startswith("https://chat.example.com/hooks/handoff/")
    assert len(handoff.package_hash) == 64
    assert webhook.largest_body <= 20_000


def test_long_transcript_stays_below_the_limit_of_the_standard(
    in_tenant: Tenant, visitor: ContactSession, webhook: Desk, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://chat.example.com"
    employ(webhook)
    for _number in range(12):
        send(visitor, "长" * 1500)

    handoff = deliver(hand_over(visitor))

    assert handoff.state == "delivered"
    assert webhook.largest_body <= 20_000
    assert webhook.packages[str(handoff.pk)]["transcript"]["total"] == 13


def test_without_a_public_address_the_package_holds_everything(
    in_tenant: Tenant, visitor: ContactSession, webhook: Desk, settings: Any
) -> None:
    settings.PUBLIC_URL = ""
    employ(webhook)
    for number in range(30):
        send(visitor, f"第 {number} 句")

    handoff = deliver(hand_over(visitor))

    package = webhook.packages[str(handoff.pk)]["transcript"]
    assert (package["total"], len(package["messages"]), package["full_url"]) == (31, 31, None)
    told = json.dumps(
        package["messages"], ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    assert hashlib.sha256(told.encode()).hexdigest() == package["sha256"]


def test_masked_target_gets_neither_phone_nor_mail(
    in_tenant: Tenant, visitor: ContactSession, webhook: Desk
) -> None:
    visitor.contact.phone, visitor.contact.email = "13800138000", "lilei@example.com"
    visitor.contact.save()
    employ(webhook, masks_contact=True)

    handoff = deliver(hand_over(visitor, "我的电话 13800138000，邮箱 lilei@example.com"))

    told = json.dumps(webhook.packages[str(handoff.pk)], ensure_ascii=False)
    assert "13800138000" not in told
    assert "lilei" not in told
    assert webhook.packages[str(handoff.pk)]["customer"]["phone"] == "***8000"


@pytest.mark.parametrize(
    ("fault", "status", "cause"),
    [
        ("error", 500, "server_error"),
        ("redirect", 301, "redirect"),
        ("huge", None, "too_large"),
    ],
)
def test_failed_attempts_keep_to_the_plan_under_one_id(
    in_tenant: Tenant,
    visitor: ContactSession,
    webhook: Desk,
    fault: str,
    status: int | None,
    cause: str,
) -> None:
    employ(webhook)
    webhook.fault = fault
    handoff = hand_over(visitor)
    planned = []

    for seconds in (0, 2, 6, 14, 28):
        with later(handoff, seconds):
            deliver(handoff)
        planned.append((OutboundDelivery.objects.get().due_at - handoff.decided_at).seconds)

    assert planned == [2, 6, 14, 28, 60]
    assert log() == [("created", number, status, cause) for number in range(1, 6)]
    assert len({call.headers["webhook-id"] for call in webhook.calls}) == 1
    assert len({json.dumps(call.body) for call in webhook.calls}) == 1
    assert cause in CAUSES


def test_not_acknowledged_in_45_seconds_goes_to_our_console(
    in_tenant: Tenant, visitor: ContactSession, webhook: Desk
) -> None:
    """Source: R66, R70."""
    target = employ(webhook)
    webhook.fault = "error"
    handoff = deliver(hand_over(visitor))

    with later(handoff, 44.9):
        tasks.fail_over_handoffs()
    early = Handoff.objects.get().state
    with later(handoff, 45):
        tasks.fail_over_handoffs()
        tasks.fail_over_handoffs()

    handoff.refresh_from_db()
    conversation = Conversation.objects.get()
    assert (early, handoff.state, handoff.fallback_cause) == (
        "delivering",
        "fallback_console",
        "no_ack",
    )
    assert (handoff.fell_back_at - handoff.decided_at).total_seconds() == 45
    assert (conversation.status, conversation.held_elsewhere) == ("waiting_human", False)
    assert queue_position(conversation) == 1
    assert clocks("handoff") == [("met", False)]
    with phrases.language_of(visitor.contact):
        assert Message.objects.latest("seq").text == phrases.failed_over(1)
    target.refresh_from_db()
    assert target.failures == 1
    event = LedgerEntry.objects.get(kind="handoff.failed_over")
    assert (event.data["cause"], event.data["owner"]) == ("no_ack", "client")


def test_slow_retry_brings_it_there_while_nobody_here_has_taken_it(
    in_tenant: Tenant, visitor: ContactSession, webhook: Desk
) -> None:
    target = employ(webhook)
    webhook.fault = "error"
    handoff = deliver(hand_over(visitor))
    with later(handoff, 45):
        failover.fail_over(handoff.pk, cause="no_ack")
        send(visitor, "还在吗？")
    webhook.fault = "healthy"

    with later(handoff, 61):
        handoff = deliver(handoff)

    target.refresh_from_db()
    assert (handoff.state, handoff.late_ack_at) == ("delivered", None)
    assert handoff.conversation.held_elsewhere
    assert webhook.said[str(handoff.pk)] == ["handoff.created", "还在吗？"]
    assert target.failures == 0
    assert clocks("handoff") == [("met", False)]


def test_taken_here_after_failover_it_is_taken_back_there(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership, webhook: Desk
) -> None:
    employ(webhook)
    webhook.fault = "error"
    handoff = deliver(hand_over(visitor))
    with later(handoff, 45):
        failover.fail_over(handoff.pk, cause="no_ack")
    webhook.fault = "healthy"

    taken = desk.take(handoff.conversation_id, by=agent)
    handoff = deliver(handoff)

    assert (taken.status, taken.agent, taken.elsewhere) == ("human", agent, {})
    assert (handoff.state, handoff.accepted_by) == ("withdrawn", agent)
    # Never created there as far as is known, yet an attempt may have arrived: only the end is told.
    assert webhook.said[str(handoff.pk)] == ["handoff.withdrawn"]


def test_taken_here_while_it_is_there_it_is_taken_back(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership, system: tuple[str, Desk]
) -> None:
    kind, served = system
    employ(served, kind)
    handoff = deliver(hand_over(visitor))

    desk.take(handoff.conversation_id, by=agent)
    handoff = deliver(handoff)

    conversation = handoff.conversation
    assert (conversation.status, conversation.held_elsewhere) == ("human", False)
    assert (handoff.state, handoff.accepted_by_id) == ("withdrawn", agent.pk)
    assert len(served.said[str(handoff.pk)]) == 2
    assert served.problems == []


@pytest.mark.django_db(transaction=True)
def test_late_acknowledgement_is_stored_and_taken_back(
    in_tenant: Tenant, visitor: ContactSession, webhook: Desk
) -> None:
    """Source: R66. The attempt began before our console took over, and was answered after."""

    def overtake(call: Call) -> None:
        if call.body["type"] == "handoff.created":
            with tenant_scope(in_tenant):
                failover.fail_over(uuid.UUID(call.body["data"]["handoff_id"]), cause="no_ack")
            connections.close_all()

    employ(webhook)
    webhook.meanwhile = overtake

    handoff = hand_over(visitor)
    assert deliveries.settle()

    handoff.refresh_from_db()
    assert (handoff.state, handoff.late_ack_at is not None) == ("fallback_console", True)
    assert webhook.said[str(handoff.pk)] == ["handoff.created", "handoff.withdrawn"]
    assert not Conversation.objects.get().held_elsewhere
    assert "handoff.acknowledged_late" in ledger_kinds()
    assert clocks("handoff") == [("met", False)]


@pytest.mark.django_db(transaction=True)
def test_sending_begins_right_after_the_commit_and_follows_each_message(
    in_tenant: Tenant, visitor: ContactSession, system: tuple[str, Desk]
) -> None:
    kind, served = system
    employ(served, kind)

    handoff = hand_over(visitor)
    for text in ("甲", "乙", "丙"):
        send(visitor, text)
    assert deliveries.settle()

    handoff.refresh_from_db()
    assert handoff.state == "delivered"
    assert (handoff.delivered_at - handoff.decided_at).total_seconds() < 5
    assert [text[-1] for text in served.said[str(handoff.pk)][1:]] == ["甲", "乙", "丙"]
    assert served.made == {str(handoff.pk): 1}


@pytest.mark.django_db(transaction=True)
def test_what_a_dead_process_left_is_sent_by_the_sweeper(
    in_tenant: Tenant, visitor: ContactSession, webhook: Desk
) -> None:
    employ(webhook)
    webhook.fault = "black_hole"
    handoff = hand_over(visitor)
    deliveries.forget()
    webhook.fault = "healthy"
    # The dead process held it until its time was over.
    OutboundDelivery.objects.update(claimed_until=handoff.decided_at, due_at=handoff.decided_at)

    with later(handoff, 1.5):
        tasks.deliver_handoffs()
    assert deliveries.settle()

    handoff.refresh_from_db()
    assert (handoff.state, webhook.made) == ("delivered", {str(handoff.pk): 1})


@pytest.mark.django_db(transaction=True)
def test_processes_at_once_send_a_thing_once(
    in_tenant: Tenant, visitor: ContactSession, webhook: Desk
) -> None:
    employ(webhook)
    handoff = hand_over(visitor)

    at_once(4, lambda _number: delivery.drain(handoff.pk))
    assert deliveries.settle()

    assert len(webhook.calls) == 1


def test_further_messages_go_there_in_order_once(
    in_tenant: Tenant, visitor: ContactSession, system: tuple[str, Desk]
) -> None:
    """Source: R69."""
    kind, served = system
    employ(served, kind)
    handoff = hand_over(visitor)
    send(visitor, "甲")
    send(visitor, "乙", client_msg_id="same")
    send(visitor, "乙", client_msg_id="same")
    deliver(handoff)
    send(visitor, "丙")
    deliver(handoff)

    said = served.said[str(handoff.pk)][1:]
    assert [text[-1] for text in said] == ["甲", "乙", "丙"]
    assert OutboundDelivery.objects.exclude(state="done").count() == 0


def test_lost_answer_doubles_nothing(
    in_tenant: Tenant, visitor: ContactSession, system: tuple[str, Desk]
) -> None:
    """The system makes each thing and reports an error all the same."""
    kind, served = system
    served.fault = "error_after_creating"
    employ(served, kind)
    handoff = hand_over(visitor)
    send(visitor, "甲")

    for number in range(14):
        with later(handoff, number * 15):
            handoff = deliver(handoff)

    assert handoff.state == "delivered"
    assert served.made == {str(handoff.pk): 1}
    assert len(served.said[str(handoff.pk)]) == 2
    assert served.problems == []


def test_gone_disables_the_target_and_everything_comes_back(
    in_tenant: Tenant, visitor: ContactSession, webhook: Desk
) -> None:
    target = employ(webhook)
    webhook.fault = "gone"

    handoff = deliver(hand_over(visitor))

    target.refresh_from_db()
    assert (target.status, target.disabled_reason) == ("disabled", "gone")
    assert (handoff.state, handoff.fallback_cause) == ("fallback_console", "gone")
    assert OutboundDelivery.objects.get().state == "dropped"
    assert "target.disabled" in ledger_kinds()


def test_asked_to_wait_it_waits(in_tenant: Tenant, visitor: ContactSession, webhook: Desk) -> None:
    target = employ(webhook)
    webhook.fault = "throttled"
    handoff = deliver(hand_over(visitor))

    row = OutboundDelivery.objects.get()
    target.refresh_from_db()
    before = len(webhook.calls)
    deliver(handoff)
    assert (log()[0][2:], len(webhook.calls)) == ((429, "throttled"), before)
    assert row.due_at >= target.throttled_until > handoff.decided_at
    with later(handoff, 3):
        assert deliver(handoff).state == "delivered"


def test_rejected_goes_to_our_console_at_once(
    in_tenant: Tenant, visitor: ContactSession, webhook: Desk
) -> None:
    employ(webhook)
    webhook.fault = "rejecting"

    handoff = deliver(hand_over(visitor))

    assert (handoff.state, handoff.fallback_cause) == ("fallback_console", "rejected")
    assert not handoff.conversation.held_elsewhere
    assert handoff.conversation.elsewhere == {}
    assert log()[0][3] == "rejected"


def test_open_circuit_sends_new_ones_to_the_console_at_once(
    in_tenant: Tenant, channel: Any, admit: Any, webhook: Desk
) -> None:
    """Source: R65. Three in a row; then, after a rest, one that tries."""
    target = employ(webhook)
    for number in range(targets.FAILURES):
        handoff = hand_over(admit(channel, device_id=f"d{number}").session)
        failover.fail_over(handoff.pk, cause="no_ack")

    skipped = hand_over(admit(channel, device_id="now").session)
    with later(skipped, 61):
        tries = hand_over(admit(channel, device_id="later").session)
        others = hand_over(admit(channel, device_id="also").session)
        deliver(tries)
        closed = hand_over(admit(channel, device_id="after").session)

    assert (skipped.target, skipped.state, skipped.fallback_cause) == (None, "delivered", "circuit")
    assert (tries.target, others.target, closed.target) == (target, None, target)


def test_disabled_target_gets_nothing(in_tenant: Tenant, visitor: ContactSession) -> None:
    employ(None, status="disabled")

    handoff = hand_over(visitor)

    assert (handoff.target, handoff.state) == (None, "delivered")
    assert clocks("handoff") == [("met", False)]


def test_disabling_brings_back_what_the_target_has(
    in_tenant: Tenant, visitor: ContactSession, webhook: Desk
) -> None:
    target = employ(webhook)
    handoff = deliver(hand_over(visitor))
    target.refresh_from_db()
    target.status = "disabled"

    targets.save_target(target, by=None)

    handoff.refresh_from_db()
    assert (handoff.state, handoff.fallback_cause) == ("fallback_console", "disabled")
    assert queue_position(Conversation.objects.get()) == 1


def test_what_the_visitor_ends_is_ended_there(
    in_tenant: Tenant, visitor: ContactSession, system: tuple[str, Desk]
) -> None:
    kind, served = system
    employ(served, kind)
    handoff = deliver(hand_over(visitor))
    send(visitor, "不用了")

    endings.close_by_contact(handoff.conversation_id)
    handoff = deliver(handoff)

    assert handoff.state == "closed"
    assert [row.kind for row in OutboundDelivery.objects.order_by("number")] == [
        "created",
        "message",
        "closed",
    ]
    assert OutboundDelivery.objects.exclude(state="done").count() == 0


def test_what_is_ended_before_it_was_sent_is_not_sent(
    in_tenant: Tenant, visitor: ContactSession, webhook: Desk
) -> None:
    employ(webhook)
    handoff = hand_over(visitor)

    endings.close_by_contact(handoff.conversation_id)
    deliver(handoff)

    assert webhook.calls == []
    assert clocks("handoff") == [("met", False)]


def test_question_the_assistant_cannot_answer_goes_there(
    in_tenant: Tenant, visitor: ContactSession, webhook: Desk
) -> None:
    employ(webhook)

    reply = ask(visitor, "商品能做礼盒包装吗")
    handoff = deliver(Handoff.objects.get())

    data = webhook.packages[str(handoff.pk)]
    with phrases.language_of(visitor.contact):
        assert reply.text == phrases.handed_off("unknown", position=None, elsewhere=True)
    assert (data["reason"]["code"], data["reason"]["rule"]) == ("unknown", "gate.unknown")
    assert data["reason"]["last_question"] == "商品能做礼盒包装吗"


def test_ping_tells_honestly_how_it_went(in_tenant: Tenant, system: tuple[str, Desk]) -> None:
    kind, served = system
    target = employ(served, kind)

    good = delivery.ping(target)
    served.fault = "error"
    bad = delivery.ping(target)

    assert (good.cause, bad.cause, bad.http_status) == ("", "server_error", 500)
    assert [row[0] for row in log()] == ["ping", "ping"]
    assert served.made == {}


def test_own_network_is_not_called(
    in_tenant: Tenant, visitor: ContactSession, settings: Any, webhook: Desk
) -> None:
    employ(webhook)
    settings.OUTWARD_ALLOWED = []

    deliver(hand_over(visitor))

    assert log()[0][3] == "refused_address"
    assert webhook.calls == []


def test_excerpt_holds_no_secret(in_tenant: Tenant, webhook: Desk) -> None:
    target = employ(webhook)

    shown = delivery._redacted(target, f"{webhook.token} 13800138000 {webhook.secret}" + "字" * 999)

    assert webhook.token not in shown
    assert webhook.secret not in shown
    assert "13800138000" not in shown
    assert len(shown.encode()) <= 1024


def test_sent_again_under_the_same_id(
    in_tenant: Tenant, visitor: ContactSession, system: tuple[str, Desk], operator: User
) -> None:
    kind, served = system
    employ(served, kind)
    handoff = deliver(hand_over(visitor))

    delivery.send_again(HandoffDelivery.objects.get(), by=operator)
    deliver(handoff)

    assert served.made == {str(handoff.pk): 1}
    assert len(served.said[str(handoff.pk)]) == 1
    assert [row[:2] for row in log()] == [("created", 1), ("created", 2)]
    assert OutboundDelivery.objects.get().state == "done"


def test_over_is_not_sent_again(
    in_tenant: Tenant, visitor: ContactSession, webhook: Desk, operator: User
) -> None:
    employ(webhook)
    handoff = deliver(hand_over(visitor))
    endings.close_by_contact(handoff.conversation_id)

    with pytest.raises(NotRepeatableError):
        delivery.send_again(HandoffDelivery.objects.get(what="created"), by=operator)


def test_unreadable_secrets_are_a_failed_attempt(
    in_tenant: Tenant, visitor: ContactSession, webhook: Desk
) -> None:
    target = employ(webhook)
    HandoffTarget.objects.filter(pk=target.pk).update(sealed_signing_secret="broken")

    deliver(hand_over(visitor))

    assert log() == [("created", 1, None, "unreadable")]
