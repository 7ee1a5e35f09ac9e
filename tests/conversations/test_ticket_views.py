"""The page on which anybody may ask after a ticket who knows its number and an address."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from conversations.models import Channel, ContactSession, Ticket, TicketComment
from conversations.services import ticket_desk
from conversations.ticket_states import TicketStatus
from tenants import clock
from tenants.models import Membership, Tenant
from tenants.scoping import tenant_scope
from tests.conversations.ticketing import open_one


@pytest.fixture
def ticket(tenant: Tenant, visitor: ContactSession, agent: Membership) -> Ticket:
    with tenant_scope(tenant):
        made = open_one(visitor)
        for text, public in (("明天上门", True), ("客户很急", False)):
            ticket_desk.comment(made.pk, text, by=agent, is_public=public, client_id=text)
    return made


@pytest.fixture
def page(channel: Channel) -> Callable[..., Any]:
    """Open the page, or send a form to it."""
    client = Client(enforce_csrf_checks=False)

    def ask(data: dict[str, str] | None = None, query: str = "") -> Any:
        path = f"/tickets/{channel.key}/{query}"
        return client.get(path) if data is None else client.post(path, data)

    return ask


def text(response: Any) -> str:
    return str(response.content.decode())


def hidden(response: Any) -> dict[str, str]:
    found = re.findall(r'type="hidden" name="(ticket|client_id)" value="([^"]+)"', text(response))
    return dict(found)


@pytest.mark.parametrize(
    "proof",
    ["13800138000", "+86 138-0013-8000", " LI.LEI@example.com "],
    ids=["phone", "+86", "mail"],
)
def test_number_and_address_show_status_and_public_words(
    page: Callable[..., Any], ticket: Ticket, proof: str
) -> None:
    response = page({"number": ticket.number.lower(), "proof": proof})

    assert response.status_code == 200
    assert ticket.number in text(response)
    assert "明天上门" in text(response)
    assert "客户很急" not in text(response)
    # Without any referrer browsers send forms from nowhere, and those are refused.
    assert response["Referrer-Policy"] == "same-origin"
    assert "no-store" in response["Cache-Control"]


def test_wrong_number_and_wrong_address_get_one_answer(
    page: Callable[..., Any],
    tenant: Tenant,
    visitor: ContactSession,
    ticket: Ticket,
) -> None:
    with tenant_scope(tenant):
        bare = open_one(visitor, phone="", email="")
    answers = set()
    for number, proof in (
        (ticket.number, "13900000000"),
        (ticket.number, "38000"),
        (ticket.number, "other@example.com"),
        ("T000101-0001", "13800138000"),
        (bare.number, "-"),
        (bare.number, "0"),
    ):
        response = page({"number": number, "proof": proof})
        # What was asked for stands in the form again; besides, only its token differs.
        shown = re.sub(r'value="[^"]*"', "", text(response))
        answers.add((response.status_code, shown))

    assert len(answers) == 1
    assert "冰箱" not in answers.pop()[1]


def test_guesses_at_a_number_are_limited(page: Callable[..., Any], ticket: Ticket) -> None:
    for guess in range(10):
        page({"number": ticket.number, "proof": f"1380013{guess:04d}"})

    response = page({"number": ticket.number, "proof": "13800138000"})

    assert response.status_code == 429
    assert "明天上门" not in text(response)


def test_guesses_from_an_address_are_limited(
    page: Callable[..., Any], ticket: Ticket, settings: Any
) -> None:
    settings.RATE_LIMIT_EXEMPT = []
    for guess in range(10):
        page({"number": f"T000101-{guess:04d}", "proof": "13800138000"})

    assert page({"number": ticket.number, "proof": "13800138000"}).status_code == 429


def test_reply_arrives_once_and_reopens(
    page: Callable[..., Any], tenant: Tenant, ticket: Ticket, agent: Membership
) -> None:
    with tenant_scope(tenant):
        ticket_desk.change_status(ticket.pk, TicketStatus.SOLVED, by=agent)
    fields = hidden(page({"number": ticket.number, "proof": "13800138000"}))

    for _twice in range(2):
        response = page({**fields, "text": "还是不制冷"})

    assert "还是不制冷" in text(response)
    with tenant_scope(tenant):
        assert TicketComment.objects.filter(text="还是不制冷", is_public=True).count() == 1
        assert Ticket.objects.get().status == "open"


def test_reply_needs_a_fresh_and_own_proof(
    page: Callable[..., Any], tenant: Tenant, ticket: Ticket, make_channel: Callable[..., Channel]
) -> None:
    fields = hidden(page({"number": ticket.number, "proof": "13800138000"}))
    elsewhere = make_channel(tenant, name="别的渠道")

    page({**fields, "ticket": fields["ticket"][:-2] + "xx", "text": "伪造"})
    Client().post(f"/tickets/{elsewhere.key}/", {**fields, "text": "别的渠道"})

    with tenant_scope(tenant):
        assert not TicketComment.objects.filter(member=None).exists()


def test_closed_ticket_takes_no_reply(
    page: Callable[..., Any], tenant: Tenant, ticket: Ticket, agent: Membership
) -> None:
    fields = hidden(page({"number": ticket.number, "proof": "13800138000"}))
    with tenant_scope(tenant):
        ticket_desk.change_status(ticket.pk, TicketStatus.CLOSED, by=agent)

    assert page({**fields, "text": "喂"}).status_code == 409
    assert hidden(page({"number": ticket.number, "proof": "13800138000"})) == {}


def test_merged_number_leads_on_where_the_proof_holds(
    page: Callable[..., Any],
    tenant: Tenant,
    visitor: ContactSession,
    ticket: Ticket,
    agent: Membership,
) -> None:
    with tenant_scope(tenant):
        other = open_one(visitor, email="", at=clock.now() + timedelta(days=1))
        ticket_desk.merge(other.pk, ticket.pk, by=agent)

    response = page({"number": other.number, "proof": "13800138000"})

    assert f'<span class="ticket-number">{ticket.number}</span>' in text(response)


def test_page_knows_the_number_of_a_link_and_the_channels_language(
    tenant: Tenant, make_channel: Callable[..., Channel], page: Callable[..., Any]
) -> None:
    english = make_channel(tenant, name="English", language="en")

    assert 'value="T261123-0001"' in text(page(query="?number=T261123-0001"))
    assert "Look up a ticket" in text(Client().get(f"/tickets/{english.key}/"))
    escaped = text(page(query="?number=%22><script>"))
    assert "<script>" not in escaped


def test_channel_out_of_service_has_no_page(tenant: Tenant, channel: Channel) -> None:
    with tenant_scope(tenant):
        Channel.objects.update(status="disabled")

    assert Client().get(f"/tickets/{channel.key}/").status_code == 404
    assert Client().get("/tickets/ck_nobody_0/").status_code == 404


def test_form_needs_its_csrf_token(channel: Channel, ticket: Ticket) -> None:
    response = Client(enforce_csrf_checks=True).post(
        f"/tickets/{channel.key}/", {"number": ticket.number, "proof": "13800138000"}
    )

    assert response.status_code == 403
