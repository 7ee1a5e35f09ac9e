"""Targets in the administration: secrets written and never shown, honest tests, a log to repeat."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from conversations.bench import desks
from conversations.bench.desks import Desk
from conversations.models import (
    ContactSession,
    Handoff,
    HandoffDelivery,
    HandoffTarget,
    OutboundDelivery,
)
from conversations.services import failover
from tenants.models import LedgerEntry, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.conversations.handoffs import INBOUND, deliver, employ, hand_over

TARGETS = "/admin/conversations/handofftarget/"
LOG = "/admin/conversations/handoffdelivery/"
FORM = {
    "name": "工单系统",
    "kind": "webhook",
    "base_url": "https://desk.client.example/hooks",
    "status": "active",
    "chatwoot_account": "",
    "chatwoot_inbox": "",
    "chatwoot_team": "",
    "zendesk_email": "",
    "new_signing_secret": "",
    "new_inbound_secret": "",
    "new_token": "",
}


@pytest.fixture(autouse=True)
def _local(settings: Any) -> None:
    settings.OUTWARD_ALLOWED = ["127.0.0.1"]


@pytest.fixture
def boss(
    tenant: Tenant, make_member: Callable[..., User], client_as: Callable[[User], Client]
) -> Client:
    return client_as(make_member(tenant, Role.CLIENT_ADMIN))


@pytest.fixture
def served() -> Iterator[Desk]:
    with desks.serving("webhook") as desk:
        yield desk


def errors(answer: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = answer.context["adminform"].form.errors
    return found


def told(answer: Any) -> list[str]:
    return [str(note) for note in get_messages(answer.wsgi_request)]


def test_new_webhook_target_has_secrets_that_nobody_sees(boss: Client, tenant: Tenant) -> None:
    answer = boss.post(f"{TARGETS}add/", FORM)

    assert answer.status_code == 302, errors(answer)
    with tenant_scope(tenant):
        target = HandoffTarget.objects.get()
        secrets = [target.signing_secret, *target.inbound_secrets]
        event = LedgerEntry.objects.get(kind="target.created")
    page = boss.get(f"{TARGETS}{target.pk}/change/").content.decode()
    assert all(secret.startswith("whsec_") for secret in secrets)
    assert len(set(secrets)) == 2
    assert [secret for secret in secrets if secret in page or secret in str(event.data)] == []
    assert f"/hooks/handoff/{target.key}/" in page


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"base_url": "http://desk.client.example"}, "base_url"),
        ({"base_url": "https://10.0.0.5/x"}, "base_url"),
        ({"base_url": "https://user:pass@desk.client.example"}, "base_url"),
        ({"new_signing_secret": "short"}, "new_signing_secret"),
        ({"new_inbound_secret": "whsec_x"}, "new_inbound_secret"),
        ({"kind": "chatwoot", "new_token": "t"}, "chatwoot_inbox"),
        ({"kind": "chatwoot", "chatwoot_account": 1, "chatwoot_inbox": 1}, "new_token"),
        ({"kind": "zendesk", "new_token": "t"}, "zendesk_email"),
    ],
)
def test_what_cannot_work_is_refused(
    boss: Client, tenant: Tenant, changed: dict[str, Any], field: str
) -> None:
    answer = boss.post(f"{TARGETS}add/", {**FORM, **changed})

    assert answer.status_code == 200
    assert field in errors(answer)
    with tenant_scope(tenant):
        assert HandoffTarget.objects.count() == 0


def test_second_active_target_is_refused(boss: Client, tenant: Tenant) -> None:
    boss.post(f"{TARGETS}add/", FORM)

    refused = boss.post(f"{TARGETS}add/", {**FORM, "name": "另一个"})
    beside = boss.post(f"{TARGETS}add/", {**FORM, "name": "另一个", "status": "disabled"})

    assert (refused.status_code, beside.status_code) == (200, 302)


def test_change_keeps_secrets_unless_new_ones_are_given(boss: Client, tenant: Tenant) -> None:
    boss.post(f"{TARGETS}add/", FORM)
    with tenant_scope(tenant):
        before = HandoffTarget.objects.get()
    page = f"{TARGETS}{before.pk}/change/"

    boss.post(page, {**FORM, "name": "改名"})
    with tenant_scope(tenant):
        renamed = HandoffTarget.objects.get()
    boss.post(page, {**FORM, "new_inbound_secret": INBOUND})

    with tenant_scope(tenant):
        after = HandoffTarget.objects.get()
        assert renamed.name == "改名"
        assert renamed.signing_secret == before.signing_secret == after.signing_secret
        assert after.inbound_secrets == [INBOUND, *before.inbound_secrets]


def test_new_secrets_are_shown_once(boss: Client, tenant: Tenant, served: Desk) -> None:
    with tenant_scope(tenant):
        target = employ(served)

    shown = boss.post(f"{TARGETS}{target.pk}/secrets/")

    with tenant_scope(tenant):
        target.refresh_from_db()
        assert target.signing_secret in shown.content.decode()
        assert target.inbound_secrets[0] in shown.content.decode()
        assert target.inbound_secrets[1] == INBOUND
    assert shown["Cache-Control"].startswith("max-age=0")


def test_test_tells_how_it_went_and_ends_the_pause(
    boss: Client, tenant: Tenant, served: Desk
) -> None:
    with tenant_scope(tenant):
        target = employ(served)
        HandoffTarget.objects.update(failures=5)
    served.fault = "error"
    bad = boss.post(f"{TARGETS}{target.pk}/ping/")
    served.fault = "healthy"
    good = boss.post(f"{TARGETS}{target.pk}/ping/")

    with tenant_scope(tenant):
        assert HandoffTarget.objects.get().failures == 0
        assert HandoffDelivery.objects.filter(what="ping").count() == 2
    assert "HTTP 500" in told(bad)[0]
    assert "HTTP 204" in told(good)[-1]
    assert served.problems == []


def test_hand_offs_show_where_they_are(
    boss: Client, tenant: Tenant, visitor: ContactSession, served: Desk
) -> None:
    with tenant_scope(tenant):
        target = employ(served)
        handoff = deliver(hand_over(visitor))

    listed = boss.get("/admin/conversations/handoff/").content.decode()
    page = boss.get(f"/admin/conversations/handoff/{handoff.pk}/change/").content.decode()

    assert target.name in listed
    assert handoff.external_id in page


def test_hand_off_under_way_is_shown_without_a_time(
    boss: Client, tenant: Tenant, visitor: ContactSession
) -> None:
    with tenant_scope(tenant):
        employ(None)
        hand_over(visitor)

    assert boss.get("/admin/conversations/handoff/").status_code == 200


def test_attempt_is_sent_again_from_the_log(
    boss: Client, tenant: Tenant, visitor: ContactSession, served: Desk
) -> None:
    with tenant_scope(tenant):
        employ(served)
        handoff = deliver(hand_over(visitor))
        entry = HandoffDelivery.objects.get()

    asked = boss.get(f"{LOG}{entry.pk}/repeat/")
    boss.post(f"{LOG}{entry.pk}/repeat/")

    assert asked.status_code == 200
    with tenant_scope(tenant):
        assert OutboundDelivery.objects.get().state == "pending"
        deliver(handoff)
        assert OutboundDelivery.objects.get().state == "done"
        assert LedgerEntry.objects.filter(kind="handoff.sent_again").count() == 1
    assert served.made == {str(handoff.pk): 1}


def test_refusal_to_send_again_is_told(
    boss: Client, tenant: Tenant, visitor: ContactSession, served: Desk
) -> None:
    with tenant_scope(tenant):
        employ(served)
        handoff = deliver(hand_over(visitor))
        failover.fail_over(handoff.pk, cause="rejected")
        HandoffTarget.objects.update(status="disabled")
        entry = HandoffDelivery.objects.get()

    answer = boss.post(f"{LOG}{entry.pk}/repeat/")

    assert len(told(answer)) == 1
    with tenant_scope(tenant):
        assert OutboundDelivery.objects.get().state == "done"
        assert Handoff.objects.get().state == "fallback_console"


def test_reader_sees_neither_secret_fields_nor_actions(
    tenant: Tenant,
    make_member: Callable[..., User],
    client_as: Callable[[User], Client],
    served: Desk,
) -> None:
    reader = client_as(make_member(tenant, Role.CLIENT_READONLY))
    with tenant_scope(tenant):
        target = employ(served)

    page = reader.get(f"{TARGETS}{target.pk}/change/")

    assert page.status_code == 200
    assert "new_signing_secret" not in page.content.decode()
    assert served.token not in page.content.decode()
    assert reader.post(f"{TARGETS}{target.pk}/ping/").status_code == 403
