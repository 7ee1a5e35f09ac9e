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
        "failovers": 5 if hopeless else 0,
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
        ("healthy", {"failovers": 1}),
        ("healthy", {"duplicates": 1}),
        ("healthy", {"incomplete": 1}),
        ("healthy", {"problems": 1}),
        ("slow", {"failovers": 4}),
        ("slow", {"failover_from_s": 42.9}),
        ("black_hole", {"failover_to_s": 47.1}),
        ("error", {"failovers": 0, "failover_from_s": None, "failover_to_s": None}),
    ],
)
def test_each_missed_figure_is_a_fault(behaviour: str, changed: dict[str, Any]) -> None:
    assert len(_missed(row(behaviour, **changed), 5)) == 1
