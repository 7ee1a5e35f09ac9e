"""Let rules and webhooks hear of what happened: each event once, after the assistant's turn."""

import logging
import zoneinfo
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F

from conversations.conditions import look
from conversations.models import (
    ActionKind,
    Conversation,
    Rule,
    RuleAction,
    RuleRun,
    ServiceEvent,
    WebhookEndpoint,
)
from conversations.services import deliveries, following, messages, rules, tagging
from conversations.services.rule_actions import ACTIONS, Occasion
from tenants import clock
from tenants.errors import DomainError
from tenants.models import LedgerEntry, LedgerHead, Tenant
from tenants.scoping import active_tenant_id

logger = logging.getLogger(__name__)

# Rules hear of what people did (0) and of what rules did about that (1), and of nothing further.
HIGHEST_LEVEL = 1
MOST_ATTEMPTS = 5
# The assistant goes first; what it has not decided by then is not waited for.
_TURN = timedelta(seconds=30)
_BATCH = 200


def run_events() -> int:
    """Let rules and webhooks hear of the events that wait, oldest first; return how many did.

    An event that fails five times is given up and stands in the log of errors.
    """
    done = 0
    unheard = ServiceEvent.objects.filter(done_at=None).order_by("at", "pk")
    waiting = list(unheard.values_list("pk", flat=True)[:_BATCH])
    zone = Tenant.objects.get(pk=active_tenant_id()).zone if waiting else None
    for event_id in waiting:
        assert zone is not None
        try:
            done += run_event(event_id, zone)
        except Exception:
            logger.exception("Event failed: %s", event_id)
            ServiceEvent.objects.filter(pk=event_id).update(attempts=F("attempts") + 1)
            ServiceEvent.objects.filter(pk=event_id, attempts__gte=MOST_ATTEMPTS).update(
                done_at=clock.now()
            )
    return done


def run_event(event_id: UUID, zone: zoneinfo.ZoneInfo) -> bool:
    """Try the rules on one event and queue its webhooks, in one transaction; return whether it did.

    Of two callers at once one does. While the assistant thinks about the conversation nothing is
    done: it goes first.
    """
    with transaction.atomic():
        event = (
            ServiceEvent.objects.select_for_update(of=("self",))
            .filter(pk=event_id, done_at=None)
            .first()
        )
        if event is None:
            return False
        event.conversation = Conversation.objects.select_related("contact", "channel", "agent").get(
            pk=event.conversation_id
        )
        thinks = event.conversation.undecided_seq is not None
        if thinks and clock.now() - event.at < _TURN:
            return False
        if event.level <= HIGHEST_LEVEL:
            _try_rules(event, zone)
        for endpoint in WebhookEndpoint.objects.filter(is_active=True):
            if event.kind in endpoint.kinds and event.rule_id is None:
                deliveries.queue(
                    endpoint,
                    event,
                    event.conversation,
                    message_id=f"msg_{event.pk.hex}",
                )
        ServiceEvent.objects.filter(pk=event.pk).update(done_at=clock.now())
    return True


def _try_rules(event: ServiceEvent, zone: zoneinfo.ZoneInfo) -> None:
    chosen = rules.in_use().filter(event=event.kind)
    if event.rule_id is not None:
        chosen = chosen.filter(pk=event.rule_id)
    if any(action.kind == ActionKind.TAG for rule in chosen for action in rule.actions.all()):
        # The order of locks: persons, conversations, the end of the ledger.
        tagging.lock_person_of(event.conversation.contact)
    facts = None
    for rule in chosen:
        facts = facts or rules.facts_of(event, zone)
        matched, checks = look(rule.conditions.all(), facts)
        run = RuleRun.objects.create(
            rule=rule,
            event=event,
            conversation=event.conversation,
            matched=matched,
            checks=checks,
            at=clock.now(),
        )
        if matched:
            _act(run, rule, event)
            if rule.stops:
                return


def _act(run: RuleRun, rule: Rule, event: ServiceEvent) -> None:
    """Do the rule's actions; what they write into the ledger is one level higher than the event."""
    conversation = messages.lock_conversation(event.conversation_id)
    # Nobody else appends between the two readings, so all in between comes from these actions.
    before = LedgerHead.objects.select_for_update().get().position
    outcomes = [
        _did(action, Occasion(run=run, conversation=conversation, at=clock.now()))
        for action in rule.actions.all()
    ]
    RuleRun.objects.filter(pk=run.pk).update(outcomes=outcomes)
    written = LedgerEntry.objects.filter(position__gt=before).order_by("position")
    following.store_events(list(written), level=event.level + 1)


def _did(action: RuleAction, occasion: Occasion) -> dict[str, str]:
    try:
        with transaction.atomic():
            ACTIONS[action.kind](action, occasion)
    except DomainError as error:
        logger.info("Action not done: %s, %s", action.pk, error.code)
        return {"kind": action.kind, "went": error.code}
    return {"kind": action.kind, "went": "done"}
