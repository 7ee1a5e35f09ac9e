"""What a collector of figures is told."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from conversations.models import Channel, DeliveryState, WebhookDelivery, WebhookEndpoint
from tenants import clock, pulse, terms
from tenants.models import ObligationKind, Tenant
from tenants.services import obligations
from tenants.tasks import find_breaches
from tests.conversations.doors import ask
from tests.world import admit, furnish

TOKEN = "a-token-of-the-collector"


def figures(**headers: str) -> dict[str, float]:
    response = Client().get("/metrics", headers=headers or {"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200
    lines = re.findall(r"^(yingda_\S+) (\S+)$", response.content.decode(), re.MULTILINE)
    return {name: float(value) for name, value in lines}


@pytest.fixture
def token(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN


@pytest.mark.parametrize("given", ["", "Bearer wrong", f"Basic {TOKEN}", "Bearer "])
def test_nobody_reads_without_the_token(token: None, given: str) -> None:
    assert Client().get("/metrics", headers={"Authorization": given}).status_code == 404


def test_without_a_token_in_the_settings_there_is_no_page() -> None:
    assert Client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_counts_what_waits_and_what_is_late(in_tenant: Tenant, token: None) -> None:
    before = clock.now() - timedelta(seconds=70)
    for kind, limit in ((ObligationKind.HANDOFF, 60), (ObligationKind.FIRST_REPLY, 600)):
        obligations.start(
            kind,
            clause=terms.CLAUSE_HANDOFF,
            subject_id=uuid.uuid4(),
            conversation_id=None,
            at=before,
            limit=timedelta(seconds=limit),
        )

    told = figures()

    assert told["yingda_database_up"] == 1
    assert told['yingda_promises_running{kind="handoff"}'] == 1
    assert told["yingda_promises_undetected"] == 1
    assert 9 < told["yingda_promises_undetected_longest_seconds"] < 60


def test_a_sweep_shows_as_the_pulse_and_its_finds_as_breaches(
    in_tenant: Tenant, token: None
) -> None:
    obligations.start(
        ObligationKind.HANDOFF,
        clause=terms.CLAUSE_HANDOFF,
        subject_id=uuid.uuid4(),
        conversation_id=None,
        at=clock.now() - timedelta(seconds=70),
        limit=timedelta(seconds=60),
    )

    find_breaches()

    told = figures()
    assert told['yingda_breaches_day{clause="2.1(3)"}'] == 1
    assert told["yingda_promises_undetected"] == 0
    assert told["yingda_schedule_age_seconds"] < 30


def test_a_turn_is_measured(in_tenant: Tenant, channel: Channel, token: None) -> None:
    name = 'yingda_turn_seconds_count{outcome="handoff"}'
    before = figures().get(name, 0)

    ask(admit(channel, "甲").session, "转人工")

    told = figures()
    assert told[name] == before + 1
    assert told["yingda_visitors_waiting"] == 1


def test_a_database_that_is_away_is_said(token: None) -> None:
    # Without the fixture that lets it, no test may use the database.
    told = figures()

    assert told["yingda_database_up"] == 0
    assert "yingda_promises_undetected" not in told


def test_the_schedule_is_silent_after_half_a_minute(db: None) -> None:
    pulse.beat(pulse.SWEEPER)
    assert pulse.is_alive()

    with clock.travel(clock.now() + timedelta(seconds=31)):
        assert not pulse.is_alive()
        assert "schedule" in Client().get("/readyz").json()["degraded"]


def test_what_is_switched_off_waits_for_nobody(in_tenant: Tenant, token: None) -> None:
    rows = furnish(in_tenant, "甲").rows
    delivery = rows["conversations.webhookdelivery"]
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        state=DeliveryState.PENDING, next_at=clock.now() - timedelta(seconds=50)
    )
    endpoints = WebhookEndpoint.objects.filter(pk=delivery.endpoint_id)
    late = 'yingda_queue_oldest_seconds{queue="webhook"}'

    endpoints.update(is_active=True)
    assert 50 <= figures()[late] < 60
    endpoints.update(is_active=False)
    assert figures()[late] == 0
