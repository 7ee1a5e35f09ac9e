"""Hand-offs to clients' systems."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from conversations.models import Handoff, OutboundDelivery, OutboundState
from tenants import clock, terms
from tenants.chores import BATCH, due, safely
from tenants.scoping import platform_scope

# What is due for so long was left behind: the process that should send it is gone, or busy.
LEFT_BEHIND = timedelta(seconds=1)


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
            .values_list("tenant_id", "handoff_id", "target_id")[:BATCH]
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
    for (handoff_id,) in due(Handoff, ("pk",), late, delivered_at=None, ended_at=None):
        safely(failover.fail_over_late, handoff_id)
