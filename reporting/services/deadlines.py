"""When a step of an incident or a claim falls due, in the days and hours of work of the tenant."""

from datetime import datetime, timedelta

from tenants.models import Tenant
from tenants.scoping import active_tenant_id
from tenants.services import calendars
from tenants.workdays import YearNotPublishedError
from tenants.worktime import add_working_time, weekdays


def after(start: datetime, minutes: int, *, working: bool) -> datetime:
    """Return the instant so many minutes after the start: round the clock, or of hours of work."""
    span = timedelta(minutes=minutes)
    if not working:
        return start + span
    zone = Tenant.objects.get(pk=active_tenant_id()).zone
    return add_working_time(weekdays(zone, statutory=True), start, span)


def working_days(start: datetime, days: int) -> datetime | None:
    """Return the end of the n-th working day after the day of the start, in the tenant's zone.

    None where it lies in a year whose holidays are not announced: it is not known yet (R2).
    """
    zone = Tenant.objects.get(pk=active_tenant_id()).zone
    try:
        return calendars.due_at(start, days, zone)
    except YearNotPublishedError:
        return None
