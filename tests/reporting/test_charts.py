"""Bars as geometry, shares as words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.charts import HEIGHT, WIDTH, Value, bars, percent


def value(part: int, whole: int) -> Value:
    return Value(label="1", part=part, whole=whole, title="")


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (0, 3, "0.00%"),
        (1, 3, "33.33%"),
        (2, 3, "66.66%"),
        (3, 3, "100.00%"),
        (99_999, 100_000, "99.99%"),
        (999_999, 1_000_000, "99.99%"),
        (1, 100_000, "0.00%"),
    ],
)
def test_percentages_are_rounded_down(part: int, whole: int, words: str) -> None:
    assert percent(part, whole) == words


def test_the_largest_bar_fills_the_height_and_none_leaves_the_drawing() -> None:
    chart = bars([value(2, 4), value(0, 2), value(0, 0)])

    tall, half, none = chart.bars
    assert tall.height == 2 * half.height
    assert tall.part_height == half.height
    assert none.height == 0
    assert all(bar.y + bar.height == pytest.approx(chart.base) for bar in chart.bars)
    assert tall.y > 0


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=40))
def test_bars_stand_side_by_side_inside_the_drawing(pairs: list[tuple[int, int]]) -> None:
    chart = bars([value(min(pair), max(pair)) for pair in pairs])

    right = 0.0
    for bar in chart.bars:
        assert bar.x >= right - 0.2
        right = bar.x + bar.width
        assert 0 <= bar.y <= bar.part_y <= HEIGHT
    assert right <= WIDTH
