"""`/metrics`: what an operator watches, in the text format of Prometheus.

Counted at the moment of asking, over all tenants, with no tenant's name among the labels.
"""

import hmac
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Min, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from conversations.hub import get_hub
from conversations.models import (
    Conversation,
    DeliveryState,
    Notice,
    OutboundDelivery,
    TicketNotice,
    WebhookDelivery,
)
from conversations.services import outbox
from conversations.states import ConversationStatus
from knowledge import search
from tenants import clock, meters, pulse
from tenants.models import Breach, Obligation, ObligationState
from tenants.scoping import platform_scope


@require_GET
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer whoever brings the token; without a token in the settings there is no such page."""
    token = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "")
    if not token or not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return HttpResponseNotFound()
    return HttpResponse(generate_latest(meters.REGISTRY), content_type=CONTENT_TYPE_LATEST)


class StateCollector(Collector):
    """The state of the installation: what waits, what is late, whether the schedule runs.

    A database that does not answer shows as `yingda_database_up 0`, and the rest is left out.
    """

    def describe(self) -> list[Metric]:
        # Nothing is counted when it is registered.
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of this instant."""
        yield _gauge("sockets", "Sockets open in this process", get_hub().sockets)
        yield _gauge(
            "semantic_search", "Whether answers are found by meaning", search.is_semantic()
        )
        since = pulse.age()
        if since is not None:
            yield _gauge("schedule_age_seconds", "Since the schedule last ran", _seconds(since))
        try:
            counted = _counted()
        except Exception:  # noqa: BLE001 -- whatever it is, the figure says it
            yield _gauge("database_up", "Whether the database answers", 0)
            return
        yield _gauge("database_up", "Whether the database answers", 1)
        yield from counted


def _counted() -> list[Metric]:
    now = clock.now()
    with transaction.atomic(using=settings.PLATFORM_DATABASE), platform_scope("figures of all"):
        return [*_waiting(now), *_promises(now), *_queues(now)]


def _waiting(now: datetime) -> Iterator[Metric]:
    rows = _rows(Conversation).filter(status=ConversationStatus.WAITING, held_elsewhere=False)
    found = rows.aggregate(count=Count("pk"), since=Min("waiting_since"))
    yield _gauge("visitors_waiting", "Visitors who wait for a person", found["count"])
    yield _gauge("visitors_waiting_longest_seconds", "Longest of them", _age(found["since"], now))


def _promises(now: datetime) -> Iterator[Metric]:
    running = _rows(Obligation).filter(state=ObligationState.RUNNING)
    family = GaugeMetricFamily(
        "yingda_promises_running", "Promises not yet kept or broken", labels=["kind"]
    )
    for kind, count in running.order_by().values_list("kind").annotate(Count("pk")):
        family.add_metric([kind], count)
    yield family
    late = running.filter(due_at__lt=now).aggregate(count=Count("pk"), since=Min("due_at"))
    yield _gauge("promises_undetected", "Late and not yet found broken", late["count"])
    yield _gauge("promises_undetected_longest_seconds", "Longest", _age(late["since"], now))
    family = GaugeMetricFamily(
        "yingda_breaches_day", "Promises found broken in 24 hours", labels=["clause"]
    )
    recent = _rows(Breach).filter(detected_at__gte=now - timedelta(hours=24))
    for clause, count in recent.order_by().values_list("clause").annotate(Count("pk")):
        family.add_metric([clause], count)
    yield family


def _queues(now: datetime) -> Iterator[Metric]:
    due = GaugeMetricFamily("yingda_queue_due", "Due and not yet done", labels=["queue"])
    oldest = GaugeMetricFamily(
        "yingda_queue_oldest_seconds", "How long the oldest has been due", labels=["queue"]
    )
    # What is being sent, or belongs to what is switched off, waits for nobody.
    queues: dict[str, tuple[QuerySet[Any], str]] = {
        "handoff": (
            _rows(OutboundDelivery).filter(outbox.is_sendable(now), due_at__lte=now),
            "due_at",
        ),
        "webhook": (
            _rows(WebhookDelivery).filter(
                state=DeliveryState.PENDING, next_at__lte=now, endpoint__is_active=True
            ),
            "next_at",
        ),
        "agent_mail": (_rows(Notice).filter(mail_due_at__lte=now), "mail_due_at"),
        "ticket_mail": (_rows(TicketNotice).filter(due_at__lte=now), "due_at"),
        "question": (
            _rows(Conversation).filter(undecided_since__isnull=False),
            "undecided_since",
        ),
    }
    for name, (rows, field) in queues.items():
        found = rows.aggregate(count=Count("pk"), since=Min(field))
        due.add_metric([name], found["count"])
        oldest.add_metric([name], _age(found["since"], now))
    yield due
    yield oldest


def _rows(model: Any) -> QuerySet[Any]:
    rows: QuerySet[Any] = model.objects.using(settings.PLATFORM_DATABASE)
    return rows


def _age(since: datetime | None, now: datetime) -> float:
    return _seconds(now - since) if since else 0.0


def _seconds(span: timedelta) -> float:
    return max(0.0, span.total_seconds())


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"yingda_{name}", words, value=float(value))


meters.REGISTRY.register(StateCollector())
