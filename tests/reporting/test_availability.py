"""What counts as down: slots, gaps, unions, months (R78-R87, T18-T20)."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reporting import availability
from reporting.availability import (
    SLOT,
    Down,
    Evidence,
    InvalidIntervalError,
    Result,
    Share,
    SlotState,
    Span,
    judge,
    measure,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
# A busy machine says nothing about the arithmetic.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
ALL_ALIVE = ("web", "worker", "database")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def span(start: float, end: float) -> Span:
    return Span(at(start), at(end))


def probes(outcomes: str, *, phase: int = 25) -> list[Result]:
    """One character for each slot: "+" answered, "-" failed, " " did not ask."""
    return [
        Result(at(number * 30 + phase), outcome == "+")
        for number, outcome in enumerate(outcomes)
        if outcome != " "
    ]


def down(outcomes: str, **more: object) -> list[tuple[float, float]]:
    whole = span(0, len(outcomes) * 30)
    found = judge(whole, Evidence(probes(outcomes), **more))  # type: ignore[arg-type]
    return [
        ((each.span.start - START).total_seconds(), (each.span.end - START).total_seconds())
        for each in found.down
    ]


def alive(start: float, end: float) -> dict[str, list[Span]]:
    return {process: [span(start, end)] for process in ALL_ALIVE}


def test_one_failing_slot_is_no_outage_and_two_count_from_the_first() -> None:
    assert down("++-++") == []
    assert down("++--++") == [(60, 120)]


def test_a_success_of_any_prober_makes_the_slot_up() -> None:
    both = [*probes("----"), *probes("++++", phase=10)]

    assert judge(span(0, 120), Evidence(both)).down == []


def test_a_short_outage_counts_though_the_service_is_back_in_the_second_slot() -> None:
    asked = [*probes("+-"), Result(at(65), False), Result(at(75), True)]

    found = judge(span(0, 90), Evidence(asked))

    assert [each.span for each in found.down] == [span(30, 60)]


def test_what_nobody_saw_counts_as_down() -> None:
    found = judge(span(0, 150), Evidence(probes("+   +")))

    assert [each.span for each in found.down] == [span(30, 120)]
    assert found.down[0].sources == {"no_evidence"}
    assert found.states[1:4] == [SlotState.UNKNOWN] * 3


def test_a_slot_in_which_a_real_inquiry_was_answered_is_up() -> None:
    assert down("+ +", answered=[at(45)]) == []
    assert down("+--+", answered=[at(58)]) == []


def test_heartbeats_with_traffic_make_it_the_probers_outage() -> None:
    found = judge(span(0, 150), Evidence(probes("+   +"), served=[at(70)], alive=alive(-100, 400)))

    assert (found.down, found.gaps) == ([], [span(30, 120)])


@pytest.mark.parametrize("served", [29, 121])
def test_traffic_beside_the_gap_counts_too(served: int) -> None:
    assert down("+   +", served=[at(served)], alive=alive(-100, 400)) == []


def test_heartbeats_alone_prove_only_that_the_inside_lived() -> None:
    assert down("+   +", alive=alive(-100, 400)) == [(30, 120)]
    assert down("+   +", served=[at(-10), at(160)], alive=alive(-100, 400)) == [(30, 120)]


@pytest.mark.parametrize("missing", ALL_ALIVE)
def test_each_vital_process_has_to_beat_through(missing: str) -> None:
    beats = {**alive(-100, 400), missing: [span(-100, 40), span(100, 400)]}

    assert down("+    +", served=[at(70)], alive=beats) == [(30, 150)]


def test_a_failure_joins_the_silence_beside_it() -> None:
    assert down("+-  +") == [(30, 120)]


def test_own_probes_say_nothing_about_the_time_between_them() -> None:
    results = [Result(at(0), True), Result(at(300), False), Result(at(600), True)]
    longer = [*results[:2], Result(at(330), False), Result(at(360), True)]

    assert availability.own_failures([]) == []
    assert availability.own_failures(results) == []
    assert availability.own_failures(longer) == [span(300, 360)]


def test_minutes_in_which_visitors_had_no_reply() -> None:
    def minute(start: int, kept: str) -> list[tuple[datetime, bool]]:
        return [(at(start + number), each == "+") for number, each in enumerate(kept)]

    few, enough, good = minute(0, "---+"), minute(60, "++++-"), minute(120, "+" * 10 + "-")

    assert availability.failing_minutes([*few, *enough, *good]) == [span(60, 120)]


def test_an_interval_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(InvalidIntervalError):
        span(10, 9)


@pytest.mark.parametrize(
    ("year", "number", "minutes"),
    [(2026, 2, "201.6"), (2028, 2, "208.8"), (2026, 4, "216.0"), (2026, 3, "223.2")],
)
def test_budget_of_a_month(year: int, number: int, minutes: str) -> None:
    whole = availability.month(date(year, number, 9), SHANGHAI)

    budget = availability.budget(whole, Fraction(995, 1000))

    assert f"{budget.total_seconds() / 60:.1f}" == minutes


def test_month_borders_split() -> None:
    border = datetime(2026, 3, 1, tzinfo=SHANGHAI)
    outage = Span(border - timedelta(minutes=10), border + timedelta(minutes=20))

    parts = list(availability.by_month(outage, SHANGHAI))

    assert [(day, part.length.total_seconds()) for day, part in parts] == [
        (date(2026, 2, 1), 600),
        (date(2026, 3, 1), 1200),
    ]


def test_only_what_is_accepted_is_subtracted_and_the_stricter_form_shrinks_the_month() -> None:
    whole = span(0, 10_000)

    pending = measure(whole, [span(0, 1000)])
    accepted = measure(whole, [span(0, 1000)], [span(500, 2500)])

    assert (pending.gross, pending.net) == (Fraction(9, 10), Fraction(9, 10))
    assert accepted.gross == Fraction(9, 10)
    assert accepted.net == Fraction(95, 100)
    assert accepted.strict == 1 - Fraction(500, 8000)


def test_burning() -> None:
    whole = availability.month(date(2026, 4, 1), SHANGHAI)
    now = whole.start + timedelta(days=3)
    lost = [Span(now - timedelta(minutes=11), now)]

    fast = availability.burn(whole, Fraction(995, 1000), lost, (), now)
    slow = availability.burn(whole, Fraction(995, 1000), lost, (), now + timedelta(hours=2))

    assert (fast.step, fast.pages) == (0, True)
    assert (slow.step, slow.pages) == (0, False)
    assert availability.burn(whole, Fraction(995, 1000), [whole], (), now).step == 100


seconds = st.integers(-4000, 14_000)
spans = st.lists(
    st.tuples(seconds, seconds).map(lambda pair: span(min(pair), max(pair))), max_size=12
)


@patient
@given(spans, spans)
def test_a_share_is_a_share_and_exclusions_never_hurt(lost: list[Span], holes: list[Span]) -> None:
    figures = measure(span(0, 10_000), lost, holes)

    assert figures.gross is not None
    assert figures.net is not None
    assert 0 <= figures.gross <= figures.net <= 1
    assert figures.strict is None or 0 <= figures.strict <= figures.net
    assert (
        figures.down_net
        <= figures.down_gross
        <= sum((each.length for each in availability.clip(lost, span(0, 10_000))), timedelta())
    )


@patient
@given(spans)
def test_a_union_is_in_order_without_overlap(lost: list[Span]) -> None:
    united = availability.union(lost)

    assert all(a.end < b.start for a, b in pairwise(united))
    assert availability.union(united) == united
    assert availability.union([*lost, *lost]) == united


@patient
@given(spans, spans)
def test_what_is_subtracted_is_gone_and_nothing_else(lost: list[Span], holes: list[Span]) -> None:
    left = availability.subtract(lost, holes)
    taken = availability.length(lost) - availability.length(left)

    assert availability.subtract(left, holes) == left
    assert taken == sum(
        (availability.length(availability.clip(lost, hole)) for hole in availability.union(holes)),
        timedelta(),
    )


@patient
@given(st.text(alphabet="+- ", max_size=40), st.lists(st.integers(0, 1200), max_size=5))
def test_more_successes_never_make_more_downtime(outcomes: str, answered: list[int]) -> None:
    whole = span(0, 1200)
    bare = judge(whole, Evidence(probes(outcomes)))
    more = judge(whole, Evidence(probes(outcomes), answered=[at(each) for each in answered]))

    def lost(found: list[Down]) -> timedelta:
        return availability.length(each.span for each in found)

    assert lost(list(more.down)) <= lost(list(bare.down)) <= whole.length
    assert all(each.span.length % SLOT == timedelta() for each in bare.down)


@patient
@given(spans)
def test_parts_of_months_make_the_whole(lost: list[Span]) -> None:
    border = datetime(2026, 3, 1, tzinfo=SHANGHAI) - START
    for each in availability.union(lost):
        moved = Span(each.start + border, each.end + border)
        parts = [part for _day, part in availability.by_month(moved, SHANGHAI)]
        assert availability.union(parts) == [moved]


@pytest.mark.parametrize(
    ("lengths", "counted"),
    [([59], 0), ([60], 60), ([61], 120), ([61, 59, 121], 300), ([119.5], 120)],
)
def test_in_minutes_outages_are_rounded_up_and_short_ones_left_out(
    lengths: list[float], counted: int
) -> None:
    month = span(0, 30 * 86400)
    down = [span(number * 3600, number * 3600 + each) for number, each in enumerate(lengths, 1)]

    found = measure(month, down, unit="minute")

    assert found.down_net == found.down_gross == timedelta(seconds=counted)
    assert measure(month, down).down_net == timedelta(seconds=sum(lengths))


def test_what_lies_in_a_share_counts_by_its_weight() -> None:
    whole = span(0, 10_000)
    shares = [Share(span(100, 200), Fraction(1, 4)), Share(span(900, 1200), Fraction(1, 2))]

    found = measure(whole, [span(0, 1000)], [span(950, 2000)], shares=shares)

    assert found.down_gross == timedelta(seconds=1000 - 75 - 50)
    assert found.down_net == timedelta(seconds=950 - 75 - 25)
    assert found.excluded == timedelta(seconds=1050)


def test_minutes_that_are_rounded_up_weigh_like_the_outage() -> None:
    found = measure(
        span(0, 10_000),
        [span(0, 90)],
        unit="minute",
        shares=[Share(span(0, 90), Fraction(1, 4))],
    )

    assert found.down_net == timedelta(seconds=30)


def test_budget_burns_by_weight() -> None:
    whole = availability.month(date(2026, 4, 1), SHANGHAI)
    now = whole.start + timedelta(days=3)
    lost = Span(now - timedelta(minutes=10), now)

    found = availability.burn(
        whole, Fraction(995, 1000), [lost], (), now, shares=[Share(lost, Fraction(1, 5))]
    )

    assert (found.spent, found.last_hour) == (timedelta(minutes=2), timedelta(minutes=2))


def test_parts_are_when_some_ways_are_down_and_others_not() -> None:
    web, app, all_of_it = frozenset({"web"}), frozenset({"app"}), frozenset[str]()
    probed = frozenset({"probes"})
    found = [
        Down(span(0, 100), probed, web),
        Down(span(50, 80), probed, app),
        Down(span(90, 95), frozenset({"traffic"}), all_of_it),
        Down(span(200, 230), probed, app),
        Down(span(230, 260), probed, app),
    ]

    assert availability.partly(found, {"web", "app"}) == [
        (span(0, 50), web),
        (span(80, 90), web),
        (span(95, 100), web),
        (span(200, 260), app),
    ]
    assert availability.partly(found[3:], {"app"}) == []
