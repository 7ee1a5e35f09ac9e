"""Down intervals as evidence comes in, early and late (R81-R85)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from conversations.models import Channel, Message
from reporting.availability import slot_of
from reporting.models import DownInterval, Heartbeat, Incident
from reporting.services import availability_settings, claims, heartbeats, incidents, uptime
from reporting.tasks import judge_all
from tenants import clock
from tenants.models import LedgerEntry, Obligation, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services import ledger
from tests.reporting.watching import Watcher
from tests.world import admit, write

VITAL = ("web", "worker", "database")


@pytest.fixture
def start(tenant: Tenant) -> datetime:
    return slot_of(clock.now() + timedelta(hours=1))


@pytest.fixture
def watcher(start: datetime) -> Watcher:
    with clock.travel(start):
        return Watcher()


def judged(at: datetime, watcher: Watcher | None = None) -> None:
    with clock.travel(at):
        if watcher:
            assert watcher.send().status_code == 200
        judge_all()


def down(tenant: Tenant, kind: str = "down") -> list[tuple[datetime, datetime]]:
    with tenant_scope(tenant):
        return list(
            DownInterval.objects.filter(withdrawn_at=None, kind=kind)
            .order_by("start_at")
            .values_list("start_at", "end_at")
        )


def after(start: datetime, slots: float) -> datetime:
    return start + timedelta(seconds=30 * slots)


def test_nothing_is_measured_without_a_prober(tenant: Tenant, start: datetime) -> None:
    judged(start + timedelta(hours=5))

    assert down(tenant) == []
    with tenant_scope(tenant):
        assert uptime.measured(start, start + timedelta(hours=1)).figures is None


def test_an_outage_opens_an_incident_and_ends_it(
    tenant: Tenant, start: datetime, watcher: Watcher
) -> None:
    watcher.watch(start, "++----")
    judged(after(start, 6.5), watcher)

    assert down(tenant) == [(after(start, 2), after(start, 6))]
    with tenant_scope(tenant):
        incident = Incident.objects.get()
        assert (incident.level, incident.is_open, incident.opened_at) == (
            "p1",
            True,
            after(start, 2),
        )

    watcher.watch(after(start, 6), "++++")
    judged(after(start, 10.5), watcher)

    assert down(tenant) == [(after(start, 2), after(start, 6))]
    with tenant_scope(tenant):
        incident.refresh_from_db()
        assert incident.restored_at == after(start, 6)
        assert ledger.verify()[1] is None
        kinds = set(LedgerEntry.objects.values_list("kind", flat=True))
        assert {"downtime.found", "incident.opened", "incident.restored"} <= kinds


def test_late_lines_move_what_silence_had_made_downtime(
    tenant: Tenant, start: datetime, watcher: Watcher
) -> None:
    watcher.watch(start, "++")
    judged(after(start, 2.5), watcher)
    judged(after(start, 60))
    silent = down(tenant)
    watcher.watch(after(start, 2), "+" * 20 + "--" + "+" * 36)
    judged(after(start, 60.5), watcher)

    assert silent == [(after(start, 2), after(start, 58))]
    assert down(tenant) == [(after(start, 22), after(start, 24))]
    with tenant_scope(tenant):
        assert ledger.verify()[1] is None


def test_probers_outage_is_listed_where_visitors_were_served(
    tenant: Tenant,
    channel: Channel,
    start: datetime,
    watcher: Watcher,
) -> None:
    watcher.watch(start, "++" + " " * 10 + "++")
    with tenant_scope(tenant), clock.travel(after(start, 5)):
        write(admit(channel, "visitor"), "hello")
    for number in range(14 * 3):
        heartbeats.beat(*VITAL, host="one", at=start + timedelta(seconds=10 * number))  # type: ignore[arg-type]
    judged(after(start, 14.5), watcher)

    assert down(tenant) == []
    assert down(tenant, "prober_gap") == [(after(start, 2), after(start, 12))]


def test_what_probes_say_is_no_traffic(
    tenant: Tenant,
    channel: Channel,
    start: datetime,
    watcher: Watcher,
) -> None:
    watcher.watch(start, "++" + " " * 10 + "++")
    with tenant_scope(tenant), clock.travel(after(start, 5)):
        visitor = admit(channel, "probe")
        visitor.session.contact.is_probe = True
        visitor.session.contact.save()
        message = write(visitor, "hello")
    for number in range(14 * 3):
        heartbeats.beat(*VITAL, host="one", at=start + timedelta(seconds=10 * number))  # type: ignore[arg-type]
    judged(after(start, 14.5), watcher)

    with tenant_scope(tenant):
        assert Message.objects.get(pk=message.pk).conversation.is_probe
    assert down(tenant) == [(after(start, 2), after(start, 12))]


def test_starting_again_writes_the_gap_before_anything_else(
    tenant: Tenant, start: datetime, watcher: Watcher
) -> None:
    watcher.watch(start, "++")
    judged(after(start, 2.5), watcher)
    with clock.travel(after(start, 42.5)):
        judge_all(starting=True)

    assert down(tenant) == [(after(start, 2), after(start, 42))]


def test_a_heartbeat_grows_its_row_until_a_pause(db: None, start: datetime) -> None:
    for seconds in (0, 10, 20, 90, 100):
        heartbeats.beat("web", host="one", at=start + timedelta(seconds=seconds))  # type: ignore[arg-type]

    spans = Heartbeat.objects.order_by("first_at").values_list("beats", "first_at", "last_at")
    assert list(spans) == [
        (3, start, start + timedelta(seconds=20)),
        (2, start + timedelta(seconds=90), start + timedelta(seconds=100)),
    ]


def test_the_database_refuses_an_interval_that_ends_before_it_begins(
    tenant: Tenant, start: datetime
) -> None:
    with tenant_scope(tenant), pytest.raises(IntegrityError), transaction.atomic():
        DownInterval.objects.create(
            start_at=start, end_at=start - timedelta(seconds=1), found_at=start
        )


@pytest.fixture
def outage(tenant: Tenant, start: datetime, watcher: Watcher) -> DownInterval:
    watcher.watch(start, "++" + "-" * 20 + "++")
    judged(after(start, 25), watcher)
    with tenant_scope(tenant):
        row: DownInterval = DownInterval.objects.get()
        return row


@pytest.mark.parametrize(("decision", "left"), [(None, 600), (False, 600), (True, 0)])
def test_only_an_accepted_claim_subtracts(
    tenant: Tenant,
    start: datetime,
    outage: DownInterval,
    make_member: Callable[..., User],
    decision: bool | None,
    left: int,
) -> None:
    by = make_member(tenant, Role.CLIENT_ADMIN)
    with tenant_scope(tenant), clock.travel(after(start, 30)):
        claim = claims.claim(
            outage.pk,
            kind="client",
            start_at=outage.start_at,
            end_at=outage.end_at,
            evidence="Their firewall.",
            by=by,
        )
        if decision is not None:
            claims.decide(claim.pk, accepted=decision, remark="", by=by)
            with pytest.raises(claims.ClaimDecidedError):
                claims.decide(claim.pk, accepted=True, remark="", by=by)
        found = uptime.measured(start, after(start, 30)).figures
    assert found is not None
    assert found.down_gross == timedelta(seconds=600)
    assert found.down_net == timedelta(seconds=left)


def test_claims_come_in_time_with_evidence_and_inside_the_interval(
    tenant: Tenant, start: datetime, outage: DownInterval, make_member: Callable[..., User]
) -> None:
    by = make_member(tenant, Role.ACCOUNT_MANAGER)
    good: dict[str, Any] = {
        "kind": "client",
        "start_at": outage.start_at,
        "end_at": outage.end_at,
        "evidence": "Their firewall.",
        "by": by,
    }
    bad = [
        (start, {"evidence": "  "}),
        (start, {"end_at": outage.end_at + timedelta(seconds=1)}),
        (start, {"start_at": outage.end_at}),
        (start + timedelta(days=30), {}),
    ]
    for at, change in bad:
        refused = pytest.raises(claims.ClaimRefusedError)
        with tenant_scope(tenant), clock.travel(after(at, 30)), refused:
            claims.claim(outage.pk, **{**good, **change})


def test_burn_of_the_month(tenant: Tenant, start: datetime, outage: DownInterval) -> None:
    with tenant_scope(tenant), clock.travel(after(start, 25)):
        burn = uptime.burn_now()

    assert (burn.spent.total_seconds(), burn.pages) == (600, False)


def test_steps_of_an_incident(tenant: Tenant, make_member: Callable[..., User]) -> None:
    by = make_member(tenant, Role.ACCOUNT_MANAGER)
    with tenant_scope(tenant):
        incident = incidents.open_incident(title="Answers late", level="p2", by=by)
        incidents.acknowledge(incident.pk, by=by)
        with pytest.raises(incidents.IncidentRestoredError):
            incidents.acknowledge(incident.pk, by=by)
        incidents.tell(incident.pk, "We look into it.", by=by)
        incidents.restore(incident.pk, by=by)
        done = incidents.explain(
            incident.pk, cause="Disk", owner_party="provider", report="Why.", by=by
        )
        promises = dict(
            Obligation.objects.filter(subject_id=incident.pk).values_list("kind", "state")
        )
        kinds = list(
            LedgerEntry.objects.filter(subject=str(incident.pk))
            .order_by("position")
            .values_list("kind", flat=True)
        )
    assert done.reported_at is not None
    assert done.report_due_at is not None
    assert promises == {"incident_ack": "met", "incident_restore": "met"}
    assert [kind for kind in kinds if kind.startswith("incident.")] == [
        "incident.opened",
        "incident.acknowledged",
        "incident.told",
        "incident.restored",
        "incident.explained",
    ]


def test_a_security_incident_has_the_authoritys_clock(
    tenant: Tenant, make_member: Callable[..., User]
) -> None:
    by = make_member(tenant, Role.ACCOUNT_MANAGER)
    now = clock.now()
    told = {"authority": "市网信办", "way": "phone"}
    with tenant_scope(tenant), clock.travel(now):
        incident = incidents.open_incident(title="Leak", level="p1", kind="security", by=by)
        assert incident.authority_due_at == now + timedelta(hours=4)
        assert incidents.tell_authority(incident.pk, by=by, **told).authority_told_at == now


def test_status_page_is_there_once_the_tenant_wants_it(
    tenant: Tenant,
    channel: Channel,
    start: datetime,
    outage: DownInterval,
    make_member: Callable[..., User],
    client: Any,
) -> None:
    by = make_member(tenant, Role.CLIENT_ADMIN)
    path = f"/status/{tenant.code}/"
    closed = client.get(path)
    with tenant_scope(tenant):
        availability_settings.show_status_page(shown=True, by=by)
        incidents.open_incident(title="Leak of data", level="p1", kind="security", by=by)
    with clock.travel(after(start, 30)):
        page = client.get(f"{path}?lang=en")

    assert closed.status_code == 404
    assert client.get("/status/nothere1/").status_code == 404
    text = page.content.decode()
    assert "down for 10 min" in text
    assert text.count("<rect") == 90
    assert channel.brand_name in text
    assert "Leak of data" not in text
