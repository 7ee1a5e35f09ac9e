"""Rules, webhooks and notices, and their logs."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.db import connections
from django.db.models import F, Q

from conversations.models import (
    DeliveryState,
    EventCursor,
    EventKind,
    Notice,
    Rule,
    ServiceEvent,
    SilenceStep,
    WebhookDelivery,
)
from tenants import clock
from tenants.chores import due, safely, tenants_with, within
from tenants.models import LedgerHead
from tenants.scoping import platform_scope, tenant_scope

# Webhooks read in one run.
_BATCH = 1000
# Attempts at webhooks in one run, all at once so that it lasts no longer than one of them, and to
# one address.
_SENDERS = 8
_SENT_TO_ONE = 4
# Mail servers that are slow keep a run no longer than this.
_MAIL_SECONDS = 20.0
# How long rules' and webhooks' logs are kept.
_LOG_KEPT = timedelta(days=30)


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
                safely(following.follow)
            if tenant_id in waits:
                safely(following.find_waits)
            safely(automation.run_events)


@shared_task(name="conversations.send_webhooks", platform=True, alone_for=60)
def send_webhooks() -> None:
    """Send the webhooks that are due, several at once; an address that fails delays few others."""
    with platform_scope("webhooks that are due, of all tenants"):
        rows = list(
            WebhookDelivery.objects.using(settings.PLATFORM_DATABASE)
            .filter(state=DeliveryState.PENDING, next_at__lte=clock.now(), endpoint__is_active=True)
            # Those that fail come after those that do not.
            .order_by(F("endpoint__failing_since").asc(nulls_first=True), "next_at")
            .values_list("tenant_id", "pk", "endpoint_id")[:_BATCH]
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


@shared_task(name="conversations.mail_notices", platform=True, alone_for=60)
def mail_notices() -> None:
    """Send the mails of notices that are due."""
    from conversations.services import notices  # noqa: PLC0415 -- leaf

    within(_MAIL_SECONDS, notices.send_mail, due(Notice, ("pk",), mail_due_at__lte=clock.now()))


@shared_task(name="conversations.clear_service_log", platform=True, alone_for=600)
def clear_service_log() -> None:
    """Remove what rules and webhooks did more than 30 days ago."""
    from conversations.services import deliveries, notices  # noqa: PLC0415 -- leaf

    before = clock.now() - _LOG_KEPT
    tenants = {
        *tenants_with(ServiceEvent, Q(at__lt=before)),
        *tenants_with(WebhookDelivery, Q(created_at__lt=before)),
        *tenants_with(Notice, Q(created_at__lt=before)),
        *tenants_with(SilenceStep, Q(at__lt=before)),
    }
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
            safely(deliveries.deliver, delivery_id)
    finally:
        if close:
            connections.close_all()
