"""List filters that several admins offer."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet
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

_MONTHS_BACK = 12


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


class OverlapFilter(PeriodFilter):
    """Rows with a beginning and an end that reach into the days of the period."""

    field, until = "start_at", "end_at"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = period_days(self.value() or "")
        if days is None:
            return queryset
        start, end = instants(*days)
        return queryset.filter(**{f"{self.field}__lt": end, f"{self.until}__gt": start})


class MonthFilter(DropdownFilter):
    """Rows of one calendar month, named as 2026-11; subclasses say which rows those are."""

    title = _("month")
    parameter_name = "month"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        months = [_first_of(timezone.localdate(clock.now()))]
        while len(months) < _MONTHS_BACK:
            months.append(_first_of(months[-1] - timedelta(days=1)))
        named = [f"{month:%Y-%m}" for month in months]
        asked = request.GET.get(self.parameter_name, "")
        if _month(asked) is not None and asked not in named:
            named.append(asked)
        return [(name, name) for name in named]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        month = _month(self.value() or "")
        return queryset if month is None else queryset.filter(self.of_month(month))

    def of_month(self, month: date) -> Q:
        """Return the condition of the rows of the month that begins on this day."""
        raise NotImplementedError


class StateFilter(DropdownFilter):
    """Rows in a state that no single column holds.

    Subclasses name each state with its label and the condition its rows meet. A condition that
    hangs on the tenant is a function.
    """

    title = _("state")
    parameter_name = "standing"
    states: Mapping[str, tuple[Any, Q | Callable[[], Q]]] = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(key, label) for key, (label, _condition) in self.states.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.states.get(self.value() or "")
        if asked is None:
            return queryset
        _label, condition = asked
        return queryset.filter(condition() if callable(condition) else condition)


def states(**named: tuple[Any, Q | Callable[[], Q]]) -> type[StateFilter]:
    """Return a StateFilter of these states."""
    return type("NamedStateFilter", (StateFilter,), {"states": named})


def counted(
    rows: Q | Callable[[], Q], left_out: Q | Callable[[], Q] | None = None
) -> type[StateFilter]:
    """Return a filter that tells the rows a report counts from those it leaves out (R34).

    Without `left_out`, those are all others.
    """

    def others() -> Q:
        return ~(rows() if callable(rows) else rows)

    choices = {
        "yes": (_("counted in reports"), rows),
        "no": (_("left out of reports"), others if left_out is None else left_out),
    }
    named = {"title": _("in reports"), "parameter_name": "counted", "states": choices}
    return type("CountedFilter", (StateFilter,), named)


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


def _month(text: str) -> date | None:
    return _day(f"{text}-01")


def _first_of(day: date) -> date:
    return day.replace(day=1)
