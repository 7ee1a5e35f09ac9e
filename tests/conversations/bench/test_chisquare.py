"""The chi-squared test against published values."""

import pytest

from conversations.bench.chisquare import independence, upper_tail

# Critical values of the printed tables, four figures.
TABLE = [
    (2.706, 1, 0.10),
    (3.841, 1, 0.05),
    (6.635, 1, 0.01),
    (5.991, 2, 0.05),
    (9.210, 2, 0.01),
    (1.145, 5, 0.95),
    (11.070, 5, 0.05),
    (15.086, 5, 0.01),
    (20.515, 5, 0.001),
    (18.307, 10, 0.05),
    (124.342, 100, 0.05),
]


@pytest.mark.parametrize(("chi", "freedom", "p"), TABLE)
def test_p_is_that_of_the_printed_tables(chi: float, freedom: int, p: float) -> None:
    assert upper_tail(chi, freedom) == pytest.approx(p, rel=2e-3)


def test_p_of_nothing_is_one() -> None:
    assert upper_tail(0, 3) == 1


def test_two_by_two_table_by_hand() -> None:
    chi, freedom, p = independence([(10, 20), (20, 10)])

    assert (round(chi, 4), freedom) == (6.6667, 1)
    assert p == pytest.approx(0.009823, rel=1e-3)


def test_equal_shares_are_independent() -> None:
    assert independence([(30, 70), (3, 7), (300, 700)]) == (0, 2, 1)


@pytest.mark.parametrize("table", [[(0, 0), (1, 2)], [(0, 1), (0, 2)]])
def test_an_empty_row_or_column_says_nothing(table: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="empty"):
        independence(table)
