"""The command that plays months of inquiries, and what makes it fail."""

import io
import json
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command

from conversations import satisfaction
from conversations.management.commands import verify_satisfaction
from conversations.models import SurveyInvite
from conversations.services import surveys
from tenants import throwaway


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rehearse in the test's own database."""
    monkeypatch.setattr(throwaway, "enter", lambda: None)


def verify(inquiries: int = 120) -> tuple[int, dict[str, Any]]:
    out = io.StringIO()
    try:
        call_command("verify_satisfaction", inquiries=inquiries, json=True, stdout=out)
    except SystemExit as end:
        return int(str(end.code)), json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def test_nothing_is_found_wrong(db: None) -> None:
    code, found = verify()

    assert code == 0
    assert found["borders_wrong"] == []
    assert found["sample"]["equal"] is True
    assert all(month["figures_equal"] for month in found["months"])
    drawn = found["months"][0]["drawn"]
    assert sum(sum(pair) for pair in drawn.values()) == 120
    assert set(drawn) == {
        "answered",
        "silent",
        "handed_off",
        "angry",
        "agent_alone",
        "unanswered",
    }


def test_suppressing_the_handed_off_is_found(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def suppress(invite: SurveyInvite) -> bool:
        return not invite.has_human_part

    monkeypatch.setattr(surveys, "_surveys", suppress)
    # So that few inquiries tell it as surely as ten thousand.
    monkeypatch.setattr(verify_satisfaction, "RATE", Decimal("0.8"))

    code, found = verify()

    assert code == 1
    assert found["independent"] is False
    assert len(found["months"]) == 2


def test_window_that_is_a_moment_too_long_is_found(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_open = satisfaction.is_open
    moment = satisfaction.timedelta(microseconds=1)
    monkeypatch.setattr(
        satisfaction,
        "is_open",
        lambda opens_at, at: is_open(opens_at, at) or is_open(opens_at, at - moment),
    )

    code, found = verify()

    assert code == 1
    assert found["borders_wrong"] == ["48 h and 1 us"]
