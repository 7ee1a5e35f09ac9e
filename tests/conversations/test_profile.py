"""What is read of one person over all channels."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conversations import happenings, profile, visitors
from conversations.models import (
    Channel,
    Contact,
    ContactSession,
    Rating,
    Resolution,
    Tag,
    TagSource,
)
from conversations.profile_figures import suppressed, tag_figures_csv
from conversations.services import (
    desk,
    endings,
    handoff,
    merging,
    profiles,
    ratings,
    tickets,
    wrap_ups,
)
from conversations.services.contacts import Admission
from conversations.services.tickets import NewTicket
from conversations.services.wrap_ups import Account
from conversations.ticket_states import TicketOrigin
from knowledge.models import Release
from tenants import clock
from tenants.errors import NotFoundError
from tenants.models import Membership, Tenant
from tenants.scoping import tenant_scope
from tests.conversations import surveyed
from tests.conversations.conftest import KNOWN
from tests.conversations.doors import ask, send

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


@pytest.fixture
def dealt(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership, knowledge: Release
) -> Contact:
    """A contact who was answered, judged it, was handed over, and is known to colleagues."""
    with clock.travel(NOON):
        reply = ask(visitor, KNOWN)
        visitors.judge(visitor, reply.pk, helpful=False, comment="太慢")
    with clock.travel(NOON + timedelta(minutes=1)):
        handoff.request_handoff(reply.conversation_id)
    with clock.travel(NOON + timedelta(minutes=2)):
        desk.take(reply.conversation_id, by=agent)
        endings.close(reply.conversation_id, by=agent)
    with clock.travel(NOON + timedelta(minutes=3)):
        profiles.add_note(visitor.contact, "急性子", by=agent)
        profiles.add_tag(visitor.contact, profiles.named_tag("老客户", by=agent), by=agent)
    return visitor.contact


def test_time_line_tells_all_that_happened_latest_first(dealt: Contact) -> None:
    with clock.travel(NOON + timedelta(hours=1)):
        page, edge = happenings.timeline(dealt)

    assert edge is None
    assert [each.kind for each in page] == ["tag", "note", "handoff", "feedback", "conversation"]
    first = page[-1]
    assert (first.text, first.facts["status"], first.at) == (KNOWN, "closed", NOON)
    assert page[3].text == "太慢"


def test_time_line_is_paged_without_loss_or_repeat(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    for number in range(25):
        with clock.travel(NOON + timedelta(minutes=number // 2)):
            profiles.add_note(visitor.contact, f"第{number}条", by=agent)

    told, before = [], None
    while True:
        page, before = happenings.timeline(visitor.contact, before=before, limit=6)
        told += [each.text for each in page]
        if before is None:
            break

    assert sorted(told) == sorted(f"第{number}条" for number in range(25))


def test_ratings_tickets_and_wrap_ups_are_told(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership, knowledge: Release
) -> None:
    invite = surveyed.asked(visitor, agent=agent)
    bad = ratings.rate(invite, "human", 40, comment="等太久")
    good = ratings.rate(invite, "bot", 80)
    Rating.objects.filter(pk=good.pk).update(excluded_reason="test")
    conversation = invite.inquiry.conversation
    wrap_ups.save(conversation.pk, Account(resolved=Resolution.NO, summary="要跟进"), by=agent)
    asked = NewTicket(
        contact=visitor.contact,
        channel=visitor.channel,
        description="请回电",
        subject="回电",
        origin=TicketOrigin.CHAT,
        conversation=conversation,
    )
    ticket, _created = tickets.open_ticket(asked, by=agent)

    card = profile.card(visitor.contact)
    page, _edge = happenings.timeline(visitor.contact)

    assert [
        (row["id"], row["score"], row["comment"], row["counts"]) for row in card["ratings"]
    ] == [
        (str(good.pk), 80, "", False),
        (str(bad.pk), 40, "等太久", True),
    ]
    told = {(each.kind, each.text): each for each in page}
    rated = told["rating", "等太久"]
    assert (rated.tone, rated.facts) == ("warn", {"score": 40, "part": "human"})
    assert told["rating", ""].tone == "ok"
    assert rated.conversation_id == conversation.pk
    assert ticket.number in told["ticket", "回电"].title
    assert told["wrap_up", "要跟进"].conversation_id == conversation.pk
    with clock.travel(clock.now() + timedelta(days=366)):
        assert profile.ratings_of([visitor.contact_id]) == []


def test_demand_and_satisfaction_are_derived_from_what_was_asked(dealt: Contact) -> None:
    with clock.travel(NOON + timedelta(days=1)):
        rows = profile.demand(dealt, [dealt.pk])
        judged = profile.satisfaction([dealt.pk])
    with clock.travel(NOON + timedelta(days=366)):
        later = (profile.demand(dealt, [dealt.pk]), profile.satisfaction([dealt.pk]))

    assert [(row["kind"], row["count"]) for row in rows] == [("category", 1), ("handoff", 1)]
    assert rows[0]["label"] == "配送"
    assert judged == {"helpful": 0, "unhelpful": 1}
    assert later == ([], {"helpful": 0, "unhelpful": 0})
    assert profile.counts([dealt.pk]) == {"conversations": 1, "messages": 1, "handoffs": 1}


def test_who_opted_out_has_no_demand_types_and_no_tags_of_rules(
    dealt: Contact, agent: Membership
) -> None:
    tag = profiles.save_tag(Tag(name="规则"), by=None)
    profiles.add_tag(dealt, tag, by=None, source=TagSource.RULE)
    Contact.objects.filter(pk=dealt.pk).update(opted_out_of_profile=True)
    out = Contact.objects.get(pk=dealt.pk)

    assert profile.demand(out, [out.pk]) == []
    assert [row.tag.name for row in profile.tags_of(out)] == ["老客户"]
    page, _edge = happenings.timeline(out)
    assert len([each for each in page if each.kind == "tag"]) == 1


def test_time_line_and_card_ask_as_much_for_one_conversation_as_for_many(
    dealt: Contact, visitor: ContactSession, agent: Membership, django_assert_max_num_queries: Any
) -> None:
    merging.merge_contacts(
        dealt,
        Contact.objects.create(
            channel=visitor.channel, created_at=clock.now(), last_seen_at=clock.now()
        ),
        by=agent,
    )
    for number in range(5):
        message = send(visitor, f"再问{number}").message
        endings.close_by_contact(message.conversation_id)
        profiles.add_note(dealt, f"记{number}", by=agent)

    with django_assert_max_num_queries(12):
        happenings.timeline(dealt)
    with django_assert_max_num_queries(16):
        profile.card(Contact.objects.select_related("channel").get(pk=dealt.pk))


def test_search_finds_by_parts_of_names_and_beginnings_of_numbers(
    in_tenant: Tenant,
    channel: Channel,
    admit: Callable[..., Admission],
    agent: Membership,
    other_tenant: Tenant,
) -> None:
    first = admit(channel, profile={"name": "李雷", "phone": "13800000000"}).session.contact
    second = admit(channel, profile={"name": "小李"}).session.contact
    profiles.edit_contact(second, {"phone": "13911111111"}, by=agent)

    assert profile.search("李") == [second, first]
    assert profile.search("1380") == [first]
    assert profile.search("139111", beside=first) == [second]
    assert profile.search("李", beside=second) == [first]
    merging.merge_contacts(first, second, by=agent)
    assert profile.search("李") == [first]
    with tenant_scope(other_tenant):
        assert profile.search("李") == []
        with pytest.raises(NotFoundError):
            profile.find_contact(first.pk)


@pytest.mark.parametrize(
    ("people", "shown"), [(0, "0"), (1, "<5"), (4, "<5"), (5, "5"), (12, "12")]
)
def test_cells_about_few_people_are_hidden(people: int, shown: str) -> None:
    assert suppressed(people, people) == shown


def test_figures_of_tags_hide_few_people_and_formulas(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission], agent: Membership
) -> None:
    many, few = (profiles.save_tag(Tag(name=name), by=agent) for name in ("=many", "few"))
    for number in range(6):
        contact = admit(channel, device_id=str(number)).session.contact
        profiles.add_tag(contact, many, by=agent)
        if number < 2:
            profiles.add_tag(contact, few, by=agent)
        if number == 5:
            profiles.set_opt_out(contact, out=True, by=agent)

    lines = tag_figures_csv().decode("utf-8-sig").splitlines()[1:]

    assert lines == ["'=many,5,0,0", "few,<5,0,0"]
