"""Invitations: what the boot offers, what is counted, and who may count."""

import json
from collections.abc import Callable
from datetime import time
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from conversations.models import Channel, ChannelStatus, Invitation
from conversations.services import invitations
from tenants import ratelimit
from tenants.models import Tenant
from tenants.scoping import tenant_scope

HERE = "http://testserver"


def invite(channel: Channel, **fields: Any) -> Invitation:
    with tenant_scope(channel.tenant_id):
        row = Invitation(
            **{"channel": channel, "name": "购物车", "words_zh": "需要帮忙吗？", **fields}
        )
        return invitations.save_invitation(row, by=None)


def boot(channel: Channel) -> Any:
    answer = Client().post(
        "/widget/v1/boot",
        json.dumps({"k": channel.key}),
        content_type="text/plain",
        headers={"origin": HERE},
    )
    return answer.json()


def count(channel_key: str, pk: object, what: str, origin: str = HERE) -> int:
    return (
        Client()
        .post(
            "/widget/v1/invitation",
            json.dumps({"k": channel_key, "id": str(pk), "what": what}),
            content_type="text/plain",
            headers={"origin": origin},
        )
        .status_code
    )


def test_the_boot_offers_what_is_in_use_in_order(
    channel: Channel, make_channel: Callable[..., Channel]
) -> None:
    assert "invitations" not in boot(channel)
    second = invite(channel, position=2, name="后", words_en="May we help?")
    first = invite(
        channel,
        position=1,
        patterns=["/cart*"],
        seconds=5,
        audience="returning",
        hours_from=time(18),
        hours_until=time(9, 30),
    )
    invite(channel, name="停用", is_active=False)
    invite(make_channel(Tenant.objects.get(), name="另一渠道"), name="别处")

    offered = boot(channel)["invitations"]

    assert offered["script"].startswith(f"{HERE}/static/widget/invite")
    assert offered["zone_minutes"] == 480
    assert [row["id"] for row in offered["list"]] == [str(first.pk), str(second.pk)]
    assert offered["list"][0] == {
        "id": str(first.pk),
        "patterns": ["/cart*"],
        "seconds": 5,
        "audience": "returning",
        "from": 1080,
        "until": 570,
        "words": {"zh-CN": "需要帮忙吗？", "en": ""},
        "every_days": 7,
    }


def test_counts_are_counts_and_nothing_else(channel: Channel) -> None:
    row = invite(channel)

    answers = [count(channel.key, row.pk, what) for what in ("shown", "shown", "clicked")]
    answers.append(count(channel.key, row.pk, "dismissed"))

    assert answers == [204] * 4
    with tenant_scope(channel.tenant_id):
        row.name = "改名"
        invitations.save_invitation(row, by=None)
        row.refresh_from_db()
    assert (row.shown_count, row.clicked_count, row.dismissed_count) == (2, 1, 1)
    assert row.name == "改名"


def test_nobody_else_may_count(
    channel: Channel, other_tenant: Tenant, make_channel: Callable[..., Channel]
) -> None:
    row = invite(channel)
    foreign = make_channel(other_tenant)

    refused = [
        count(foreign.key, row.pk, "shown"),
        count("ck_none", row.pk, "shown"),
        count(channel.key, "no-id", "shown"),
        count(channel.key, row.pk, "name"),
        count(channel.key, row.pk, "shown", origin="https://evil.example"),
    ]
    with tenant_scope(channel.tenant_id):
        Channel.objects.filter(pk=channel.pk).update(status=ChannelStatus.DISABLED)
    refused.append(count(channel.key, row.pk, "shown"))

    assert refused == [404] * 6
    with tenant_scope(channel.tenant_id):
        row.refresh_from_db()
    assert row.shown_count == 0


def test_counting_is_limited(
    channel: Channel, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.RATE_LIMIT_EXEMPT = []
    row = invite(channel)
    monkeypatch.setattr(ratelimit, "time", SimpleNamespace(time=lambda: 30.0))

    answers = [count(channel.key, row.pk, "shown") for _number in range(61)]

    assert answers == [204] * 60 + [429]


@pytest.mark.parametrize("patterns", [["cart"], ["/a b"], ["/*/*/*/*/*/*"], "cart", ["/x"] * 21])
def test_pages_are_checked(in_tenant: Tenant, channel: Channel, patterns: Any) -> None:
    row = Invitation(channel=channel, name="x", words_zh="x", patterns=patterns)

    with pytest.raises(ValidationError):
        row.clean_fields(exclude=["tenant"])


def test_half_an_hour_is_refused_by_the_database(channel: Channel) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        invite(channel, hours_from=time(9))
