"""What the builders of sections share: figures from sums, with targets, intervals and rows."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from django.utils.translation import gettext as _

from conversations.models import Channel
from reporting import metrics, periods
from reporting.sections import Figure, Period, Unit, Verdict
from reporting.services import figures
from reporting.services.figures import Sum
from tenants.services import contracts
from tenants.terms import Terms

# Each miss is a breach (R51, R63, R89): the promise is all of them.
ALL = Decimal(1)
TOP = 20
# Points of a chart over time before it counts months.
_MOST_DAYS = 31
QUANTILES = ((50, "p50"), (95, "p95"), (99, "p99"), (100, "max"))


def agreed(period: Period) -> Terms:
    """Return the terms by which a period is judged: those of its last instant."""
    return contracts.terms_at(period.end_at - timedelta(microseconds=1))


def days_of(period: Period) -> dict[str, str]:
    """Return the filter of rows by the days of a period, both ends included."""
    last = period.end - timedelta(days=1)
    return {"from": period.first.isoformat(), "to": last.isoformat()}


def timeline(period: Period, metric: str, dimension: str = "") -> tuple[list[str], list[Sum]]:
    """Return a figure by the days of a period, or by its months where it is longer than one."""
    days = figures.by_day(period, metric, dimension)
    if period.days <= _MOST_DAYS:
        return [day.isoformat() for day in days], list(days.values())
    months: dict[str, Sum] = {f"{month:%Y-%m}": Sum() for month in periods.months(period)}
    for day, found in days.items():
        month = months[f"{day:%Y-%m}"]
        month.part += found.part
        month.whole += found.whole
    return list(months), list(months.values())


def name_of(metric: str) -> str:
    """Return a definition's name in the language of the moment."""
    return _(metrics.BY_KEY[metric].name)


def count(
    key: str,
    title: str,
    period: Period,
    previous: Period | None,
    *,
    metric: str = "",
    source: str = "",
    dimension: str = "",
    clause: str = "",
    rows: str = "",
    filters: Mapping[str, str] | None = None,
) -> Figure:
    """Return a count of the period beside the one before."""
    source = source or key
    before = figures.total(previous, source, dimension).whole if previous else None
    return Figure(
        key=key,
        title=title,
        unit=Unit.COUNT,
        value=figures.total(period, source, dimension).whole,
        metric=metric or source,
        clause=clause,
        previous=before,
        rows=rows,
        filters=dict(filters or days_of(period)),
    )


def asked(period: Period, previous: Period | None) -> Figure:
    """Return how many questions were put to the assistant, each once."""
    return count(
        "questions",
        name_of("questions"),
        period,
        previous,
        rows="reporting_question",
        filters={**days_of(period), "standing": "asked"},
    )


def share(
    key: str,
    found: Sum,
    before: Sum | None,
    *,
    target: Decimal | None = None,
    metric: str = "",
    title: str = "",
    rows: str = "",
    filters: Mapping[str, str] | None = None,
) -> Figure:
    """Return a share with its fraction, its Wilson interval, and how it stands to the target."""
    definition = metrics.BY_KEY[metric or key]
    value = metrics.ratio(found.part, found.whole)
    interval = metrics.wilson(found.part, found.whole)
    earlier = metrics.ratio(before.part, before.whole) if before else None
    return Figure(
        key=key,
        title=title or _(definition.name),
        unit=definition.unit,
        value=None if value is None else float(value),
        metric=definition.key,
        clause=definition.clause,
        part=found.part,
        whole=found.whole,
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        target=None if target is None else float(target),
        verdict=Verdict.NEUTRAL if target is None else metrics.verdict(value, target),
        previous=None if earlier is None else float(earlier),
        is_small_sample=metrics.is_small(found.whole),
        rows=rows,
        filters=dict(filters or {}),
    )


def quantiles(
    metric: str,
    prefix: str,
    found: Sum,
    before: Sum | None,
    *,
    rows: str = "",
    filters: Mapping[str, str] | None = None,
) -> list[Figure]:
    """Return p50, p95, p99 and the maximum in seconds; None where it falls on one never kept."""
    return [
        Figure(
            key=f"{prefix}_{name}",
            title=f"{name_of(metric)}, {name}",
            unit=Unit.SECONDS,
            value=_seconds(found, percent),
            metric=metric,
            clause=metrics.BY_KEY[metric].clause,
            previous=_seconds(before, percent) if before else None,
            is_small_sample=metrics.is_small(found.whole),
            rows=rows,
            filters=dict(filters or {}),
        )
        for percent, name in QUANTILES
    ]


def channel_names() -> dict[str, str]:
    """Return the names of the tenant's channels by the dimension that figures use."""
    return {f"channel:{pk}": name for pk, name in Channel.objects.values_list("pk", "name")}


def _seconds(found: Sum, percent: int) -> float | None:
    value = metrics.quantile(found.detail, Fraction(percent, 100), found.missing)
    return None if value is None else value / 1000
