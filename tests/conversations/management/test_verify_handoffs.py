"""The rehearsal of hand-offs says what it found: figures kept, and figures missed."""

from typing import Any

import pytest

from conversations.management.commands.verify_handoffs import HOPELESS, SCENARIOS, _missed


def row(behaviour: str, **changed: Any) -> dict[str, Any]:
    hopeless = behaviour in HOPELESS
    return {
        "target": "webhook",
        "behaviour": behaviour,
        "handoffs": 5,
        "within_60_s": 5,
        "at_once": 2 if hopeless else 0,
        "failovers": 3 if hopeless else 0,
        "failover_from_s": 45.0 if hopeless else None,
        "failover_to_s": 46.9 if hopeless else None,
        "duplicates": 0,
        "incomplete": 0,
        "problems": 0,
        **changed,
    }


@pytest.mark.parametrize("behaviour", SCENARIOS)
def test_kept_figures_are_no_fault(behaviour: str) -> None:
    assert _missed(row(behaviour), 5) == []


@pytest.mark.parametrize(
    ("behaviour", "changed"),
    [
        ("healthy", {"within_60_s": 4}),
        ("healthy", {"handoffs": 4, "within_60_s": 4}),
        ("healthy", {"at_once": 1}),
        ("error_after_creating", {"failovers": 1, "failover_from_s": 45.0, "failover_to_s": 47.1}),
        ("healthy", {"duplicates": 1}),
        ("healthy", {"incomplete": 1}),
        ("healthy", {"problems": 1}),
        ("slow", {"failovers": 2}),
        ("slow", {"failover_from_s": 42.9}),
        ("black_hole", {"failover_to_s": 47.1}),
        ("error", {"at_once": 5, "failovers": 0}),
    ],
)
def test_each_missed_figure_is_a_fault(behaviour: str, changed: dict[str, Any]) -> None:
    assert len(_missed(row(behaviour, **changed), 5)) == 1
