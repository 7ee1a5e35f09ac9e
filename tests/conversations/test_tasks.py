"""The regular chores: what was left behind is found, in every tenant, and what is late is told."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from logging import INFO

import pytest

from conversations import in_hand, tasks
from conversations.models import (
    BotDecision,
    Channel,
    ContactSession,
    Conversation,
    Inquiry,
    Message,
    MismatchReport,
    Presence,
)
from conversations.services import presences
from conversations.services.contacts import Admission
from knowledge.models import Release
from tenants import clock
from tenants.models import Breach, LedgerEntry, LedgerHead, Membership, Tenant, TenantStatus
from tenants.scoping import tenant_scope
from tenants.services import ledger
from tenants.services.onboarding import create_tenant
from tenants.tasks import find_breaches
from tests.conversations.conftest import ANSWER, KNOWN
from tests.conversations.doors import ask, clocks, send

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def said() -> list[tuple[str, str]]:
    return list(Message.objects.order_by("seq").values_list("author_kind", "kind"))


def test_question_left_behind_is_confirmed_and_answered(
    tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    with tenant_scope(tenant), clock.travel(NOON):
        send(visitor, KNOWN)

    with clock.travel(at(3)):
        tasks.decide_undecided()
    with tenant_scope(tenant):
        too_early = said()
    with clock.travel(at(3.1)):
        tasks.decide_undecided()
        tasks.decide_undecided()

    with tenant_scope(tenant):
        assert too_early == [("customer", "text")]
        assert said() == [("customer", "text"), ("bot", "confirmation"), ("bot", "answer")]
        assert Message.objects.latest("seq").text == ANSWER
        assert clocks("first_reply") == [("met", False)]
        assert BotDecision.objects.count() == 1


def test_question_left_behind_for_too_long_is_answered_and_a_breach(
    tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    with tenant_scope(tenant), clock.travel(NOON):
        send(visitor, KNOWN)

    with clock.travel(at(30)):
        find_breaches()
        find_breaches()
    with tenant_scope(tenant):
        detected = Breach.objects.get()
    with clock.travel(at(31)):
        tasks.decide_undecided()

    assert (detected.due_at, detected.detected_at, detected.actual_at) == (at(10), at(30), None)
    with tenant_scope(tenant):
        breach = Breach.objects.get()
        assert (breach.detected_at, breach.actual_at) == (at(30), at(31))
        assert clocks("first_reply") == [("breached", True)]
        assert said()[-1] == ("bot", "answer")
        assert ledger.verify()[1] is None


@pytest.mark.parametrize(("seconds", "late"), [(10, False), (10.001, True)])
def test_promise_is_broken_once_its_last_instant_is_over(
    tenant: Tenant, visitor: ContactSession, seconds: float, late: bool
) -> None:
    with tenant_scope(tenant), clock.travel(NOON):
        send(visitor, KNOWN)

    with clock.travel(at(seconds)):
        find_breaches()

    with tenant_scope(tenant):
        assert clocks("first_reply") == [("breached" if late else "running", late)]


def test_chores_reach_every_tenant_and_mix_none(
    tenant: Tenant,
    other_tenant: Tenant,
    publish: Callable[..., Release],
    make_channel: Callable[..., Channel],
    admit: Callable[..., Admission],
) -> None:
    for owner, answer in ((tenant, "青禾的答案。"), (other_tenant, "云杉的答案。")):
        publish(owner, [("配送", KNOWN, [], answer)])
        session = admit(make_channel(owner)).session
        with tenant_scope(owner), clock.travel(NOON):
            send(session, KNOWN)

    with clock.travel(at(60)):
        find_breaches()
        tasks.decide_undecided()

    for owner, answer in ((tenant, "青禾的答案。"), (other_tenant, "云杉的答案。")):
        with tenant_scope(owner):
            assert Message.objects.latest("seq").text == answer
            assert Breach.objects.count() == 1


def test_turn_that_this_process_still_has_is_left_to_it(
    tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    with tenant_scope(tenant), clock.travel(NOON):
        message = send(visitor, KNOWN).message
    in_hand.take(message.pk)

    with clock.travel(at(5)):
        tasks.decide_undecided()
    in_hand.release(message.pk)
    with tenant_scope(tenant):
        meanwhile = said()
    with clock.travel(at(6)):
        tasks.decide_undecided()

    with tenant_scope(tenant):
        assert meanwhile == [("customer", "text")]
        assert said()[-1] == ("bot", "answer")


def test_tenant_whose_ledger_is_broken_stops_no_other(
    tenant: Tenant,
    other_tenant: Tenant,
    publish: Callable[..., Release],
    make_channel: Callable[..., Channel],
    admit: Callable[..., Admission],
) -> None:
    for owner in (tenant, other_tenant):
        publish(owner)
        session = admit(make_channel(owner)).session
        with tenant_scope(owner), clock.travel(NOON):
            send(session, KNOWN)
    with tenant_scope(tenant):
        LedgerHead.objects.all().delete()

    with clock.travel(at(5)):
        tasks.decide_undecided()

    with tenant_scope(tenant):
        assert said()[1:] == []
    with tenant_scope(other_tenant):
        assert said()[1:] == [("bot", "confirmation"), ("bot", "answer")]


def test_idle_inquiries_end_on_time(
    tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    with tenant_scope(tenant):
        for minutes in (0, 10):
            with clock.travel(NOON + timedelta(minutes=minutes)):
                send(admit(channel).session, "在吗")

    ended = NOON + timedelta(minutes=30)
    with clock.travel(ended):
        tasks.close_idle_inquiries()
    with clock.travel(ended + timedelta(minutes=1)):
        tasks.close_idle_inquiries()

    with tenant_scope(tenant):
        closed = Inquiry.objects.order_by("opened_at").values_list("closed_at", flat=True)
        assert list(closed) == [ended, None]
        assert set(Conversation.objects.values_list("status", flat=True)) == {"bot"}


def test_silent_agents_of_all_tenants_go_offline(tenant: Tenant, agent: Membership) -> None:
    with tenant_scope(tenant), clock.travel(NOON):
        presences.heard_from(agent)

    with clock.travel(at(91)):
        tasks.notice_silent_agents()

    with tenant_scope(tenant):
        assert Presence.objects.get().status == "offline"


def test_answers_of_every_active_tenant_are_compared_once(
    tenant: Tenant,
    other_tenant: Tenant,
    publish: Callable[..., Release],
    make_channel: Callable[..., Channel],
    admit: Callable[..., Admission],
    caplog: pytest.LogCaptureFixture,
) -> None:
    suspended = create_tenant(slug="suspended", name="停用")
    Tenant.objects.filter(pk=suspended.pk).update(status=TenantStatus.SUSPENDED)
    for owner in (tenant, other_tenant):
        publish(owner)
        session = admit(make_channel(owner)).session
        with tenant_scope(owner):
            answer = ask(session, KNOWN)
    with tenant_scope(other_tenant):
        Message.objects.filter(pk=answer.pk).update(text="别的话")

    for days in (1, 2):
        with clock.travel(clock.now() + timedelta(days=days)):
            tasks.compare_answers()

    found = {}
    for owner in (tenant, other_tenant, suspended):
        with tenant_scope(owner):
            events = LedgerEntry.objects.filter(kind="answers.compared").order_by("position")
            figures = [(each.data["compared"], each.data["mismatched"]) for each in events]
            found[owner.slug] = (figures, MismatchReport.objects.count())
    assert found == {
        "qinghe": ([(1, 0), (0, 0)], 0),
        "yunshan": ([(1, 1), (0, 0)], 1),
        "suspended": ([], 0),
    }
    assert [record.levelname for record in caplog.records if record.levelno > INFO] == ["ERROR"]


def test_dead_sessions_are_removed(tenant: Tenant, visitor: ContactSession) -> None:
    with clock.travel(clock.now() + timedelta(days=89)):
        tasks.clear_sessions()
    with tenant_scope(tenant):
        kept = ContactSession.objects.count()
    with clock.travel(clock.now() + timedelta(days=91)):
        tasks.clear_sessions()

    with tenant_scope(tenant):
        assert (kept, ContactSession.objects.count()) == (1, 0)
