"""The admin site's own answers."""

import json
import re
from collections.abc import Callable

import pytest
from django.test import Client

from reporting.models import IncidentKind
from reporting.services import incidents
from tenants.models import Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope


@pytest.mark.parametrize(
    ("language", "heads"), [("zh-hans", list("日一二三四五六")), ("en", list("SMTWTFS"))]
)
def test_calendars_have_the_weekdays_of_the_language(
    tenant: Tenant,
    make_member: Callable[..., User],
    client_as: Callable[[User], Client],
    language: str,
    heads: list[str],
) -> None:
    client = client_as(make_member(tenant, Role.CLIENT_ADMIN))

    script = client.get("/admin/jsi18n/", {"lang": language}).content.decode()
    found = re.search(r"newcatalog = (\{.*?\n  \});", script, re.DOTALL)
    texts = json.loads(found[1]) if found else {}

    names = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
    assert [texts.get(f"one letter {name}\x04{name[0]}", name[0]) for name in names] == heads


def test_a_page_of_ones_own_brings_the_calendar_with_its_texts(
    tenant: Tenant, make_member: Callable[..., User], client_as: Callable[[User], Client]
) -> None:
    boss = make_member(tenant, Role.ACCOUNT_MANAGER)
    with tenant_scope(tenant):
        incident = incidents.open_incident(
            title="泄露", level="p1", kind=IncidentKind.SECURITY, by=boss
        )

    page = client_as(boss).get(f"/admin/reporting/incident/{incident.pk}/people/").content.decode()

    texts, calendar = page.index("/admin/jsi18n/"), page.index("DateTimeShortcuts.js")
    assert texts < calendar
