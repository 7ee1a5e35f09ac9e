"""A visitor's promises come from the contract in force when they began."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from conversations.models import (
    BotDecision,
    Channel,
    Inquiry,
    PhraseTopic,
    SurveyMonth,
    TopicPhrase,
)
from conversations.services import bot, desk, endings
from conversations.services.handoff import request_handoff
from conversations.tasks import close_idle_inquiries
from knowledge.models import Release
from tenants import clock
from tenants.models import Membership, Obligation, Tenant, User
from tests.conversations.conftest import EITHER
from tests.tenants.agreements import Parties, draft_contract, draft_terms
from tests.world import admit, write

# Midnight of 1 November 2026 in Shanghai: the contract begins.
FIRST = datetime(2026, 10, 31, 16, tzinfo=UTC)


def test_promises_name_the_terms_of_their_time(
    in_tenant: Tenant, channel: Channel, make_member: Callable[..., User]
) -> None:
    parties = Parties(make_member, in_tenant)
    with clock.travel(FIRST - timedelta(days=5)):
        parties.sign(draft_terms(draft_contract(), first_reply_seconds=6, handoff_seconds=40))

    for name, at in (("前", FIRST - timedelta(seconds=1)), ("后", FIRST)):
        with clock.travel(at):
            message = write(admit(channel, name), f"{name}：多久发货？")
            request_handoff(message.conversation_id)

    rows = Obligation.objects.order_by("started_at", "kind")
    assert [(row.kind, row.due_at - row.started_at, row.terms_version) for row in rows] == [
        ("first_reply", timedelta(seconds=10), "default"),
        ("handoff", timedelta(seconds=60), "default"),
        ("first_reply", timedelta(seconds=6), "HT-1 v1"),
        ("handoff", timedelta(seconds=40), "HT-1 v1"),
    ]


def test_inquiry_ends_after_the_silence_that_is_agreed(
    in_tenant: Tenant, channel: Channel, make_member: Callable[..., User]
) -> None:
    with clock.travel(FIRST - timedelta(days=5)):
        parties = Parties(make_member, in_tenant)
        parties.sign(draft_terms(draft_contract(), inquiry_idle_minutes=5))
    with clock.travel(FIRST):
        visitor = admit(channel, "v")
        write(visitor, "多久发货？")
    with clock.travel(FIRST + timedelta(minutes=4)):
        write(visitor, "在吗？")
        close_idle_inquiries()
    assert Inquiry.objects.get().closed_at is None

    with clock.travel(FIRST + timedelta(minutes=9)):
        close_idle_inquiries()
    with clock.travel(FIRST + timedelta(minutes=10)):
        write(visitor, "还在吗？")

    closed = Inquiry.objects.order_by("number").values_list("closed_at", flat=True)
    assert list(closed) == [FIRST + timedelta(minutes=9), None]


@pytest.mark.parametrize(("clarifications", "outcome"), [(1, "handoff"), (2, "clarify")])
def test_people_take_over_after_as_many_questions_back_as_agreed(
    in_tenant: Tenant,
    channel: Channel,
    make_member: Callable[..., User],
    knowledge: Release,
    clarifications: int,
    outcome: str,
) -> None:
    with clock.travel(FIRST - timedelta(days=5)):
        parties = Parties(make_member, in_tenant)
        parties.sign(draft_terms(draft_contract(), clarifications=clarifications))
    with clock.travel(FIRST):
        bot.take_turn(write(admit(channel, "v"), EITHER).pk)

    assert BotDecision.objects.get().outcome == outcome


@pytest.mark.parametrize(
    ("policy", "first", "offers"),
    [
        ("transfer", "handoff", ["handoff"]),
        ("offer_transfer", "smalltalk", ["handoff"]),
        ("decline", "smalltalk", []),
    ],
)
def test_what_is_not_the_clients_business_goes_where_the_contract_says(
    in_tenant: Tenant,
    channel: Channel,
    make_member: Callable[..., User],
    knowledge: Release,
    agent: Membership,
    policy: str,
    first: str,
    offers: list[str],
) -> None:
    TopicPhrase.objects.create(topic=PhraseTopic.OFFTOPIC, phrase="股市")
    with clock.travel(FIRST - timedelta(days=5)):
        parties = Parties(make_member, in_tenant)
        parties.sign(draft_terms(draft_contract(), oos_policy=policy))
    with clock.travel(FIRST):
        visitor = admit(channel, "v")
        message = write(visitor, "今天股市怎么样？")
        bot.take_turn(message.pk)
        if first == "handoff":
            desk.take(message.conversation_id, by=agent)
            endings.return_to_bot(message.conversation_id, by=agent)
        again = bot.take_turn(write(visitor, "明天股市会涨吗？").pk)

    rows = list(BotDecision.objects.order_by("decided_at", "pk"))
    # Passed on once an inquiry, and no more than offered after that.
    assert [row.outcome for row in rows] == [first, "smalltalk"]
    assert again is not None
    assert [button["action"] for button in again.buttons] == offers


def test_month_is_surveyed_by_the_method_of_the_contract(
    in_tenant: Tenant, channel: Channel, make_member: Callable[..., User]
) -> None:
    with clock.travel(FIRST - timedelta(days=5)):
        parties = Parties(make_member, in_tenant)
        parties.sign(draft_terms(draft_contract(), survey_method="both"))
        write(admit(channel, "before"), "多久发货？")
    with clock.travel(FIRST):
        write(admit(channel, "after"), "多久发货？")

    months = SurveyMonth.objects.order_by("month").values_list("terms__version", "terms__method")
    assert list(months) == [(1, "survey"), (2, "both")]
