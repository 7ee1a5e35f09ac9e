"""People are told what the working-day calendar does to their deadlines (R2)."""

from collections.abc import Callable

from tenants.models import Tenant, User
from tenants.services import contract_alerts
from tests.tenants.agreements import Parties
from tests.tenants.told import told


def test_calendar_is_told_once_a_day(in_tenant: Tenant, make_member: Callable[..., User]) -> None:
    Parties(make_member, in_tenant)

    contract_alerts.calendar_missing(2031)
    contract_alerts.calendar_missing(2031)
    contract_alerts.deadlines_changed(3)

    assert len(told("calendar.missing")) == len(told("calendar.changed")) == 1
