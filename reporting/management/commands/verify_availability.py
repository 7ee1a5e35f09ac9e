"""Prove that outages are found to within a slot, and that what nobody saw is not up."""

import json
import random
import sys
import time
from argparse import ArgumentParser
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from conversations.bench.rehearsal import open_channel
from conversations.models import Contact, Conversation
from reporting import availability
from reporting.availability import Span
from reporting.bench.outages import Stage, Watcher, clear, new_watchers, play
from reporting.models import DownInterval, ExclusionKind
from reporting.services import claims, uptime
from tenants import clock, throwaway
from tenants.models import User
from tenants.scoping import tenant_scope
from tenants.services.onboarding import create_tenant

EDGE = timedelta(seconds=30)
OUTAGES = 60
MONTH_POINTS = 0.01
_HOURS = timedelta(hours=1)


class Command(BaseCommand):
    """Let months pass in a throw-away database, with outages of known beginning and end."""

    help = (
        "In a throw-away database, injects outages of known beginning and end, lets two probers "
        "watch, and compares what the platform found; exit 1 if an end is off by more than 30 "
        "seconds, a month by more than 0.01 percentage points, or silence was taken for uptime."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--outages", type=int, default=OUTAGES, help="injected in the month")
        parser.add_argument("--chance", type=int, default=1, help="which outages: the same again")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        throwaway.enter()
        began = time.monotonic()
        tenant = create_tenant(slug="rehearsal", name="Rehearsal")
        with tenant_scope(tenant):
            channel = open_channel()
            at = clock.now()
            visitor = Contact.objects.create(channel=channel, created_at=at, last_seen_at=at)
            Conversation.objects.create(channel=channel, contact=visitor, created_at=at, last_at=at)
        self.tenant, self.visitor = tenant, visitor
        self.by = User.objects.create_user("client@rehearsal.example")
        # Months to come: the tenant is there before they begin.
        first = (clock.now().date().replace(day=1) + timedelta(days=40)).replace(day=1)
        month = availability.month(first, tenant.zone)
        found = {
            "T16": self._random(month, options["outages"], options["chance"]),
            "T17": self._platform_off(month.start),
            "T18": self._probers_off(month.start),
            "T19": self._clocks_and_borders(first),
            "T20": self._claims(month.start),
        }
        missed = sorted(name for name, each in found.items() if not each["kept"])
        result = {**found, "missed": missed, "seconds": round(time.monotonic() - began, 1)}
        if options["json"]:
            self.stdout.write(json.dumps(result, indent=2))
        else:
            for name, each in found.items():
                for key, value in each.items():
                    self.stdout.write(f"{name} {key}={value}")
            self.stdout.write(f"missed={missed}")
        if missed:
            sys.exit(1)

    def _random(self, month: Span, count: int, chance: int) -> dict[str, Any]:
        """T16: outages of 40 seconds to 3 hours at random in a month."""
        outages = _outages(month, count, random.Random(chance))  # noqa: S311 -- to be repeated
        self._play(Stage(month.start, month.end, outages))
        errors = self._errors(outages)
        measured = self._measured(month)
        true = availability.measure(month, outages).gross
        assert true is not None
        points = abs(float((measured.figures.gross or 0) - true)) * 100  # type: ignore[union-attr]
        worst = max((max(map(abs, pair)) for pair in errors if pair), default=0.0)
        return {
            "kept": None not in errors
            and len(measured.down) == len(outages)
            and worst <= EDGE.total_seconds()
            and points <= MONTH_POINTS,
            "outages": len(outages),
            "found": len(measured.down),
            "shortest": min(outage.length.total_seconds() for outage in outages),
            "longest": max(outage.length.total_seconds() for outage in outages),
            "worst_edge_seconds": worst,
            "month_points": round(points, 5),
            "month": float(measured.figures.gross or 0),  # type: ignore[union-attr]
            "errors": errors,
        }

    def _platform_off(self, start: datetime) -> dict[str, Any]:
        """T17: the platform with its database and one prober off for 2 hours."""
        off = Span(start + 3 * _HOURS, start + 5 * _HOURS)
        down, _gaps, _sources = self._lost(start, [off], {0: [off]})
        both, _gaps, _sources = self._lost(start, [off], {0: [off], 1: [off]})
        wanted = off.length.total_seconds()
        return {
            "kept": abs(down - wanted) <= 60 and abs(both - wanted) <= 60,
            "one_prober_off_too": down,
            "both_probers_off_too": both,
        }

    def _probers_off(self, start: datetime) -> dict[str, Any]:
        """T18: probers off for 2 hours while the platform runs."""
        off = Span(start + 3 * _HOURS, start + 5 * _HOURS)
        wanted = off.length.total_seconds()
        one = self._lost(start, [], {0: [off]})
        traffic = self._lost(start, [], {0: [off], 1: [off]})
        silent = self._lost(start, [], {0: [off], 1: [off]}, has_traffic=False)
        said = silent[2] == {"no_evidence"}
        return {
            "kept": one[:2] == (0.0, 0.0)
            and traffic[0] == 0
            and abs(traffic[1] - wanted) <= 60
            and abs(silent[0] - wanted) <= 60
            and said,
            "one_off_down": one[0],
            "both_off_with_traffic_down": traffic[0],
            "both_off_with_traffic_gap_listed": traffic[1],
            "both_off_without_traffic_down": silent[0],
            "both_off_without_traffic_said_so": said,
        }

    def _clocks_and_borders(self, first: date) -> dict[str, Any]:
        """T19: clocks that jump by 5 minutes, the border of months, February."""
        february = date(first.year + (first.month > 1), 2, 1)
        border = availability.month(february, self.tenant.zone)
        start, end = border.end - 6 * _HOURS, border.end + 6 * _HOURS
        outages = [
            Span(start + _HOURS, start + _HOURS + timedelta(seconds=400)),
            Span(border.end - timedelta(minutes=10), border.end + timedelta(minutes=20)),
        ]
        minutes = timedelta(minutes=5)
        jumps = [(start + 0.5 * _HOURS, minutes), (start + 3 * _HOURS, -minutes)]
        self._play(Stage(start, end, outages), jumps=jumps)
        errors = self._errors(outages)
        worst = max((max(map(abs, pair)) for pair in errors if pair), default=0.0)
        with clock.travel(end + 2 * _HOURS):
            before = self._measured(Span(start, border.end))
            after = self._measured(Span(border.end, end))
        march = availability.measure(Span(border.end, end), outages)
        shares = [before.figures.net, after.figures.net]  # type: ignore[union-attr]
        off = abs((after.figures.down_gross - march.down_gross).total_seconds())  # type: ignore[union-attr]
        budget = availability.budget(border, Fraction(995, 1000)).total_seconds() / 60
        return {
            "kept": None not in errors
            and worst <= EDGE.total_seconds()
            and all(share is not None and 0 <= share <= 1 for share in shares)
            and off <= EDGE.total_seconds(),
            "worst_edge_seconds": worst,
            "after_the_border_off_by": off,
            "february_days": border.length.days,
            "february_budget_minutes": round(budget, 1),
            "errors": errors,
        }

    def _claims(self, start: datetime) -> dict[str, Any]:
        """T20: what is pending or rejected subtracts nothing."""
        outage = Span(start + _HOURS, start + 2 * _HOURS)
        end = start + 4 * _HOURS
        self._play(Stage(start, end, [outage]))
        with tenant_scope(self.tenant), clock.travel(end + timedelta(minutes=5)):
            row = DownInterval.objects.get(withdrawn_at=None, kind="down")
            subtracted = {}
            for name, accepted in (("pending", None), ("rejected", False), ("accepted", True)):
                claim = claims.claim(
                    row.pk,
                    kind=ExclusionKind.CLIENT,
                    start_at=row.start_at,
                    end_at=row.end_at,
                    evidence="A rehearsal.",
                    by=self.by,
                )
                if accepted is not None:
                    claims.decide(claim.pk, accepted=accepted, remark="", by=self.by)
                found = uptime.measured(start, end).figures
                assert found is not None
                subtracted[name] = (found.down_gross - found.down_net).total_seconds()
            length = row.seconds
        return {
            "kept": subtracted == {"pending": 0.0, "rejected": 0.0, "accepted": length},
            **{f"{name}_subtracts": value for name, value in subtracted.items()},
        }

    def _lost(
        self,
        start: datetime,
        outages: list[Span],
        off: dict[int, list[Span]],
        *,
        has_traffic: bool = True,
    ) -> tuple[float, float, set[str]]:
        """Return the seconds that count, those of listed gaps, and what the down time hangs on."""
        end = start + 8 * _HOURS
        self._play(Stage(start, end, outages, has_traffic), off=off)
        measured = self._measured(Span(start, end))
        gaps = sum(row.seconds for row in measured.gaps)
        sources = {source for row in measured.down for source in row.sources}
        assert measured.figures is not None
        return measured.figures.down_net.total_seconds(), gaps, sources

    def _play(
        self,
        stage: Stage,
        *,
        off: dict[int, list[Span]] | None = None,
        jumps: list[tuple[datetime, timedelta]] | None = None,
    ) -> list[Watcher]:
        clear(self.tenant)
        with clock.travel(stage.start):
            watchers = new_watchers()
        for number, spans in (off or {}).items():
            watchers[number].off = spans
        watchers[0].jumps = jumps or ()
        # Many in one transaction: the disk is not what is tried here.
        with transaction.atomic():
            play(self.tenant, stage, watchers, self.visitor)
        return watchers

    def _measured(self, period: Span) -> uptime.Measured:
        with tenant_scope(self.tenant), clock.travel(period.end + timedelta(hours=1)):
            return uptime.measured(period.start, period.end)

    def _errors(self, outages: list[Span]) -> list[tuple[float, float] | None]:
        with tenant_scope(self.tenant):
            rows = list(DownInterval.objects.filter(kind="down", withdrawn_at=None))
        errors: list[tuple[float, float] | None] = []
        for outage in outages:
            same = [row for row in rows if outage.meets(Span(row.start_at, row.end_at))]
            errors.append(
                (
                    round((same[0].start_at - outage.start).total_seconds(), 1),
                    round((same[0].end_at - outage.end).total_seconds(), 1),
                )
                if len(same) == 1
                else None
            )
        return errors


def _outages(month: Span, count: int, chance: random.Random) -> list[Span]:
    """Return outages of 40 seconds to 3 hours, half of them short, none beside another."""
    lengths = [
        chance.uniform(40, 300) if number % 2 else chance.uniform(300, 3 * 3600)
        for number in range(count)
    ]
    room = month.length.total_seconds() - sum(lengths) - 600 * (count + 1)
    cuts = sorted(chance.uniform(0, room) for _number in range(count))
    outages, used = [], 600.0
    for cut, length in zip(cuts, lengths, strict=True):
        start = month.start + timedelta(seconds=cut + used)
        outages.append(Span(start, start + timedelta(seconds=length)))
        used += length + 600
    return outages
