"""Gather what is known about a stretch of time, for the tenant in scope."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, Subquery

from conversations.models import AuthorKind, Channel, ChannelStatus, Inquiry, Message
from reporting.availability import (
    BEAT_GRACE,
    SLOT,
    Evidence,
    Result,
    Span,
    failing_minutes,
    slot_of,
)
from reporting.models import Heartbeat, Prober, ProbeResult
from tenants.models import Obligation, ObligationKind, ObligationState, Tenant
from tenants.scoping import active_tenant_id

# The way in that a prober tries with the key of one tenant.
OWN = "own"


@dataclass(frozen=True)
class Known:
    """All that was found: evidence by way in, probes of the own key, minutes without replies."""

    ways: dict[str, Evidence]
    own: Sequence[Result]
    failing: Sequence[Span]


def gather(period: Span, served: Sequence[datetime]) -> Known:
    """Return what is known about the period and the slots beside it.

    `served` are the instants at which anything of any tenant but probes was served.
    """
    wide = Span(period.start - SLOT, period.end + SLOT)
    code = Tenant.objects.values_list("code", flat=True).get(pk=active_tenant_id())
    ways: dict[str, list[Result]] = {target: [] for target in _watched()}
    own: list[Result] = []
    rows = ProbeResult.objects.filter(at__gte=wide.start, at__lt=wide.end, prober__is_active=True)
    for target, tenant_code, at, ok, prober in rows.values_list(
        "target", "tenant_code", "at", "ok", "prober__name"
    ).iterator():
        if target == OWN:
            if tenant_code == code:
                own.append(Result(at, ok, prober))
        elif target in ways:
            ways[target].append(Result(at, ok, prober))
    answered = _answered(wide)
    alive = _alive(wide)
    return Known(
        ways={
            # An inquiry answered on one way in says nothing of the others.
            target: Evidence(results, answered=answered.get(target, ()), served=served, alive=alive)
            for target, results in ways.items()
        },
        own=own,
        failing=failing_minutes(_inquiries(period)),
    )


def served(period: Span) -> set[datetime]:
    """Return one instant of each slot in which words of a visitor came in, for the tenant in scope."""
    written = Message.objects.filter(
        created_at__gte=period.start, created_at__lt=period.end, author_kind=AuthorKind.CUSTOMER
    ).exclude(conversation__is_probe=True)
    return {
        slot_of(at) for at in written.order_by().values_list("created_at", flat=True).iterator(2000)
    }


def watched_since() -> datetime | None:
    """Return since when probers watch at all; None while none was ever registered."""
    first: datetime | None = (
        Prober.objects.order_by("created_at").values_list("created_at", flat=True).first()
    )
    return first


def _watched() -> set[str]:
    """Return the ways in that are tried for all tenants and that this one's visitors take.

    A prober that was registered and never reported is no reason to believe that all is well: there
    is always at least one way.
    """
    tried = {
        target
        for targets in Prober.objects.filter(is_active=True).values_list("targets", flat=True)
        for target in targets
        if target != OWN
    }
    kinds = set(Channel.objects.filter(status=ChannelStatus.ACTIVE).values_list("kind", flat=True))
    return tried & kinds or tried or {"web"}


def _answered(period: Span) -> dict[str, list[datetime]]:
    # Probes are promised nothing, so these are real ones.
    way = Inquiry.objects.filter(pk=OuterRef("subject_id")).values("conversation__channel__kind")
    rows = Obligation.objects.filter(
        kind=ObligationKind.FIRST_REPLY,
        state=ObligationState.MET,
        met_at__gte=period.start,
        met_at__lt=period.end,
    ).order_by("met_at")
    answered: dict[str, list[datetime]] = {}
    for target, at in rows.annotate(way=Subquery(way)).values_list("way", "met_at"):
        answered.setdefault(target, []).append(at)
    return answered


def _inquiries(period: Span) -> list[tuple[datetime, bool]]:
    judged = Obligation.objects.filter(
        kind=ObligationKind.FIRST_REPLY,
        state__in=(ObligationState.MET, ObligationState.BREACHED),
        # The whole minute in which the period begins.
        started_at__gte=period.start.replace(second=0, microsecond=0),
        started_at__lt=period.end,
    )
    return [
        (started, state == ObligationState.MET)
        for started, state in judged.values_list("started_at", "state")
    ]


def _alive(period: Span) -> dict[str, list[Span]]:
    spans: dict[str, list[Span]] = {}
    margin: timedelta = BEAT_GRACE
    rows = Heartbeat.objects.filter(
        first_at__lt=period.end + margin, last_at__gt=period.start - margin
    )
    for process, first, last in rows.values_list("process", "first_at", "last_at"):
        spans.setdefault(process, []).append(Span(first, last))
    return spans
