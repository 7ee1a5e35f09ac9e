"""What came of an inquiry: optional, demanded, changed, for several at once."""

import pytest

from conversations.models import (
    ContactSession,
    Conversation,
    DeskSettings,
    WrapUp,
    WrapUpCategory,
    WrapUpDemand,
)
from conversations.services import bulk, desk, endings, wrap_ups
from conversations.services.handoff import request_handoff
from conversations.services.wrap_ups import Account, WrapUpNeededError
from conversations.states import NotYoursError
from tenants.errors import NotFoundError
from tenants.ids import new_id
from tenants.models import Membership, Tenant, User
from tests.conversations.doors import ledger_kinds, send

DONE = Account(resolved="yes", summary=" 已退款 ")


@pytest.fixture
def held(in_tenant: Tenant, visitor: ContactSession, agent: Membership) -> Conversation:
    row = request_handoff(send(visitor, "找人").message.conversation_id)
    return desk.take(row.pk, by=agent)


@pytest.fixture
def required(in_tenant: Tenant) -> DeskSettings:
    return DeskSettings.objects.create(wrap_up=WrapUpDemand.REQUIRED)


def test_closing_keeps_what_the_agent_says(held: Conversation, agent: Membership) -> None:
    category = WrapUpCategory.objects.create(name="退款")

    closed = endings.close(
        held.pk, by=agent, account=Account("partly", category_id=category.pk, summary=" 等到账 ")
    )

    row = WrapUp.objects.get()
    assert (closed.status, row.inquiry, row.conversation) == ("closed", closed.inquiry, closed)
    assert (row.resolved, row.category, row.summary, row.by) == (
        "partly",
        category,
        "等到账",
        agent,
    )
    assert "wrap_up.written" in ledger_kinds()


def test_closing_without_is_allowed_until_the_tenant_demands_it(
    held: Conversation, agent: Membership, required: DeskSettings
) -> None:
    with pytest.raises(WrapUpNeededError):
        endings.close(held.pk, by=agent)
    assert Conversation.objects.get().status == "human"

    wrap_ups.save(held.pk, DONE, by=agent)
    endings.close(held.pk, by=agent)

    assert Conversation.objects.get().status == "closed"


def test_nothing_is_demanded_of_what_nobody_had(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership, required: DeskSettings
) -> None:
    row = request_handoff(send(visitor, "找人").message.conversation_id)

    assert endings.close(row.pk, by=agent).status == "closed"


@pytest.mark.parametrize("which", ["unknown", "switched off"])
def test_a_category_must_be_on_offer(held: Conversation, agent: Membership, which: str) -> None:
    off = WrapUpCategory.objects.create(name="旧", is_active=False)
    key = new_id() if which == "unknown" else off.pk

    with pytest.raises(NotFoundError):
        endings.close(held.pk, by=agent, account=Account("yes", category_id=key))
    assert (Conversation.objects.get().status, WrapUp.objects.count()) == ("human", 0)


def test_a_later_account_replaces_the_first_also_by_a_colleague(
    held: Conversation, agent: Membership, colleague: Membership
) -> None:
    with pytest.raises(NotYoursError):
        wrap_ups.save(held.pk, DONE, by=colleague)
    endings.close(held.pk, by=agent, account=DONE)

    wrap_ups.save(held.pk, Account("no", summary="又来了"), by=colleague)

    row = WrapUp.objects.get()
    assert (row.resolved, row.summary, row.by) == ("no", "又来了", colleague)


def test_what_the_visitor_ended_can_be_wrapped_up(held: Conversation, agent: Membership) -> None:
    endings.close_by_contact(held.pk)

    wrap_ups.save(held.pk, DONE, by=agent)
    endings.close(held.pk, by=agent, account=Account("no"))

    assert WrapUp.objects.get().resolved == "no"
    assert Conversation.objects.get().closed_by_contact is True


def test_each_inquiry_has_its_own(
    held: Conversation, agent: Membership, visitor: ContactSession
) -> None:
    endings.close(held.pk, by=agent, account=DONE)
    send(visitor, "又有问题")
    request_handoff(held.pk)
    desk.take(held.pk, by=agent)
    endings.close(held.pk, by=agent, account=Account("no"))

    assert list(WrapUp.objects.order_by("at").values_list("resolved", flat=True)) == ["yes", "no"]


def test_settings_and_categories_are_changed_on_record(
    in_tenant: Tenant, agent: Membership, held: Conversation
) -> None:
    by: User = agent.user
    row = wrap_ups.settings()
    row.wrap_up = WrapUpDemand.REQUIRED
    wrap_ups.save_settings(row, by=by)
    wrap_ups.save_category(WrapUpCategory(name="物流", position=2), by=by)
    wrap_ups.save_category(WrapUpCategory(name="发票", position=1), by=by)
    wrap_ups.save_category(WrapUpCategory(name="旧", is_active=False), by=by)

    assert wrap_ups.demand() == "required"
    assert [each.name for each in wrap_ups.categories()] == ["发票", "物流"]
    assert ledger_kinds()[-4:] == ["desk_settings.changed"] + ["wrap_up_category.changed"] * 3


def test_several_are_closed_each_by_itself(
    held: Conversation, agent: Membership, colleague: Membership, visitor: ContactSession
) -> None:
    endings.close_by_contact(held.pk)
    ended = held
    waiting = request_handoff(send(visitor, "第二次").message.conversation_id)
    endings.close_by_contact(waiting.pk)
    theirs = request_handoff(send(visitor, "第三次").message.conversation_id)
    desk.take(theirs.pk, by=colleague)
    missing = new_id()

    results = bulk.close([ended.pk, theirs.pk, missing, ended.pk], by=agent, account=DONE)

    assert [(each["id"], each["ok"], each["code"]) for each in results] == [
        (str(ended.pk), True, None),
        (str(theirs.pk), False, "not_yours"),
        (str(missing), False, "not_found"),
    ]
    assert results[1]["detail"]
    assert Conversation.objects.get(pk=theirs.pk).status == "human"


def test_what_is_closed_together_says_so(held: Conversation, agent: Membership) -> None:
    results = bulk.close([held.pk], by=agent, account=DONE)

    assert [each["ok"] for each in results] == [True]
    held.refresh_from_db()
    assert (held.status, held.close_reason) == ("closed", "bulk")
