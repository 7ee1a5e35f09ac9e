"""Who is not served, until when, and since when again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from conversations.models import (
    BlockEntry,
    Channel,
    Contact,
    ContactSession,
    Conversation,
    Message,
)
from conversations.services import blocks, contacts, desk, handoff, identity, phrases
from conversations.services.blocks import AlreadyBlockedError, BadAddressError, ReasonNeededError
from conversations.services.contacts import Admission, BlockedError
from tenants import clock
from tenants.errors import NotFoundError
from tenants.models import Membership, Tenant
from tests.conversations.doors import clocks, ledger_kinds, send
from tests.conversations.services.test_profiles import token

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def test_block_closes_every_door_of_the_contact(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission], agent: Membership
) -> None:
    admission = admit(channel, identity_token=token(channel, "u-1"))
    session = admission.session
    again = identity.Introduction(device_id="other", identity_token=token(channel, "u-1"))
    stranger = admit(channel).session

    blocks.block_contact(session.contact, by=agent, reason="骚扰")

    doors: list[Callable[[], object]] = [
        lambda: contacts.session_of(admission.token),
        lambda: contacts.live_session(session.pk),
        lambda: contacts.renewed(session),
        lambda: contacts.refresh(admission.refresh_token),
        lambda: contacts.admit(channel, again),
        lambda: contacts.identify(stranger, again),
    ]
    for door in doors:
        with pytest.raises(BlockedError):
            door()


def test_block_ends_what_runs_whoever_holds_it(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership, colleague: Membership
) -> None:
    conversation = send(visitor, "你们这些骗子").message.conversation
    handoff.request_handoff(conversation.pk)
    desk.take(conversation.pk, by=colleague)

    blocks.block_contact(visitor.contact, by=agent, reason="辱骂")

    assert Conversation.objects.get().status == "closed"
    with phrases.language_of(visitor.contact):
        assert Message.objects.latest("seq").text == phrases.ended()
    assert [state for state, _late in clocks("handoff")] == ["met"]
    assert ledger_kinds()[-1] == "contact.blocked"


def test_block_ends_by_itself_at_its_time_and_can_follow_again(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    with clock.travel(NOON):
        blocks.block_contact(visitor.contact, by=agent, reason="骚扰", days=3)
    contact = Contact.objects.get()
    at = NOON + timedelta(days=3)

    assert contact.is_blocked(at - timedelta(seconds=1))
    assert not contact.is_blocked(at)
    with clock.travel(at):
        assert blocks.standing_block(contact) is None
        blocks.block_contact(contact, by=agent, reason="又来")
    assert BlockEntry.objects.filter(lifted_at=None).count() == 1


def test_lifting_needs_a_reason_and_serves_again(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    entry = blocks.block_contact(visitor.contact, by=agent, reason="误会")

    with pytest.raises(ReasonNeededError):
        blocks.lift_block(entry, by=agent, reason="  ")
    blocks.lift_block(entry, by=agent, reason="认错人了")

    assert contacts.renewed(visitor).contact.blocked_until is None
    assert BlockEntry.objects.get().lifted_reason == "认错人了"
    with pytest.raises(NotFoundError):
        blocks.lift_block(entry, by=agent, reason="再来")


def test_blocks_that_cannot_be(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    with pytest.raises(ReasonNeededError):
        blocks.block_contact(visitor.contact, by=agent, reason=" ")
    blocks.block_contact(visitor.contact, by=agent, reason="骚扰")
    with pytest.raises(AlreadyBlockedError):
        blocks.block_contact(visitor.contact, by=agent, reason="骚扰")
    with pytest.raises(BadAddressError):
        blocks.block_address("qinghe.example", by=agent, reason="骚扰")


@pytest.mark.parametrize(
    ("blocked", "asked", "refused"),
    [
        ("203.0.113.9", "203.0.113.9", True),
        ("203.0.113.9", "::ffff:203.0.113.9", True),
        ("2001:DB8::0:9", "2001:db8::9", True),
        ("203.0.113.9", "203.0.113.10", False),
        ("203.0.113.9", "", False),
    ],
)
def test_address_is_refused_however_it_is_written(
    in_tenant: Tenant, agent: Membership, blocked: str, asked: str, refused: bool
) -> None:
    blocks.block_address(blocked, by=agent, reason="攻击")

    if refused:
        with pytest.raises(BlockedError):
            blocks.refuse_address(asked)
    else:
        blocks.refuse_address(asked)
