"""Rules: each event once, conditions obeyed, actions done, no rule without end."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations import tasks
from conversations.models import (
    AgentGroup,
    Contact,
    ContactSession,
    ContactTag,
    Conversation,
    EventCursor,
    GroupMember,
    Message,
    Note,
    Notice,
    PresenceStatus,
    Rule,
    RuleAction,
    RuleCondition,
    RuleRun,
    ServiceEvent,
    Tag,
    WebhookDelivery,
    WebhookEndpoint,
)
from conversations.services import (
    automation,
    bot,
    desk,
    endings,
    following,
    merging,
    notices,
    presences,
    profiles,
    ratings,
    rules,
)
from conversations.services.contacts import Admission
from conversations.services.handoff import request_handoff
from conversations.visitors import judge
from knowledge.models import Release
from tenants import clock
from tenants.models import LedgerEntry, LedgerHead, Membership, Tenant, User
from tenants.scoping import tenant_scope
from tests.conftest import KNOWLEDGE
from tests.conversations import surveyed
from tests.conversations.conftest import KNOWN
from tests.conversations.doors import ask, at_once, send

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def make_rule(
    event: str = "message.received",
    *,
    conditions: list[dict[str, Any]] | None = None,
    actions: list[dict[str, Any]] | None = None,
    **fields: Any,
) -> Rule:
    rule = Rule(name=fields.pop("name", f"规则{uuid.uuid4().hex[:6]}"), event=event, **fields)
    rules.save_rule(rule, by=None)
    for each in conditions or []:
        RuleCondition.objects.create(rule=rule, **each)
    for number, each in enumerate(actions or [{"kind": "notify", "audience": "everyone"}]):
        RuleAction.objects.create(rule=rule, position=number, **each)
    return rule


def settle() -> None:
    """Let the assistant be done and all events run, twice: what rules did may begin rules."""
    Conversation.objects.update(undecided_seq=None, undecided_since=None)
    for _round in range(4):
        following.follow()
        following.find_waits()
        automation.run_events()


def words(value: str) -> dict[str, Any]:
    return {"field": "words", "value": value}


def test_a_rule_applies_where_its_conditions_hold(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    rule = make_rule(
        conditions=[words("退款")],
        actions=[{"kind": "notify", "audience": "everyone", "text": "{visitor}要退款"}],
    )
    send(visitor, "我要退款")
    send(visitor, "谢谢")

    settle()

    runs = list(RuleRun.objects.filter(rule=rule).order_by("at"))
    assert [run.matched for run in runs] == [True, False]
    assert runs[0].outcomes == [{"kind": "notify", "went": "done"}]
    assert runs[1].checks[0]["held"] is False
    assert Notice.objects.get().text == "要退款"


def test_events_are_what_they_are_called(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership, knowledge: Release
) -> None:
    kinds = [
        "conversation.opened",
        "message.received",
        "conversation.handed_off",
        "conversation.taken",
        "conversation.closed",
        "answer.rated_low",
    ]
    for kind in kinds:
        make_rule(kind)
    reply = ask(visitor, KNOWN)
    judge(visitor, reply.pk, helpful=True, comment="")
    judge(visitor, reply.pk, helpful=False, comment="")
    request_handoff(reply.conversation_id)
    desk.take(reply.conversation_id, by=agent)
    desk.reply(reply.conversation_id, "好的", by=agent, client_msg_id="r")
    endings.close(reply.conversation_id, by=agent)

    settle()

    assert list(ServiceEvent.objects.order_by("at").values_list("kind", flat=True)) == [
        "conversation.opened",
        "message.received",
        "answer.rated_low",
        "conversation.handed_off",
        "conversation.taken",
        "conversation.closed",
    ]
    assert RuleRun.objects.filter(matched=True).count() == 6


def test_a_rating_is_an_event_with_its_score(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release
) -> None:
    low = {"field": "score", "choice": "score:low"}
    rule = make_rule("survey.rated", conditions=[low])
    for name, with_contents in (("甲", False), ("乙", True)):
        WebhookEndpoint.objects.create(
            name=name,
            url="https://a.example/",
            kinds=["survey.rated"],
            with_contents=with_contents,
            sealed_secret="x",
        )
    bad = ratings.rate(surveyed.asked(visitor), "bot", 40, comment="打 13800138000 找我")
    ratings.rate(bad.invite, "bot", 20)
    ratings.rate(surveyed.asked(visitor), "bot", 100)

    settle()
    settle()

    runs = RuleRun.objects.filter(rule=rule).order_by("event__at")
    assert [(run.matched, run.event.rating.score) for run in runs] == [(True, 20), (False, 100)]
    assert len(rules.try_out(rule).hits) == 1
    told = {}
    for row in WebhookDelivery.objects.filter(body__contains=str(bad.pk)):
        told[row.endpoint.name] = json.loads(row.body)["data"]["rating"]
    assert told["甲"] == {"id": str(bad.pk), "part": "bot", "score": 20, "counts": True}
    assert told["乙"]["comment"].startswith("打 ")
    assert "13800138000" not in told["乙"]["comment"]
    assert WebhookDelivery.objects.count() == 4


def test_what_was_before_the_first_rule_is_not_told(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    send(visitor, "以前的")
    make_rule()
    send(visitor, "以后的")

    settle()

    assert [run.event.message.text for run in RuleRun.objects.all()] == ["以后的"]


def test_each_event_once_however_often_the_ledger_is_read(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    make_rule()
    send(visitor, "你好")
    settle()

    EventCursor.objects.update(position=0)
    settle()

    assert RuleRun.objects.count() == Notice.objects.count() == 1
    assert EventCursor.objects.get().position == LedgerHead.objects.get().position


def test_the_assistant_goes_first(in_tenant: Tenant, visitor: ContactSession) -> None:
    make_rule()
    with clock.travel(NOON):
        send(visitor, "你好")
        following.follow()
        automation.run_events()
        early = RuleRun.objects.count()
    with clock.travel(NOON + timedelta(seconds=30)):
        automation.run_events()

    assert (early, RuleRun.objects.count()) == (0, 1)


def test_actions(in_tenant: Tenant, visitor: ContactSession, agent: Membership) -> None:
    rule = make_rule(
        "conversation.handed_off",
        conditions=[{"field": "reason", "choice": "reason:asked"}],
        actions=[
            {"kind": "reply", "text": "{brand}的同事马上来"},
            {"kind": "note", "member": agent, "text": "来自{channel}"},
            {"kind": "assign", "member": agent},
        ],
    )
    conversation = request_handoff(send(visitor, "找人").message.conversation_id)

    settle()

    conversation.refresh_from_db()
    run = RuleRun.objects.get(rule=rule)
    assert [outcome["went"] for outcome in run.outcomes] == ["done"] * 3
    assert (conversation.status, conversation.agent) == ("human", agent)
    assert Note.objects.get().text == "来自qinghe官网"
    said = Message.objects.filter(text="青禾生活的同事马上来").get()
    assert (said.author_kind, said.kind) == ("system", "notice")


def test_what_cannot_be_done_is_said_and_the_rest_goes_on(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership, colleague: Membership
) -> None:
    Membership.objects.filter(pk=colleague.pk).update(is_active=False)
    rule = make_rule(
        "conversation.taken",
        actions=[
            {"kind": "assign", "member": colleague},
            {"kind": "close"},
            {"kind": "note", "member": agent, "text": "到此"},
        ],
    )
    conversation = request_handoff(send(visitor, "找人").message.conversation_id)
    desk.take(conversation.pk, by=agent)

    settle()

    went = [outcome["went"] for outcome in RuleRun.objects.get(rule=rule).outcomes]
    assert went == ["member_cannot_handle", "already_taken", "done"]
    conversation.refresh_from_db()
    assert (conversation.status, conversation.agent) == ("human", agent)


def test_a_rule_closes_what_nobody_has(in_tenant: Tenant, visitor: ContactSession) -> None:
    make_rule(conditions=[words("再见")], actions=[{"kind": "close"}])
    conversation = send(visitor, "再见").message.conversation

    settle()

    conversation.refresh_from_db()
    assert (conversation.status, conversation.close_reason) == ("closed", "rule")


def outcomes_of(rule: Rule) -> list[str]:
    """What came of the rule's actions in its latest run."""
    return [outcome["went"] for outcome in RuleRun.objects.filter(rule=rule).latest("at").outcomes]


def test_a_rule_tags_the_person_once(
    in_tenant: Tenant, visitor: ContactSession, admit: Callable[..., Admission], agent: Membership
) -> None:
    tag = Tag.objects.create(name="要退款", life_days=30)
    rule = make_rule(conditions=[words("退款")], actions=[{"kind": "tag", "tag": tag}], name="退")
    other = admit(visitor.channel, device_id="other").session
    merging.merge_contacts(other.contact, visitor.contact, by=agent)
    message = send(visitor, "我要退款").message
    settle()

    given = ContactTag.objects.get()
    send(visitor, "退款呢")
    settle()

    assert (given.contact, given.tag, given.source, given.by) == (other.contact, tag, "rule", None)
    assert (given.reason, given.conversation_id) == ("退", message.conversation_id)
    assert (outcomes_of(rule), ContactTag.objects.get().expires_at) == (["done"], given.expires_at)


def test_a_rule_does_not_tag_against_peoples_will(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    """Source: R36."""
    tag = Tag.objects.create(name="要退款")
    rule = make_rule(actions=[{"kind": "tag", "tag": tag}])
    went = []

    def write() -> None:
        send(visitor, "退款")
        settle()
        went.extend(outcomes_of(rule))

    Contact.objects.update(opted_out_of_profile=True)
    write()
    Contact.objects.update(opted_out_of_profile=False)
    write()
    profiles.remove_tag(visitor.contact, tag.pk, by=agent)
    write()
    with clock.travel(clock.now() + timedelta(days=3)):
        Tag.objects.update(is_active=False)
        write()

    assert went == ["opted_out", "done", "tag_taken_off", "not_found"]
    assert not ContactTag.objects.exists()


def test_a_tag_is_a_condition_as_long_as_it_counts(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    tag = Tag.objects.create(name="老客户", life_days=30)
    rule = make_rule(conditions=[{"field": "tag", "tag": tag}])

    def holds() -> bool:
        send(visitor, "你好")
        settle()
        run: RuleRun = RuleRun.objects.filter(rule=rule).latest("at")
        assert run.checks[0]["wanted"] == "老客户"
        assert len(rules.try_out(rule).hits) == run.matched
        return run.matched

    before = holds()
    profiles.add_tag(visitor.contact, tag, by=agent)
    of_people = holds()
    Contact.objects.update(opted_out_of_profile=True)
    opted_out = holds()
    ContactTag.objects.update(source="rule")
    profiled = holds()
    Contact.objects.update(opted_out_of_profile=False)
    with clock.travel(clock.now() + timedelta(days=31)):
        later = holds()

    assert (before, of_people, opted_out, profiled, later) == (False, True, True, False, False)


def test_a_rule_sends_what_waits_to_a_group(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership, colleague: Membership
) -> None:
    first = AgentGroup.objects.create(name="前台", is_default=True)
    second = AgentGroup.objects.create(name="售后组", reasons=["legal"])
    GroupMember.objects.create(group=first, member=agent)
    GroupMember.objects.create(group=second, member=colleague)
    for member in (agent, colleague):
        presences.set_status(member, PresenceStatus.ONLINE)
    rule = make_rule("conversation.handed_off", actions=[{"kind": "group", "group": second}])
    conversation = send(visitor, "找人").message.conversation
    with clock.travel(NOON):
        request_handoff(conversation.pk)
    Conversation.objects.update(offered_to=agent, offered_until=clock.now())

    settle()

    conversation.refresh_from_db()
    assert (conversation.status, conversation.group) == ("waiting_human", second)
    assert (conversation.waiting_since, conversation.offered_to) == (NOON, None)
    assert list(conversation.passed_over) == [str(agent.pk)]
    assert outcomes_of(rule) == ["done"]
    kinds = list(LedgerEntry.objects.order_by("position").values_list("kind", flat=True))
    assert kinds[-2:] == ["offer.ended", "conversation.sent_to_group"]


def test_a_rule_sends_nothing_to_a_group_that_does_not_wait_or_is_out_of_use(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    group = AgentGroup.objects.create(name="售后组")
    at_bot = make_rule(actions=[{"kind": "group", "group": group}])
    conversation = send(visitor, "找人").message.conversation
    settle()
    AgentGroup.objects.update(is_active=False)
    late = make_rule("conversation.handed_off", actions=[{"kind": "group", "group": group}])
    request_handoff(conversation.pk)
    settle()

    assert (outcomes_of(at_bot), outcomes_of(late)) == (["wrong_state"], ["group_out_of_use"])
    conversation.refresh_from_db()
    assert conversation.group is None


def test_order_and_stop(in_tenant: Tenant, visitor: ContactSession) -> None:
    last = make_rule(position=30, name="后")
    first = make_rule(position=10, name="先", conditions=[words("没有的词")], stops=True)
    second = make_rule(position=20, name="中", stops=True)
    make_rule(position=15, name="停用", is_active=False)
    send(visitor, "你好")

    settle()

    tried = RuleRun.objects.order_by("at").values_list("rule", flat=True)
    assert list(tried) == [first.pk, second.pk]
    assert not RuleRun.objects.filter(rule=last).exists()


def test_rules_begin_rules_one_level_and_no_further(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    make_rule("message.received", actions=[{"kind": "close"}])
    on_close = make_rule("conversation.closed")
    conversation = send(visitor, "你好").message.conversation
    settle()

    closed = ServiceEvent.objects.get(kind="conversation.closed")
    assert closed.level == 1
    assert RuleRun.objects.get(event=closed).rule == on_close
    deeper = ServiceEvent.objects.create(
        key="ledger:deeper",
        kind="conversation.closed",
        level=2,
        at=clock.now(),
        conversation=conversation,
    )
    automation.run_events()
    deeper.refresh_from_db()
    assert deeper.done_at is not None
    assert not RuleRun.objects.filter(event=deeper).exists()


def test_a_long_wait_is_told_at_the_border_once_and_again_for_the_next(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    rule = make_rule("conversation.waiting", waiting_seconds=60)
    with clock.travel(NOON):
        conversation = request_handoff(send(visitor, "找人").message.conversation_id)
    counts = []
    for seconds in (59.999, 60, 61, 600):
        with clock.travel(NOON + timedelta(seconds=seconds)):
            following.find_waits()
            automation.run_events()
            counts.append(RuleRun.objects.filter(rule=rule).count())
    assert counts == [0, 1, 1, 1]

    Conversation.objects.filter(pk=conversation.pk).update(waiting_since=NOON + timedelta(hours=1))
    with clock.travel(NOON + timedelta(hours=2)):
        following.find_waits()
        automation.run_events()
    assert RuleRun.objects.filter(rule=rule).count() == 2


def test_trying_finds_the_conversations_and_does_nothing(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    rule = make_rule(conditions=[words("退款")], actions=[{"kind": "close"}])
    with clock.travel(clock.now() - timedelta(days=8)):
        send(visitor, "退款，很久以前")
    conversation = send(visitor, "退款").message.conversation
    send(visitor, "退款！")
    send(visitor, "谢谢")

    trial = rules.try_out(rule)

    assert (trial.looked_at, [hit.conversation for hit in trial.hits]) == (3, [conversation])
    assert not RuleRun.objects.exists()
    waits = make_rule("conversation.waiting", waiting_seconds=5)
    with clock.travel(NOON):
        request_handoff(conversation.pk)
    with clock.travel(NOON + timedelta(seconds=5)):
        assert len(rules.try_out(waits).hits) == 1
    with clock.travel(NOON + timedelta(seconds=4)):
        assert rules.try_out(waits).hits == []


def test_notices_and_mail_reach_whom_they_are_for(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership, make_member: Callable[..., User]
) -> None:
    boss = make_member(in_tenant, "supervisor", email="boss@qinghe.example")
    make_rule(
        actions=[
            {"kind": "notify", "audience": "supervisors", "by_mail": True, "text": "请看"},
            {"kind": "notify", "audience": "member", "member": agent, "by_mail": True},
        ]
    )
    send(visitor, "机密的话")
    settle()

    tasks.mail_notices()
    tasks.mail_notices()

    told = sorted(address for message in mail.outbox for address in message.bcc)
    assert told == sorted([boss.email, agent.user.email])
    assert all("机密的话" not in message.body for message in mail.outbox)
    member = Membership.objects.get(user=boss)
    assert len(notices.recent(member)) == len(notices.recent(agent)) == 1
    assert Notice.objects.filter(mailed_at=None).count() == 0


def test_a_mail_that_fails_is_repeated(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership, settings: Any
) -> None:
    make_rule(actions=[{"kind": "notify", "audience": "everyone", "by_mail": True}])
    with clock.travel(NOON):
        send(visitor, "你好")
        settle()
    notice = Notice.objects.get()
    works = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    due = notice.mail_due_at
    for minutes in (1, 5, 30):
        with clock.travel(due):
            assert not notices.send_mail(notice.pk)
        notice.refresh_from_db()
        assert notice.mail_due_at == due + timedelta(minutes=minutes)
        due = notice.mail_due_at
    settings.EMAIL_BACKEND = works
    with clock.travel(due):
        assert notices.send_mail(notice.pk)
        assert not notices.send_mail(notice.pk)


def test_a_failing_event_is_given_up(
    in_tenant: Tenant, visitor: ContactSession, caplog: pytest.LogCaptureFixture
) -> None:
    rule = make_rule()
    RuleAction.objects.filter(rule=rule).update(kind="unheard_of")
    send(visitor, "你好")
    settle()
    for _attempt in range(3):
        automation.run_events()

    event = ServiceEvent.objects.get()
    assert (event.attempts, event.done_at is not None) == (5, True)
    assert not RuleRun.objects.exists()
    assert "Event failed" in caplog.text


def test_the_chore_works_tenant_by_tenant(
    tenant: Tenant, other_tenant: Tenant, visitor: ContactSession
) -> None:
    with tenant_scope(other_tenant):
        make_rule()
    with tenant_scope(tenant):
        make_rule()
        send(visitor, "你好")
        Conversation.objects.update(undecided_seq=None)

    tasks.run_rules()

    with tenant_scope(tenant):
        assert RuleRun.objects.count() == 1
    with tenant_scope(other_tenant):
        assert RuleRun.objects.count() == 0


def test_old_logs_are_removed(in_tenant: Tenant, visitor: ContactSession) -> None:
    make_rule()
    with clock.travel(clock.now() - timedelta(days=31)):
        send(visitor, "你好")
        settle()
    send(visitor, "今天")
    settle()

    tasks.clear_service_log()

    assert RuleRun.objects.count() == ServiceEvent.objects.count() == 1
    assert Notice.objects.count() == 1


def test_webhooks_are_queued_once_and_rules_may_call_them(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    listed = WebhookEndpoint.objects.create(
        name="甲", url="https://a.example/", kinds=["message.received"], sealed_secret="x"
    )
    called = WebhookEndpoint.objects.create(name="乙", url="https://b.example/", sealed_secret="x")
    WebhookEndpoint.objects.create(
        name="丙",
        url="https://c.example/",
        kinds=["message.received"],
        sealed_secret="x",
        is_active=False,
    )
    make_rule(actions=[{"kind": "webhook", "endpoint": called}], name="叫")
    send(visitor, "你好")
    settle()
    settle()

    rows = {row.endpoint_id: row for row in WebhookDelivery.objects.all()}
    assert set(rows) == {listed.pk, called.pk}
    assert '"name": "叫"' in rows[called.pk].body
    assert "rule" not in rows[listed.pk].body
    assert "你好" not in rows[listed.pk].body + rows[called.pk].body


def test_a_turn_costs_no_query_more_with_rules(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release
) -> None:
    ask(visitor, KNOWN)
    with CaptureQueriesContext(
        connection,
    ) as without:
        bot.take_turn(send(visitor, KNOWN).message.pk)
    for _number in range(5):
        make_rule(conditions=[words("发货")])
    with CaptureQueriesContext(connection) as with_rules:
        bot.take_turn(send(visitor, KNOWLEDGE[2][1]).message.pk)

    assert len(with_rules) == len(without)


@pytest.mark.django_db(transaction=True)
def test_two_sweepers_at_once_do_each_thing_once(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    make_rule()
    for number in range(5):
        send(visitor, f"第{number}句")
    Conversation.objects.update(undecided_seq=None)

    def sweep(_number: int) -> None:
        following.follow()
        automation.run_events()

    results = at_once(4, sweep)

    assert [result for result in results if isinstance(result, Exception)] == []
    following.follow()
    automation.run_events()
    assert RuleRun.objects.count() == Notice.objects.count() == 5
