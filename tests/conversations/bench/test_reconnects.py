"""What a client shows after cuts, and when the comparison says that it falls short."""

from typing import Any

import pytest

from conversations.bench.drops import View
from conversations.bench.figures import Spread
from conversations.bench.reconnects import Outcome


def message(seq: int) -> dict[str, Any]:
    return {"id": f"m{seq}", "seq": seq}


def test_shows_each_message_once_in_order() -> None:
    view = View()

    gaps = [view.put(message(seq)) for seq in (1, 2, 2, 1, 3)]

    assert gaps == [False] * 5
    assert view.shown == ["m1", "m2", "m3"]
    assert view.repeated == 2


def test_notices_a_gap_and_shows_nothing_beyond_it() -> None:
    view = View()
    view.put(message(1))

    assert view.put(message(3))
    assert view.shown == ["m1"]


def outcome(**changed: Any) -> Outcome:
    return Outcome(**{"clients": 2, "drops": 4, "messages": 9, **changed})


def test_nothing_amiss_is_good_enough() -> None:
    assert outcome(caught_up_ms=Spread.of([1.0, 2.0])).failures() == []


@pytest.mark.parametrize(
    ("changed", "short"),
    [
        ({"missing": 1}, "missing is 1, not 0"),
        ({"doubled": 2}, "doubled is 2, not 0"),
        ({"misplaced": 1}, "misplaced is 1, not 0"),
        ({"not_stored": 1}, "not_stored is 1, not 0"),
        ({"stored_twice": 1}, "stored_twice is 1, not 0"),
        ({"drops": 0}, "nothing was cut, or nothing written"),
        ({"messages": 0}, "nothing was cut, or nothing written"),
        (
            {"caught_up_ms": Spread.of([2.001])},
            "95 % had caught up after 2001 ms, 2000 stated",
        ),
    ],
)
def test_says_what_falls_short(changed: dict[str, Any], short: str) -> None:
    assert outcome(**changed).failures() == [short]
