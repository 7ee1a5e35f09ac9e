"""The command that lets a language model misbehave, and proves that visitors never notice."""

import io
import json
from typing import Any

import pytest
from django.core.management import call_command

from conversations.bench import model_server
from conversations.management.commands import verify_language_model
from conversations.services import advice
from tenants import throwaway


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rehearse in the test's own database, with little of everything."""
    monkeypatch.setattr(throwaway, "enter", lambda: None)
    monkeypatch.setattr(verify_language_model, "ENTRIES", 10)
    few = {
        name: model_server.BEHAVIOURS[name] for name in ("helpful", "dead", "lying", "betraying")
    }
    monkeypatch.setattr(verify_language_model, "BEHAVIOURS", few)
    lines = verify_language_model._lines
    monkeypatch.setattr(verify_language_model, "_lines", lambda name: lines(name)[::20])


def verify() -> tuple[int, dict[str, Any]]:
    out = io.StringIO()
    try:
        call_command(
            "verify_language_model", questions=6, json=True, stdout=out, stderr=io.StringIO()
        )
    except SystemExit as end:
        return int(str(end.code)), json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def test_however_bad_it_is_nothing_is_late_untrue_or_leaked(db: None) -> None:
    code, found = verify()

    assert code == 0
    assert [found[name] for name in ("late", "ungrounded", "leaks", "lost")] == [0, 0, 0, 0]
    assert found["injections"] == 60
    by_name = {row["behaviour"]: row for row in found["runs"]}
    assert by_name["helpful"]["worded"] > 0
    assert by_name["injections, betraying"]["refused"] > 0


def test_an_unchecked_wording_fails(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from conversations.dialogue import advice as rules  # noqa: PLC0415 -- patched here alone

    monkeypatch.setattr(rules, "faults", lambda wording, answer: ())

    code, found = verify()

    assert code == 1
    assert found["ungrounded"] > 0
    assert found["leaks"] > 0


def test_a_model_that_is_never_heard_proves_nothing(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advice, "is_wanted", lambda decision: False)

    assert verify()[0] == 1
