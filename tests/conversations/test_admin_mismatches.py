"""The pages of mismatch reports: kept by the provider's people, seen by the client."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from conversations.models import ContactSession, Message, MismatchReport
from conversations.services import fidelity
from knowledge.models import EntryVersion, Release
from tenants import clock
from tenants.models import LedgerEntry, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services import calendars
from tests.conftest import KNOWLEDGE
from tests.conversations.conftest import ANSWER, KNOWN
from tests.conversations.doors import ask

LIST = "/admin/conversations/mismatchreport/"
MESSAGES = "/admin/conversations/message/"
HEARD = "别的话"


@pytest.fixture
def manager(tenant: Tenant, make_member: Callable[..., User], client_as: Any) -> Client:
    client: Client = client_as(make_member(tenant, Role.ACCOUNT_MANAGER))
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def client_admin(tenant: Tenant, make_member: Callable[..., User], client_as: Any) -> Client:
    client: Client = client_as(make_member(tenant, Role.CLIENT_ADMIN))
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def row(tenant: Tenant, knowledge: Release, visitor: ContactSession) -> MismatchReport:
    """The machine's report about an entry that gave two replies, another entry's beside them."""
    with tenant_scope(tenant):
        first = ask(visitor, KNOWN)
        ask(visitor, KNOWLEDGE[0][2][0])
        ask(visitor, KNOWLEDGE[1][1])
        Message.objects.filter(pk=first.pk).update(text=HEARD)
        (opened,) = fidelity.report(fidelity.compare())
    return opened


def url(row: Any) -> str:
    return reverse("admin:conversations_mismatchreport_change", args=[row.pk])


def form(**changed: Any) -> dict[str, Any]:
    values = {
        "kind": "drift",
        "owner": "provider",
        "note": "",
        "fix": "",
        "client_told_at_0": "",
        "client_told_at_1": "",
        "corrected_at_0": "",
        "corrected_at_1": "",
    }
    return {**values, **changed}


def told(instant: Any) -> dict[str, str]:
    return {"client_told_at_0": f"{instant:%Y-%m-%d}", "client_told_at_1": f"{instant:%H:%M:%S}"}


def fresh(row: MismatchReport) -> MismatchReport:
    with tenant_scope(row.tenant_id):
        return MismatchReport.objects.get(pk=row.pk)


def errors(response: Any) -> dict[str, Any]:
    found: dict[str, Any] = response.context["adminform"].form.errors
    return found


def local(tenant: Tenant, **ago: float) -> Any:
    return (clock.now() - timedelta(**ago)).astimezone(tenant.zone)


def plain(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_the_list_counts_the_replies_and_leads_to_them(
    row: MismatchReport, client_admin: Client
) -> None:
    page = plain(client_admin.get(LIST))
    link = f"{MESSAGES}?version={row.entry_version_id}"
    messages = client_admin.get(link).context["cl"].result_list

    assert f'href="{link}">2 replies</a>' in page
    assert "Open" in page
    with tenant_scope(row.tenant_id):
        assert {message.pk for message in messages} == {
            message.pk for message in row.affected_replies()
        }


def test_the_page_shows_what_was_heard_what_was_released_and_until_when(
    row: MismatchReport, client_admin: Client, manager: Client
) -> None:
    for client in (client_admin, manager):
        page = plain(client.get(url(row)))

        assert HEARD in page
        assert ANSWER in page
        assert "2 replies" in page
        told = calendars.due_at(row.created_at, 1, row.tenant.zone).astimezone(row.tenant.zone)
        assert f"{told:%Y-%m-%d %H:%M}" in page
        assert f"{(row.created_at + timedelta(hours=4)).astimezone(row.tenant.zone):%H:%M}" in page
    assert 'name="_save"' in plain(manager.get(url(row)))
    assert 'name="_save"' not in plain(client_admin.get(url(row)))


def test_a_report_that_is_late_says_so(row: MismatchReport, client_admin: Client) -> None:
    with tenant_scope(row.tenant_id):
        MismatchReport.objects.update(created_at=clock.now() - timedelta(hours=4, seconds=1))

    assert "Overdue" in plain(client_admin.get(LIST))


def test_a_person_reports_by_hand(tenant: Tenant, row: MismatchReport, manager: Client) -> None:
    with tenant_scope(tenant):
        version = EntryVersion.objects.get(question=KNOWLEDGE[1][1])
    values = form(entry_version=version.pk, kind="client_text", owner="client", found_by="visitor")

    added = manager.post(f"{LIST}add/", {**values, "note": "日期写错"})
    twice = manager.post(f"{LIST}add/", values)
    as_machine = manager.post(f"{LIST}add/", {**values, "kind": "stale", "found_by": "machine"})

    assert added.status_code == 302
    assert errors(twice)
    assert "found_by" in errors(as_machine)
    with tenant_scope(tenant):
        made = MismatchReport.objects.get(kind="client_text")
        assert made.message is not None
        assert made.message.entry_version_id == version.pk
        assert made.note == "日期写错"
        assert made.created_by is not None
        assert made.created_by.email.startswith(Role.ACCOUNT_MANAGER)
        assert LedgerEntry.objects.latest("position").kind == "mismatch.reported"


def test_a_report_is_closed_once_the_client_was_told_and_then_stays(
    tenant: Tenant, row: MismatchReport, manager: Client
) -> None:
    untold = manager.post(url(row), form(close="on"))
    closed = manager.post(
        url(row), form(kind="template", fix="已改", close="on", **told(local(tenant, hours=1)))
    )
    after = manager.post(url(row), form(note="再改"))

    assert list(errors(untold)) == ["client_told_at"]
    assert (closed.status_code, after.status_code) == (302, 403)
    stored = fresh(row)
    assert (stored.kind, stored.fix, stored.note, stored.is_open) == ("template", "已改", "", False)
    page = plain(manager.get(url(row)))
    assert "Closed" in page
    assert 'name="_save"' not in page
    with tenant_scope(tenant):
        latest = LedgerEntry.objects.latest("position")
    assert latest.kind == "mismatch.changed"
    assert (latest.data["before"]["closed_at"], latest.data["after"]["kind"]) == (None, "template")


def test_what_has_not_happened_yet_is_refused(
    tenant: Tenant, row: MismatchReport, manager: Client
) -> None:
    response = manager.post(url(row), form(**told(local(tenant, hours=-1))))

    assert list(errors(response)) == ["client_told_at"]
    assert fresh(row).client_told_at is None


def test_a_kind_that_is_open_already_is_no_choice(row: MismatchReport, manager: Client) -> None:
    with tenant_scope(row.tenant_id):
        MismatchReport.objects.create(
            entry_version=row.entry_version, kind="template", created_at=clock.now()
        )

    assert errors(manager.post(url(row), form(kind="template")))
    assert fresh(row).kind == "drift"


@pytest.mark.parametrize(
    ("role", "sees", "changes"),
    [
        (Role.ACCOUNT_MANAGER, 200, 200),
        (Role.CLIENT_ADMIN, 200, 403),
        (Role.SUPERVISOR, 200, 403),
        (Role.CLIENT_READONLY, 200, 403),
        (Role.KNOWLEDGE_EDITOR, 403, 403),
        (Role.AGENT, 302, 302),
    ],
)
def test_who_may_see_and_change_reports(
    row: MismatchReport,
    tenant: Tenant,
    make_member: Callable[..., User],
    client_as: Any,
    role: str,
    sees: int,
    changes: int,
) -> None:
    client = client_as(make_member(tenant, role))

    assert client.get(LIST).status_code == sees
    assert client.get(url(row)).status_code == sees
    assert client.get(f"{LIST}add/").status_code == changes
    # What is posted is incomplete: who may change it is told so.
    assert client.post(url(row), {"note": "x"}).status_code == changes
    deletion = reverse("admin:conversations_mismatchreport_delete", args=[row.pk])
    assert client.post(deletion, {"post": "yes"}).status_code in (302, 403)
    assert fresh(row).note == ""
