"""What counts as down, and how much of a month was up: pure arithmetic (R78-R87).

Time is cut into slots of 30 seconds on the clock of the world, the same for everybody. Evidence
makes a slot UP, DOWN or UNKNOWN; what nobody saw is not up.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

SLOT = timedelta(seconds=30)
# A process that beats every 10 seconds and was not heard for this long was not there.
BEAT_GRACE = timedelta(seconds=30)
# What has to beat through a gap in the probes for it to be the probers' own (R82).
VITAL = ("web", "worker", "database")
# R79: so many real inquiries of a minute, and of them this share without a reply in 10 seconds.
LEAST_INQUIRIES = 5
FAILING_SHARE = Fraction(1, 10)
# Shares of the month's budget that people are told of, and the share in one hour that pages them.
BUDGET_STEPS = (25, 50, 75, 90, 100)
BURN_SHARE = Fraction(1, 20)

_ZERO = timedelta()
_MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class InvalidIntervalError(ValueError):
    """An interval that ends before it begins, as jumping clocks make them (R84)."""


class SlotState(StrEnum):
    """What is known of one slot."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, order=True)
class Span:
    """The time from `start` to before `end`. Raises InvalidIntervalError where end < start."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise InvalidIntervalError(f"{self.end} is before {self.start}")

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def meets(self, other: "Span") -> bool:
        """Return whether the two overlap or touch."""
        return self.start <= other.end and other.start <= self.end


@dataclass(frozen=True)
class Result:
    """What one probe found; `at` is when it asked."""

    at: datetime
    ok: bool
    prober: str = ""


@dataclass(frozen=True)
class Evidence:
    """All that is known about one way in.

    `answered` are instants at which a real inquiry had its reply in time, `served` those at which
    anything from outside but probes was served, `alive` the spans in which each process beat.
    """

    results: Sequence[Result] = ()
    answered: Sequence[datetime] = ()
    served: Sequence[datetime] = ()
    alive: Mapping[str, Sequence[Span]] = field(default_factory=dict)


@dataclass(frozen=True)
class Down:
    """Time in which the service was down, what says so, and which ways in it was.

    No way named means all of them.
    """

    span: Span
    sources: frozenset[str]
    ways: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Share:
    """Time in which some ways in were down and others not, and how much of the service they are."""

    span: Span
    weight: Fraction


@dataclass(frozen=True)
class Judgement:
    """What the evidence amounts to: down time, and gaps of the probers that are not."""

    down: Sequence[Down]
    gaps: Sequence[Span]
    states: Sequence[SlotState]


@dataclass(frozen=True)
class Availability:
    """The figures of one period: shares are exact, None for a period without any time in it.

    `gross` subtracts nothing, `net` the accepted exclusions (R78), `strict` takes them out of the
    denominator too (contract Q9).
    """

    total: timedelta
    down_gross: timedelta
    down_net: timedelta
    excluded: timedelta

    @property
    def gross(self) -> Fraction | None:
        return _up(self.down_gross, self.total)

    @property
    def net(self) -> Fraction | None:
        return _up(self.down_net, self.total)

    @property
    def strict(self) -> Fraction | None:
        return _up(self.down_net, self.total - self.excluded)


@dataclass(frozen=True)
class Burn:
    """How much of a month's budget is spent: shares of it, which may be above 1.

    `step` is the highest of BUDGET_STEPS that is reached, 0 for none; `pages` whether the last
    hour alone took more than 5 % (R87).
    """

    budget: timedelta
    spent: timedelta
    last_hour: timedelta

    @property
    def share(self) -> Fraction:
        return _ratio(self.spent, self.budget)

    @property
    def step(self) -> int:
        return max((each for each in BUDGET_STEPS if self.share * 100 >= each), default=0)

    @property
    def pages(self) -> bool:
        return _ratio(self.last_hour, self.budget) > BURN_SHARE


def slot_of(at: datetime) -> datetime:
    """Return the beginning of the slot that the instant lies in."""
    return at - (at - _EPOCH) % SLOT


def union(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order, those that overlap or touch made one; empty ones are dropped."""
    united: list[Span] = []
    for span in sorted(spans):
        if span.length <= _ZERO:
            continue
        if united and span.start <= united[-1].end:
            united[-1] = Span(united[-1].start, max(united[-1].end, span.end))
        else:
            united.append(span)
    return united


def clip(spans: Iterable[Span], period: Span) -> list[Span]:
    """Return what of the spans lies in the period, united."""
    return union(
        Span(max(span.start, period.start), min(span.end, period.end))
        for span in spans
        if span.start < period.end and span.end > period.start
    )


def subtract(spans: Iterable[Span], holes: Iterable[Span]) -> list[Span]:
    """Return the union of the spans without the holes."""
    left = union(spans)
    for hole in union(holes):
        cut: list[Span] = []
        for span in left:
            if hole.end <= span.start or hole.start >= span.end:
                cut.append(span)
                continue
            if span.start < hole.start:
                cut.append(Span(span.start, hole.start))
            if hole.end < span.end:
                cut.append(Span(hole.end, span.end))
        left = cut
    return left


def length(spans: Iterable[Span]) -> timedelta:
    """Return how long the union of the spans is."""
    return sum((span.length for span in union(spans)), _ZERO)


def _counted(spans: Iterable[Span], unit: str, shares: Sequence[Share]) -> timedelta:
    whole = _ZERO
    for outage in union(spans):
        lasted = outage.length
        if unit == "minute":
            lasted = -(-lasted // _MINUTE) * _MINUTE if lasted >= _MINUTE else _ZERO
        whole += lasted
        spared = sum(
            ((1 - each.weight) * _seconds(length(clip([outage], each.span))) for each in shares),
            Fraction(0),
        )
        if spared:
            part = spared / _seconds(outage.length)
            whole -= timedelta(microseconds=round(_seconds(lasted) * part * 1_000_000))
    return whole


def month(day: date, zone: ZoneInfo) -> Span:
    """Return the month of the day, cut in the zone."""
    first = day.replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    return Span(
        datetime.combine(first, datetime.min.time(), zone).astimezone(UTC),
        datetime.combine(after, datetime.min.time(), zone).astimezone(UTC),
    )


def by_month(span: Span, zone: ZoneInfo) -> Iterator[tuple[date, Span]]:
    """Yield the parts of a span, each with the first day of the month it lies in."""
    start = span.start
    while start < span.end:
        first = start.astimezone(zone).date().replace(day=1)
        end = min(span.end, month(first, zone).end)
        yield first, Span(start, end)
        start = end


def measure(
    period: Span,
    down: Iterable[Span],
    accepted: Iterable[Span] = (),
    *,
    unit: str = "second",
    shares: Sequence[Share] = (),
) -> Availability:
    """Return the figures of a period from all down time and the accepted exclusions.

    Overlapping down time counts once; only what is accepted is subtracted (R78, R84, R85). By the
    unit "minute" each outage counts as whole minutes, rounded up, and one of less than a minute
    not at all (R86). What lies in one of the `shares`, which do not overlap, counts by its weight.
    """
    inside = clip(down, period)
    holes = clip(accepted, period)
    left = subtract(inside, holes)
    return Availability(
        total=period.length,
        down_gross=min(_counted(inside, unit, shares), period.length),
        down_net=min(_counted(left, unit, shares), period.length),
        excluded=length(holes),
    )


def budget(period: Span, target: Fraction) -> timedelta:
    """Return how long the service may be down in the period and still reach the target."""
    return timedelta(seconds=float((1 - target) * _seconds(period.length)))


def burn(
    period: Span,
    target: Fraction,
    down: Iterable[Span],
    accepted: Iterable[Span],
    now: datetime,
    *,
    shares: Sequence[Share] = (),
) -> Burn:
    """Return how much of the period's budget is spent at `now`, and in the hour before it."""
    spent = subtract(clip(down, period), accepted)
    hour = clip(spent, Span(now - timedelta(hours=1), now))
    return Burn(
        budget(period, target),
        _counted(spent, "second", shares),
        _counted(hour, "second", shares),
    )


def failing_minutes(inquiries: Iterable[tuple[datetime, bool]]) -> list[Span]:
    """Return the minutes in which too many real inquiries had no reply in time (R79).

    Each inquiry comes as when it opened and whether its reply came within 10 seconds.
    """
    tally: dict[datetime, list[bool]] = {}
    for opened, in_time in inquiries:
        tally.setdefault(opened - (opened - _EPOCH) % _MINUTE, []).append(in_time)
    return union(
        Span(start, start + _MINUTE)
        for start, kept in tally.items()
        if len(kept) >= LEAST_INQUIRIES and Fraction(kept.count(False), len(kept)) >= FAILING_SHARE
    )


def own_failures(results: Iterable[Result]) -> list[Span]:
    """Return the down time that probes of one tenant's own key show.

    They come every 5 minutes, so the time between them says nothing: down is from the first of two
    or more failures in a row, in different slots, to the slot of the success after them.
    """
    spans = []
    ordered = sorted(results, key=lambda result: (result.at, not result.ok))
    runs = [(ok, list(run)) for ok, run in groupby(ordered, key=lambda result: result.ok)]
    for number, (ok, run) in enumerate(runs):
        after = runs[number + 1] if number + 1 < len(runs) else None
        slots = {slot_of(result.at) for result in run}
        if not ok and len(slots) >= 2:
            end = slot_of(after[1][0].at) if after else max(slots) + SLOT
            spans.append(Span(min(slots), max(end, min(slots) + SLOT)))
    return spans


def judge(period: Span, evidence: Evidence) -> Judgement:
    """Return what the evidence about one way in amounts to in the whole slots of the period.

    A slot with a success, of a probe or of a real inquiry, is UP. Slots without one are DOWN where
    probes failed in two or more consecutive slots; the slot in which the service went, or came
    back, is the second where a failure is its last word, or its first. A slot without any result is UNKNOWN and counts as down,
    but where the probers alone were away: the vital processes beat through the gap, and something
    from outside was served in it or in the slots beside it (R81, R82).
    """
    first, end = slot_of(period.start), slot_of(period.end)
    count = max(0, (end - first) // SLOT)
    words: list[list[bool]] = [[] for _number in range(count)]
    heard = [(result.at, result.ok) for result in evidence.results]
    for at, ok in sorted([*heard, *((at, True) for at in evidence.answered)]):
        number = (at - first) // SLOT
        if 0 <= number < count:
            words[number].append(ok)
    known = [
        SlotState.UP if any(said) else SlotState.DOWN if said else SlotState.UNKNOWN
        for said in words
    ]
    served = sorted([*evidence.served, *evidence.answered])
    gaps, excused = [], [False] * count
    for run in _runs(state is SlotState.UNKNOWN for state in known):
        gap = Span(first + run.start * SLOT, first + run.stop * SLOT)
        if _is_probers_own(gap, evidence.alive, served):
            gaps.append(gap)
            for number in run:
                excused[number] = True
    down = []
    lacking = [
        state is not SlotState.UP and not excused[number] for number, state in enumerate(known)
    ]
    states = [SlotState.UP] * count
    for run in _runs(lacking):
        found = {known[number] for number in run}
        went = run.start > 0 and words[run.start - 1][-1:] == [False]
        came = run.stop < count and words[run.stop][:1] == [False]
        if SlotState.UNKNOWN not in found and len(run) < 2 and not (went or came):
            continue
        names = {SlotState.DOWN: "probes", SlotState.UNKNOWN: "no_evidence"}
        span = Span(first + run.start * SLOT, first + run.stop * SLOT)
        down.append(Down(span, frozenset(names[state] for state in found)))
        for number in run:
            states[number] = known[number]
    return Judgement(down, gaps, states)


def unite(found: Iterable[Down]) -> list[Down]:
    """Return down time of several sources as one list without overlaps, each with its sources."""
    found = list(found)
    return [
        Down(
            span,
            frozenset().union(*(each.sources for each in found if each.span.meets(span))),
        )
        for span in union(each.span for each in found)
    ]


def partly(found: Iterable[Down], ways: Collection[str]) -> list[tuple[Span, frozenset[str]]]:
    """Return in order when some of the ways in were down and others not, with those that were."""
    found = [each for each in found if each.span.length > _ZERO]
    edges = sorted({edge for each in found for edge in (each.span.start, each.span.end)})
    parts: list[tuple[Span, frozenset[str]]] = []
    for start, end in pairwise(edges):
        over = [each.ways for each in found if each.span.start <= start and each.span.end >= end]
        down = frozenset().union(*over)
        if not over or frozenset() in over or down >= frozenset(ways):
            continue
        if parts and parts[-1][0].end == start and parts[-1][1] == down:
            parts[-1] = (Span(parts[-1][0].start, end), down)
        else:
            parts.append((Span(start, end), down))
    return parts


def _is_probers_own(
    gap: Span, alive: Mapping[str, Sequence[Span]], served: Sequence[datetime]
) -> bool:
    near = bisect_left(served, gap.start - SLOT)
    if near == len(served) or served[near] >= gap.end + SLOT:
        return False
    return all(_beats_through(alive.get(process, ()), gap) for process in VITAL)


def _beats_through(spans: Sequence[Span], gap: Span) -> bool:
    beating = union(Span(span.start, span.end + BEAT_GRACE) for span in spans)
    return any(span.start <= gap.start + BEAT_GRACE and span.end >= gap.end for span in beating)


def _runs(flags: Iterable[bool]) -> Iterator[range]:
    number = 0
    for flag, run in groupby(flags):
        start, number = number, number + len(list(run))
        if flag:
            yield range(start, number)


def _seconds(span: timedelta) -> Fraction:
    return Fraction(span // timedelta(microseconds=1), 1_000_000)


def _ratio(part: timedelta, whole: timedelta) -> Fraction:
    return _seconds(part) / _seconds(whole) if whole > _ZERO else Fraction(0)


def _up(down: timedelta, whole: timedelta) -> Fraction | None:
    return 1 - _ratio(down, whole) if whole > _ZERO else None
