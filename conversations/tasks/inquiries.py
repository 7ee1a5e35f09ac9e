"""Inquiries and idle conversations: their end, their reminders, their surveys."""

from celery import shared_task
from django.db.models import Q

from conversations.models import Inquiry, ServiceTimes
from tenants import clock
from tenants.chores import BATCH, for_each, safely, tenants_with
from tenants.services import contracts


@shared_task(name="conversations.close_idle_inquiries", platform=True, alone_for=30)
def close_idle_inquiries() -> None:
    """End inquiries after the silence that is agreed, and ask those drawn (contract §1, R72)."""
    for_each(tenants_with(Inquiry, Q(closed_at=None)), _end_idle)


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
    for_each(tenants_with(ServiceTimes, wanted), silences.keep)


def _end_idle() -> None:
    from conversations.services import surveys  # noqa: PLC0415 -- leaf

    now = clock.now()
    idle = now - contracts.terms_at(now).inquiry_idle
    silent = Inquiry.objects.filter(closed_at=None, last_at__lte=idle).order_by("last_at")
    for inquiry_id in list(silent.values_list("pk", flat=True)[:BATCH]):
        safely(surveys.end_idle, inquiry_id, idle_since=idle)
