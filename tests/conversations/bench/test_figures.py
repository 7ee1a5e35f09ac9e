"""What a measurement counts as lost, doubled or too slow."""

from typing import Any

import pytest

from conversations.bench.figures import Figures, Spread, check_stored, table
from conversations.bench.visitor import Log, Turn


def message(seq: int, author: str, client_msg_id: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "seq": seq,
        "author": {"kind": author},
        "kind": "text" if author == "customer" else "answer",
        "client_msg_id": client_msg_id,
        **more,
    }


def turn(client_msg_id: str, **more: Any) -> Turn:
    return Turn(client_msg_id, "c", sent_at=10.0, **{"replied_at": 10.02, **more})


def figures() -> Figures:
    return Figures(visitors=2, seconds=10, rate=1, goal_p99_ms=500)


ASKED = [message(1, "customer", "a"), message(2, "bot")]


@pytest.mark.parametrize(
    ("turns", "stored", "expected"),
    [
        ([turn("a")], ASKED, (0, 0, 0)),
        ([turn("a")], [message(2, "customer", "a"), message(3, "bot")], (1, 0, 0)),
        ([turn("a", replied_at=None)], ASKED[:1], (1, 0, 0)),
        ([turn("a")], [], (1, 0, 0)),
        ([turn("a", replied_at=None)], ASKED, (0, 1, 0)),
        ([turn("a")], [*ASKED, message(3, "bot")], (0, 0, 1)),
        ([turn("a")], [*ASKED, message(3, "customer", "a"), message(4, "bot")], (0, 0, 2)),
        ([turn("a", replied_at=None, handed_off=True)], ASKED[:1], (0, 0, 0)),
        ([turn("a", replied_at=None, error="rate_limited")], [], (0, 0, 0)),
        ([turn("a")], [*ASKED, message(3, "bot", kind="notice")], (0, 0, 0)),
        ([turn("a")], [*ASKED, message(3, "system")], (0, 0, 0)),
        ([turn("a", replied_at=None)], [*ASKED[:1], message(2, "bot", kind="confirmation")], (1, 0, 0)),
    ],
    ids=[
        "good",
        "gap",
        "no answer",
        "not stored",
        "answer not delivered",
        "two answers",
        "stored twice",
        "handed off",
        "refused",
        "notice",
        "system",
        "only a receipt",
    ],
)  # fmt: skip
def test_check_stored(
    turns: list[Turn], stored: list[dict[str, Any]], expected: tuple[int, int, int]
) -> None:
    result = figures()

    check_stored(result, turns, {"c": stored})

    assert (result.lost, result.undelivered, result.doubled) == expected
    assert result.conversations_checked == 1


def test_spread_takes_the_nearest_rank() -> None:
    assert Spread.of(n / 1000 for n in range(1, 101)) == Spread(50.0, 95.0, 99.0, 100.0)
    assert Spread.of([0.0071]) == Spread(7.1, 7.1, 7.1, 7.1)
    assert Spread.of([]) == Spread(None, None, None, None)


def test_good_figures_have_no_failures() -> None:
    result = figures()
    result.take_log(Log(turns=[turn("a"), turn("b", replied_at=10.5)]))

    assert result.failures() == []
    assert (result.turns, result.answered, result.turns_per_second) == (2, 2, 0.2)
    assert "p50 20.0" in table(result)


def test_each_shortfall_is_named() -> None:
    log = Log(turns=[turn("a", replied_at=10.501)], repeated_frames=1)
    log.errors["internal"] = 2
    result = figures()
    result.take_log(log)
    result.lost, result.undelivered, result.doubled, result.skipped = 3, 4, 5, 6

    assert result.failures() == [
        "errors: internal x 2",
        "lost: 3",
        "undelivered: 4",
        "doubled: 5",
        "repeated frames: 1",
        "p99 501.0 ms is above 500 ms",
        "saturated: 6 questions found every visitor waiting",
    ]


def test_no_answer_at_all_is_a_failure() -> None:
    result = figures()
    result.take_log(Log())

    assert result.failures() == ["nothing was answered"]
