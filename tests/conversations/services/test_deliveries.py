"""Webhooks: signed, at least once, patient with what is slow, and never into our own network."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from conversations import tasks
from conversations.models import (
    ContactSession,
    Conversation,
    EventKind,
    ServiceEvent,
    WebhookDelivery,
    WebhookEndpoint,
)
from conversations.services import deliveries, endpoints
from conversations.services.endpoints import AddressRefusedError
from tenants import clock
from tenants.models import LedgerEntry, Tenant, User
from tests.conversations.doors import at_once, send
from tests.conversations.receiver import Receiver, is_signed

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTWARD_ALLOWED = ["127.0.0.1"]
    made = Receiver().start()
    yield made
    made.stop()


@pytest.fixture
def boss(in_tenant: Tenant, make_member: Callable[..., User]) -> User:
    return make_member(in_tenant, "client_admin")


@pytest.fixture
def keyed(in_tenant: Tenant, receiver: Receiver) -> tuple[WebhookEndpoint, str]:
    endpoint = WebhookEndpoint(name="客户系统", url=receiver.url, kinds=["message.received"])
    secret = endpoints.save_endpoint(endpoint, by=None)
    assert secret is not None
    return endpoint, secret


@pytest.fixture
def conversation(in_tenant: Tenant, visitor: ContactSession) -> Conversation:
    return send(visitor, "我的电话是13800138000，退款").message.conversation


def queued(endpoint: WebhookEndpoint, conversation: Conversation, name: str = "1") -> Any:
    message = conversation.messages.get(seq=1)
    event = ServiceEvent.objects.create(
        key=name, kind=EventKind.MESSAGE, conversation=conversation, message=message, at=NOON
    )
    endpoint.refresh_from_db()
    with clock.travel(NOON):
        return deliveries.queue(endpoint, event, conversation, message_id=f"msg_{name}")


def attempt(delivery: WebhookDelivery, at: datetime) -> bool:
    with clock.travel(at):
        fine = deliveries.deliver(delivery.pk)
    delivery.refresh_from_db()
    return fine


def test_a_receiver_can_check_what_arrives(
    keyed: tuple[WebhookEndpoint, str], conversation: Conversation, receiver: Receiver
) -> None:
    endpoint, secret = keyed
    delivery = queued(endpoint, conversation)

    assert attempt(delivery, NOON)

    (headers, body), *more = receiver.heard
    assert more == []
    assert is_signed(secret, headers, body)
    assert not is_signed(secret, headers, body + b" ")
    assert headers["webhook-id"] == "msg_1"
    assert headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    told = json.loads(body)
    assert (told["type"], told["timestamp"]) == ("message.received", "2026-11-20T04:00:00.000Z")
    assert told["data"]["conversation_id"] == str(conversation.pk)
    assert "text" not in told["data"]
    assert (delivery.state, delivery.delivered_at) == ("delivered", NOON)


def test_contents_are_sent_where_asked_for_and_masked(
    keyed: tuple[WebhookEndpoint, str], conversation: Conversation, receiver: Receiver
) -> None:
    endpoint, _secret = keyed
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(with_contents=True)
    attempt(queued(endpoint, conversation), NOON)

    text = json.loads(receiver.heard[0][1])["data"]["text"]

    assert text == "我的电话是[phone]，退款"


def test_the_same_message_is_queued_once(
    keyed: tuple[WebhookEndpoint, str], conversation: Conversation
) -> None:
    first = queued(keyed[0], conversation)
    event = ServiceEvent.objects.get()

    again = deliveries.queue(keyed[0], event, conversation, message_id="msg_1")

    assert (first is not None, again) == (True, None)
    assert WebhookDelivery.objects.count() == 1


def test_the_schedule_is_followed_to_its_end(
    keyed: tuple[WebhookEndpoint, str], conversation: Conversation, receiver: Receiver
) -> None:
    receiver.answer = (500, {}, b"broken")
    delivery = queued(keyed[0], conversation)
    at = NOON
    waits = []

    for _number in range(10):
        assert not attempt(delivery, at - timedelta(microseconds=1))
        assert not attempt(delivery, at)
        if delivery.next_at is not None:
            waits.append((delivery.next_at - at).total_seconds())
            at = delivery.next_at

    expected = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert len(waits) == 9
    for wait, wanted in zip(waits, expected, strict=True):
        assert wanted * 0.9 <= wait <= wanted * 1.1
    assert (delivery.state, delivery.next_at, delivery.attempts) == ("failed", None, 10)
    assert (delivery.last_status, delivery.last_excerpt) == (500, "broken")
    assert len(receiver.heard) == 10
    assert {headers["webhook-id"] for headers, _body in receiver.heard} == {"msg_1"}


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("dated", [False, True])
def test_retry_after_is_obeyed(
    keyed: tuple[WebhookEndpoint, str],
    conversation: Conversation,
    receiver: Receiver,
    status: int,
    dated: bool,
) -> None:
    later = NOON + timedelta(seconds=600)
    receiver.answer = (status, {"retry-after": format_datetime(later) if dated else "600"}, b"")
    delivery = queued(keyed[0], conversation)

    attempt(delivery, NOON)

    assert delivery.next_at == later


@pytest.mark.parametrize(
    "value", ["-5", "soon", "9" * 400, "999999999", "Thu, 99 Foo 2026", "Mon, 01 Jan 0001 00:00:00"]
)
def test_a_hostile_retry_after_harms_nobody(
    keyed: tuple[WebhookEndpoint, str], conversation: Conversation, receiver: Receiver, value: str
) -> None:
    receiver.answer = (503, {"retry-after": value}, b"")
    delivery = queued(keyed[0], conversation)

    attempt(delivery, NOON)

    assert NOON < delivery.next_at <= NOON + timedelta(hours=24)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_failures_and_not_followed(
    keyed: tuple[WebhookEndpoint, str], conversation: Conversation, receiver: Receiver, status: int
) -> None:
    receiver.answer = (status, {"location": receiver.url}, b"")
    delivery = queued(keyed[0], conversation)

    assert not attempt(delivery, NOON)

    assert (len(receiver.heard), delivery.last_status) == (1, status)


def test_gone_switches_the_address_off(
    keyed: tuple[WebhookEndpoint, str], conversation: Conversation, receiver: Receiver
) -> None:
    receiver.answer = (410, {}, b"")
    delivery = queued(keyed[0], conversation)

    attempt(delivery, NOON)

    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.is_active, endpoint.disabled_reason) == (False, "gone")
    assert delivery.state == "failed"
    assert LedgerEntry.objects.filter(kind="webhook.disabled").count() == 1


def test_a_long_row_of_failures_switches_it_off_but_a_short_outage_does_not(
    keyed: tuple[WebhookEndpoint, str], conversation: Conversation, receiver: Receiver
) -> None:
    receiver.answer = (500, {}, b"")
    many = [queued(keyed[0], conversation, f"m{number}") for number in range(25)]
    for delivery in many:
        attempt(delivery, NOON)
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.is_active, endpoint.failures) == (True, 25)

    WebhookDelivery.objects.update(next_at=NOON)
    attempt(many[0], NOON + timedelta(hours=24) - timedelta(microseconds=1))
    assert WebhookEndpoint.objects.get().is_active
    WebhookDelivery.objects.update(next_at=NOON)
    attempt(many[0], NOON + timedelta(hours=24))

    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.is_active, endpoint.disabled_reason) == (False, "failing")
    endpoint.is_active = True
    endpoints.save_endpoint(endpoint, by=None)
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.failures, endpoint.failing_since, endpoint.disabled_at) == (0, None, None)


def test_success_ends_the_row_of_failures(
    keyed: tuple[WebhookEndpoint, str], conversation: Conversation, receiver: Receiver
) -> None:
    receiver.answer = (500, {}, b"")
    delivery = queued(keyed[0], conversation)
    attempt(delivery, NOON)
    receiver.answer = (200, {}, b"fine")

    assert attempt(delivery, delivery.next_at)

    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.failures, endpoint.failing_since) == (0, None)


def test_endless_and_dripping_answers_are_bounded(
    keyed: tuple[WebhookEndpoint, str],
    conversation: Conversation,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deliveries, "TIMEOUT_SECONDS", 1.0)

    def drip(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _second in range(100):
                handler.wfile.write(b"x")
                time.sleep(0.2)
        except OSError:
            pass

    receiver.answer = drip
    began = time.monotonic()
    attempt(queued(keyed[0], conversation), NOON)

    assert time.monotonic() - began < 4

    receiver.answer = lambda handler: time.sleep(3)
    delivery = queued(keyed[0], conversation, "2")
    assert not attempt(delivery, NOON)
    assert delivery.last_error == "timeout"


def test_a_closed_port_is_unreachable(
    keyed: tuple[WebhookEndpoint, str], conversation: Conversation, receiver: Receiver
) -> None:
    delivery = queued(keyed[0], conversation)
    receiver.stop()

    assert not attempt(delivery, NOON)

    assert (delivery.last_error, delivery.last_status) == ("unreachable", None)


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/hook",
        "https://127.0.0.1/hook",
        "https://localhost/hook",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.8/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://user:pass@shop.example/",
        "ftp://shop.example/",
        "file:///etc/passwd",
        "gopher://shop.example/",
        "",
    ],
)
def test_addresses_of_our_own_are_refused(in_tenant: Tenant, url: str) -> None:
    with pytest.raises(AddressRefusedError):
        endpoints.save_endpoint(WebhookEndpoint(name="x", url=url), by=None)

    assert not WebhookEndpoint.objects.exists()


def test_an_address_that_became_ours_is_not_called(
    keyed: tuple[WebhookEndpoint, str],
    conversation: Conversation,
    receiver: Receiver,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The name was fine when it was saved and leads into our network when it is called."""
    settings.OUTWARD_ALLOWED = []
    url = f"https://rebound.example:{receiver.port}/hook"
    WebhookEndpoint.objects.update(url=url)
    monkeypatch.setattr(
        "socket.getaddrinfo", lambda *args, **kw: [(2, 1, 6, "", ("127.0.0.1", receiver.port))]
    )
    delivery = queued(keyed[0], conversation)

    assert not attempt(delivery, NOON)

    assert delivery.last_error == "address_refused"
    assert receiver.heard == []


def test_both_secrets_sign_for_a_day(
    keyed: tuple[WebhookEndpoint, str], conversation: Conversation, receiver: Receiver, boss: User
) -> None:
    endpoint, old = keyed
    with clock.travel(NOON):
        new = endpoints.rotate_secret(endpoint, by=boss)
    within, after = queued(endpoint, conversation), queued(endpoint, conversation, "2")

    attempt(within, NOON + timedelta(hours=24) - timedelta(seconds=1))
    attempt(after, NOON + timedelta(hours=24))

    first, second = receiver.heard
    assert new != old
    assert is_signed(new, *first)
    assert is_signed(old, *first)
    assert is_signed(new, *second)
    assert not is_signed(old, *second)
    assert old not in str(WebhookEndpoint.objects.values_list())


def test_replay_sends_the_same_message_again(
    keyed: tuple[WebhookEndpoint, str], conversation: Conversation, receiver: Receiver, boss: User
) -> None:
    delivery = queued(keyed[0], conversation)
    attempt(delivery, NOON)
    assert not attempt(delivery, NOON + timedelta(days=1))

    deliveries.replay(delivery, by_id=boss.pk)
    assert deliveries.deliver(delivery.pk)

    assert receiver.heard[0][1] == receiver.heard[1][1]
    assert receiver.heard[0][0]["webhook-id"] == receiver.heard[1][0]["webhook-id"]


def test_a_ping_is_sent_once(
    keyed: tuple[WebhookEndpoint, str], receiver: Receiver, boss: User
) -> None:
    fine = endpoints.ping(keyed[0], by=boss)
    receiver.answer = (500, {}, b"")
    bad = endpoints.ping(keyed[0], by=boss)

    assert (fine.state, bad.state, bad.next_at) == ("delivered", "failed", None)
    assert json.loads(receiver.heard[0][1])["type"] == "ping"


def test_the_chore_sends_what_is_due_to_active_addresses(
    keyed: tuple[WebhookEndpoint, str], conversation: Conversation, receiver: Receiver
) -> None:
    delivery = queued(keyed[0], conversation)
    WebhookEndpoint.objects.update(is_active=False)
    tasks.send_webhooks()
    assert receiver.heard == []

    WebhookEndpoint.objects.update(is_active=True)
    tasks.send_webhooks()
    tasks.send_webhooks()

    assert len(receiver.heard) == 1
    delivery.refresh_from_db()
    assert delivery.state == "delivered"


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_send_once_each(
    keyed: tuple[WebhookEndpoint, str], conversation: Conversation, receiver: Receiver
) -> None:
    rows = [queued(keyed[0], conversation, f"m{number}") for number in range(3)]

    results = at_once(4, lambda _number: [deliveries.deliver(row.pk) for row in rows])
    assert [result for result in results if isinstance(result, Exception)] == []
    assert len(receiver.heard) == 3

    for row in rows:
        deliveries.replay(row, by_id=1)
    tasks.send_webhooks()
    assert len(receiver.heard) == 6
