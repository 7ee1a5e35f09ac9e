"""The section of a report about availability: what is missed, gaps, exclusions, no measurement."""

from datetime import timedelta

from django.utils import translation

from reporting.availability import slot_of
from reporting.models import DownInterval, Incident
from reporting.sections import Period, Verdict, section_from
from reporting.services import probers, sections_availability
from tenants import clock
from tenants.models import Tenant
from tenants.scoping import tenant_scope


def test_nothing_measured_is_no_uptime(tenant: Tenant) -> None:
    day = clock.now().astimezone(tenant.zone).date()
    with tenant_scope(tenant), translation.override("en"):
        section = sections_availability.build(
            Period(day, day + timedelta(days=1), tenant.zone), None
        )

    assert [figure.value for figure in section.figures] == [None] * 7
    assert "not measured" in section.notes[0]
    assert section_from(section.as_data()).key == "availability"


def test_a_day_with_down_time_and_a_gap(tenant: Tenant) -> None:
    probers.register("beijing-1")
    day = clock.now().astimezone(tenant.zone).date() + timedelta(days=2)
    period = Period(day, day + timedelta(days=1), tenant.zone)
    noon = slot_of(period.start_at + timedelta(hours=12))
    with tenant_scope(tenant), clock.travel(period.end_at), translation.override("en"):
        for kind, start, sources in (
            ("down", noon, ["no_evidence"]),
            ("prober_gap", noon + timedelta(hours=2), ["heartbeats", "traffic"]),
            ("down", period.start_at - timedelta(minutes=5), ["probes"]),
        ):
            DownInterval.objects.create(
                kind=kind,
                start_at=start,
                end_at=start + timedelta(minutes=10),
                sources=sources,
                found_at=noon,
            )
        Incident.objects.create(
            title="Down", level="p1", opened_at=noon, acknowledge_due_at=noon, restore_due_at=noon
        )
        section = sections_availability.build(period, None)
    figures = {figure.key: figure for figure in section.figures}
    tables = {table.key: table.rows for table in section.tables}

    # Ten minutes of the day and five that reach into it.
    assert figures["down_gross"].value == 900
    assert figures["availability_net"].value == 1 - 900 / 86400
    assert figures["availability_net"].verdict == Verdict.MISSED
    assert [row[2] for row in tables["down_intervals"]] == [300, 600]
    assert [row[2] for row in tables["prober_gaps"]] == [600]
    assert tables["incidents"][0][:2] == ["P1", "Down"]
    assert any("no evidence" in note for note in section.notes)
