"""Security incidents and planned work in the admin: the authority, the people, who was told (L14, I2)."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from conversations.models import Channel, Contact
from reporting.models import Incident, MaintenanceWindow
from reporting.services import incidents, maintenance
from tenants import clock
from tenants.models import LedgerEntry, Notification, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services import notifications
from tests.world import admit, write

MONDAY = datetime(2026, 11, 9, 3, tzinfo=UTC)


@pytest.fixture
def manager(tenant: Tenant, make_member: Callable[..., User]) -> User:
    return make_member(tenant, Role.ACCOUNT_MANAGER)


@pytest.fixture
def breach(in_tenant: Tenant, channel: Channel, manager: User) -> Incident:
    """Personal information lay open on Monday from eleven to one; people wrote around it."""
    for number, hours in enumerate((-30, 1, 5)):
        with clock.travel(MONDAY + timedelta(hours=hours)):
            key = admit(channel, f"v{number}")
            Contact.objects.filter(pk=key.session.contact.pk).update(
                name=f"=cmd|{number}", phone="13800138000"
            )
            write(key, "几天发货？")
    with clock.travel(MONDAY):
        return incidents.open_incident(title="Open store", level="p1", kind="security", by=manager)


def listed(client: Client, incident: Incident, **more: str) -> list[dict[str, str]]:
    start = timezone.localtime(MONDAY)
    end = start + timedelta(hours=2)
    answer = client.post(
        f"/admin/reporting/incident/{incident.pk}/people/",
        {
            "since_0": f"{start:%Y-%m-%d}",
            "since_1": f"{start:%H:%M:%S}",
            "until_0": f"{end:%Y-%m-%d}",
            "until_1": f"{end:%H:%M:%S}",
            **more,
        },
    )
    assert answer.status_code == 200
    text = b"".join(answer).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_people_concerned_are_those_of_the_time_or_everybody(
    breach: Incident, manager: User, client_as: Callable[[User], Client], tenant: Tenant
) -> None:
    client = client_as(manager)
    client.cookies["django_language"] = "en"
    with tenant_scope(tenant):
        timezone.activate(tenant.zone)
        few = listed(client, breach)
        known = listed(client, breach, everybody="on")

    assert [row["name"] for row in few] == ["'=cmd|1"]
    assert [row["name"] for row in known] == ["'=cmd|0", "'=cmd|1"]
    assert few[0]["phone"] == "13800138000"
    assert few[0]["inquiries in this time"] == "1"
    with tenant_scope(tenant):
        entries = LedgerEntry.objects.filter(kind="incident.people_listed").order_by("position")
        assert [entry.data["people"] for entry in entries] == [1, 2]
        assert "13800138000" not in str(entries[0].data)


def test_another_company_s_people_are_in_no_list(
    breach: Incident,
    manager: User,
    client_as: Callable[[User], Client],
    tenant: Tenant,
    other_tenant: Tenant,
) -> None:
    with tenant_scope(other_tenant), clock.travel(MONDAY + timedelta(hours=1)):
        channel = Channel.objects.create(name="Website")
        write(admit(channel, "stranger"), "Hello?")
    with tenant_scope(tenant):
        timezone.activate(tenant.zone)
        assert len(listed(client_as(manager), breach, everybody="on")) == 2


def test_authority_is_told_once(
    breach: Incident, manager: User, client_as: Callable[[User], Client], tenant: Tenant
) -> None:
    client = client_as(manager)
    client.cookies["django_language"] = "en"
    given = {"authority": " 市网信办 ", "way": "portal", "reference": "2026-118"}
    assert breach.authority_due_at == MONDAY + timedelta(hours=4)
    with clock.travel(MONDAY + timedelta(hours=3)):
        client.post(f"/admin/reporting/incident/{breach.pk}/authority/", given)
    with clock.travel(MONDAY + timedelta(hours=5)):
        client.post(f"/admin/reporting/incident/{breach.pk}/authority/", given)

    with tenant_scope(tenant):
        breach.refresh_from_db()
        entry = LedgerEntry.objects.get(kind="incident.authority_told")
    assert breach.authority_told_at == MONDAY + timedelta(hours=3)
    facts = {"authority": "市网信办", "way": "portal", "reference": "2026-118", "by": manager.pk}
    assert entry.data == facts
    page = client.get(f"/admin/reporting/incident/{breach.pk}/change/").content.decode()
    assert "14:00 · 市网信办 · The authority&#x27;s online form · 2026-118" in page


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"authority": "市网信办"},
        {"way": "phone"},
        {"authority": "  ", "way": "phone"},
        {"authority": "市网信办", "way": "pigeon"},
    ],
)
def test_authority_is_told_by_name_and_by_what(
    breach: Incident,
    manager: User,
    client_as: Callable[[User], Client],
    tenant: Tenant,
    given: dict[str, str],
) -> None:
    page = f"/admin/reporting/incident/{breach.pk}/authority/"

    answer = client_as(manager).post(page, given)

    assert answer.status_code == 200
    assert answer.context["form"].errors
    with tenant_scope(tenant):
        with pytest.raises(incidents.AuthorityMissingError):
            incidents.tell_authority(
                breach.pk,
                authority=given.get("authority", ""),
                way=given.get("way", ""),
                by=manager,
            )
        breach.refresh_from_db()
        assert breach.authority_told_at is None
        assert not LedgerEntry.objects.filter(kind="incident.authority_told").exists()


def test_authority_told_before_its_name_was_asked_for_keeps_its_time(
    breach: Incident, manager: User, client_as: Callable[[User], Client], tenant: Tenant
) -> None:
    with tenant_scope(tenant):
        Incident.objects.filter(pk=breach.pk).update(authority_told_at=MONDAY)

    page = client_as(manager).get(f"/admin/reporting/incident/{breach.pk}/change/")

    assert "2026-11-09 11:00" in page.content.decode()


def test_steps_of_security_are_hidden_from_other_incidents(
    breach: Incident, manager: User, client_as: Callable[[User], Client], tenant: Tenant
) -> None:
    with tenant_scope(tenant), clock.travel(MONDAY):
        slow = incidents.open_incident(title="Slow", level="p3", kind="quality", by=manager)
    client = client_as(manager)
    for row, shown in ((breach, True), (slow, False)):
        page = client.get(f"/admin/reporting/incident/{row.pk}/change/").content.decode()
        assert (f"/admin/reporting/incident/{row.pk}/people/" in page) is shown
        assert (f"/admin/reporting/incident/{row.pk}/authority/" in page) is shown


def test_planned_work_shows_who_was_told_and_who_has_read_it(
    in_tenant: Tenant,
    manager: User,
    make_member: Callable[..., User],
    client_as: Callable[[User], Client],
) -> None:
    admin = make_member(in_tenant, Role.CLIENT_ADMIN)
    with tenant_scope(in_tenant), clock.travel(MONDAY):
        window = maintenance.announce(
            title="New disks",
            description="",
            start_at=MONDAY + timedelta(days=5),
            end_at=MONDAY + timedelta(days=5, hours=1),
            by=manager,
        )
        told = notifications.latest(admin)[0]
    with tenant_scope(in_tenant), clock.travel(MONDAY + timedelta(minutes=10)):
        notifications.mark_read(admin, [told.pk])
    client = client_as(manager)
    client.cookies["django_language"] = "en"

    page = client.get(f"/admin/reporting/maintenancewindow/{window.pk}/change/").content.decode()

    assert f"{admin} · In the product · read 2026-11-09 11:10:00" in page
    assert f"{admin} · E-mail" in page


def test_list_of_nobody_is_not_handed_out(
    breach: Incident, manager: User, client_as: Callable[[User], Client], tenant: Tenant
) -> None:
    client = client_as(manager)
    client.cookies["django_language"] = "en"
    with tenant_scope(tenant):
        timezone.activate(tenant.zone)
    answer = client.post(
        f"/admin/reporting/incident/{breach.pk}/people/",
        {"since_0": "2026-01-01", "since_1": "08:00", "until_0": "2026-01-01", "until_1": "09:00"},
    )
    assert "Nobody wrote in this time" in answer.content.decode()
    with tenant_scope(tenant):
        assert not LedgerEntry.objects.filter(kind="incident.people_listed").exists()


def test_who_acknowledges_on_the_page_has_acknowledged_in_the_bell(
    in_tenant: Tenant, manager: User, client_as: Callable[[User], Client]
) -> None:
    with clock.travel(MONDAY):
        incident = incidents.open_incident(title="Down", level="p1", by=manager)
    told = Notification.objects.get(kind="incident.opened")
    assert told.acknowledged_at is None

    client_as(manager).post(f"/admin/reporting/incident/{incident.pk}/acknowledge/")

    told.refresh_from_db()
    assert told.acknowledged_by == manager


def test_incident_and_planned_work_begin_on_their_forms(
    in_tenant: Tenant, manager: User, client_as: Callable[[User], Client]
) -> None:
    client = client_as(manager)
    begun = {
        "incident": {
            "title": "Slow",
            "level": "p3",
            "kind": "other",
            "opened_at_0": "2026-11-09",
            "opened_at_1": "10:30:00",
        },
        "maintenancewindow": {
            "title": "New disks",
            "description": "Nothing",
            "start_at_0": "2026-11-14",
            "start_at_1": "11:00:00",
            "end_at_0": "2026-11-14",
            "end_at_1": "12:00:00",
        },
    }

    with clock.travel(MONDAY):
        for name, given in begun.items():
            answer = client.post(f"/admin/reporting/{name}/add/", given)
            assert answer["Location"] == f"/admin/reporting/{name}/", name

    incident, window = Incident.objects.get(), MaintenanceWindow.objects.get()
    assert incident.opened_at == MONDAY - timedelta(minutes=30)
    assert window.start_at == MONDAY + timedelta(days=5)
    facts = LedgerEntry.objects.filter(kind__in=("incident.opened", "maintenance.announced"))
    assert [entry.data["by"] for entry in facts] == [manager.pk] * 2
