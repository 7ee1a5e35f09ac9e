"""What pages tell of their visitors is kept plain, short and storable."""

import math
from typing import Any

import pytest

from conversations.page_values import plain_values


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("好", True),
        (True, True),
        (1.5, True),
        ("a\x00b", False),
        ("\ud83d", False),
        (math.inf, False),
        (math.nan, False),
        (None, False),
        ([1], False),
    ],
    ids=repr,
)
def test_what_no_database_holds_is_left_out_of_what_a_page_tells(value: Any, kept: bool) -> None:
    assert plain_values({"k": value}, keys=3) == ({"k": value} if kept else {})


def test_of_what_a_page_tells_only_so_much_is_kept() -> None:
    told = {f"{number:03}" + "k" * 80: number for number in range(60)}

    kept = plain_values(told, keys=50)

    assert len(kept) == 50
    assert {len(key) for key in kept} == {60}
