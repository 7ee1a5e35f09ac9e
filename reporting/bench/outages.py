"""A rehearsal of availability: a platform with injected outages, watched by two probers."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from conversations.models import AuthorKind, Contact, Conversation, Message
from reporting import probelog
from reporting.availability import Span
from reporting.models import (
    AvailabilitySettings,
    DownInterval,
    ExclusionClaim,
    Heartbeat,
    Incident,
    Prober,
)
from reporting.services import probers
from reporting.tasks import judge_all
from tenants import clock
from tenants.models import Tenant
from tenants.scoping import tenant_scope

RETRY = timedelta(seconds=10)
# How long the rehearsal lets pass between two looks; what comes late is judged again.
_JUDGED_EACH = timedelta(minutes=30)
_SLOT = timedelta(seconds=30)
_PHASES = (timedelta(seconds=25), timedelta(seconds=23))


@dataclass
class Watcher:
    """A prober on a host of its own, with a clock that may be off and hours in which it is off."""

    prober: Prober
    secret: str
    phase: timedelta
    off: Sequence[Span] = ()
    jumps: Sequence[tuple[datetime, timedelta]] = ()
    lines: list[dict[str, Any]] = field(default_factory=list)
    sequence: int = 0
    previous: str = probelog.GENESIS

    def skew(self, at: datetime) -> timedelta:
        """Return how far its wall clock is off at the instant."""
        return next((off for since, off in reversed(self.jumps) if at >= since), timedelta())


@dataclass
class Stage:
    """What happens: when the platform is down, its database too, and when visitors come."""

    start: datetime
    end: datetime
    outages: Sequence[Span]
    has_traffic: bool = True

    def is_down(self, at: datetime) -> bool:
        return any(span.start <= at < span.end for span in self.outages)


def new_watchers(count: int = 2) -> list[Watcher]:
    """Register so many probers, in the clock of the moment."""
    made = []
    for number in range(count):
        prober, secret = probers.register(f"rehearsal-{number}-{random.getrandbits(32):x}")
        made.append(Watcher(prober, secret, _PHASES[number % 2]))
    return made


def play(tenant: Tenant, stage: Stage, watchers: Sequence[Watcher], visitor: Contact) -> None:
    """Let the time of the stage pass through the real services.

    While the platform is down nothing beats, nobody is served and nothing is judged; when it comes
    back it judges the gap before anything else, and then gets what the probers kept.
    """
    asks = sorted(_asks(stage, watchers), key=lambda ask: ask[0])
    step, number, was_down = timedelta(seconds=10), 0, False
    judged = at = alive_since = stage.start
    while at < stage.end:
        at += step
        while number < len(asks) and asks[number][0] < at:
            _write(asks[number][1], asks[number][0], ok=not stage.is_down(asks[number][0]))
            number += 1
        if stage.is_down(at):
            if not was_down:
                _beat(alive_since, at - step)
            was_down = True
            continue
        if was_down:
            with clock.travel(at):
                judge_all(starting=True)
            was_down, alive_since = False, at
        if at - judged < _JUDGED_EACH:
            continue
        _beat(alive_since, at)
        with clock.travel(at):
            _serve(tenant, stage, visitor, judged, at)
            _report(watchers, at)
            judge_all()
        judged = at
    _beat(alive_since, stage.end)
    with clock.travel(stage.end + timedelta(seconds=50)):
        _serve(tenant, stage, visitor, judged, stage.end)
        _report(watchers, stage.end)
        judge_all()


def clear(tenant: Tenant) -> None:
    """Take the stage down: another rehearsal begins without anything of this one."""
    Heartbeat.objects.all().delete()
    for prober in Prober.objects.all():
        prober.results.all().delete()
        prober.delete()
    with tenant_scope(tenant):
        ExclusionClaim.objects.all().delete()
        DownInterval.objects.all().delete()
        Incident.objects.all().delete()
        AvailabilitySettings.objects.all().delete()
        Message.objects.all().delete()


def _asks(stage: Stage, watchers: Sequence[Watcher]) -> Iterator[tuple[datetime, Watcher]]:
    for watcher in watchers:
        at = stage.start + watcher.phase
        while at < stage.end:
            if not any(span.start <= at < span.end for span in watcher.off):
                yield at, watcher
            regular = at - (at - stage.start) % _SLOT + watcher.phase
            if regular <= at:
                regular += _SLOT
            at = min(regular, at + RETRY) if stage.is_down(at) else regular


def _write(watcher: Watcher, at: datetime, *, ok: bool) -> None:
    content = {
        "sequence": watcher.sequence + 1,
        "at": (at + watcher.skew(at)).isoformat(),
        "run": watcher.prober.name,
        "steady_ms": _steady(at),
        "target": "web",
        "tenant": "",
        "ok": ok,
        "ms": 80,
        "error": "" if ok else "OSError: refused",
    }
    line = probelog.seal(content, watcher.previous, watcher.secret)
    watcher.sequence, watcher.previous = line["sequence"], line["hash"]
    watcher.lines.append(line)


def _report(watchers: Sequence[Watcher], at: datetime) -> None:
    for watcher in watchers:
        if any(span.start <= at < span.end for span in watcher.off):
            continue
        while watcher.lines:
            batch = watcher.lines[: probers.MOST_LINES]
            report = {
                "run": watcher.prober.name,
                "steady_ms": _steady(clock.now()),
                "lines": batch,
            }
            probers.take_in(watcher.prober, report)
            del watcher.lines[: len(batch)]


def _steady(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _beat(first: datetime, last: datetime) -> None:
    """Write the span in which the processes beat, as their beats one by one would have."""
    for process in ("web", "worker", "beat", "database"):
        Heartbeat.objects.update_or_create(
            process=process,
            host="rehearsal",
            first_at=first,
            defaults={"last_at": max(first, last)},
        )


def _serve(
    tenant: Tenant, stage: Stage, visitor: Contact, since: datetime, until: datetime
) -> None:
    """Write down what visitors said in this time, once in each slot."""
    if not stage.has_traffic:
        return
    with tenant_scope(tenant):
        talk = Conversation.objects.get(contact=visitor)
        rows = []
        when = since
        while when < until:
            if not stage.is_down(when):
                rows.append(
                    Message(
                        conversation=talk,
                        seq=int((when - stage.start) / _SLOT) + 1,
                        author_kind=AuthorKind.CUSTOMER,
                        text="?",
                        received_at=when,
                        created_at=when,
                    )
                )
            when += _SLOT
        Message.objects.bulk_create(rows, ignore_conflicts=True)
