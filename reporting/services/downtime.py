"""Turn evidence into down intervals, and follow evidence that comes late (R81-R84)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Min

from reporting.availability import (
    SLOT,
    Down,
    Span,
    clip,
    judge,
    month,
    own_failures,
    partly,
    slot_of,
    subtract,
    union,
    unite,
)
from reporting.models import AvailabilitySettings, DownInterval, IntervalKind, ProbeResult
from reporting.services import channel_weights, incidents, sightings
from tenants import clock
from tenants.models import Tenant
from tenants.scoping import active_tenant_id
from tenants.services import ledger
from tenants.services.ledger import Event

# What is young may still change: a probe takes up to 10 seconds and is sent after that.
SETTLED_AFTER = timedelta(seconds=15)
# So long a missing result may still be on its way.
UNKNOWN_AFTER = timedelta(seconds=60)
# Judged again each time, so that what is late by minutes needs no search.
_OVERLAP = timedelta(minutes=10)
# A month takes late evidence until this day of the next one.
FINAL_ON_DAY = 10


def final_before(now: datetime, tenant: Tenant) -> datetime:
    """Return the instant before which nothing changes any more: months up to there are final."""
    day = now.astimezone(tenant.zone).date()
    this = month(day, tenant.zone)
    if day.day >= FINAL_ON_DAY:
        return this.start
    return month((day.replace(day=1) - timedelta(days=1)), tenant.zone).start


def window(now: datetime) -> Span | None:
    """Return the time that has to be judged now, for the tenant in scope; None where none has.

    From 10 minutes before what is judged already, or from the earliest result that came since, to
    the last settled slot. Never before the first prober was registered, the tenant came, or a
    month that is final.
    """
    since = sightings.watched_since()
    if since is None:
        return None
    tenant = Tenant.objects.get(pk=active_tenant_id())
    earliest = max(since, tenant.created_at, final_before(now, tenant))
    state = AvailabilitySettings.objects.first()
    start = earliest
    if state is not None and state.judged_until is not None:
        start = state.judged_until - _OVERLAP
        late = ProbeResult.objects.filter(received_at__gt=state.judged_at).aggregate(at=Min("at"))
        start = min(start, late["at"]) if late["at"] else start
    # The first whole slot: nobody watched in the part of one before it.
    start = max(slot_of(start), slot_of(earliest - timedelta(microseconds=1)) + SLOT)
    end = slot_of(now - SETTLED_AFTER)
    return Span(start, end) if start < end else None


def judge_time(period: Span, served: Sequence[datetime], *, starting: bool = False) -> None:
    """Judge the period anew and keep what came out, for the tenant in scope.

    `served` are the instants at which anything but probes was served, of any tenant, in the period
    and the slots beside it. `starting`: nothing that is missing can still be on its way. One
    transaction, under the lock of the tenant's settings.
    """
    with transaction.atomic():
        state = _lock()
        tenant = Tenant.objects.get(pk=active_tenant_id())
        now = clock.now()
        period = _widened(period, tenant, now)
        known = sightings.gather(period, served)
        found: list[Down] = []
        gaps: list[Span] = []
        end = period.end
        for name, way in known.ways.items():
            judgement = judge(period, way)
            gaps += judgement.gaps
            found += [replace(each, ways=frozenset({name})) for each in judgement.down]
        if not starting:
            end = _settled(period, known, now)
        found += [Down(span, frozenset({"own_probes"})) for span in own_failures(known.own)]
        found += [Down(span, frozenset({"traffic"})) for span in known.failing]
        whole = Span(period.start, end)
        down = [Down(part, each.sources) for each in unite(found) for part in _part(each, whole)]
        parts = channel_weights.weigh(partly(found, known.ways), tenant.zone)
        seen_down = [each.span for each in down]
        away = [part for gap in union(gaps) for part in _without(gap, whole, seen_down)]
        events = _keep(IntervalKind.DOWN, down, whole, now, parts)
        events += _keep(
            IntervalKind.PROBER_GAP,
            [Down(gap, frozenset({"heartbeats", "traffic"})) for gap in away],
            whole,
            now,
        )
        events += incidents.follow_downtime(now)
        AvailabilitySettings.objects.filter(pk=state.pk).update(
            judged_until=max(end, state.judged_until or end), judged_at=now
        )
        if events:
            ledger.append(*events)


def _lock() -> AvailabilitySettings:
    AvailabilitySettings.objects.get_or_create()
    locked: AvailabilitySettings = AvailabilitySettings.objects.select_for_update().get()
    return locked


def _settled(period: Span, known: sightings.Known, now: datetime) -> datetime:
    """Return the end of the period without the last slots of which nothing may be here yet."""
    latest = max((result.at for way in known.ways.values() for result in way.results), default=None)
    sure = slot_of(now - UNKNOWN_AFTER)
    told = slot_of(latest) + SLOT if latest is not None else period.start
    return max(period.start, min(period.end, max(sure, told)))


def _widened(period: Span, tenant: Tenant, now: datetime) -> Span:
    """Return the period from the beginning of the interval that reaches into it, if not final."""
    standing = DownInterval.objects.filter(
        withdrawn_at=None, start_at__lt=period.start, end_at__gte=period.start
    ).aggregate(start=Min("start_at"))["start"]
    if standing is None:
        return period
    # Two slots before it, so that what precedes it is seen too.
    start = max(slot_of(standing) - 2 * SLOT, slot_of(final_before(now, tenant)))
    return Span(min(start, period.start), period.end)


def _part(each: Down, whole: Span) -> list[Span]:
    start, end = max(each.span.start, whole.start), min(each.span.end, whole.end)
    return [Span(start, end)] if start < end else []


def _without(gap: Span, whole: Span, holes: Sequence[Span]) -> Iterable[Span]:
    return subtract(clip([gap], whole), holes)


def _keep(
    kind: str,
    found: Sequence[Down],
    whole: Span,
    now: datetime,
    parts: Sequence[dict[str, Any]] = (),
) -> list[Event]:
    standing = list(
        DownInterval.objects.filter(
            kind=kind, withdrawn_at=None, start_at__lt=whole.end, end_at__gt=whole.start
        ).order_by("start_at")
    )
    events: list[Event] = []
    for each in found:
        same = [row for row in standing if each.span.meets(Span(row.start_at, row.end_at))]
        standing = [row for row in standing if row not in same]
        is_open = kind == IntervalKind.DOWN and each.span.end >= whole.end
        if same:
            events += _move(same[0], each, whole, parts, is_open=is_open)
            for row in same[1:]:
                events += _withdraw(row, now, united=same[0])
        else:
            events += _find(kind, each, now, parts, is_open=is_open)
    for row in standing:
        if row.start_at >= whole.start:
            events += _withdraw(row, now)
    return events


def _find(
    kind: str, each: Down, now: datetime, parts: Sequence[dict[str, Any]], *, is_open: bool
) -> list[Event]:
    row = DownInterval.objects.create(
        kind=kind,
        start_at=each.span.start,
        end_at=each.span.end,
        is_open=is_open,
        sources=sorted(each.sources),
        parts=_within(parts, each.span),
        found_at=now,
    )
    return [Event("downtime.found", row.pk, _facts(row), now)]


def _move(
    row: DownInterval,
    each: Down,
    whole: Span,
    parts: Sequence[dict[str, Any]],
    *,
    is_open: bool,
) -> list[Event]:
    before = _facts(row)
    # What lies before the time that may still be judged stays as it is.
    start = row.start_at if row.start_at < whole.start else each.span.start
    stays = _within(row.parts, Span(start, whole.start)) if start < whole.start else []
    row.parts = [*stays, *_within(parts, each.span)]
    row.start_at, row.end_at, row.is_open = start, each.span.end, is_open
    row.sources = sorted(each.sources)
    if _facts(row) == before:
        return []
    row.save(update_fields=["start_at", "end_at", "is_open", "sources", "parts"])
    # An outage that goes on grows with every look at it: its end is told once it is known.
    grows = before["open"] and is_open and before["start_at"] == row.start_at
    return [] if grows else [Event("downtime.changed", row.pk, _facts(row))]


def _withdraw(
    row: DownInterval, now: datetime, *, united: DownInterval | None = None
) -> list[Event]:
    row.withdrawn_at, row.is_open = now, False
    row.save(update_fields=["withdrawn_at", "is_open"])
    facts = {"united_with": united.pk} if united else {}
    return [Event("downtime.withdrawn", row.pk, facts, now)]


def _facts(row: DownInterval) -> dict[str, Any]:
    return {
        "kind": str(row.kind),
        "start_at": row.start_at,
        "end_at": row.end_at,
        "sources": row.sources,
        "parts": row.parts,
        "open": row.is_open,
    }


def _within(parts: Sequence[dict[str, Any]], span: Span) -> list[dict[str, Any]]:
    """Return what of the parts lies in the span."""
    kept = []
    for part in parts:
        lies = Span(datetime.fromisoformat(part["start"]), datetime.fromisoformat(part["end"]))
        kept += [
            {**part, "start": cut.start.isoformat(), "end": cut.end.isoformat()}
            for cut in clip([lies], span)
        ]
    return kept
