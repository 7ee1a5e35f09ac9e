"""Which pages may show the widget."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core import signing

from conversations.models import Channel
from conversations.origins import boot_ticket, may_embed, read_ticket
from tenants.models import Tenant


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("https://chat.example:8443", True),
        ("http://chat.example:8443", True),
        ("https://chat.example", False),
        ("https://www.shop.example", True),
        ("https://www.shop.example/", True),
        ("https://WWW.shop.example", True),
        ("http://www.shop.example", False),
        ("https://www.shop.example:444", False),
        ("https://a.b.brand.example", True),
        ("https://brand.example", False),
        ("https://brand.example.evil.example", False),
        ("https://evilbrand.example", False),
        ("https://www.shop.example@evil.example", False),
        ("null", False),
        ("", False),
        ("chat.example:8443", False),
        ("file://", False),
    ],
)
def test_pages_that_may_embed(origin: str, expected: bool) -> None:
    channel = Channel(
        key="ck_x", allowed_origins=["https://www.shop.example", "https://*.brand.example"]
    )

    assert may_embed(origin, channel, "chat.example:8443") is expected


def test_empty_list_admits_only_this_server() -> None:
    channel = Channel(key="ck_x", allowed_origins=[])

    assert may_embed("https://chat.example", channel, "chat.example")
    assert not may_embed("https://www.shop.example", channel, "chat.example")


def test_ticket_names_the_page_that_asked(channel: Channel) -> None:
    ticket = boot_ticket(channel, "https://www.shop.example")

    assert read_ticket(ticket, channel) == "https://www.shop.example"


def test_ticket_of_another_channel_or_of_nobody_is_refused(
    tenant: Tenant, channel: Channel, make_channel: Callable[..., Channel]
) -> None:
    other = make_channel(tenant, name="另一个渠道")
    ticket = boot_ticket(channel, "https://www.shop.example")
    foreign = signing.dumps({"k": channel.key, "o": "https://evil.example"}, salt="other")

    for forged, whose in (
        (ticket, other),
        (ticket + "x", channel),
        ("", channel),
        (foreign, channel),
    ):
        with pytest.raises(signing.BadSignature):
            read_ticket(forged, whose)


def test_ticket_lives_a_minute(channel: Channel, time_machine: Any) -> None:
    time_machine.move_to("2026-11-20T04:00:00Z", tick=False)
    ticket = boot_ticket(channel, "https://www.shop.example")
    time_machine.move_to("2026-11-20T04:01:00Z", tick=False)
    assert read_ticket(ticket, channel)

    time_machine.move_to("2026-11-20T04:01:01Z", tick=False)
    with pytest.raises(signing.SignatureExpired):
        read_ticket(ticket, channel)
