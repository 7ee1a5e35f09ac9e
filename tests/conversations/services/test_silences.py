"""Silence: exact borders, each thing once, nobody cut off untold."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from conversations import tasks
from conversations.models import (
    ContactSession,
    Conversation,
    Message,
    Notice,
    ServiceTimes,
    SilenceStep,
)
from conversations.services import desk, endings, service_times, silences
from conversations.services.contacts import Admission
from conversations.services.handoff import request_handoff
from tenants import clock
from tenants.models import LedgerEntry, Membership, Tenant, User
from tenants.scoping import tenant_scope
from tests.conversations.doors import at_once, ledger_kinds, send

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
BREATH = timedelta(microseconds=1)


def after(**span: float) -> datetime:
    return NOON + timedelta(**span)


@pytest.fixture
def taken(in_tenant: Tenant, visitor: ContactSession, agent: Membership) -> Conversation:
    """A conversation that an agent took at noon, without a word yet."""
    with clock.travel(NOON):
        waiting = request_handoff(send(visitor, "我想找人聊聊").message.conversation_id)
        return desk.take(waiting.pk, by=agent)


@pytest.fixture
def answered(taken: Conversation, agent: Membership) -> Conversation:
    """The same, after the agent's first words at noon."""
    with clock.travel(NOON):
        desk.reply(taken.pk, "您好，请讲", by=agent, client_msg_id="a-1")
    return taken


def set_times(**values: Any) -> None:
    times = service_times.current()
    ServiceTimes.objects.filter(pk=times.pk).update(**values)


def keep(at: datetime) -> int:
    with clock.travel(at):
        return silences.keep()


def texts(conversation: Conversation) -> list[tuple[str, str]]:
    rows = Message.objects.filter(conversation=conversation).order_by("seq")
    return list(rows.values_list("author_kind", "text"))


def test_nothing_is_done_unless_asked_for(answered: Conversation) -> None:
    assert keep(after(days=30)) == 0


def test_a_silent_visitor_is_reminded_at_the_border_and_once(answered: Conversation) -> None:
    set_times(visitor_reminder_minutes=3, visitor_words_zh="亲，还在吗？")

    assert keep(after(minutes=3) - BREATH) == 0
    assert keep(after(minutes=3)) == 1
    assert keep(after(minutes=9)) == 0

    assert texts(answered)[-1] == ("system", "亲，还在吗？")
    assert SilenceStep.objects.get().since == NOON


def test_the_next_silence_is_reminded_again(
    answered: Conversation, visitor: ContactSession, agent: Membership
) -> None:
    set_times(visitor_reminder_minutes=3)
    keep(after(minutes=3))
    with clock.travel(after(minutes=4)):
        send(visitor, "在的", conversation_id=answered.pk)

    assert keep(after(minutes=30)) == 0
    with clock.travel(after(minutes=31)):
        desk.reply(answered.pk, "好的", by=agent, client_msg_id="a-2")
    assert keep(after(minutes=34)) == 1


def test_words_are_in_the_visitors_language(
    in_tenant: Tenant, channel: Any, admit: Callable[..., Admission], agent: Membership
) -> None:
    session = admit(channel, device_id="en", locale="en").session
    set_times(visitor_reminder_minutes=1, visitor_words_zh="还在吗")
    with clock.travel(NOON):
        waiting = request_handoff(send(session, "A person please").message.conversation_id)
        desk.take(waiting.pk, by=agent)
        desk.reply(waiting.pk, "Hello", by=agent, client_msg_id="e-1")

    keep(after(minutes=1))

    assert texts(waiting)[-1][1] == "Are you still there? Just write if you need anything else."


def test_an_agent_is_reminded_from_taking_on_and_supervisors_are_told(
    taken: Conversation, agent: Membership
) -> None:
    set_times(agent_reminder_seconds=60, agent_escalation_seconds=180)

    assert keep(after(seconds=60) - BREATH) == 0
    assert keep(after(seconds=60)) == 1
    assert keep(after(seconds=180) - BREATH) == 0
    assert keep(after(seconds=180)) == 1
    assert keep(after(seconds=999)) == 0

    rows = Notice.objects.order_by("created_at").values_list("kind", "member", "for_supervisors")
    assert list(rows) == [("silent_agent", agent.pk, False), ("escalation", None, True)]
    assert ledger_kinds()[-2:] == ["agent.reminded", "agent.escalated"]
    assert texts(taken)[-1][0] == "system"


def test_an_agents_clock_runs_from_the_first_unanswered_words(
    answered: Conversation, visitor: ContactSession, agent: Membership
) -> None:
    set_times(agent_reminder_seconds=60)
    for second in (100, 130):
        with clock.travel(after(seconds=second)):
            send(visitor, "您在吗", conversation_id=answered.pk)

    assert keep(after(seconds=160) - BREATH) == 0
    assert keep(after(seconds=160)) == 1
    with clock.travel(after(seconds=170)):
        desk.reply(answered.pk, "在", by=agent, client_msg_id="a-3")
    assert keep(after(seconds=1000)) == 0


def test_an_idle_conversation_is_closed_after_a_warning(answered: Conversation) -> None:
    set_times(idle_close_minutes=15, idle_warning_minutes=5)

    assert keep(after(minutes=10) - BREATH) == 0
    assert keep(after(minutes=10)) == 1
    assert "5" in texts(answered)[-1][1]
    assert keep(after(minutes=15) - BREATH) == 0
    assert keep(after(minutes=15)) == 1

    answered.refresh_from_db()
    assert (answered.status, answered.close_reason) == ("closed", "idle")
    assert answered.closed_at == after(minutes=15)
    assert not answered.closed_by_contact
    assert answered.handoffs.get().ended_at == after(minutes=15)
    closed = LedgerEntry.objects.get(kind="conversation.closed")
    assert closed.data == {"by": None}


def test_nobody_is_cut_off_who_was_told_late(answered: Conversation) -> None:
    set_times(idle_close_minutes=15, idle_warning_minutes=5)

    assert keep(after(hours=5)) == 1
    assert keep(after(hours=5, minutes=5) - BREATH) == 0
    answered.refresh_from_db()
    assert answered.status == "human"
    assert keep(after(hours=5, minutes=5)) == 1


def test_a_word_keeps_it_open(answered: Conversation, visitor: ContactSession) -> None:
    set_times(idle_close_minutes=15, idle_warning_minutes=5)
    keep(after(minutes=10))
    with clock.travel(after(minutes=14)):
        send(visitor, "还在", conversation_id=answered.pk)

    assert keep(after(hours=9)) == 0


def test_a_visitor_who_waits_for_the_agent_is_never_cut_off(taken: Conversation) -> None:
    set_times(idle_close_minutes=15, idle_warning_minutes=5)

    assert keep(after(days=2)) == 0


def test_a_conversation_with_the_assistant_ends_after_hours(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    set_times(bot_close_hours=2)
    with clock.travel(NOON):
        conversation = send(visitor, "你好").message.conversation
    assert keep(after(hours=2)) == 0
    Conversation.objects.filter(pk=conversation.pk).update(undecided_seq=None)

    assert keep(after(hours=2) - BREATH) == 0
    assert keep(after(hours=2)) == 1

    conversation.refresh_from_db()
    assert (conversation.status, conversation.close_reason) == ("closed", "idle")
    with clock.travel(after(hours=3)):
        again = send(visitor, "又来了").message.conversation
    assert (again.pk, again.status, again.close_reason) == (conversation.pk, "bot", "")


def test_reasons_of_people_stand_with_the_conversation(
    answered: Conversation, agent: Membership, visitor: ContactSession
) -> None:
    assert endings.close(answered.pk, by=agent).close_reason == "agent"
    send(visitor, "再问", conversation_id=answered.pk)
    assert endings.close_by_contact(answered.pk).close_reason == "visitor"
    answered.refresh_from_db()
    assert answered.close_reason == "visitor"


def test_giving_back_ends_the_silence(answered: Conversation, agent: Membership) -> None:
    set_times(visitor_reminder_minutes=1, agent_reminder_seconds=10)
    endings.return_to_bot(answered.pk, by=agent)

    assert keep(after(days=1)) == 0
    answered.refresh_from_db()
    assert (answered.visitor_silent_since, answered.unanswered_since) == (None, None)


def test_the_chore_works_tenant_by_tenant(
    answered: Conversation, tenant: Tenant, other_tenant: Tenant
) -> None:
    set_times(visitor_reminder_minutes=3)
    with tenant_scope(other_tenant):
        set_times(visitor_reminder_minutes=1)

    with clock.travel(after(minutes=2)):
        tasks.keep_service_times()
    early = len(texts(answered))
    with clock.travel(after(minutes=3)):
        tasks.keep_service_times()
        tasks.keep_service_times()

    assert len(texts(answered)) == early + 1


@pytest.mark.django_db(transaction=True)
def test_two_sweepers_at_once_remind_once(answered: Conversation) -> None:
    set_times(visitor_reminder_minutes=3, agent_reminder_seconds=60)

    with clock.travel(after(minutes=3)):
        results = at_once(4, lambda _number: silences.keep())

    assert [result for result in results if isinstance(result, Exception)] == []
    assert SilenceStep.objects.count() == 1
    assert [author for author, _text in texts(answered)].count("system") == 3


def test_times_are_changed_with_a_record(
    in_tenant: Tenant, make_member: Callable[..., User]
) -> None:
    boss = make_member(in_tenant, "client_admin")
    times = service_times.current()
    times.visitor_reminder_minutes = 5
    times.visitor_words_zh = "在吗"

    service_times.change(times, by=boss)
    service_times.change(times, by=boss)

    entries = LedgerEntry.objects.filter(kind="service_times.changed")
    assert [entry.data["new"]["visitor_reminder_minutes"] for entry in entries] == [5]
    assert "在吗" not in str(entries[0].data)
    assert service_times.current().updated_by == boss


def test_a_warning_after_the_end_is_refused_by_the_database(in_tenant: Tenant) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        set_times(idle_close_minutes=5, idle_warning_minutes=5)
