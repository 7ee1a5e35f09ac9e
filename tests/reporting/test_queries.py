"""Figures about what happened, against rows whose answer is known."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.utils import timezone

from conversations.models import BotDecision, Channel, Contact, Conversation, Message
from reporting import queries
from reporting.queries import Kept, Queue, Share
from tenants import clock
from tenants.ids import new_id
from tenants.models import Breach, Obligation, ObligationKind, ObligationState, Tenant
from tenants.scoping import tenant_scope

# Half past midnight in Shanghai: in UTC it is still the day before.
NOW = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)
TODAY = NOW
YESTERDAY = NOW - timedelta(hours=1)
_numbers = count(1)


@pytest.fixture
def now(tenant: Tenant, channel: Channel) -> Iterator[datetime]:
    with tenant_scope(tenant), timezone.override(tenant.zone), clock.travel(NOW):
        yield NOW


def contact() -> Contact:
    channel = Channel.objects.earliest("created_at")
    return Contact.objects.create(channel=channel, created_at=NOW, last_seen_at=NOW)


def conversation(**fields: Any) -> Conversation:
    person = contact()
    return Conversation.objects.create(
        channel=person.channel, contact=person, created_at=NOW, last_at=NOW, **fields
    )


def message(text: str = "问题", at: datetime = TODAY, **fields: Any) -> Message:
    return Message.objects.create(
        conversation=conversation(),
        seq=next(_numbers),
        author_kind="customer",
        text=text,
        received_at=at,
        created_at=at,
        **fields,
    )


def decision(outcome: str, at: datetime = TODAY, text: str = "问题", reason: str = "") -> None:
    asked = message(text, at)
    BotDecision.objects.create(
        conversation=asked.conversation,
        question=asked,
        outcome=outcome,
        rule="gate",
        reason=reason,
        latency_ms=1,
        decided_at=at,
    )


def promise(
    state: ObligationState, at: datetime = TODAY, kind: ObligationKind = ObligationKind.FIRST_REPLY
) -> Obligation:
    return Obligation.objects.create(
        kind=kind,
        clause="2.1(1)",
        subject_id=new_id(),
        started_at=at,
        due_at=at + timedelta(seconds=10),
        state=state,
    )


def breach(at: datetime) -> None:
    row = promise(ObligationState.BREACHED, at)
    Breach.objects.create(
        obligation=row,
        clause=row.clause,
        subject_id=row.subject_id,
        started_at=at,
        due_at=at,
        detected_at=at,
    )


def test_the_queue_counts_who_waits_and_since_when(now: datetime) -> None:
    assert queries.queue() == Queue(0, None)

    conversation()
    for minutes in (3, 7):
        conversation(status="waiting_human", waiting_since=now - timedelta(minutes=minutes))

    assert queries.queue() == Queue(2, timedelta(minutes=7))


def test_promises_are_judged_by_the_day_they_started(now: datetime) -> None:
    for state in ObligationState:
        promise(state)
        promise(state, YESTERDAY)
    promise(ObligationState.MET)
    promise(ObligationState.MET, kind=ObligationKind.HANDOFF)

    kept = queries.kept_today(ObligationKind.FIRST_REPLY)

    assert kept == Kept(ObligationKind.FIRST_REPLY, met=2, breached=1, running=1)
    assert kept.judged == 3
    assert queries.kept_today(ObligationKind.HANDOFF).judged == 1


def test_small_talk_is_no_question(now: datetime) -> None:
    for outcome in ("answered", "answered", "clarify", "handoff", "smalltalk"):
        decision(outcome)
        decision(outcome, YESTERDAY)

    assert queries.answered_today() == Share(2, 4)


def test_only_what_was_judged_counts_as_helpful_or_not(now: datetime) -> None:
    message(feedback="helpful")
    message(feedback="unhelpful")
    message(feedback="helpful", at=YESTERDAY)
    message()

    assert queries.helpful_today() == Share(1, 2)


def test_unanswered_questions_are_those_without_an_answer_most_frequent_first(
    now: datetime,
) -> None:
    for text in ("能寄国外吗", "有实体店吗", "能寄国外吗"):
        decision("handoff", text=text, reason="unknown")
    decision("handoff", text="到底行不行", reason="unclear")
    decision("handoff", text="我要投诉", reason="complaint")
    decision("clarify", text="运费")
    decision("handoff", now - timedelta(days=7), "很久以前", "unknown")

    found = queries.unanswered()

    assert found.total == 4
    assert (found.top[0].text, found.top[0].count) == ("能寄国外吗", 2)
    assert {question.text for question in found.top[1:]} == {"有实体店吗", "到底行不行"}


def test_only_the_ten_most_frequent_are_listed(now: datetime) -> None:
    for number in range(12):
        decision("handoff", text=f"问题{number}", reason="unknown")

    found = queries.unanswered()

    assert (found.total, len(found.top)) == (12, 10)


def test_the_trend_has_fourteen_days_cut_in_the_tenants_zone(now: datetime) -> None:
    decision("answered", TODAY)
    decision("handoff", TODAY)
    decision("answered", YESTERDAY)
    decision("smalltalk", YESTERDAY)
    decision("answered", now - timedelta(days=14))
    breach(YESTERDAY)

    days = queries.trend()

    assert [f"{day.date:%m-%d}" for day in (days[0], days[-2], days[-1])] == [
        "11-11",
        "11-23",
        "11-24",
    ]
    assert len(days) == 14
    assert (days[-1].questions, days[-1].answered, days[-1].breaches) == (2, 1, 0)
    assert (days[-2].questions, days[-2].answered, days[-2].breaches) == (1, 1, 1)
    assert sum(day.questions for day in days) == 3


def test_breaches_count_on_the_day_they_were_found(now: datetime) -> None:
    breach(TODAY)
    breach(YESTERDAY)

    assert queries.breaches_today() == 1


def test_no_figure_knows_of_another_tenant(
    tenant: Tenant, other_tenant: Tenant, now: datetime, make_channel: Any
) -> None:
    make_channel(other_tenant)
    with tenant_scope(other_tenant):
        decision("handoff", reason="unknown")
        message(feedback="helpful")
        breach(TODAY)
        conversation(status="waiting_human", waiting_since=now)

    assert queries.queue().waiting == 0
    assert queries.breaches_today() == 0
    assert queries.unanswered().total == 0
    assert queries.answered_today() == queries.helpful_today() == Share(0, 0)
    assert queries.kept_today(ObligationKind.FIRST_REPLY).judged == 0
    assert sum(day.questions + day.breaches for day in queries.trend()) == 0
