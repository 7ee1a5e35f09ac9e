"""Canned replies: whose they are, what fits, what is filled."""

import pytest

from conversations.models import CannedReply, ContactSession
from conversations.services import canned
from conversations.services.canned import ShortcutTakenError, TooManyRepliesError
from tenants.errors import NotFoundError
from tenants.models import Membership, Tenant
from tests.conversations.doors import ledger_kinds, send

FIELDS = {"shortcut": "hi", "title": "问候", "text": "您好 {{visitor}}"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("您好 {{visitor}}！", "您好 李雷！"),
        ("{{ Visitor }}", "李雷"),
        ("订单 {{order_no}} 已发出", "订单 {{order_no}} 已发出"),
        ("{{没有}}和{{visitor}}", "{{没有}}和李雷"),
        ("{visitor} {{}}", "{visitor} {{}}"),
        ("没有变量", "没有变量"),
    ],
)
def test_known_variables_are_filled_and_others_stay_to_be_seen(text: str, said: str) -> None:
    assert canned.filled(text, {"visitor": "李雷"}) == said


def test_values_come_from_visitor_agent_channel_and_page(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    visitor.contact.name = "李雷"
    visitor.contact.save()
    row = send(visitor, "在吗", context={"order_no": "A17", "page": "https://shop.example"})

    values = canned.values_for(row.message.conversation, by=agent)

    assert values == {
        "visitor": "李雷",
        "agent": "林晓",
        "brand": row.message.conversation.channel.brand_name,
        "channel": "qinghe官网",
        "order_no": "A17",
    }


@pytest.mark.parametrize(("locale", "said"), [("zh-CN", "尊敬的客户"), ("en", "dear customer")])
def test_a_visitor_without_a_name_is_addressed_all_the_same(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership, locale: str, said: str
) -> None:
    visitor.contact.locale = locale
    visitor.contact.save()
    conversation = send(visitor, "在吗").message.conversation

    told = canned.filled("您好 {{visitor}}", canned.values_for(conversation, by=agent))
    visitor.contact.noted_name = "李雷"
    visitor.contact.save()
    conversation.refresh_from_db()
    named = canned.filled("您好 {{visitor}}", canned.values_for(conversation, by=agent))

    assert told == f"您好 {said}"
    assert named == "您好 李雷"


def test_an_agent_finds_the_teams_and_their_own_in_the_visitors_language(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership, colleague: Membership
) -> None:
    for owner, shortcut, language in (
        (None, "team", ""),
        (None, "english", "en"),
        (None, "chinese", "zh-CN"),
        (agent, "mine", ""),
        (colleague, "theirs", ""),
    ):
        CannedReply.objects.create(
            owner=owner, shortcut=shortcut, title="x", text="x", language=language
        )
    CannedReply.objects.create(shortcut="off", title="x", text="x", is_active=False)
    conversation = send(visitor, "在吗").message.conversation
    canned.note_use(CannedReply.objects.get(shortcut="mine").pk, by=agent)

    found = [reply.shortcut for reply in canned.fitting(conversation, by=agent)]

    assert found == ["mine", "chinese", "team"]


def test_own_replies_are_kept_changed_and_removed_by_their_owner_alone(
    in_tenant: Tenant, agent: Membership, colleague: Membership
) -> None:
    made = canned.save_own(FIELDS, by=agent)
    changed = canned.save_own({**FIELDS, "title": "开场"}, by=agent, reply_id=made.pk)

    assert (changed.pk, changed.title, changed.owner) == (made.pk, "开场", agent)
    with pytest.raises(NotFoundError):
        canned.save_own(FIELDS, by=colleague, reply_id=made.pk)
    with pytest.raises(NotFoundError):
        canned.remove_own(made.pk, by=colleague)
    with pytest.raises(NotFoundError):
        canned.note_use(made.pk, by=colleague)
    canned.remove_own(made.pk, by=agent)
    assert CannedReply.objects.count() == 0
    assert ledger_kinds()[-3:] == ["canned.changed", "canned.changed", "canned.removed"]


def test_a_shortcut_stands_once_for_each_owner(
    in_tenant: Tenant, agent: Membership, colleague: Membership
) -> None:
    CannedReply.objects.create(**FIELDS)
    canned.save_own(FIELDS, by=agent)
    canned.save_own(FIELDS, by=colleague)

    with pytest.raises(ShortcutTakenError):
        canned.save_own({**FIELDS, "shortcut": "HI"}, by=agent)
    assert CannedReply.objects.count() == 3


def test_one_agent_keeps_no_endless_list(
    in_tenant: Tenant, agent: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canned, "MOST_OWN", 1)
    canned.save_own(FIELDS, by=agent)

    with pytest.raises(TooManyRepliesError):
        canned.save_own({**FIELDS, "shortcut": "two"}, by=agent)
