"""Pearson's chi-squared test of independence, with its p-value: no table, no library.

Pure. The p-value is the upper regularised incomplete gamma function Q(df / 2, x / 2), by its series
below and its continued fraction above (Abramowitz and Stegun 6.5.29 and 6.5.31).
"""

import math
from collections.abc import Sequence

_STEPS = 10_000
_ENOUGH = 1e-15


def independence(table: Sequence[Sequence[int]]) -> tuple[float, int, float]:
    """Return chi-squared, degrees of freedom and p of a table of counts, rows by columns.

    Raises ValueError where a row or a column is empty: nothing could be said of it.
    """
    rows = [sum(row) for row in table]
    columns = [sum(column) for column in zip(*table, strict=True)]
    if not all(rows) or not all(columns):
        raise ValueError("a row or a column of the table is empty")
    total = sum(rows)
    chi = sum(
        (count - row * column / total) ** 2 / (row * column / total)
        for counts, row in zip(table, rows, strict=True)
        for count, column in zip(counts, columns, strict=True)
    )
    freedom = (len(rows) - 1) * (len(columns) - 1)
    return chi, freedom, upper_tail(chi, freedom)


def upper_tail(chi: float, freedom: int) -> float:
    """Return the probability of a chi-squared of at least `chi` by chance."""
    shape, x = freedom / 2, chi / 2
    if x <= 0:
        return 1.0
    scale = math.exp(-x + shape * math.log(x) - math.lgamma(shape))
    return 1 - scale * _series(shape, x) if x < shape + 1 else scale * _fraction(shape, x)


def _series(shape: float, x: float) -> float:
    term = total = 1 / shape
    for step in range(1, _STEPS):
        term *= x / (shape + step)
        total += term
        if term < total * _ENOUGH:
            break
    return total


def _fraction(shape: float, x: float) -> float:
    # Lentz's method, with its tiny number in place of a zero.
    tiny = 1e-300
    b = x + 1 - shape
    c, d = 1 / tiny, 1 / b
    value = d
    for step in range(1, _STEPS):
        a = -step * (step - shape)
        b += 2
        d = 1 / (a * d + b or tiny)
        c = b + a / c or tiny
        value *= c * d
        if abs(c * d - 1) < _ENOUGH:
            break
    return value
