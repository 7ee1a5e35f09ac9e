"""The conversations' regular chores: each finds its rows, then works tenant by tenant."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.db import connections
from django.db.models import Exists, F, OuterRef, Q

from conversations import in_hand
from conversations.models import (
    Attachment,
    BotDecision,
    ContactSession,
    Conversation,
    DeliveryState,
    EventCursor,
    EventKind,
    Handoff,
    Inquiry,
    Message,
    Notice,
    OutboundDelivery,
    OutboundState,
    Presence,
    Rule,
    ServiceEvent,
    ServiceTimes,
    SilenceStep,
    SubjectRequest,
    Tag,
    Ticket,
    TicketNotice,
    WebhookDelivery,
)
from knowledge.models import MatchingSettings
from tenants import clock, terms
from tenants.models import LedgerHead, Tenant, TenantStatus
from tenants.scoping import active_tenant_id, platform_scope, tenant_scope
from tenants.services import contracts

logger = logging.getLogger(__name__)

# A question undecided for this long was left behind: by a killed process, or a failed commit.
UNDECIDED = timedelta(seconds=3)
# What is due for so long was left behind: the process that should send it is gone, or busy.
LEFT_BEHIND = timedelta(seconds=1)
_BATCH = 200
# Attempts at webhooks in one run, all at once so that it lasts no longer than one of them, and to
# one address.
_SENDERS = 8
_SENT_TO_ONE = 4
# Mail servers that are slow keep a run no longer than this; the rest is due again in the next.
_MAIL_SECONDS = 20.0
# How long rules' and webhooks' logs are kept.
_LOG_KEPT = timedelta(days=30)


@shared_task(name="conversations.decide_undecided", platform=True, alone_for=5)
def decide_undecided() -> None:
    """Confirm and decide the questions that nobody decided (rule 2 of the architecture).

    Those this very process still has before it are left to it: deciding twice what is only slow
    makes everything slower. So are those for which a language model is being heard, for as long as
    that may take.
    """
    from conversations.services import bot  # noqa: PLC0415 -- leaf

    left_behind = [
        (active_tenant_id(), message_id)
        for conversation_id, undecided_seq in _due(
            Conversation,
            ("pk", "undecided_seq"),
            Q(advice_until=None) | Q(advice_until__lt=clock.now()),
            undecided_since__lt=clock.now() - UNDECIDED,
        )
        for message_id in Message.objects.filter(
            conversation=conversation_id, seq=undecided_seq
        ).values_list("pk", flat=True)
        if not in_hand.holds(message_id)
    ]
    # All hear that they were heard before the first is thought about, which may take long.
    for work in (bot.confirm_receipt, bot.take_turn):
        for tenant_id, message_id in left_behind:
            with tenant_scope(tenant_id):
                _safely(work, message_id)


@shared_task(name="conversations.deliver_handoffs", platform=True, alone_for=5)
def deliver_handoffs() -> None:
    """Send what clients' systems are to hear and the process that should have sent it did not."""
    from conversations.services import outbox  # noqa: PLC0415 -- leaf

    now = clock.now()
    with platform_scope("what clients' systems are to hear, of all tenants"):
        rows = OutboundDelivery.objects.using(settings.PLATFORM_DATABASE)
        before = rows.filter(
            handoff=OuterRef("handoff"), state=OutboundState.PENDING, number__lt=OuterRef("number")
        )
        due = list(
            rows.filter(outbox.is_sendable(now), ~Exists(before), due_at__lte=now - LEFT_BEHIND)
            .order_by("due_at")
            .values_list("tenant_id", "handoff_id", "target_id")[:_BATCH]
        )
    for tenant_id, handoff_id, target_id in due:
        outbox.start(tenant_id, handoff_id, target_id)


@shared_task(name="conversations.fail_over_handoffs", platform=True, alone_for=5)
def fail_over_handoffs() -> None:
    """Give to our own console what a client's system has not acknowledged in 45 s (R66).

    Sooner where the contract promises less than that.
    """
    from conversations.services import failover  # noqa: PLC0415 -- leaf

    now = clock.now()
    late = Q(triggered_at__lte=now - terms.HANDOFF_FAILOVER) | Q(
        deadline_at__lte=now + terms.FAILOVER_MARGIN
    )
    for (handoff_id,) in _due(Handoff, ("pk",), late, delivered_at=None, ended_at=None):
        _safely(failover.fail_over_late, handoff_id)


@shared_task(name="conversations.recount_deadlines", platform=True, alone_for=60)
def recount_deadlines() -> None:
    """Count the deadlines of open subject requests anew, for what the calendar now says."""
    from conversations.services import subjects  # noqa: PLC0415 -- leaf

    # All of them: a corrected calendar moves deadlines that are set already.
    with platform_scope("open subject requests, of all tenants"):
        rows = SubjectRequest.objects.using(settings.PLATFORM_DATABASE).filter(done_at=None)
        found = list(rows.values_list("tenant_id", "pk"))
    for tenant_id, request_id in found:
        with tenant_scope(tenant_id):
            _safely(subjects.recount_deadline, request_id)


@shared_task(name="conversations.close_idle_inquiries", platform=True, alone_for=30)
def close_idle_inquiries() -> None:
    """End inquiries after the silence that is agreed, and ask those drawn (contract §1, R72)."""
    from conversations.services import surveys  # noqa: PLC0415 -- leaf

    now = clock.now()
    for tenant_id in _tenants_with(Inquiry, Q(closed_at=None)):
        with tenant_scope(tenant_id):
            idle = now - contracts.terms_at(now).inquiry_idle
            silent = Inquiry.objects.filter(closed_at=None, last_at__lte=idle).order_by("last_at")
            for inquiry_id in list(silent.values_list("pk", flat=True)[:_BATCH]):
                _safely(surveys.end_idle, inquiry_id, idle_since=idle)


@shared_task(name="conversations.wake_snoozed", platform=True, alone_for=10)
def wake_snoozed() -> None:
    """Bring conversations back that agents put aside until now."""
    from conversations.services import snoozes  # noqa: PLC0415 -- leaf

    for (conversation_id,) in _due(Conversation, ("pk",), snoozed_until__lte=clock.now()):
        _safely(snoozes.wake_due, conversation_id)


@shared_task(name="conversations.notice_silent_agents", platform=True, alone_for=30)
def notice_silent_agents() -> None:
    """Set agents offline whose console has fallen silent."""
    from conversations.services import presences  # noqa: PLC0415 -- leaf

    silent = Q(seen_at__lt=clock.now() - presences.SILENCE) & ~Q(status="offline")
    _for_each(_tenants_with(Presence, silent), presences.mark_silent)


@shared_task(name="conversations.route_waiting", platform=True, alone_for=10)
def route_waiting() -> None:
    """Offer who waits to agents who are free, whatever was missed when something changed.

    Offers that rang too long go to the next agent, what absent agents hold goes back to the queue,
    and visitors whose place has changed hear it.
    """
    from conversations.services import offers, places, requeue, routing  # noqa: PLC0415 -- leaf

    waits = Q(status="waiting_human") | Q(status="human", agent__presence__status="offline")
    _for_each(
        _tenants_with(Conversation, waits),
        requeue.requeue_abandoned,
        offers.expire,
        routing.drain,
        places.tell,
    )


@shared_task(name="conversations.recalibrate", platform=True, alone_for=600)
def recalibrate() -> None:
    """Read the assistant's certainty by what each tenant's visitors made of its answers."""
    from conversations.services import outcomes  # noqa: PLC0415 -- leaf

    lately = Q(decided_at__gt=clock.now() - timedelta(days=2))
    _for_each(_tenants_with(BotDecision, lately), outcomes.recalibrate)


@shared_task(name="conversations.compare_answers", platform=True, alone_for=3600)
def compare_answers() -> None:
    """Compare what the assistant answered since the last run with its sources (R89, R91)."""
    from conversations.services import fidelity  # noqa: PLC0415 -- leaf

    active = Tenant.objects.filter(status=TenantStatus.ACTIVE)
    _for_each(active.values_list("pk", flat=True), fidelity.compare_new)


@shared_task(name="conversations.draft_entries", platform=True, alone_for=600)
def draft_entries() -> None:
    """Let language models draft entries of what agents answered, where tenants want that."""
    from conversations.services import drafting  # noqa: PLC0415 -- leaf

    _for_each(_tenants_with(MatchingSettings, Q(model_drafts=True)), drafting.draft_new)


@shared_task(name="conversations.tend_profiles", platform=True, alone_for=600)
def tend_profiles() -> None:
    """Take off tags whose days are over, and give those that rules give (R36)."""
    from conversations.services import profiles, tagging  # noqa: PLC0415 -- leaf

    _for_each(_tenants_with(Tag, Q()), profiles.clear_expired_tags, tagging.apply_rules)


@shared_task(name="conversations.clear_sessions", platform=True, alone_for=30)
def clear_sessions() -> None:
    """Remove visitors' sessions that can never be used again."""
    from conversations.services import contacts  # noqa: PLC0415 -- leaf

    ended = Q(refresh_expires_at__lt=clock.now())
    _for_each(_tenants_with(ContactSession, ended), contacts.clear_sessions)


@shared_task(name="conversations.clear_uploads", platform=True, alone_for=600)
def clear_uploads() -> None:
    """Delete uploads that were never sent, and files of removed attachments left behind."""
    from conversations.services import attachments  # noqa: PLC0415 -- leaf

    unsent = Q(message=None, created_at__lt=clock.now() - attachments.UNSENT)
    left_behind = Q(removed_at__isnull=False) & ~Q(path="")
    _for_each(_tenants_with(Attachment, unsent | left_behind), attachments.sweep)


@shared_task(name="conversations.find_overdue_tickets", platform=True, alone_for=60)
def find_overdue_tickets() -> None:
    """Mark the tickets whose due time has passed, and have their people told."""
    from conversations.services import ticket_sweeps  # noqa: PLC0415 -- leaf

    for (ticket_id,) in _due(Ticket, ("pk",), due_at__lte=clock.now(), overdue_since=None):
        _safely(ticket_sweeps.mark_overdue, ticket_id)


@shared_task(name="conversations.close_solved_tickets", platform=True, alone_for=300)
def close_solved_tickets() -> None:
    """Close the tickets that were solved long enough ago."""
    from conversations.services import ticket_sweeps  # noqa: PLC0415 -- leaf

    since = clock.now() - ticket_sweeps.REOPENABLE
    for (ticket_id,) in _due(Ticket, ("pk",), status="solved", solved_at__lte=since):
        _safely(ticket_sweeps.close_solved, ticket_id)


@shared_task(name="conversations.send_ticket_notices", platform=True, alone_for=600)
def send_ticket_notices() -> None:
    """Send the mails about tickets that are due."""
    from conversations.services import ticket_notices  # noqa: PLC0415 -- leaf

    _send_mails(ticket_notices.deliver, _due(TicketNotice, ("pk",), due_at__lte=clock.now()))


@shared_task(name="conversations.run_rules", platform=True, alone_for=60)
def run_rules() -> None:
    """Let rules and webhooks hear of what the ledgers hold behind their cursors, and of waits."""
    from conversations.services import automation, following  # noqa: PLC0415 -- leaf

    with platform_scope("ledgers that moved, waits that rules look at, of all tenants"):
        database = settings.PLATFORM_DATABASE
        heads = dict(LedgerHead.objects.using(database).values_list("tenant_id", "position"))
        cursors = EventCursor.objects.using(database).values_list("tenant_id", "position")
        moved = {tenant_id for tenant_id, read in cursors if heads.get(tenant_id, 0) > read}
        waits = set(
            Rule.objects.using(database)
            .filter(is_active=True, event=EventKind.WAITING)
            .values_list("tenant_id", flat=True)
        )
        undone = set(
            ServiceEvent.objects.using(database)
            .filter(done_at=None)
            .values_list("tenant_id", flat=True)
        )
    for tenant_id in moved | waits | undone:
        with tenant_scope(tenant_id):
            if tenant_id in moved:
                _safely(following.follow)
            if tenant_id in waits:
                _safely(following.find_waits)
            _safely(automation.run_events)


@shared_task(name="conversations.send_webhooks", platform=True, alone_for=60)
def send_webhooks() -> None:
    """Send the webhooks that are due, several at once; an address that fails delays few others."""
    with platform_scope("webhooks that are due, of all tenants"):
        rows = list(
            WebhookDelivery.objects.using(settings.PLATFORM_DATABASE)
            .filter(state=DeliveryState.PENDING, next_at__lte=clock.now(), endpoint__is_active=True)
            # Those that fail come after those that do not.
            .order_by(F("endpoint__failing_since").asc(nulls_first=True), "next_at")
            .values_list("tenant_id", "pk", "endpoint_id")[: _BATCH * 5]
        )
    chosen: list[tuple[int, UUID]] = []
    for_one: dict[UUID, int] = {}
    for tenant_id, delivery_id, endpoint_id in rows:
        for_one[endpoint_id] = for_one.get(endpoint_id, 0) + 1
        if for_one[endpoint_id] <= _SENT_TO_ONE and len(chosen) < _SENDERS:
            chosen.append((tenant_id, delivery_id))
    if len(chosen) == 1:
        _send(*chosen[0])
    elif chosen:
        with ThreadPoolExecutor(_SENDERS, thread_name_prefix="webhook") as senders:
            list(senders.map(lambda one: _send(*one, close=True), chosen))


@shared_task(name="conversations.keep_service_times", platform=True, alone_for=60)
def keep_service_times() -> None:
    """Remind silent visitors and agents, and end idle conversations, where tenants want that."""
    from conversations.services import silences  # noqa: PLC0415 -- leaf

    wanted = (
        Q(visitor_reminder_minutes__isnull=False)
        | Q(agent_reminder_seconds__isnull=False)
        | Q(agent_escalation_seconds__isnull=False)
        | Q(idle_close_minutes__isnull=False)
        | Q(bot_close_hours__isnull=False)
    )
    _for_each(_tenants_with(ServiceTimes, wanted), silences.keep)


@shared_task(name="conversations.mail_notices", platform=True, alone_for=60)
def mail_notices() -> None:
    """Send the mails of notices that are due."""
    from conversations.services import notices  # noqa: PLC0415 -- leaf

    _send_mails(notices.send_mail, _due(Notice, ("pk",), mail_due_at__lte=clock.now()))


@shared_task(name="conversations.clear_service_log", platform=True, alone_for=600)
def clear_service_log() -> None:
    """Remove what rules and webhooks did more than 30 days ago."""
    from conversations.services import deliveries, notices  # noqa: PLC0415 -- leaf

    before = clock.now() - _LOG_KEPT
    tenants = _tenants_with(ServiceEvent, Q(at__lt=before))
    tenants |= _tenants_with(WebhookDelivery, Q(created_at__lt=before))
    tenants |= _tenants_with(Notice, Q(created_at__lt=before))
    tenants |= _tenants_with(SilenceStep, Q(at__lt=before))
    for tenant_id in tenants:
        with tenant_scope(tenant_id):
            ServiceEvent.objects.filter(at__lt=before, done_at__isnull=False).delete()
            SilenceStep.objects.filter(at__lt=before).exclude(conversation__status="human").delete()
            deliveries.clear_old(before)
            notices.clear_old(before)


def _send(tenant_id: int, delivery_id: UUID, *, close: bool = False) -> None:
    from conversations.services import deliveries  # noqa: PLC0415 -- leaf

    try:
        with tenant_scope(tenant_id):
            _safely(deliveries.deliver, delivery_id)
    finally:
        if close:
            connections.close_all()


def _send_mails(send: Callable[[UUID], object], due: Iterator[tuple[Any, ...]]) -> None:
    until = time.monotonic() + _MAIL_SECONDS
    for (notice_id,) in due:
        # Not left early: what finds the rows is in a tenant's scope, and has to end it.
        if time.monotonic() < until:
            _safely(send, notice_id)


def _tenants_with(model: Any, where: Q) -> set[int]:
    with platform_scope("which tenants have such rows"):
        rows = model.objects.using(settings.PLATFORM_DATABASE).filter(where).order_by()
        return set(rows.values_list("tenant_id", flat=True).distinct())


def _for_each(tenants: Iterable[int], *chores: Callable[[], object]) -> None:
    for tenant_id in tenants:
        with tenant_scope(tenant_id):
            for chore in chores:
                _safely(chore)


def _due(
    model: Any, fields: tuple[str, ...], *where: Q, **conditions: Any
) -> Iterator[tuple[Any, ...]]:
    with platform_scope("rows that are due, of all tenants"):
        rows = list(
            model.objects.using(settings.PLATFORM_DATABASE)
            .filter(*where, **conditions)
            .values_list("tenant_id", *fields)[:_BATCH]
        )
    for tenant_id, *values in rows:
        with tenant_scope(tenant_id):
            yield tuple(values)


def _safely(work: Callable[..., object], *subject: UUID, **given: object) -> None:
    try:
        work(*subject, **given)
    except Exception:
        logger.exception("Chore failed: %s %s", work.__name__, subject)
