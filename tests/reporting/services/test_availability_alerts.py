"""Both parties are told of incidents, planned work and down time, once, in the tenant's words."""

from datetime import timedelta

from reporting.availability import Burn
from reporting.models import DownInterval
from reporting.services import availability_alerts, claims, incidents, maintenance
from tenants import clock
from tenants.roles import Role
from tests.tenants.agreements import Parties
from tests.tenants.told import told


def test_incident_from_opening_to_its_end(parties: Parties) -> None:
    incident = incidents.open_incident(title="回复变慢", level="p2", by=parties.provider)
    incidents.tell(incident.pk, "正在排查。", by=parties.provider)
    incidents.restore(incident.pk, by=parties.provider)

    everybody = {Role.ACCOUNT_MANAGER, Role.CLIENT_ADMIN}
    assert told("incident.opened") == [("critical", "P2 回复变慢", everybody)]
    assert told("incident.told") == [("info", "最新进展：回复变慢", everybody)]
    assert told("incident.restored") == [("info", "已恢复：回复变慢", everybody)]


def test_claim_is_the_clients_to_decide(parties: Parties) -> None:
    now = clock.now()
    interval = DownInterval.objects.create(
        start_at=now - timedelta(minutes=9),
        end_at=now - timedelta(minutes=5),
        sources=["probes"],
        found_at=now,
    )
    claim = claims.claim(
        interval.pk,
        kind="client",
        start_at=interval.start_at,
        end_at=interval.end_at,
        evidence="机房停电",
        by=parties.provider,
    )
    claims.decide(claim.pk, accepted=False, remark="没有通知", by=parties.client)

    assert [row[2] for row in told("availability.claimed")] == [{Role.CLIENT_ADMIN}]
    assert told("availability.decided") == [("info", "剔除申请已被拒绝", {Role.ACCOUNT_MANAGER})]


def test_planned_work_is_announced_and_called_off(parties: Parties) -> None:
    start = clock.now() + timedelta(days=4)
    window = maintenance.announce(
        title="升级",
        description="数据库升级",
        start_at=start,
        end_at=start + timedelta(hours=1),
        by=parties.provider,
    )
    maintenance.cancel(window.pk, by=parties.provider)

    assert [row[1] for row in told("maintenance.announced")] == ["计划维护：升级"]
    assert [row[1] for row in told("maintenance.cancelled")] == ["已取消：升级"]


def test_each_step_of_the_budget_is_told_once(parties: Parties) -> None:
    now = clock.now()
    for minutes in (60, 61, 120):
        spent = timedelta(minutes=minutes)
        availability_alerts.of_budget(Burn(timedelta(minutes=200), spent, timedelta()), now)
    availability_alerts.of_budget(
        Burn(timedelta(minutes=200), timedelta(minutes=9), timedelta(minutes=9)), now
    )
    availability_alerts.of_budget(
        Burn(timedelta(minutes=200), timedelta(minutes=9), timedelta(minutes=11)), now
    )

    titles = [row[1] for row in told("availability.budget")]
    assert [title[-3:] for title in titles] == ["25%", "50%"]
    assert [row[0] for row in told("availability.burning")] == ["critical"]
