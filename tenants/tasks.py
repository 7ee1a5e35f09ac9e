"""The tenants' regular chores."""

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.db import connections
from django.db.models import Min, Q

from tenants import clock, pulse
from tenants.chores import every_tenant, for_each, tenants_with
from tenants.models import (
    AlertChannel,
    Breach,
    Notification,
    NotificationDelivery,
    Obligation,
    ObligationState,
)
from tenants.models.notification import OVERDUE
from tenants.scoping import platform_scope, tenant_scope

logger = logging.getLogger(__name__)

# Late obligations that one run turns into breaches, and of one tenant in one transaction.
_BATCH = 20_000
_AT_ONCE = 500
# A run begins to tell of no more breaches after so long: what falls due meanwhile is to be found.
_TELLING_SECONDS = 1.5
# Letters at once; a run begins none after so long, and the next one goes on.
_SENDERS = 8
_SENDING_SECONDS = 20.0
_MOST_LETTERS = 200

# What is sent together: one letter, or what may become one.
_Key = tuple[int, str, int | None, UUID | None, str, UUID | None]


@shared_task(name="tenants.find_breaches", platform=True, alone_for=30)
def find_breaches() -> None:
    """Turn every running obligation that is late into a breach, then tell of them (R5, R6).

    However many there are, all are found before anybody is told of the first.
    """
    with platform_scope("obligations that are late, of all tenants"):
        late = list(
            Obligation.objects.using(settings.PLATFORM_DATABASE)
            .filter(state=ObligationState.RUNNING, due_at__lt=clock.now())
            .order_by("due_at")
            .values_list("tenant_id", "pk")[:_BATCH]
        )
    by_tenant: dict[int, list[UUID]] = {}
    for tenant_id, obligation_id in late:
        by_tenant.setdefault(tenant_id, []).append(obligation_id)
    found = {tenant_id: _sweep_tenant(tenant_id, ids) for tenant_id, ids in by_tenant.items()}
    for tenant_id, breached in found.items():
        with tenant_scope(tenant_id):
            for one in breached:
                logger.warning("Obligation breached: %s", one)
    _tell_of_breaches()
    pulse.beat("find_breaches")


@shared_task(name="tenants.mail_alerts", platform=True, alone_for=90)
def mail_alerts() -> None:
    """Send the mails of notifications that are due, several at once."""
    _send(Q(channel=AlertChannel.MAIL), "mail_alerts")


@shared_task(name="tenants.post_alerts", platform=True, alone_for=90)
def post_alerts() -> None:
    """Send what robots and other systems are to hear, several at once."""
    _send(~Q(channel=AlertChannel.MAIL), "post_alerts")


@shared_task(name="tenants.escalate_alerts", platform=True, alone_for=60)
def escalate_alerts() -> None:
    """Tell those above of critical notifications that nobody acknowledged (R9)."""
    from tenants.services import notifications  # noqa: PLC0415 -- leaf

    up = Q(escalate_at__lte=clock.now())
    for_each(tenants_with(Notification, up), notifications.escalate)
    pulse.beat("escalate_alerts")


@shared_task(name="tenants.ping_deadman", platform=True, alone_for=60)
def ping_deadman() -> None:
    """Tell the watcher outside that alerts leave as they should (R10)."""
    from tenants.services import deadman  # noqa: PLC0415 -- leaf

    now = clock.now()
    with platform_scope("copies and promises that nobody took, of all tenants"):
        overdue = (
            NotificationDelivery.objects.using(settings.PLATFORM_DATABASE)
            .filter(NotificationDelivery.overdue(now))
            .exists()
        ) or (
            Breach.objects.using(settings.PLATFORM_DATABASE)
            .filter(is_untold=True, detected_at__lt=now - OVERDUE)
            .exists()
        )
        unfound = (
            Obligation.objects.using(settings.PLATFORM_DATABASE)
            .filter(state=ObligationState.RUNNING, due_at__lt=now - deadman.UNFOUND)
            .exists()
        )
    deadman.ping(deadman.fault(overdue=overdue, unfound=unfound))


@shared_task(name="tenants.follow_calendar", platform=True, alone_for=60)
def follow_calendar() -> None:
    """Count open deadlines in working days anew, for what the calendar now says (R2)."""
    from tenants.services import contract_alerts, obligations  # noqa: PLC0415 -- leaf

    def recompute() -> None:
        changed = obligations.recompute_after_calendar()
        if changed:
            logger.warning("Deadlines changed with the calendar: %s", changed)
            contract_alerts.deadlines_changed(changed)

    still_open = Q(
        working_days__isnull=False,
        state__in=(ObligationState.RUNNING, ObligationState.WAITING),
    )
    for_each(tenants_with(Obligation, still_open), recompute)


@shared_task(name="tenants.warn_early", platform=True, alone_for=600)
def warn_early() -> None:
    """Tell of promises in working days whose time is half or nearly over (R11)."""
    from tenants.services import contract_alerts, obligations  # noqa: PLC0415 -- leaf

    def warn() -> None:
        contract_alerts.running_out(obligations.early_warnings())

    running = Q(working_days__isnull=False, state=ObligationState.RUNNING)
    for_each(tenants_with(Obligation, running), warn)


@shared_task(name="tenants.ask_for_calendar", platform=True, alone_for=600)
def ask_for_calendar() -> None:
    """Say daily from 1 November on that the coming year's calendar is missing (R2)."""
    from tenants.services import calendar_years  # noqa: PLC0415 -- leaf

    year = calendar_years.missing_year()
    if year is None:
        return
    logger.error("The working days of %s are not loaded.", year)
    for_each(every_tenant(), partial(calendar_years.note_missing, year))


@shared_task(name="tenants.tell_ledger_heads", platform=True, alone_for=600)
def tell_ledger_heads() -> None:
    """Mail both parties of every tenant how far its evidence chain reaches, each day (R12)."""
    from tenants.services import ledger_heads  # noqa: PLC0415 -- leaf

    for_each(every_tenant(), ledger_heads.tell)


def _tell_of_breaches() -> None:
    """Tell each tenant's people in turn, until all are told or the time is up."""
    until = time.monotonic() + _TELLING_SECONDS
    with platform_scope("breaches that nobody was told of, of all tenants"):
        waiting = list(
            Breach.objects.using(settings.PLATFORM_DATABASE)
            .filter(is_untold=True)
            .values_list("tenant_id", flat=True)
            .annotate(since=Min("detected_at"))
            .order_by("since")
        )
    while waiting and time.monotonic() < until:
        waiting = [tenant_id for tenant_id in waiting if _tell_in(tenant_id, until)]


def _tell_in(tenant_id: int, until: float) -> bool:
    """Return whether the tenant has more to be told of."""
    from tenants.services import breach_alerts  # noqa: PLC0415 -- leaf

    if time.monotonic() >= until:
        return False
    with tenant_scope(tenant_id):
        try:
            return breach_alerts.tell_waiting() == breach_alerts.AT_ONCE
        except Exception:
            logger.exception("Breaches were not told of: tenant %s", tenant_id)
            return False


def _sweep_tenant(tenant_id: int, ids: list[UUID]) -> list[UUID]:
    from tenants.services import obligations  # noqa: PLC0415 -- leaf

    with tenant_scope(tenant_id):
        return [
            breached
            for first in range(0, len(ids), _AT_ONCE)
            for breached in _sweep(obligations.sweep_all, ids[first : first + _AT_ONCE])
        ]


def _sweep(work: Callable[[list[UUID]], list[UUID]], ids: list[UUID]) -> list[UUID]:
    try:
        return work(ids)
    except Exception:
        if len(ids) == 1:
            # One row's damage must not hide the breaches of all others.
            logger.exception("Sweep failed: obligation %s", ids[0])
            return []
    return [breached for one in ids for breached in _sweep(work, [one])]


def _send(which: Q, sweeper: str) -> None:
    with platform_scope("copies of notifications that are due, of all tenants"):
        due = list(
            NotificationDelivery.objects.using(settings.PLATFORM_DATABASE)
            .filter(which & NotificationDelivery.due(clock.now()))
            .order_by()
            .values_list("tenant_id", "channel", "recipient_id", "robot_id", "thread", "letter")
            .distinct()[:_MOST_LETTERS]
        )
    until = time.monotonic() + _SENDING_SECONDS
    if len(due) == 1 or _SENDERS == 1:
        for key in _in_turn(due):
            _deliver(key, until)
    elif due:
        here = copy_context()
        with ThreadPoolExecutor(_SENDERS, thread_name_prefix="alert") as senders:
            # Threads start without the context they were started in, the clock's among it.
            for key in _in_turn(due):
                senders.submit(here.copy().run, _deliver, key, until, close=True)
    pulse.beat(sweeper)


def _in_turn(due: Iterable[_Key]) -> list[_Key]:
    """Return the keys so that each tenant's first comes before any tenant's second."""
    seen: dict[int, int] = {}
    ranked = []
    for key in due:
        seen[key[0]] = seen.get(key[0], 0) + 1
        ranked.append((seen[key[0]], key))
    return [key for _rank, key in sorted(ranked, key=lambda each: each[0])]


def _deliver(key: _Key, until: float, *, close: bool = False) -> None:
    from tenants.services import alert_sending  # noqa: PLC0415 -- leaf

    if time.monotonic() > until:
        return
    tenant_id, channel, recipient, robot, thread, letter = key
    try:
        with tenant_scope(tenant_id):
            copy = (
                NotificationDelivery.objects.filter(
                    NotificationDelivery.due(clock.now()),
                    channel=channel,
                    recipient=recipient,
                    robot=robot,
                    thread=thread,
                    letter=letter,
                )
                .values_list("pk", flat=True)
                .first()
            )
            if copy is not None:
                alert_sending.deliver(copy)
    except Exception:
        logger.exception("Sending an alert failed: tenant %s, %s", tenant_id, channel)
    finally:
        if close:
            connections.close_all()
