"""Who is offered which waiting conversation, and what becomes of it."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.test import TestCase

from conversations import tasks
from conversations.models import (
    AgentGroup,
    Channel,
    Conversation,
    GroupMember,
    Handoff,
    Message,
    Note,
    Presence,
    PresenceStatus,
    Strategy,
    WorkingSpan,
)
from conversations.services import desk, endings, offers, places, presences, requeue, routing
from conversations.services.contacts import Admission
from conversations.services.handoff import request_handoff
from conversations.states import TransitionError
from tenants import clock
from tenants.models import Membership, Tenant, User
from tenants.scoping import tenant_scope
from tenants.services import ledger
from tests.conversations.doors import at_once, ledger_kinds, send

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
Ask = Callable[..., Conversation]


@pytest.fixture
def group(in_tenant: Tenant) -> AgentGroup:
    return AgentGroup.objects.create(name="售后组", is_default=True)


@pytest.fixture
def agents(
    in_tenant: Tenant,
    group: AgentGroup,
    make_member: Callable[..., User],
    member_of: Callable[[User, Tenant], Membership],
) -> list[Membership]:
    """Three agents of the group, of whom nobody is there yet."""
    members = []
    for number in range(3):
        user = make_member(in_tenant, email=f"a{number}@qinghe.example", name=f"坐席{number}")
        members.append(member_of(user, in_tenant))
        GroupMember.objects.create(group=group, member=members[-1], order=number, capacity=2)
    return members


@pytest.fixture
def ask(in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]) -> Ask:
    """Let a new visitor ask for a person: ask("退款", seconds=3) -> waiting conversation."""
    count = iter(range(100))

    def wait(text: str = "我想找人聊聊", *, seconds: float = 0, **who: Any) -> Conversation:
        with clock.travel(NOON + timedelta(seconds=seconds)):
            session = admit(channel, **{"device_id": f"d{next(count)}", **who}).session
            return request_handoff(send(session, text).message.conversation_id)

    return wait


def online(member: Membership, at: datetime = NOON) -> None:
    with clock.travel(at):
        presences.set_status(member, PresenceStatus.ONLINE)


def drain(seconds: float = 10) -> int:
    with clock.travel(NOON + timedelta(seconds=seconds)):
        return routing.drain()


def offered(conversation: Conversation) -> Membership | None:
    return Conversation.objects.select_related("offered_to").get(pk=conversation.pk).offered_to


def test_longest_wait_is_offered_first(ask: Ask, agents: list[Membership]) -> None:
    second, first = ask(seconds=5), ask(seconds=2)
    online(agents[0])

    assert drain() == 1
    assert (offered(first), offered(second)) == (agents[0], None)
    row = Conversation.objects.get(pk=first.pk)
    assert row.offered_until == NOON + timedelta(seconds=40)
    assert ledger_kinds()[-1] == "conversation.offered"


def test_without_groups_nothing_is_offered(in_tenant: Tenant, ask: Ask, agent: Membership) -> None:
    waiting = ask()
    online(agent)

    assert drain() == 0
    assert (offered(waiting), Conversation.objects.get().group) == (None, None)


def test_nobody_is_asked_twice_at_once_nor_over_capacity(
    ask: Ask, agents: list[Membership]
) -> None:
    waiting = [ask(seconds=number) for number in range(3)]
    online(agents[0])

    assert drain() == 1
    assert drain() == 0
    for number in (0, 1):
        with clock.travel(NOON + timedelta(seconds=11)):
            desk.take(waiting[number].pk, by=agents[0])
        assert drain(12) == (1 if number == 0 else 0)
    assert offered(waiting[2]) is None


def test_least_busy_is_asked_first_and_in_turn_goes_round(
    ask: Ask, agents: list[Membership], group: AgentGroup
) -> None:
    for member in agents[:2]:
        online(member)
    held = ask()
    with clock.travel(NOON):
        desk.take(held.pk, by=agents[0])
    waiting = ask(seconds=1)

    assert drain() == 1
    assert offered(waiting) == agents[1]

    AgentGroup.objects.filter(pk=group.pk).update(strategy=Strategy.ROUND_ROBIN)
    with clock.travel(NOON + timedelta(seconds=12)):
        endings.close(waiting.pk, by=agents[1])
    another = ask(seconds=13)
    assert drain(14) == 1
    assert offered(another) == agents[0]


@pytest.mark.parametrize("status", ["busy", "rest", "offline"])
def test_only_who_is_online_is_asked(ask: Ask, agents: list[Membership], status: str) -> None:
    waiting = ask()
    with clock.travel(NOON):
        presences.set_status(agents[0], PresenceStatus(status))

    assert drain() == 0
    assert offered(waiting) is None


def test_who_fell_silent_is_not_asked(ask: Ask, agents: list[Membership]) -> None:
    ask()
    online(agents[0], NOON - timedelta(minutes=5))

    assert drain() == 0


def test_languages_and_skills_decide(ask: Ask, agents: list[Membership]) -> None:
    GroupMember.objects.filter(member=agents[0]).update(languages=["en"])
    GroupMember.objects.filter(member=agents[2]).update(skills=["发票", "退款"])
    for member in agents:
        online(member)
    english, invoice = ask("hello", locale="en"), ask("开发票不对", seconds=1)

    assert drain() == 2
    assert (offered(english), offered(invoice)) == (agents[0], agents[2])


def test_nobody_who_speaks_the_language_holds_up_nobody_else(
    ask: Ask, agents: list[Membership]
) -> None:
    GroupMember.objects.filter(member=agents[0]).update(languages=["zh-CN"])
    online(agents[0])
    english, chinese = ask("hello", locale="en"), ask(seconds=1)

    assert drain() == 1
    assert (offered(english), offered(chinese)) == (None, agents[0])


def test_returning_visitor_gets_the_same_agent(
    ask: Ask, agents: list[Membership], channel: Channel
) -> None:
    first = ask()
    with clock.travel(NOON + timedelta(seconds=1)):
        desk.take(first.pk, by=agents[2])
        endings.close(first.pk, by=agents[2])
    for member in agents:
        online(member)
    with clock.travel(NOON + timedelta(seconds=5)):
        request_handoff(first.pk)

    assert drain() == 1
    assert offered(first) == agents[2]


def test_unanswered_offer_goes_to_the_next_and_the_silent_one_rests(
    ask: Ask, agents: list[Membership]
) -> None:
    waiting = ask()
    online(agents[0])
    drain()
    online(agents[1])

    with clock.travel(NOON + timedelta(seconds=39)):
        assert offers.expire() == 0
    with clock.travel(NOON + timedelta(seconds=40)):
        assert offers.expire() == 1
    assert drain(41) == 1

    assert offered(waiting) == agents[1]
    silent = Presence.objects.get(member=agents[0])
    assert (silent.status, silent.rested_by_system) == ("rest", True)
    assert presences.was_rested(agents[0])
    online(agents[0], NOON + timedelta(seconds=50))
    assert not presences.was_rested(agents[0])
    assert "offer.ended" in ledger_kinds()


def test_declined_offer_goes_to_the_next_and_comes_back_after_a_minute(
    ask: Ask, agents: list[Membership]
) -> None:
    waiting = ask()
    online(agents[0])
    drain()

    with clock.travel(NOON + timedelta(seconds=11)):
        offers.decline(waiting.pk, by=agents[1])
    assert offered(waiting) == agents[0]
    with clock.travel(NOON + timedelta(seconds=12)):
        offers.decline(waiting.pk, by=agents[0])
    assert (offered(waiting), drain(13)) == (None, 0)
    assert Presence.objects.get(member=agents[0]).status == "online"
    assert drain(73) == 1


def test_taking_by_hand_ends_the_offer(ask: Ask, agents: list[Membership]) -> None:
    waiting = ask()
    online(agents[0])
    drain()

    with clock.travel(NOON + timedelta(seconds=11)):
        taken = desk.take(waiting.pk, by=agents[1])

    assert (taken.agent, taken.offered_to, taken.offered_until) == (agents[1], None, None)


def test_lost_agents_visitors_wait_again_first_in_line(ask: Ask, agents: list[Membership]) -> None:
    held, other = ask(), ask(seconds=1)
    online(agents[0])
    with clock.travel(NOON + timedelta(seconds=2)):
        desk.take(held.pk, by=agents[0])
    with clock.travel(NOON + timedelta(seconds=100)):
        assert presences.mark_silent() == 1

    row = Conversation.objects.get(pk=held.pk)
    assert (row.status, row.agent) == ("waiting_human", None)
    assert row.waiting_since == other.waiting_since - timedelta(microseconds=1)
    notice = Message.objects.filter(conversation=row).latest("seq")
    assert (notice.author_kind, notice.kind) == ("system", "notice")
    assert Note.objects.get().author == agents[0]
    assert Handoff.objects.filter(conversation=row, ended_at=None).count() == 1
    assert "conversation.requeued" in ledger_kinds()
    assert ledger.verify()[1] is None


def test_what_an_agent_holds_who_goes_offline_waits_again(
    ask: Ask, agents: list[Membership]
) -> None:
    held, ringing = ask(), ask(seconds=1)
    online(agents[0])
    with clock.travel(NOON + timedelta(seconds=2)):
        desk.take(held.pk, by=agents[0])
    drain(3)
    assert offered(ringing) == agents[0]

    later = clock.travel(NOON + timedelta(seconds=4))
    with later, TestCase.captureOnCommitCallbacks(execute=True):
        presences.set_status(agents[0], PresenceStatus.OFFLINE)

    assert Conversation.objects.get(pk=held.pk).status == "waiting_human"
    assert offered(ringing) is None


def test_rest_takes_nothing_away(ask: Ask, agents: list[Membership]) -> None:
    held = ask()
    with clock.travel(NOON):
        presences.set_status(agents[0], PresenceStatus.REST)
        desk.take(held.pk, by=agents[0])

    assert requeue.requeue_abandoned() == 0
    assert Conversation.objects.get().agent == agents[0]


def test_who_takes_while_offline_counts_as_busy(ask: Ask, agents: list[Membership]) -> None:
    held = ask()
    with clock.travel(NOON):
        presences.set_status(agents[0], PresenceStatus.OFFLINE)
        desk.take(held.pk, by=agents[0])

    assert Presence.objects.get(member=agents[0]).status == "busy"
    assert requeue.requeue_abandoned() == 0


def test_closed_group_offers_nothing_and_says_when_people_are_back(
    ask: Ask, agents: list[Membership], group: AgentGroup
) -> None:
    """NOON is 12 o'clock on a Friday in Shanghai."""
    for weekday in range(5):
        WorkingSpan.objects.create(
            group=group, weekday=weekday, starts_at=time(13), ends_at=time(18)
        )
    online(agents[0])
    waiting = ask()

    assert drain() == 0
    said = Message.objects.filter(conversation=waiting).latest("seq")
    assert "2026-11-20 13:00" in said.text
    online(agents[0], NOON + timedelta(hours=1))
    assert drain(3600) == 1


def test_group_is_chosen_by_reason_channel_language_and_hours(
    ask: Ask, group: AgentGroup, channel: Channel, make_channel: Any, in_tenant: Tenant
) -> None:
    other = make_channel(in_tenant, name="小程序")
    AgentGroup.objects.create(name="投诉组", reasons=["complaint"])
    AgentGroup.objects.create(name="程序组", channels=[str(other.pk)])
    AgentGroup.objects.create(name="停用组", languages=["en"], order=0, is_active=False)
    AgentGroup.objects.create(name="英文组", languages=["en"], order=1)
    closed = AgentGroup.objects.create(name="英文夜间组", languages=["en"], order=0)
    WorkingSpan.objects.create(group=closed, weekday=6, starts_at=time(1), ends_at=time(2))

    assert ask().group == group
    assert getattr(ask("hello", locale="en").group, "name", "") == "英文组"


def test_visitor_goes_back_to_the_assistant(ask: Ask, agents: list[Membership]) -> None:
    waiting = ask()
    online(agents[0])
    drain()

    with clock.travel(NOON + timedelta(seconds=11)):
        back = endings.resume_by_contact(waiting.pk)
        again = endings.resume_by_contact(waiting.pk)

    assert (back.status, back.offered_to, again.epoch) == ("bot", None, back.epoch)
    assert Handoff.objects.get().ended_at == NOON + timedelta(seconds=11)
    assert "conversation.resumed" in ledger_kinds()
    desk.take(waiting.pk, by=agents[0])
    with pytest.raises(TransitionError):
        endings.resume_by_contact(waiting.pk)


def test_places_are_told_once_a_change(ask: Ask, agents: list[Membership]) -> None:
    waiting = [ask(seconds=number) for number in range(3)]

    assert (places.tell(), places.tell()) == (3, 0)
    with clock.travel(NOON):
        desk.take(waiting[0].pk, by=agents[0])
    assert (places.tell(), places.tell()) == (2, 0)


def test_sweeper_offers_expires_and_requeues(
    ask: Ask, agents: list[Membership], in_tenant: Tenant
) -> None:
    held, waiting = ask(), ask(seconds=1)
    online(agents[0])
    with clock.travel(NOON + timedelta(seconds=2)):
        desk.take(held.pk, by=agents[0])
    Presence.objects.filter(member=agents[0]).update(status=PresenceStatus.BUSY)
    online(agents[1])

    with clock.travel(NOON + timedelta(seconds=3)):
        tasks.route_waiting()
    assert offered(waiting) == agents[1]
    Presence.objects.filter(member=agents[0]).update(status=PresenceStatus.OFFLINE)
    with clock.travel(NOON + timedelta(seconds=34)):
        tasks.route_waiting()

    assert Conversation.objects.get(pk=held.pk).status == "waiting_human"
    assert Presence.objects.get(member=agents[1]).status == "rest"


@pytest.mark.django_db(transaction=True)
def test_drains_at_once_share_the_work(
    ask: Ask, agents: list[Membership], in_tenant: Tenant
) -> None:
    for number in range(6):
        ask(seconds=number)
    for member in agents:
        online(member, clock.now())

    results = at_once(6, lambda _number: routing.drain())

    assert [result for result in results if isinstance(result, Exception)] == []
    asked = list(
        Conversation.objects.filter(offered_to__isnull=False).values_list("offered_to", flat=True)
    )
    assert sorted(asked) == sorted(member.pk for member in agents)
    assert ledger.verify()[1] is None


@pytest.mark.django_db(transaction=True)
def test_what_frees_capacity_offers_at_once(ask: Ask, agents: list[Membership]) -> None:
    """On commit, without the sweeper."""
    presences.set_status(agents[0], PresenceStatus.ONLINE)
    waiting = [ask() for _ in range(4)]

    assert offered(waiting[0]) == agents[0]
    desk.take(waiting[0].pk, by=agents[0])
    assert offered(waiting[1]) == agents[0]
    desk.take(waiting[1].pk, by=agents[0])
    assert offered(waiting[2]) is None
    endings.close(waiting[0].pk, by=agents[0])
    assert offered(waiting[2]) == agents[0]
    desk.take(waiting[2].pk, by=agents[0])
    endings.return_to_bot(waiting[2].pk, by=agents[0])
    assert offered(waiting[3]) == agents[0]


def test_other_tenants_agents_are_not_asked(
    ask: Ask, agents: list[Membership], other_tenant: Tenant
) -> None:
    ask()
    online(agents[0])

    with tenant_scope(other_tenant), clock.travel(NOON):
        assert routing.drain() == 0
