"""Several channels, one of them down: by signed terms it counts in full, or by its share (R79)."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from conversations.models import Channel, ChannelKind
from reporting import recounting
from reporting.availability import slot_of
from reporting.models import DailyFigure, DownInterval
from reporting.sections import Period
from reporting.services import availability_settings, evidence_rows, sections_availability, uptime
from reporting.services.proving import canonical
from reporting.tasks import judge_all
from tenants import clock
from tenants.models import AvailabilityRule, Tenant, User
from tenants.scoping import tenant_scope
from tests.reporting.watching import Watcher
from tests.tenants.agreements import Parties, draft_contract, draft_terms
from tests.world import admit, write

SLOTS = 12


@pytest.fixture
def app(tenant: Tenant, channel: Channel, make_channel: Callable[..., Channel]) -> Channel:
    """The tenant's app, through which one in four asks; the others come by the website."""
    app = make_channel(tenant, name="App", kind=ChannelKind.APP)
    yesterday = clock.now().astimezone(tenant.zone).date() - timedelta(days=1)
    with tenant_scope(tenant):
        for asked, whole in ((channel, 30), (app, 10)):
            DailyFigure.objects.create(
                day=yesterday,
                metric="inquiries",
                dimension=f"channel:{asked.pk}",
                whole=whole,
                made_at=clock.now(),
            )
    return app


def agree(tenant: Tenant, make_member: Callable[..., User], rule: str) -> None:
    with tenant_scope(tenant):
        contract = draft_contract(effective_from=date(2026, 1, 1))
        terms = draft_terms(contract, availability_rule=rule)
        Parties(make_member, tenant).sign(terms)


def judged(tenant: Tenant, start: datetime, outcomes: dict[str, str]) -> DownInterval:
    with clock.travel(start):
        watcher = Watcher()
    for target, seen in outcomes.items():
        for number, outcome in enumerate(seen):
            at = start + timedelta(seconds=30 * number + 25)
            watcher.see(at, ok=outcome == "+", target=target)
    with clock.travel(start + timedelta(seconds=30 * (SLOTS + 0.5))):
        assert watcher.send().status_code == 200
        judge_all()
    with tenant_scope(tenant):
        row: DownInterval = DownInterval.objects.get()
        return row


@pytest.fixture
def start() -> datetime:
    # Terms hold a minute after they were signed.
    return slot_of(clock.now() + timedelta(minutes=5))


def seconds(tenant: Tenant, start: datetime) -> float:
    end = start + timedelta(seconds=30 * SLOTS)
    with tenant_scope(tenant), clock.travel(end):
        found = uptime.measured(start, end).figures
    assert found is not None
    return found.down_net.total_seconds()


@pytest.mark.parametrize(
    ("rule", "counted"), [(AvailabilityRule.STRICT, 120), (AvailabilityRule.WEIGHTED, 30)]
)
def test_one_channel_down_counts_as_agreed(
    tenant: Tenant,
    app: Channel,
    make_member: Callable[..., User],
    start: datetime,
    rule: str,
    counted: float,
) -> None:
    agree(tenant, make_member, rule)

    row = judged(tenant, start, {"web": "+" * SLOTS, "app": "++++----++++"})

    assert row.seconds == 120
    assert seconds(tenant, start) == counted


def test_all_channels_down_count_in_full(
    tenant: Tenant, app: Channel, make_member: Callable[..., User], start: datetime
) -> None:
    agree(tenant, make_member, AvailabilityRule.WEIGHTED)

    row = judged(tenant, start, {"web": "++++++--++++", "app": "++++----++++"})

    # One minute only the app, then one minute both.
    assert [part["ways"] for part in row.parts] == [["app"]]
    assert seconds(tenant, start) == 15 + 60


def test_where_nobody_asked_before_time_counts_in_full(
    tenant: Tenant, app: Channel, make_member: Callable[..., User], start: datetime
) -> None:
    agree(tenant, make_member, AvailabilityRule.WEIGHTED)
    with tenant_scope(tenant):
        DailyFigure.objects.all().delete()

    judged(tenant, start, {"web": "+" * SLOTS, "app": "++++----++++"})

    assert seconds(tenant, start) == 120


def test_answers_on_the_website_do_not_hide_a_dead_app(
    tenant: Tenant, channel: Channel, app: Channel, start: datetime
) -> None:
    with tenant_scope(tenant):
        for slot in (4, 5, 6, 7):
            with clock.travel(start + timedelta(seconds=30 * slot + 5)):
                write(admit(channel, f"visitor-{slot}"), "几天发货？")

    row = judged(tenant, start, {"web": "+" * SLOTS, "app": "++++----++++"})

    assert row.seconds == 120


def test_report_names_the_channel_and_its_pack_recounts_the_figure(
    tenant: Tenant, app: Channel, make_member: Callable[..., User], start: datetime
) -> None:
    agree(tenant, make_member, AvailabilityRule.WEIGHTED)
    row = judged(tenant, start, {"web": "+" * SLOTS, "app": "++++----++++"})
    day = start.astimezone(tenant.zone).date()
    period = Period(day, day + timedelta(days=2), tenant.zone)

    with tenant_scope(tenant), clock.travel(period.end_at):
        section = sections_availability.build(period, None)
        rows = list(evidence_rows.readers("weekly")["availability.jsonl"](period, tenant))
        (told,) = availability_settings.apart(row, tenant.zone)

    assert "25.0%" in told
    table = next(table for table in section.tables if table.key == "down_intervals")
    assert str(table.rows[0][3]).endswith(told)
    figures = {figure.key: figure.value for figure in section.figures}
    pack = {"availability.jsonl": [json.loads(canonical(each)) for each in rows]}
    proved = recounting.count(lambda name: pack.get(name, []))
    assert proved["availability.availability_net"] == figures["availability_net"]
    assert proved["availability.down_net"] == figures["down_net"]
