"""Keep rules, look whether they apply, and try them on what has happened."""

import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Prefetch, QuerySet

from conversations.conditions import Facts, look
from conversations.models import (
    AuthorKind,
    Conversation,
    EventKind,
    Handoff,
    Message,
    Rule,
    RuleAction,
    RuleCondition,
    ServiceEvent,
)
from conversations.services import following, tagging
from tenants import clock
from tenants.models import LedgerEntry, Tenant, User
from tenants.scoping import active_tenant_id
from tenants.services import ledger
from tenants.services.ledger import Event

# How far back a rule is tried, and on how many events at most.
TRIED_DAYS = 7
MOST_TRIED = 2000
MOST_SHOWN = 50


@dataclass(frozen=True)
class Hit:
    """A conversation of the last days to which a rule would have applied, and when."""

    conversation: Conversation
    at: datetime


@dataclass(frozen=True)
class Trial:
    """What trying a rule found: how many events were looked at, and those it applies to."""

    looked_at: int
    hits: list[Hit]


def save_rule(rule: Rule, *, by: User | None) -> Rule:
    """Write a rule; it counts for what happens from now on. Recorded in the ledger."""
    with transaction.atomic():
        created = rule._state.adding
        rule.updated_by = by
        rule.save()
        following.begin()
        facts = {"by": by.pk if by else None, "event": rule.event, "active": rule.is_active}
        ledger.append(Event("rule.created" if created else "rule.changed", rule.pk, facts))
    return rule


def record_parts(rule: Rule, *, by: User | None) -> None:
    """Record in the ledger what conditions and actions a rule has after they were written."""
    with transaction.atomic():
        facts = {
            "by": by.pk if by else None,
            "conditions": [
                [each.field, each.operator, each.channel_id, each.choice, each.tag_id]
                for each in rule.conditions.all()
            ],
            "actions": [
                [each.kind, each.member_id, each.tag_id, each.group_id]
                for each in rule.actions.all()
            ],
        }
        ledger.append(Event("rule.parts_changed", rule.pk, facts))


def delete_rule(rule: Rule, *, by: User | None) -> None:
    """Remove a rule with its log. Recorded in the ledger."""
    with transaction.atomic():
        facts = {"by": by.pk if by else None}
        key = rule.pk
        rule.delete()
        ledger.append(Event("rule.deleted", key, facts))


def in_use() -> QuerySet[Rule]:
    """Return the tenant's rules in use in their order, conditions and actions loaded with them."""
    return (
        Rule.objects.filter(is_active=True)
        .order_by("position", "name", "pk")
        .prefetch_related(
            Prefetch("conditions", RuleCondition.objects.select_related("channel", "tag")),
            Prefetch(
                "actions", RuleAction.objects.select_related("member", "endpoint", "tag", "group")
            ),
        )
    )


def facts_of(event: ServiceEvent, zone: zoneinfo.ZoneInfo) -> Facts:
    """Return what conditions look at; the event's conversation is loaded with its contact.

    Words and page are those of the event's own message, else of the visitor's latest by then; tags
    are those that stand now.
    """
    conversation = event.conversation
    spoken = Message.objects.filter(
        conversation=conversation, author_kind=AuthorKind.CUSTOMER, created_at__lte=event.at
    ).order_by("-seq")
    message = event.message if event.kind == EventKind.MESSAGE else spoken.first()
    reason = conversation.handoff_reason
    if not reason:
        last = (
            Handoff.objects.filter(conversation=conversation, decided_at__lte=event.at)
            .order_by("-decided_at")
            .first()
        )
        reason = last.reason if last else ""
    page = str(message.context.get("page") or "") if message else ""
    return Facts(
        channel_id=conversation.channel_id,
        language="en" if conversation.contact.locale.lower().startswith("en") else "zh-CN",
        reason=reason,
        text=message.text if message else "",
        verified=conversation.contact.verified,
        page=page,
        tags=tagging.standing(conversation.contact),
        score=event.rating.score if event.rating else None,
        at=event.at.astimezone(zone),
    )


def try_out(rule: Rule) -> Trial:
    """Return to which conversations of the last seven days the rule would have applied.

    Looks at the latest 2000 events of its kind and writes nothing; each conversation is named
    once, latest first, 50 at most.
    """
    zone = Tenant.objects.get(pk=active_tenant_id()).zone
    conditions = list(rule.conditions.select_related("channel", "tag"))
    hits: dict[object, Hit] = {}
    looked_at = 0
    for event in _past(rule):
        looked_at += 1
        applies, _checks = look(conditions, facts_of(event, zone))
        if applies and len(hits) < MOST_SHOWN:
            hits.setdefault(event.conversation_id, Hit(event.conversation, event.at))
    return Trial(looked_at, list(hits.values()))


def _past(rule: Rule) -> Iterator[ServiceEvent]:
    since = clock.now() - timedelta(days=TRIED_DAYS)
    if rule.event == EventKind.WAITING:
        yield from _past_waits(rule, since)
        return
    kinds = [kind for kind, means in following.LEDGER_KINDS.items() if means == rule.event]
    entries = LedgerEntry.objects.filter(kind__in=kinds, at__gte=since).order_by("-position")
    yield from following.made_of(list(entries[:MOST_TRIED]), {rule.event})


def _past_waits(rule: Rule, since: datetime) -> Iterator[ServiceEvent]:
    limit = timedelta(seconds=rule.waiting_seconds or 0)
    now = clock.now()
    handoffs = (
        Handoff.objects.filter(delivered_at__gte=since)
        .select_related("conversation__contact", "conversation__channel")
        .order_by("-delivered_at")[:MOST_TRIED]
    )
    for handoff in handoffs:
        until = handoff.accepted_at or handoff.ended_at or now
        if until - handoff.delivered_at >= limit:
            yield ServiceEvent(
                kind=EventKind.WAITING,
                conversation=handoff.conversation,
                at=handoff.delivered_at + limit,
            )
