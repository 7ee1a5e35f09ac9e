"""The pages of rules, service times, invitations and webhooks."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from conversations.models import (
    AgentGroup,
    Channel,
    ContactSession,
    Invitation,
    Rule,
    RuleRun,
    ServiceTimes,
    Tag,
    WebhookDelivery,
    WebhookEndpoint,
)
from conversations.services import automation, following
from tenants.models import LedgerEntry, Membership, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.conversations.doors import send

RULE = "/admin/conversations/rule/"
HOOK = "/admin/conversations/webhookendpoint/"


@pytest.fixture
def boss(
    tenant: Tenant, make_member: Callable[..., User], client_as: Callable[[User], Client]
) -> Client:
    return client_as(make_member(tenant, Role.CLIENT_ADMIN))


def rule_form(
    conditions: list[dict[str, Any]], actions: list[dict[str, Any]], **fields: Any
) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": "退款提醒",
        "is_active": "on",
        "event": "message.received",
        "position": 10,
        **fields,
    }
    for prefix, rows in (("conditions", conditions), ("actions", actions)):
        data |= {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": 0}
        for number, row in enumerate(rows):
            data |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return data


WORDS = {"field": "words", "operator": "is", "value": "退款, 退钱"}
NOTIFY = {"position": 1, "kind": "notify", "audience": "everyone", "text": "{visitor}要退款"}


def errors_of(response: Any) -> set[str]:
    assert response.status_code == 200
    found = set(response.context["adminform"].form.errors)
    for formset in response.context["inline_admin_formsets"]:
        for form in formset.formset.forms:
            found |= set(form.errors)
    return found


def test_a_rule_is_made_tried_and_logged(
    tenant: Tenant, boss: Client, visitor: ContactSession
) -> None:
    made = boss.post(f"{RULE}add/", rule_form([WORDS], [NOTIFY]))
    assert made.status_code == 302
    with tenant_scope(tenant):
        rule = Rule.objects.get()
        assert (rule.conditions.get().value, rule.actions.get().kind) == ("退款, 退钱", "notify")
        assert LedgerEntry.objects.filter(kind__startswith="rule.").count() == 2
        message = send(visitor, "怎么退款")
        send(visitor, "谢谢")
        following.follow()
        message.message.conversation.__class__.objects.update(undecided_seq=None)
        automation.run_events()
        runs = list(RuleRun.objects.order_by("at"))

    trial = boss.get(f"{RULE}{rule.pk}/try/").content.decode()
    log = boss.get("/admin/conversations/rulerun/").content.decode()
    page = boss.get(f"/admin/conversations/rulerun/{runs[1].pk}/change/").content.decode()

    assert str(message.message.conversation_id) in trial
    assert [run.matched for run in runs] == [True, False]
    assert "退款, 退钱" in log
    assert "退款提醒" in page


@pytest.mark.parametrize(
    ("condition", "wrong"),
    [
        ({"field": "channel", "operator": "is"}, "channel"),
        ({"field": "language", "operator": "is", "choice": "reason:asked"}, "choice"),
        ({"field": "reason", "operator": "is"}, "choice"),
        ({"field": "hours", "operator": "is", "value": "nachts"}, "value"),
        ({"field": "page", "operator": "is", "value": "cart"}, "value"),
        ({"field": "words", "operator": "is", "value": " , "}, "value"),
        ({"field": "tag", "operator": "is", "value": "VIP"}, "tag"),
    ],
)
def test_conditions_are_checked(boss: Client, condition: dict[str, Any], wrong: str) -> None:
    assert errors_of(boss.post(f"{RULE}add/", rule_form([condition], []))) == {wrong}


@pytest.mark.parametrize(
    ("action", "wrong"),
    [
        ({"kind": "assign"}, "member"),
        ({"kind": "note", "text": "x"}, "member"),
        ({"kind": "notify"}, "audience"),
        ({"kind": "notify", "audience": "member"}, "member"),
        ({"kind": "webhook"}, "endpoint"),
        ({"kind": "tag"}, "tag"),
        ({"kind": "group"}, "group"),
        ({"kind": "reply", "text": " "}, "text"),
        ({"kind": "reply", "text": "您好{password}"}, "text"),
    ],
)
def test_actions_are_checked(boss: Client, action: dict[str, Any], wrong: str) -> None:
    form = rule_form([], [{"position": 1, **action}])

    assert errors_of(boss.post(f"{RULE}add/", form)) == {wrong}


def test_a_wait_needs_seconds_and_nothing_else_has_any(tenant: Tenant, boss: Client) -> None:
    waits = rule_form([], [], event="conversation.waiting")
    assert errors_of(boss.post(f"{RULE}add/", waits)) == {"waiting_seconds"}

    boss.post(f"{RULE}add/", rule_form([], [], waiting_seconds=90))

    with tenant_scope(tenant):
        assert Rule.objects.get().waiting_seconds is None


def test_parts_take_no_foreign_key(
    boss: Client,
    other_tenant: Tenant,
    make_channel: Callable[..., Channel],
    make_member: Callable[..., User],
    member_of: Callable[[User, Tenant], Membership],
) -> None:
    channel = make_channel(other_tenant)
    member = member_of(make_member(other_tenant), other_tenant)

    with tenant_scope(other_tenant):
        group = AgentGroup.objects.create(name="别家组")
        tag = Tag.objects.create(name="别家标签")
    condition = {"field": "channel", "operator": "is", "channel": channel.pk}
    tagged = {"field": "tag", "operator": "is", "tag": tag.pk}
    action = {"position": 1, "kind": "assign", "member": member.pk}

    assert "channel" in errors_of(boss.post(f"{RULE}add/", rule_form([condition], [])))
    assert "member" in errors_of(boss.post(f"{RULE}add/", rule_form([], [action])))
    assert "tag" in errors_of(boss.post(f"{RULE}add/", rule_form([tagged], [])))
    for kind, foreign in (("tag", tag), ("group", group)):
        action = {"position": 1, "kind": kind, kind: foreign.pk}
        assert kind in errors_of(boss.post(f"{RULE}add/", rule_form([], [action])))


def test_tags_and_groups_are_chosen_and_kept_where_they_belong(
    tenant: Tenant, boss: Client
) -> None:
    with tenant_scope(tenant):
        group = AgentGroup.objects.create(name="售后组")
        tag = Tag.objects.create(name="老客户")
    both = {"tag": tag.pk, "group": group.pk}
    condition = {"field": "tag", "operator": "is", "tag": tag.pk, "value": "x"}
    actions = [{"position": number, "kind": kind, **both} for number, kind in enumerate(both)]

    made = boss.post(f"{RULE}add/", rule_form([condition], actions))

    assert made.status_code == 302
    with tenant_scope(tenant):
        rule = Rule.objects.get()
        kept = rule.conditions.get()
        assert (kept.tag, kept.value) == (tag, "")
        rows = rule.actions.order_by("position").values_list("kind", "tag", "group")
        assert list(rows) == [("tag", tag.pk, None), ("group", None, group.pk)]
        assert str(group.pk) in str(LedgerEntry.objects.get(kind="rule.parts_changed").data)


def test_service_times_are_one_page(tenant: Tenant, boss: Client) -> None:
    lead = boss.get("/admin/conversations/servicetimes/")
    assert lead.status_code == 302
    form = {"idle_close_minutes": 30, "idle_warning_minutes": 5, "visitor_reminder_minutes": ""}

    assert boss.post(lead["Location"], form).status_code == 302
    wrong = boss.post(lead["Location"], {**form, "idle_warning_minutes": 30})

    assert wrong.status_code == 200
    with tenant_scope(tenant):
        assert ServiceTimes.objects.get().idle_close_minutes == 30


def test_invitations_are_kept(tenant: Tenant, boss: Client, channel: Channel) -> None:
    form = {
        "name": "购物车",
        "channel": channel.pk,
        "is_active": "on",
        "position": 1,
        "words_zh": "需要帮忙吗？",
        "patterns": "/cart*\nhttps://www.example.com/help/*",
        "seconds": 10,
        "audience": "everyone",
        "every_days": 7,
    }
    page = "/admin/conversations/invitation/add/"

    assert errors_of(boss.post(page, {**form, "patterns": "cart"})) == {"patterns"}
    assert boss.post(page, form).status_code == 302

    with tenant_scope(tenant):
        assert Invitation.objects.get().patterns == ["/cart*", "https://www.example.com/help/*"]


def test_a_secret_is_shown_once(tenant: Tenant, boss: Client) -> None:
    form = {"name": "客户系统", "url": "https://hooks.example.com/in", "is_active": "on"}
    made = boss.post(f"{HOOK}add/", {**form, "kinds": ["conversation.closed"]})
    secret = made.context["secret"]
    with tenant_scope(tenant):
        endpoint = WebhookEndpoint.objects.get()

    pages = [f"{HOOK}{endpoint.pk}/change/", HOOK, f"{HOOK}{endpoint.pk}/history/"]

    assert secret.startswith("whsec_")
    assert "no-store" in made["Cache-Control"]
    assert all(secret not in boss.get(page).content.decode() for page in pages)
    assert secret not in endpoint.sealed_secret
    rotated = boss.post(f"{HOOK}{endpoint.pk}/secret/")
    assert rotated.context["secret"] != secret
    changed = boss.post(f"{HOOK}{endpoint.pk}/change/", {**form, "kinds": []})
    assert changed.status_code == 302
    with tenant_scope(tenant):
        kept = WebhookEndpoint.objects.get()
    assert kept.sealed_previous == endpoint.sealed_secret


@pytest.mark.parametrize("url", ["https://10.0.0.8/x", "http://a.example/", "https://localhost/"])
def test_addresses_are_checked(boss: Client, url: str) -> None:
    assert errors_of(boss.post(f"{HOOK}add/", {"name": "x", "url": url})) == {"url"}


def test_a_message_is_sent_again_from_the_log(
    tenant: Tenant, boss: Client, make_member: Callable[..., User], client_as: Any
) -> None:
    with tenant_scope(tenant):
        endpoint = WebhookEndpoint.objects.create(
            name="x", url="https://a.example/", sealed_secret="x"
        )
        delivery = WebhookDelivery.objects.create(
            endpoint=endpoint,
            kind="ping",
            message_id="msg_1",
            body="{}",
            state="failed",
            attempts=10,
            created_at=endpoint.created_at,
        )
    page = f"/admin/conversations/webhookdelivery/{delivery.pk}/replay/"
    looker = client_as(make_member(tenant, Role.CLIENT_READONLY))

    assert looker.post(page).status_code == 403
    assert boss.post(page).status_code == 302

    with tenant_scope(tenant):
        delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("pending", 0)
    assert delivery.next_at is not None
