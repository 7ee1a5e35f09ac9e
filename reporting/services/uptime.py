"""Availability of a period, for the tenant in scope, as the contract counts it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from reporting import availability
from reporting.availability import Availability, Burn, Share, Span
from reporting.models import (
    ClaimDecision,
    DownInterval,
    ExclusionClaim,
    IntervalKind,
)
from reporting.services import sightings
from tenants import clock
from tenants.models import Tenant
from tenants.scoping import active_tenant_id
from tenants.services import calendars, contracts

CLAUSE = "2.2(2)"


@dataclass(frozen=True)
class Measured:
    """The figures of a period with the rows they are made of.

    `period` is what of the asked one could be measured: from the tenant's first day under a prober
    to now; None where nothing was.
    """

    period: Span | None
    figures: Availability | None
    down: Sequence[DownInterval]
    gaps: Sequence[DownInterval]
    claims: Sequence[ExclusionClaim]
    # In what an outage counts: seconds, or whole minutes (R86).
    unit: str


def target_at(instant: datetime) -> Fraction:
    """Return the availability that the terms of the instant promise."""
    return Fraction(contracts.terms_at(instant).availability_target)


def measured(start: datetime, end: datetime) -> Measured:
    """Return availability between two instants, split at them."""
    period = measurable(start, end)
    rows = list(
        DownInterval.objects.filter(withdrawn_at=None, start_at__lt=end, end_at__gt=start)
        .select_related("incident")
        .order_by("start_at")
    )
    down = [row for row in rows if row.kind == IntervalKind.DOWN]
    gaps = [row for row in rows if row.kind == IntervalKind.PROBER_GAP]
    claims = list(
        ExclusionClaim.objects.filter(interval__in=[row.pk for row in down])
        .prefetch_related("files")
        .order_by("start_at")
    )
    unit = contracts.terms_at(start).downtime_unit
    figures = (
        availability.measure(
            period, _spans(down), accepted_spans(claims), unit=unit, shares=_shares(down)
        )
        if period
        else None
    )
    return Measured(period, figures, down, gaps, claims, unit)


def measurable(start: datetime, end: datetime) -> Span | None:
    """Return what of the time between could be measured; None where nothing was."""
    since = sightings.watched_since()
    if since is None:
        return None
    tenant = Tenant.objects.get(pk=active_tenant_id())
    start, end = max(start, since, tenant.created_at), min(end, clock.now())
    last = (end - timedelta(microseconds=1)).astimezone(tenant.zone).date()
    contract = contracts.contract_in_force(start.astimezone(tenant.zone).date())
    contract = contract or contracts.contract_in_force(last)
    if contract is not None:
        # T is the time of the month in which the contract was in force (R78).
        start = max(start, calendars.midnight(contract.effective_from, tenant.zone))
        if contract.effective_to is not None:
            after = contract.effective_to + timedelta(days=1)
            end = min(end, calendars.midnight(after, tenant.zone))
    return Span(start, end) if start < end else None


def accepted_spans(claims: Sequence[ExclusionClaim]) -> list[Span]:
    """Return what the client agreed to leave out; pending and rejected claims leave nothing out."""
    return [
        Span(claim.start_at, claim.end_at)
        for claim in claims
        if claim.decision == ClaimDecision.ACCEPTED
    ]


def burn_now() -> Burn:
    """Return how much of this month's budget is spent (R87), for the tenant in scope."""
    now = clock.now()
    tenant = Tenant.objects.get(pk=active_tenant_id())
    month = availability.month(now.astimezone(tenant.zone).date(), tenant.zone)
    found = measured(month.start, month.end)
    return availability.burn(
        month,
        target_at(now),
        _spans(found.down),
        accepted_spans(found.claims),
        now,
        shares=_shares(found.down),
    )


def _spans(rows: Sequence[DownInterval]) -> list[Span]:
    return [Span(row.start_at, row.end_at) for row in rows]


def _shares(rows: Sequence[DownInterval]) -> list[Share]:
    return [share for row in rows for share in row.shares]
