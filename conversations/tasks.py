"""The conversations' regular chores: each finds its rows, then works tenant by tenant."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from celery import shared_task
from django.conf import settings

from conversations import in_hand
from conversations.models import (
    BotDecision,
    ContactSession,
    Conversation,
    Inquiry,
    Message,
    Presence,
)
from tenants import clock, terms
from tenants.models import Tenant, TenantStatus
from tenants.scoping import active_tenant_id, platform_scope, tenant_scope

logger = logging.getLogger(__name__)

# A question undecided for this long was left behind: by a killed process, or a failed commit.
UNDECIDED = timedelta(seconds=3)
_BATCH = 200


@shared_task(name="conversations.decide_undecided", platform=True, alone_for=5)
def decide_undecided() -> None:
    """Confirm and decide the questions that nobody decided (rule 2 of the architecture).

    Those this very process still has before it are left to it: deciding twice what is only slow
    makes everything slower.
    """
    from conversations.services import bot  # noqa: PLC0415 -- leaf

    left_behind = [
        (active_tenant_id(), message_id)
        for conversation_id, undecided_seq in _due(
            Conversation, ("pk", "undecided_seq"), undecided_since__lt=clock.now() - UNDECIDED
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


@shared_task(name="conversations.close_idle_inquiries", platform=True, alone_for=30)
def close_idle_inquiries() -> None:
    """End inquiries after their 30 minutes of silence (contract §1)."""
    idle = clock.now() - terms.INQUIRY_IDLE
    for (inquiry_id,) in _due(Inquiry, ("pk",), closed_at=None, last_at__lte=idle):
        Inquiry.objects.filter(pk=inquiry_id, closed_at=None, last_at__lte=idle).update(
            closed_at=clock.now()
        )


@shared_task(name="conversations.notice_silent_agents", platform=True, alone_for=30)
def notice_silent_agents() -> None:
    """Set agents offline whose console has fallen silent."""
    from conversations.services import presences  # noqa: PLC0415 -- leaf

    since = clock.now() - presences.SILENCE
    with platform_scope("agents who fell silent, of all tenants"):
        tenants = set(
            Presence.objects.using(settings.PLATFORM_DATABASE)
            .exclude(status="offline")
            .filter(seen_at__lt=since)
            .values_list("tenant_id", flat=True)
        )
    for tenant_id in tenants:
        with tenant_scope(tenant_id):
            presences.mark_silent()


@shared_task(name="conversations.recalibrate", platform=True, alone_for=600)
def recalibrate() -> None:
    """Read the assistant's certainty by what each tenant's visitors made of its answers."""
    from conversations.services import outcomes  # noqa: PLC0415 -- leaf

    with platform_scope("tenants whose visitors were answered, of all tenants"):
        tenants = set(
            BotDecision.objects.using(settings.PLATFORM_DATABASE)
            .filter(decided_at__gt=clock.now() - timedelta(days=2))
            .values_list("tenant_id", flat=True)
        )
    for tenant_id in tenants:
        with tenant_scope(tenant_id):
            _safely(outcomes.recalibrate)


@shared_task(name="conversations.compare_answers", platform=True, alone_for=3600)
def compare_answers() -> None:
    """Compare what the assistant answered since the last run with its sources (R89, R91)."""
    from conversations.services import fidelity  # noqa: PLC0415 -- leaf

    for tenant_id in Tenant.objects.filter(status=TenantStatus.ACTIVE).values_list("pk", flat=True):
        with tenant_scope(tenant_id):
            _safely(fidelity.compare_new)


@shared_task(name="conversations.clear_sessions", platform=True, alone_for=30)
def clear_sessions() -> None:
    """Remove visitors' sessions that can never be used again."""
    from conversations.services import contacts  # noqa: PLC0415 -- leaf

    with platform_scope("sessions that ended, of all tenants"):
        tenants = set(
            ContactSession.objects.using(settings.PLATFORM_DATABASE)
            .filter(refresh_expires_at__lt=clock.now())
            .values_list("tenant_id", flat=True)
        )
    for tenant_id in tenants:
        with tenant_scope(tenant_id):
            contacts.clear_sessions()


def _due(model: Any, fields: tuple[str, ...], **conditions: Any) -> Iterator[tuple[Any, ...]]:
    with platform_scope("rows that are due, of all tenants"):
        rows = list(
            model.objects.using(settings.PLATFORM_DATABASE)
            .filter(**conditions)
            .values_list("tenant_id", *fields)[:_BATCH]
        )
    for tenant_id, *values in rows:
        with tenant_scope(tenant_id):
            yield tuple(values)


def _safely(work: Callable[..., object], *subject: UUID) -> None:
    try:
        work(*subject)
    except Exception:
        logger.exception("Chore failed: %s %s", work.__name__, subject)
