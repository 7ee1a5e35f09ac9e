"""The arithmetic of the contract's figures: stated examples, and what holds for all numbers."""

import ast
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting import audit_arithmetic, metrics
from reporting.sections import Verdict

COUNTS = st.dictionaries(st.integers(0, 100_000), st.integers(1, 50), max_size=30)
SHARES = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(19, 20, 76.4, 99.1), (95, 100, 88.8, 97.8), (4750, 5000, 94.4, 95.6)],
)
def test_wilson_gives_the_contracts_examples(
    part: int, whole: int, low: float, high: float
) -> None:
    found = metrics.wilson(part, whole)

    assert found is not None
    assert [round(end * 100, 1) for end in found] == [low, high]


def test_nothing_has_no_interval_and_no_share() -> None:
    assert metrics.wilson(0, 0) is None
    assert metrics.ratio(0, 0) is None
    assert metrics.shown_percent(None) == "–"
    assert metrics.shown_score(None) == "–"
    assert metrics.verdict(None, 1) == Verdict.NEUTRAL
    assert metrics.half_width(0) is None


def test_part_beyond_the_whole_is_refused() -> None:
    with pytest.raises(ValueError, match="between"):
        metrics.wilson(6, 5)


@pytest.mark.parametrize(
    ("value", "target", "shown", "verdict"),
    [
        (Fraction(94996, 100_000), Decimal("0.95"), "94.99%", Verdict.MISSED),
        (Fraction(95, 100), Decimal("0.95"), "95.00%", Verdict.KEPT),
        (Fraction(949_999_999, 1_000_000_000), Decimal("0.95"), "94.99%", Verdict.MISSED),
        (Fraction(995, 1000), Decimal("0.995"), "99.50%", Verdict.KEPT),
        (Fraction(1), Decimal(1), "100.00%", Verdict.KEPT),
        (Fraction(2, 3), Decimal("0.95"), "66.66%", Verdict.MISSED),
    ],
)
def test_shares_are_judged_unrounded_and_shown_cut_off(
    value: Fraction, target: Decimal, shown: str, verdict: Verdict
) -> None:
    assert metrics.shown_percent(value) == shown
    assert metrics.verdict(value, target) == verdict


def test_score_of_exactly_85_passes_and_a_little_less_does_not() -> None:
    assert metrics.verdict(Fraction(85), Decimal(85)) == Verdict.KEPT
    below = Fraction(84_996, 1000)
    assert metrics.shown_score(below) == "84.99"
    assert metrics.verdict(below, Decimal(85)) == Verdict.MISSED


@pytest.mark.parametrize(("count", "width"), [(30, 7.2), (100, 3.9), (400, 2.0)])
def test_half_width_gives_the_contracts_examples(count: int, width: float) -> None:
    assert round(metrics.half_width(count) or 0, 1) == width


def test_fewer_than_thirty_are_a_small_sample() -> None:
    assert metrics.is_small(29)
    assert not metrics.is_small(30)


def test_quantiles_are_those_of_the_nearest_rank() -> None:
    counts = {100: 50, 200: 45, 900: 4, 10_000: 1}

    assert metrics.quantile(counts, Fraction(50, 100)) == 100
    assert metrics.quantile(counts, Fraction(95, 100)) == 200
    assert metrics.quantile(counts, Fraction(99, 100)) == 900
    assert metrics.quantile(counts, Fraction(1)) == 10_000
    assert metrics.quantile(counts, Fraction(1), missing=1) is None
    assert metrics.quantile({}, Fraction(1, 2)) is None


def test_warning_needs_a_hundred_questions() -> None:
    assert not metrics.is_warned(0, 99, Decimal("0.95"))
    assert metrics.is_warned(94, 100, Decimal("0.95"))
    assert not metrics.is_warned(95, 100, Decimal("0.95"))


def test_every_metric_has_a_key_of_its_own_and_words() -> None:
    assert len(metrics.BY_KEY) == len(metrics.METRICS)
    for metric in metrics.METRICS:
        assert metric.name
        assert metric.formula.endswith(".")
        assert metric.version == 1


@pytest.mark.parametrize("module", [metrics, audit_arithmetic], ids=lambda each: each.__name__)
def test_module_knows_no_framework(module: ModuleType) -> None:
    tree = ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))
    named = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert named <= {"collections", "dataclasses", "decimal", "fractions", "math", "reporting"}


@given(SHARES)
def test_interval_holds_the_share(found: tuple[int, int]) -> None:
    part, whole = found
    interval = metrics.wilson(part, whole)

    assert interval is not None
    assert 0 <= interval[0] <= part / whole <= interval[1] <= 1


@given(SHARES)
def test_what_is_shown_never_exceeds_what_is(found: tuple[int, int]) -> None:
    value = Fraction(*found)
    shown = Fraction(metrics.cut(value * 100))

    assert shown <= value * 100 < shown + Fraction(1, 100)


@given(SHARES, st.integers(0, 10_000))
def test_a_shown_target_is_kept_only_if_it_is_reached(
    found: tuple[int, int], hundredths: int
) -> None:
    value, target = Fraction(*found), Decimal(hundredths) / 10_000

    kept = metrics.verdict(value, target) == Verdict.KEPT
    assert kept == (found[0] * 10_000 >= hundredths * found[1])


@given(COUNTS, st.integers(0, 20), st.integers(1, 100))
def test_quantile_is_the_sorted_lists(counts: dict[int, int], missing: int, percent: int) -> None:
    every: list[int | None] = [*sorted(Counter(counts).elements()), *[None] * missing]
    expected = every[-(-percent * len(every) // 100) - 1] if every else None

    assert metrics.quantile(counts, Fraction(percent, 100), missing) == expected
