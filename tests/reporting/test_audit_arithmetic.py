"""The arithmetic of audits: stated examples, and what holds for all numbers."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting import audit_arithmetic


def test_strata_are_in_proportion() -> None:
    assert audit_arithmetic.strata({"web": 600, "app": 300, "h5": 100}, 299) == {
        "web": 179,
        "app": 90,
        "h5": 30,
    }
    assert audit_arithmetic.strata({"web": 3}, 299) == {"web": 3}


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(0, 900)))
def test_strata_add_up_and_take_no_more_than_there_is(sizes: dict[str, int]) -> None:
    drawn = audit_arithmetic.strata(sizes, 299)

    assert sum(drawn.values()) == min(299, sum(sizes.values()))
    assert all(0 <= drawn[key] <= sizes[key] for key in sizes)


def test_kappa_of_a_known_table() -> None:
    # Cohen's textbook case: 20 yes/yes, 15 no/no, 5 yes/no, 10 no/yes of 50.
    pairs = [("y", "y")] * 20 + [("n", "n")] * 15 + [("y", "n")] * 5 + [("n", "y")] * 10

    assert audit_arithmetic.kappa(pairs) == Fraction(4, 10)
    assert audit_arithmetic.kappa([]) is None
    assert audit_arithmetic.kappa([("y", "y")] * 3) == 1


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

    assert audit_arithmetic.kappa(pairs) == expected


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1))
def test_kappa_is_at_most_one_and_one_for_the_same(pairs: list[tuple[str, str]]) -> None:
    found = audit_arithmetic.kappa(pairs)

    assert found is not None
    assert found <= 1
    assert (found == 1) == all(first == second for first, second in pairs)


def test_none_found_says_how_many_are_wrong_at_most() -> None:
    # R90: 299 for 1 %, 149 for 2 %, 59 for 5 %; one less is not enough.
    for size, line in ((299, 0.01), (149, 0.02), (59, 0.05)):
        found, fewer = (
            audit_arithmetic.most_wrong(0, size),
            audit_arithmetic.most_wrong(0, size - 1),
        )
        assert found is not None
        assert found <= line
        assert fewer is None or fewer > line
    assert audit_arithmetic.most_wrong(0, 0) is None
    assert audit_arithmetic.most_wrong(4, 4) == 1
    # Clopper and Pearson's tables, one side: 1 of 299 is 1.58 %, 3 of 100 is 7.57 %.
    assert audit_arithmetic.most_wrong(1, 299) == pytest.approx(0.01577, abs=1e-5)
    assert audit_arithmetic.most_wrong(3, 100) == pytest.approx(0.07571, abs=1e-5)
    with pytest.raises(ValueError, match="part"):
        audit_arithmetic.most_wrong(5, 4)


def test_bound_is_shown_rounded_up() -> None:
    assert audit_arithmetic.shown_bound(0.009969) == "1.00%"
    assert audit_arithmetic.shown_bound(0.25887) == "25.89%"
    assert audit_arithmetic.shown_bound(1.0) == "100.00%"
