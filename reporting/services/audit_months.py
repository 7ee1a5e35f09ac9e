"""Which months are audited when, of labels as of answers: whole ones, each once."""

from collections.abc import Collection
from datetime import date, timedelta

from django.utils.translation import gettext_lazy as _

from reporting import periods
from reporting.sections import Period
from tenants import clock
from tenants.errors import DomainError
from tenants.models import Tenant
from tenants.scoping import active_tenant_id

# How many past months a person may have drawn.
_BACK = 12


class AuditMonthRunningError(DomainError):
    """An audit is drawn of whole months."""

    code = "audit_month_running"
    status = 422
    message = _("This month is not over yet. Draw the audit when it is.")


class AuditDrawnError(DomainError):
    """The month has its audit."""

    code = "audit_drawn"
    status = 409
    message = _("The audit of this month has been drawn already.")


def is_live() -> bool:
    """Return whether audits of the tenant in scope are drawn without being asked for.

    Who is not served, and a demonstration, has no auditors.
    """
    tenant = Tenant.objects.get(pk=active_tenant_id())
    return tenant.is_active and not tenant.is_demo


def period_of(month: date) -> Period:
    """Return a month as a period of the tenant in scope."""
    zone = Tenant.objects.get(pk=active_tenant_id()).zone
    return periods.period("monthly", month.replace(day=1), zone)


def whole_period_of(month: date) -> Period:
    """Return a month that is over as a period. Raises AuditMonthRunningError."""
    period = period_of(month)
    if clock.now() < period.end_at:
        raise AuditMonthRunningError
    return period


def past(back: int = _BACK) -> list[date]:
    """Return the months before this one, latest first."""
    zone = Tenant.objects.get(pk=active_tenant_id()).zone
    month, found = clock.now().astimezone(zone).date(), []
    for _number in range(back):
        month = (month.replace(day=1) - timedelta(days=1)).replace(day=1)
        found.append(month)
    return found


def owed(drawn: Collection[date]) -> list[date]:
    """Return the past months after the last one drawn, oldest first; with none drawn the last one.

    So nothing is lost by a time in which no run was, and nothing old begins by itself.
    """
    last = max(drawn, default=None)
    months = past(1 if last is None else _BACK)
    return [month for month in reversed(months) if last is None or month > last]
