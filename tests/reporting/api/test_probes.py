"""What probers report: signed, in order, once (R80, R83)."""

from datetime import timedelta

import pytest
from django.test import Client

from conversations.models import Channel, Contact, Conversation, Handoff, Inquiry, Message
from reporting.models import Prober, ProbeResult
from reporting.services import probers
from tenants import clock
from tenants.models import Obligation, Tenant
from tenants.scoping import tenant_scope
from tests.reporting.watching import Watcher


@pytest.fixture
def watcher(tenant: Tenant) -> Watcher:
    return Watcher()


def test_lines_are_kept_once_and_the_answer_names_the_next(watcher: Watcher) -> None:
    lines = [watcher.see(clock.now(), ok=number != 1) for number in range(3)]

    first, again = watcher.send(lines), watcher.send(lines)

    assert (first.json(), again.json()) == ({"next": 4}, {"next": 4})
    assert list(ProbeResult.objects.order_by("sequence").values_list("ok", flat=True)) == [
        True,
        False,
        True,
    ]


def test_missing_lines_are_asked_for(watcher: Watcher) -> None:
    lines = [watcher.see(clock.now(), ok=True) for _number in range(3)]

    answer = watcher.send(lines[1:])

    assert answer.status_code == 409
    assert answer.json()["next"] == 1
    assert watcher.send(lines).status_code == 200


@pytest.mark.parametrize("change", [{"ok": True}, {"at": "2026-01-01T00:00:00+00:00"}])
def test_a_line_that_was_edited_is_refused(watcher: Watcher, change: dict[str, object]) -> None:
    line = watcher.see(clock.now(), ok=False)

    assert watcher.send([{**line, **change}]).status_code == 422
    assert not ProbeResult.objects.exists()


def test_nobody_else_reports(watcher: Watcher) -> None:
    line = watcher.see(clock.now(), ok=True)
    secret, watcher.secret = watcher.secret, "another"
    forged = watcher.send([line])
    watcher.secret = secret
    Prober.objects.update(is_active=False)

    assert forged.status_code == 401
    assert watcher.send([line]).status_code == 401
    assert (
        Client().post("/api/v1/probes/", "{}", content_type="application/json").status_code == 401
    )


def test_a_wall_clock_that_jumps_moves_nothing(watcher: Watcher) -> None:
    now = clock.now()
    with clock.travel(now):
        real = now - timedelta(seconds=60)
        watcher.see(real + timedelta(minutes=5), ok=True, steady_ms=int(real.timestamp() * 1000))
        watcher.send()

    row = ProbeResult.objects.get()
    assert abs(row.at - real) < timedelta(milliseconds=2)
    assert row.told_at - row.at > timedelta(minutes=4)


def test_a_probe_is_marked_and_reaches_no_agent(
    tenant: Tenant, channel: Channel, watcher: Watcher, client: Client
) -> None:
    header = probers.mark(watcher.prober.name, watcher.secret, channel.key, clock.now())
    body = {"channel_key": channel.key}
    tokens = [
        client.post(
            "/api/client/v1/sessions",
            body,
            content_type="application/json",
            headers={"X-Yingda-Probe": header},
        ).json()["token"]
        for _time in range(2)
    ]
    plain = client.post(
        "/api/client/v1/sessions",
        body,
        content_type="application/json",
        headers={"X-Yingda-Probe": header[:-1] + ("0" if header[-1] != "0" else "1")},
    ).json()
    visitor = {"Authorization": f"Bearer {tokens[-1]}"}
    conversation = client.post(
        "/api/client/v1/conversations", {}, content_type="application/json", headers=visitor
    ).json()
    path = f"/api/client/v1/conversations/{conversation['id']}"
    client.post(
        f"{path}/messages",
        {"client_msg_id": "m1", "text": "我要找人工客服", "context": {}},
        content_type="application/json",
        headers=visitor,
    )
    pressed = client.post(f"{path}/handoff", {}, content_type="application/json", headers=visitor)

    with tenant_scope(tenant):
        assert Contact.objects.filter(is_probe=True).count() == 1
        assert not Contact.objects.get(pk=plain["contact_id"]).is_probe
        assert Conversation.objects.get().is_probe
        assert Inquiry.objects.count() == 1
        assert not Handoff.objects.exists()
        assert not Obligation.objects.exists()
        assert Message.objects.filter(author_kind="customer").count() == 1
    assert pressed.json()["status"] == "bot"
