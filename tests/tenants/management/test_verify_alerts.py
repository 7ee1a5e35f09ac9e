"""The command that lets promises be missed by the thousand, at the size of a test."""

import io
import json
from contextlib import nullcontext
from typing import Any

import pytest
from django.core.management import call_command

from tenants import throwaway
from tenants.management.commands import verify_alerts


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> None:
    """Rehearse in the test's own database."""
    monkeypatch.setattr(throwaway, "own_database", nullcontext)


def verify(**options: Any) -> tuple[int, dict[str, Any]]:
    out = io.StringIO()
    try:
        call_command("verify_alerts", json=True, stdout=out, **options)
    except SystemExit as end:
        return int(str(end.code)), json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def test_a_burst_is_found_at_once_and_told_once() -> None:
    code, found = verify(burst=90, tenants=3)

    assert (code, found["passed"]) == (0, True)
    assert (found["breaches"], found["robot_counted"], found["copies_left"]) == (90, 90, 0)
    assert (found["tenants"], found["recipients"]) == (3, 6)
    assert found["in_exactly_one_mail_of_each"] is True
    assert 1 <= found["detected_seconds_max"] <= found["last_breach_written_seconds"] <= 5


def test_what_comes_too_late_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_alerts, "DETECTED_SECONDS", 0.5)

    code, found = verify(breaches=20, per_second=100)

    assert (code, found["passed"]) == (1, False)
    assert found["breaches"] == 20
