"""Passing conversations on: transfer, reassign, take over."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from conversations.models import (
    AgentGroup,
    ContactSession,
    Conversation,
    GroupMember,
    Handoff,
    Message,
    Note,
    PresenceStatus,
)
from conversations.services import desk, endings, offers, phrases, presences, transfers
from conversations.services.handoff import request_handoff
from conversations.services.transfers import AgentAwayError, SameAgentError
from conversations.states import NotYoursError, TransitionError
from tenants import clock
from tenants.models import Membership, Tenant, User
from tenants.roles import Role
from tenants.services import ledger
from tests.conversations.doors import ledger_kinds, send


@pytest.fixture
def held(in_tenant: Tenant, visitor: ContactSession, agent: Membership) -> Conversation:
    conversation = request_handoff(send(visitor, "我想找人聊聊").message.conversation_id)
    return desk.take(conversation.pk, by=agent)


@pytest.fixture
def supervisor(
    in_tenant: Tenant,
    make_member: Callable[..., User],
    member_of: Callable[[User, Tenant], Membership],
) -> Membership:
    return member_of(make_member(in_tenant, Role.SUPERVISOR, name="班长"), in_tenant)


def test_transfer_rings_at_the_colleague_and_leaves_a_note(
    held: Conversation, agent: Membership, colleague: Membership
) -> None:
    presences.set_status(colleague, PresenceStatus.ONLINE)

    moved = transfers.transfer(held.pk, by=agent, to_member=colleague, note="退款，请接着办")

    assert (moved.status, moved.agent, moved.offered_to) == ("waiting_human", None, colleague)
    assert Note.objects.get().text == "退款，请接着办"
    with phrases.language_of(moved.contact):
        assert Message.objects.latest("seq").text == phrases.transferred()
    assert ledger_kinds()[-2:] == ["conversation.transferred", "message.created"]
    first = Handoff.objects.get().accepted_at
    taken = desk.take(held.pk, by=colleague)
    assert (taken.agent, taken.offered_to) == (colleague, None)
    assert (Handoff.objects.get().accepted_at, Handoff.objects.get().accepted_by) == (
        first,
        colleague,
    )
    assert ledger.verify()[1] is None


def test_transfer_goes_to_another_group(
    held: Conversation, agent: Membership, colleague: Membership
) -> None:
    group = AgentGroup.objects.create(name="售后组")

    moved = transfers.transfer(held.pk, by=agent, to_group=group)

    assert (moved.status, moved.group, moved.offered_to) == ("waiting_human", group, None)
    assert list(moved.passed_over) == [str(agent.pk)]


def test_transfer_to_a_colleague_of_another_group_takes_the_conversation_there(
    held: Conversation, agent: Membership, colleague: Membership
) -> None:
    group = AgentGroup.objects.create(name="售后组", accept_seconds=50)
    GroupMember.objects.create(group=group, member=colleague)
    presences.set_status(colleague, PresenceStatus.BUSY)

    moved = transfers.transfer(held.pk, by=agent, to_member=colleague)

    assert moved.group == group
    assert moved.offered_until is not None
    assert timedelta(seconds=45) < moved.offered_until - clock.now() <= timedelta(seconds=50)


def test_transfer_that_is_not_accepted_waits_for_everybody(
    held: Conversation, agent: Membership, colleague: Membership
) -> None:
    presences.set_status(colleague, PresenceStatus.ONLINE)
    transfers.transfer(held.pk, by=agent, to_member=colleague)

    with clock.travel(clock.now() + timedelta(seconds=31)):
        assert offers.expire() == 1

    row = Conversation.objects.get()
    assert (row.status, row.offered_to) == ("waiting_human", None)


def test_transfer_needs_a_colleague_who_is_there(
    held: Conversation, agent: Membership, colleague: Membership
) -> None:
    presences.set_status(colleague, PresenceStatus.REST)

    with pytest.raises(AgentAwayError) as refused:
        transfers.transfer(held.pk, by=agent, to_member=colleague, note="x")

    assert refused.value.params == {"name": "周舟"}
    assert (Conversation.objects.get().agent, Note.objects.count()) == (agent, 0)
    presences.set_status(agent, PresenceStatus.ONLINE)
    with pytest.raises(SameAgentError):
        transfers.transfer(held.pk, by=agent, to_member=agent)


def test_only_its_agent_and_supervisors_transfer(
    held: Conversation, agent: Membership, colleague: Membership, supervisor: Membership
) -> None:
    group = AgentGroup.objects.create(name="售后组")

    with pytest.raises(NotYoursError):
        transfers.transfer(held.pk, by=colleague, to_group=group)
    assert transfers.transfer(held.pk, by=supervisor, to_group=group).status == "waiting_human"
    with pytest.raises(TransitionError):
        transfers.transfer(held.pk, by=supervisor, to_group=group)


def test_supervisor_gives_a_conversation_to_somebody_at_once(
    held: Conversation, agent: Membership, colleague: Membership, supervisor: Membership
) -> None:
    with pytest.raises(AgentAwayError):
        transfers.reassign(held.pk, to_member=colleague, by=supervisor)
    presences.set_status(colleague, PresenceStatus.ONLINE)

    moved = transfers.reassign(held.pk, to_member=colleague, by=supervisor)

    assert (moved.status, moved.agent, moved.epoch) == ("human", colleague, held.epoch + 2)
    with phrases.language_of(moved.contact):
        assert Message.objects.latest("seq").text == phrases.agent_joined("周舟")
    with pytest.raises(NotYoursError):
        desk.reply(held.pk, "还是我", by=agent, client_msg_id="m-1")


def test_supervisor_takes_over_what_anybody_has(held: Conversation, supervisor: Membership) -> None:
    taken = transfers.take_over(held.pk, by=supervisor)
    again = transfers.take_over(held.pk, by=supervisor)

    assert (taken.agent, again.epoch) == (supervisor, taken.epoch)
    desk.reply(held.pk, "您好，我来处理", by=supervisor, client_msg_id="m-1")
    endings.close(held.pk, by=supervisor)
    with pytest.raises(TransitionError):
        transfers.reassign(held.pk, to_member=supervisor, by=supervisor)
