"""List filters that several admins offer."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from tenants import clock

_PERIODS = {
    "today": (_("Today"), 0, 1),
    "yesterday": (_("Yesterday"), 1, 1),
    "week": (_("The last 7 days"), 6, 7),
    "month": (_("The last 30 days"), 29, 30),
}


class PeriodFilter(DropdownFilter):
    """Rows of some days, cut in the tenant's zone: a named period, one day as 2026-11-23,
    or days from and to as 2026-11-01..2026-11-30.

    Subclasses name the instant they ask about in `field`.
    """

    title = _("period")
    parameter_name = "period"
    field = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        named = [(key, label) for key, (label, _start, _days) in _PERIODS.items()]
        asked = request.GET.get(self.parameter_name, "")
        return [*named, (asked, asked)] if asked not in _PERIODS and period_days(asked) else named

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = period_days(self.value() or "")
        if days is None:
            return queryset
        start, end = instants(*days)
        return queryset.filter(**{f"{self.field}__gte": start, f"{self.field}__lt": end})


def period_on(field_name: str) -> type[PeriodFilter]:
    """Return a PeriodFilter about this column."""
    return type("FieldPeriodFilter", (PeriodFilter,), {"field": field_name})


def period_days(name: str) -> tuple[date, date] | None:
    """Return the first day of the period and the first one after it; None for no period."""
    day = _day(name)
    if day is not None:
        return day, day + timedelta(days=1)
    first, last = (_day(part) for part in (name.split("..", 1) if ".." in name else ("", "")))
    if first is not None and last is not None and first <= last:
        return first, last + timedelta(days=1)
    if name not in _PERIODS:
        return None
    _label, ago, length = _PERIODS[name]
    start = timezone.localdate(clock.now()) - timedelta(days=ago)
    return start, start + timedelta(days=length)


def instants(start: date, end: date) -> tuple[datetime, datetime]:
    """Return the instants at which two days begin in the current zone."""
    zone = timezone.get_current_timezone()
    return tuple(datetime.combine(day, time.min, zone) for day in (start, end))  # type: ignore[return-value]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
