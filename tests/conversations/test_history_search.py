"""Looking for words in what was said: where, whose, when, and how much is shown."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations import history_search
from conversations.history_search import Question, excerpt
from conversations.models import Channel, Contact, ContactSession
from conversations.services import desk, endings
from conversations.services.contacts import Admission
from conversations.services.handoff import request_handoff
from conversations.services.withdrawal import withdraw
from tenants import clock
from tenants.models import Membership, Tenant
from tenants.scoping import tenant_scope
from tests.conversations.doors import send

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def found(words: str, **where: Any) -> list[tuple[str, str]]:
    hits = history_search.find(Question(words, **where))["results"]
    return [(hit["kind"], hit["excerpt"]) for hit in hits]


@pytest.fixture
def said(in_tenant: Tenant, visitor: ContactSession, agent: Membership) -> Any:
    with clock.travel(NOON):
        row = request_handoff(send(visitor, "订单 A17 的发票开错了").message.conversation_id)
        desk.take(row.pk, by=agent)
    with clock.travel(NOON + timedelta(minutes=1)):
        desk.note(row.pk, "发票重开，订单A17", by=agent, client_msg_id="n1")
    return row


def test_all_words_must_stand_there_in_messages_and_notes(said: Any) -> None:
    with clock.travel(NOON + timedelta(days=1)):
        assert found("发票 a17") == [
            ("note", "发票重开，订单A17"),
            ("message", "订单 A17 的发票开错了"),
        ]
        assert found("发票 退款") == []
        assert found("  ") == []
        assert found("%") == []


def test_a_hit_says_where_it_stands(said: Any, agent: Membership) -> None:
    with clock.travel(NOON + timedelta(days=1)):
        note, message = history_search.find(Question("发票"))["results"]

    assert (message["seq"], message["number"]) == (1, None)
    assert message["author"] == {"kind": "customer", "name": None}
    assert message["conversation_id"] == str(said.pk)
    assert (note["seq"], note["number"]) == (None, 1)
    assert note["author"] == {"kind": "agent", "name": "林晓"}


def test_visitors_are_found_by_what_is_known_of_them(said: Any) -> None:
    Contact.objects.update(name="韩梅梅", phone="13900000002")

    with clock.travel(NOON + timedelta(days=1)):
        assert found("0002 韩梅") == [("contact", "韩梅梅 · 13900000002")]


def test_filters_narrow_by_channel_agent_and_period(
    said: Any,
    tenant: Tenant,
    agent: Membership,
    colleague: Membership,
    make_channel: Callable[..., Channel],
) -> None:
    elsewhere = make_channel(tenant, name="小程序")
    with clock.travel(NOON + timedelta(days=1)):
        assert len(found("发票", agent_id=agent.pk)) == 2
        assert found("发票", agent_id=colleague.pk) == []
        assert found("发票", channel_id=elsewhere.pk) == []
        assert len(found("发票", channel_id=said.channel_id)) == 2
        assert len(found("发票", since=NOON + timedelta(seconds=30))) == 1
        assert len(found("发票", until=NOON + timedelta(seconds=30))) == 1
    with clock.travel(NOON + timedelta(days=100)):
        assert found("发票") == []
        assert len(found("发票", since=NOON - timedelta(days=1))) == 2


def test_who_had_it_once_is_found_after_the_end(said: Any, agent: Membership) -> None:
    with clock.travel(NOON + timedelta(hours=1)):
        endings.close(said.pk, by=agent)
        assert len(found("发票", agent_id=agent.pk)) == 2


def test_the_period_is_a_year_at_most(in_tenant: Tenant) -> None:
    with clock.travel(NOON):
        answer = history_search.find(Question("x", since=NOON - timedelta(days=3000)))

    assert answer["since"] == "2025-11-19T04:00:00.000Z"


def test_only_the_latest_hits_are_shown_in_as_many_queries_as_for_one(
    in_tenant: Tenant,
    channel: Channel,
    admit: Callable[..., Admission],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history_search, "MOST", 3)
    counts = []
    for number in range(5):
        send(admit(channel, device_id=f"d{number}").session, f"发票{number}")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = history_search.find(Question("发票"))
        counts.append(len(queries))

    assert [hit["excerpt"] for hit in answer["results"]] == ["发票4", "发票3", "发票2"]
    assert answer["more"] is True
    assert len(set(counts)) == 1


def test_another_tenants_words_are_not_found(
    said: Any, other_tenant: Tenant, make_channel: Callable[..., Channel], admit: Any
) -> None:
    with tenant_scope(other_tenant), clock.travel(NOON + timedelta(days=1)):
        assert found("发票") == []


@pytest.mark.parametrize(
    ("text", "words", "shown"),
    [
        ("短", ["短"], "短"),
        ("没有", ["x"], "没有"),
        ("一\n二  三", ["三"], "一 二 三"),
        ("a" * 100 + "目标" + "b" * 200, ["目标"], "…" + "a" * 30 + "目标" + "b" * 128 + "…"),
    ],
)
def test_an_excerpt_surrounds_the_first_word(text: str, words: list[str], shown: str) -> None:
    assert excerpt(text, words) == shown


def test_withdrawn_words_are_not_found(said: Any, agent: Membership) -> None:
    soon, later = NOON + timedelta(minutes=2), NOON + timedelta(minutes=3)
    with clock.travel(soon):
        message, _created = desk.reply(said.pk, "口令是 8412", by=agent, client_msg_id="r1")
    with clock.travel(later):
        assert len(found("8412")) == 1

        withdraw(said.pk, message.pk, by=agent)

        assert found("8412") == []
