"""How much of the service each kind of channel is, where terms weigh them (R79)."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta, tzinfo
from fractions import Fraction
from typing import Any

from conversations.models import Channel
from reporting.availability import Span
from reporting.models import DailyFigure
from tenants.models import AvailabilityRule
from tenants.services import contracts

# A channel weighs what came through it in so many whole days before the outage.
DAYS = 28


def weigh(parts: Iterable[tuple[Span, Collection[str]]], zone: tzinfo) -> list[dict[str, Any]]:
    """Return the parts as an interval keeps them, each with the weight of the channels down in it.

    None under terms by which one channel down is down. Where nobody asked in the days before, no
    share is known and the time counts in full. `zone` is the tenant's: days end at its midnight.
    """
    kept = []
    for span, ways in parts:
        if contracts.terms_at(span.start).availability_rule != AvailabilityRule.WEIGHTED:
            continue
        asked = _asked(span.start.astimezone(zone))
        if whole := sum(asked.values()):
            weight = Fraction(sum(asked[way] for way in ways), whole)
            kept.append(
                {
                    "start": span.start.isoformat(),
                    "end": span.end.isoformat(),
                    "ways": sorted(ways),
                    "weight": str(weight),
                }
            )
    return kept


def _asked(at: datetime) -> Counter[str]:
    """Return how many inquiries came through each kind of channel in the days before this one."""
    kinds = {str(pk): kind for pk, kind in Channel.objects.values_list("pk", "kind")}
    rows = DailyFigure.objects.filter(
        metric="inquiries",
        dimension__startswith="channel:",
        day__gte=at.date() - timedelta(days=DAYS),
        day__lt=at.date(),
    )
    asked: Counter[str] = Counter()
    for dimension, whole in rows.values_list("dimension", "whole"):
        asked[kinds.get(dimension.partition(":")[2], "")] += whole
    return asked
