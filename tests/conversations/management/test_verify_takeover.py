"""The command that lets turns and agents meet, and what it would say if the assistant spoke on."""

import contextlib
import io
import json
import re
from typing import Any

import pytest
from django.core.management import call_command

from conversations.models import Conversation
from conversations.services import bot, desk
from tenants import throwaway

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throwaway, "enter", lambda: None)


def verify(races: int) -> tuple[int, dict[str, Any]]:
    out = io.StringIO()
    try:
        call_command("verify_takeover", races=races, json=True, stdout=out, stderr=io.StringIO())
    except SystemExit as end:
        return int(str(end.code)), json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def test_the_assistant_never_speaks_after_a_person() -> None:
    _code, found = verify(races=40)

    assert (found["races"], found["spoke_after"], found["not_taken"]) == (40, 0, 0)
    assert found["spoke_before"] + found["silenced"] == 40


def test_an_assistant_that_speaks_on_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def deaf(conversation: Conversation, message: Any) -> bool:
        return True

    def without_epoch(conversation: Conversation, status: str) -> None:
        conversation.status = status

    monkeypatch.setattr(bot, "_is_open", deaf)
    monkeypatch.setattr(desk, "move", without_epoch)

    code, found = verify(races=40)

    assert code == 1
    assert found["spoke_after"] > 0


def test_says_what_it_counted(capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.suppress(SystemExit):
        call_command("verify_takeover", races=4)

    told = capsys.readouterr().out
    assert re.fullmatch(
        r"races=4 spoke_before=\d silenced=\d spoke_after=0 not_taken=0", told.strip()
    )
