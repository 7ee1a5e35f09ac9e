"""Inquiries and idle conversations: their end, their reminders, their surveys."""

from celery import shared_task
from django.db.models import Q

from conversations.models import Inquiry, ServiceTimes
from tenants import clock, terms
from tenants.chores import due, for_each, safely, tenants_with


@shared_task(name="conversations.close_idle_inquiries", platform=True, alone_for=30)
def close_idle_inquiries() -> None:
    """End inquiries after their 30 minutes of silence, and ask those drawn (contract §1, R72)."""
    from conversations.services import surveys  # noqa: PLC0415 -- leaf

    idle = clock.now() - terms.INQUIRY_IDLE
    for (inquiry_id,) in due(Inquiry, ("pk",), closed_at=None, last_at__lte=idle):
        safely(surveys.end_idle, inquiry_id, idle_since=idle)


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
