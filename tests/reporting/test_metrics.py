"""The arithmetic of the contract's figures: stated examples, and what holds for all numbers."""

import ast
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting import metrics
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


def test_kappa_of_a_known_table() -> None:
    # Cohen's textbook case: 20 yes/yes, 15 no/no, 5 yes/no, 10 no/yes of 50.
    pairs = [("y", "y")] * 20 + [("n", "n")] * 15 + [("y", "n")] * 5 + [("n", "y")] * 10

    assert metrics.kappa(pairs) == Fraction(4, 10)
    assert metrics.kappa([]) is None
    assert metrics.kappa([("y", "y")] * 3) == 1


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        # Of two labels, [both first, first/second, second/first, both second].
        ({"aa": 45, "ab": 15, "ba": 25, "bb": 15}, Fraction(3, 23)),
        ({"aa": 25, "ab": 35, "ba": 5, "bb": 35}, Fraction(7, 27)),
        # Alike in half of the cases, as chance has it.
        ({"aa": 1, "ab": 1, "ba": 1, "bb": 1}, Fraction(0)),
        # Never alike: as far below chance as can be.
        ({"ab": 5, "ba": 5}, Fraction(-1)),
        # One calls all of them the same: chance alone gives as much, though 199 of 200 are alike.
        ({"aa": 199, "ab": 1}, Fraction(0)),
        # A label that only one of the two uses counts as well.
        ({"aa": 2, "bc": 1, "cc": 1}, Fraction(3, 5)),
        # Three labels, 44, 20 and 22 of 100 alike: Po = 86/100,
        # Pe = (50·50 + 25·25 + 25·25) / 10 000 = 3750/10 000.
        (
            {"aa": 44, "ab": 3, "ac": 3, "ba": 5, "bb": 20, "ca": 1, "cb": 2, "cc": 22},
            Fraction(8600 - 3750, 10_000 - 3750),
        ),
        # Both give one label and it is the same one: as much agreement as there can be.
        ({"cc": 200}, Fraction(1)),
        # Both give one label each, and they differ.
        ({"ab": 7}, Fraction(0)),
    ],
)
def test_kappa_by_hand(table: dict[str, int], expected: Fraction) -> None:
    pairs = [(key[0], key[1]) for key, count in table.items() for _number in range(count)]

    assert metrics.kappa(pairs) == expected


def test_none_found_says_how_many_are_wrong_at_most() -> None:
    # R90: 299 for 1 %, 149 for 2 %, 59 for 5 %; one less is not enough.
    for size, line in ((299, 0.01), (149, 0.02), (59, 0.05)):
        found, fewer = metrics.most_wrong(0, size), metrics.most_wrong(0, size - 1)
        assert found is not None
        assert found <= line
        assert fewer is None or fewer > line
    assert metrics.most_wrong(0, 0) is None
    assert metrics.most_wrong(4, 4) == 1
    # Clopper and Pearson's tables, one side: 1 of 299 is 1.58 %, 3 of 100 is 7.57 %.
    assert metrics.most_wrong(1, 299) == pytest.approx(0.01577, abs=1e-5)
    assert metrics.most_wrong(3, 100) == pytest.approx(0.07571, abs=1e-5)
    with pytest.raises(ValueError, match="part"):
        metrics.most_wrong(5, 4)


def test_bound_is_shown_rounded_up() -> None:
    assert metrics.shown_bound(0.009969) == "1.00%"
    assert metrics.shown_bound(0.25887) == "25.89%"
    assert metrics.shown_bound(1.0) == "100.00%"


def test_warning_needs_a_hundred_questions() -> None:
    assert not metrics.is_warned(0, 99, Decimal("0.95"))
    assert metrics.is_warned(94, 100, Decimal("0.95"))
    assert not metrics.is_warned(95, 100, Decimal("0.95"))


def test_strata_are_in_proportion() -> None:
    assert metrics.strata({"web": 600, "app": 300, "h5": 100}, 299) == {
        "web": 179,
        "app": 90,
        "h5": 30,
    }
    assert metrics.strata({"web": 3}, 299) == {"web": 3}


def test_every_metric_has_a_key_of_its_own_and_words() -> None:
    assert len(metrics.BY_KEY) == len(metrics.METRICS)
    for metric in metrics.METRICS:
        assert metric.name
        assert metric.formula.endswith(".")
        assert metric.version == 1


def test_module_knows_no_framework() -> None:
    tree = ast.parse(Path(metrics.__file__).read_text(encoding="utf-8"))
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


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1))
def test_kappa_is_at_most_one_and_one_for_the_same(pairs: list[tuple[str, str]]) -> None:
    found = metrics.kappa(pairs)

    assert found is not None
    assert found <= 1
    assert (found == 1) == all(first == second for first, second in pairs)


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(0, 900)))
def test_strata_add_up_and_take_no_more_than_there_is(sizes: dict[str, int]) -> None:
    drawn = metrics.strata(sizes, 299)

    assert sum(drawn.values()) == min(299, sum(sizes.values()))
    assert all(0 <= drawn[key] <= sizes[key] for key in sizes)
