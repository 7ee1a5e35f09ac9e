"""The arithmetic of audits: what is drawn, how far two agree, how much is wrong at most. Pure."""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

# R61: two reviewers agree well enough from this kappa on.
KAPPA = Fraction(8, 10)
# R90 speaks with 95 % confidence: so likely it is wrong.
_DOUBT = 0.05


def strata(sizes: Mapping[str, int], size: int) -> dict[str, int]:
    """Return how many to draw from each stratum so that they add up to `size`, in proportion.

    Largest remainders get what is left over; all of everything where there is no more than `size`.
    """
    total = sum(sizes.values())
    if total <= size:
        return dict(sizes)
    exact = {key: Fraction(count * size, total) for key, count in sizes.items()}
    drawn = {key: math.floor(value) for key, value in exact.items()}
    left = size - sum(drawn.values())
    for key in sorted(exact, key=lambda each: (drawn[each] - exact[each], each))[:left]:
        drawn[key] += 1
    return drawn


def kappa(pairs: Sequence[tuple[str, str]]) -> Fraction | None:
    """Return Cohen's kappa of two reviewers' labels; None without any, 1 where all are one."""
    if not pairs:
        return None
    total = len(pairs)
    agreed = Fraction(sum(first == second for first, second in pairs), total)
    labels = {label for pair in pairs for label in pair}
    by_chance = sum(
        (
            Fraction(sum(first == label for first, _second in pairs), total)
            * Fraction(sum(second == label for _first, second in pairs), total)
            for label in labels
        ),
        Fraction(0),
    )
    return Fraction(1) if by_chance == 1 else (agreed - by_chance) / (1 - by_chance)


def most_wrong(wrong: int, checked: int) -> float | None:
    """Return the share that are wrong at most, with 95 % confidence, after so many in a sample.

    The exact upper end for one side (Clopper and Pearson): none found in 299 is at most 1 %, in 149
    2 %, in 59 5 %. None where nothing was checked. Source: R90.
    """
    if not checked:
        return None
    if not 0 <= wrong <= checked:
        raise ValueError("a part lies between nothing and the whole")
    if wrong == checked:
        return 1.0
    if not wrong:
        return 1 - _DOUBT ** (1 / checked)
    low, high = wrong / checked, 1.0
    for _step in range(60):
        middle = (low + high) / 2
        if _at_most(wrong, checked, middle) > _DOUBT:
            low = middle
        else:
            high = middle
    return high


def _at_most(count: int, trials: int, share: float) -> float:
    """Return how likely at most `count` of the trials hit, each with this share."""
    return math.fsum(
        math.comb(trials, each) * share**each * (1 - share) ** (trials - each)
        for each in range(count + 1)
    )


def shown_bound(value: float) -> str:
    """Return an upper bound in percent as it is shown, "1.00%": always rounded up."""
    return f"{math.ceil(value * 10_000) / 100:.2f}%"
