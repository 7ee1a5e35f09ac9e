"""The pages of visitors and agents, and the widget's boot."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from conversations.models import Channel, ChannelStatus
from conversations.origins import read_ticket
from tenants.models import Membership, Tenant, TenantStatus, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services.onboarding import create_tenant

SHOP = "https://www.qinghe.example"


@pytest.fixture
def shop_channel(tenant: Tenant, make_channel: Callable[..., Channel]) -> Channel:
    return make_channel(tenant, allowed_origins=[SHOP])


def boot(key: Any, origin: str | None = SHOP, **headers: str) -> Any:
    if origin is not None:
        headers["Origin"] = origin
    body = key if isinstance(key, bytes) else json.dumps({"k": key})
    return Client(headers=headers).post("/widget/v1/boot", body, content_type="application/json")


def test_boot_gives_ticket_frame_and_looks(shop_channel: Channel) -> None:
    response = boot(shop_channel.key)

    body = response.json()
    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == SHOP
    assert "Origin" in response["Vary"].split(", ")
    assert "Access-Control-Allow-Credentials" not in response
    assert read_ticket(body["ticket"], shop_channel) == SHOP
    assert body["frame_url"] == f"http://testserver/widget/v1/frame?k={shop_channel.key}"
    assert body["config"] == {
        "brand": {"name": "青禾生活", "color": "#0f766e", "logo_url": None},
        "assistant_name": "小应",
        "locale": "zh-CN",
        "position": "right",
    }


def test_boot_needs_no_csrf_token(shop_channel: Channel) -> None:
    response = Client(enforce_csrf_checks=True, headers={"Origin": SHOP}).post(
        "/widget/v1/boot", json.dumps({"k": shop_channel.key}), content_type="application/json"
    )

    assert response.status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", None])
def test_boot_refuses_pages_that_are_not_listed(shop_channel: Channel, origin: str | None) -> None:
    response = boot(shop_channel.key, origin)

    assert (response.status_code, response.json()) == (403, {"code": "origin_refused"})


@pytest.mark.parametrize(
    "key",
    ["", "nonsense", "ck_unknown0_1", "ck_\x00_1", 7, None, b"{", b"[]", b"\xff\xfe", b'"ck"'],
    ids=repr,
)
def test_boot_knows_only_its_channels(shop_channel: Channel, key: Any) -> None:
    response = boot(key)

    assert (response.status_code, response.json()) == (404, {"code": "not_found"})


def test_boot_of_a_channel_out_of_service(tenant: Tenant, shop_channel: Channel) -> None:
    with tenant_scope(tenant):
        Channel.objects.update(status=ChannelStatus.DISABLED)

    response = boot(shop_channel.key)

    assert (response.status_code, response.json()) == (403, {"code": "channel_disabled"})


def test_boots_are_limited_by_address(
    shop_channel: Channel, settings: Any, time_machine: Any
) -> None:
    settings.RATE_LIMIT_EXEMPT = []
    time_machine.move_to("2026-11-20T04:00:30Z", tick=False)

    statuses = [boot(shop_channel.key).status_code for _ in range(120)]
    refused = boot(shop_channel.key)

    assert statuses == [200] * 120
    assert (refused.status_code, refused.json()) == (429, {"code": "rate_limited"})
    assert refused["Retry-After"] == "30"
    assert refused["Access-Control-Allow-Origin"] == SHOP


def test_preflight_is_answered_without_credentials(db: None) -> None:
    response = Client(headers={"Origin": SHOP}).options("/widget/v1/boot")

    assert response.status_code == 204
    assert response["Access-Control-Allow-Origin"] == SHOP
    assert response["Access-Control-Allow-Methods"] == "POST"
    assert "Access-Control-Allow-Credentials" not in response
    assert Client().get("/widget/v1/boot").status_code == 405


def test_frame_may_only_be_shown_by_listed_pages(shop_channel: Channel) -> None:
    response = Client().get(f"/widget/v1/frame?k={shop_channel.key}")

    policy = response["Content-Security-Policy"]
    ancestors = next(part for part in policy.split("; ") if part.startswith("frame-ancestors"))
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert response.status_code == 200
    assert ancestors.split() == ["frame-ancestors", "'self'", SHOP]
    assert scripts.split() == ["script-src", "'self'"]
    assert "X-Frame-Options" not in response
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]
    assert shop_channel.key in response.content.decode()


@pytest.mark.parametrize("key", ["", "nonsense", "ck_unknown0_1", "ck_%00_1", "<script>"])
def test_frame_of_no_channel(db: None, key: str) -> None:
    response = Client().get(f"/widget/v1/frame?k={key}")

    assert response.status_code == 404
    assert "<script>" not in response.content.decode().replace("<script ", "")


def test_frame_of_a_suspended_tenant(shop_channel: Channel) -> None:
    Tenant.objects.update(status=TenantStatus.SUSPENDED)

    assert Client().get(f"/widget/v1/frame?k={shop_channel.key}").status_code == 404


def test_loader_is_a_script_for_every_page(db: None) -> None:
    response = Client().get("/widget/v1/loader.js")

    assert response.status_code == 200
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert len(b"".join(response)) > 1000


def test_demo_shop_is_there_once_the_demonstration_is(
    make_channel: Callable[..., Channel], tenant: Tenant
) -> None:
    make_channel(tenant)
    before = Client().get("/demo/").status_code
    demo = make_channel(create_tenant(slug="demo", name="青禾生活", is_demo=True))

    response = Client().get("/demo/")

    assert (before, response.status_code) == (404, 200)
    assert demo.key in response.content.decode()
    assert Client().get("/demo/?lang=en").status_code == 404


def test_console_wants_a_person_with_a_seat(
    tenant: Tenant,
    agent: Membership,
    operator: User,
    make_member: Callable[..., User],
    client_as: Callable[[User], Client],
) -> None:
    stranger = Client().get("/console/")
    seated = client_as(agent.user).get("/console/")
    editor = client_as(make_member(tenant, Role.KNOWLEDGE_EDITOR)).get("/console/")
    chooser = client_as(operator).get("/console/")

    assert (stranger.status_code, stranger["Location"]) == (302, "/login/?next=/console/")
    assert seated.status_code == 200
    assert "csrftoken" in seated.cookies
    assert editor.status_code == 403
    assert (chooser.status_code, chooser["Location"].startswith("/tenants/")) == (302, True)
