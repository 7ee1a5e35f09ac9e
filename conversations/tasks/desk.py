"""Agents, and who waits for one."""

from celery import shared_task
from django.db.models import Q

from conversations.models import Conversation, Presence
from tenants import clock
from tenants.chores import due, for_each, safely, tenants_with


@shared_task(name="conversations.wake_snoozed", platform=True, alone_for=10)
def wake_snoozed() -> None:
    """Bring conversations back that agents put aside until now."""
    from conversations.services import snoozes  # noqa: PLC0415 -- leaf

    for (conversation_id,) in due(Conversation, ("pk",), snoozed_until__lte=clock.now()):
        safely(snoozes.wake_due, conversation_id)


@shared_task(name="conversations.notice_silent_agents", platform=True, alone_for=30)
def notice_silent_agents() -> None:
    """Set agents offline whose console has fallen silent."""
    from conversations.services import presences  # noqa: PLC0415 -- leaf

    silent = Q(seen_at__lt=clock.now() - presences.SILENCE) & ~Q(status="offline")
    for_each(tenants_with(Presence, silent), presences.mark_silent)


@shared_task(name="conversations.route_waiting", platform=True, alone_for=10)
def route_waiting() -> None:
    """Offer who waits to agents who are free, whatever was missed when something changed.

    Offers that rang too long go to the next agent, what absent agents hold goes back to the queue,
    and visitors whose place has changed hear it.
    """
    from conversations.services import offers, places, requeue, routing  # noqa: PLC0415 -- leaf

    waits = Q(status="waiting_human") | Q(status="human", agent__presence__status="offline")
    for_each(
        tenants_with(Conversation, waits),
        requeue.requeue_abandoned,
        offers.expire,
        routing.drain,
        places.tell,
    )
