"""The command that compares every answer with its source, stored or rehearsed."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from conversations.models import ContactSession, Message
from knowledge.models import Release
from tenants import throwaway
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.conversations.conftest import KNOWN
from tests.conversations.doors import ask


def verify(**options: Any) -> tuple[int, str, str]:
    """Return exit code, output and what was told meanwhile."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("verify_answers", stdout=out, stderr=err, **options)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


@pytest.fixture
def reply(tenant: Tenant, knowledge: Release, visitor: ContactSession) -> Message:
    with tenant_scope(tenant):
        return ask(visitor, KNOWN)


@pytest.fixture
def tampered(tenant: Tenant, reply: Message) -> Message:
    with tenant_scope(tenant):
        Message.objects.filter(pk=reply.pk).update(text="别的话")
    return reply


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rehearse in the test's own database."""
    monkeypatch.setattr(throwaway, "enter", lambda: None)


def test_true_answers_end_well(reply: Message, other_tenant: Tenant) -> None:
    code, told, _err = verify()

    assert code == 0
    assert told.splitlines() == [
        "qinghe: 1 compared, 0 mismatched",
        "yunshan: 0 compared, 0 mismatched",
        "compared=1 mismatched=0",
    ]


def test_a_mismatch_is_named_and_fails(tampered: Message, other_tenant: Tenant) -> None:
    code, told, _err = verify(json=True)
    plain_code, plain, _err = verify()

    found = json.loads(told)
    assert (code, plain_code) == (1, 1)
    assert (found["compared"], found["mismatched"]) == (1, 1)
    assert found["tenants"][0] == {
        "tenant": "qinghe",
        "compared": 1,
        "mismatched": 1,
        "messages": [str(tampered.pk)],
    }
    assert str(tampered.pk) in plain


def test_one_tenant_alone(tampered: Message, other_tenant: Tenant) -> None:
    assert verify(tenant="yunshan")[0] == 0
    assert verify(tenant="qinghe")[0] == 1
    with pytest.raises(CommandError, match="no tenant nobody"):
        call_command("verify_answers", tenant="nobody")


def test_a_rehearsal_asks_compares_and_tries_the_database(db: None, here: None) -> None:
    code, told, err = verify(rehearse=12, json=True)

    found = json.loads(told)
    assert code == 0
    assert set(found) == {"answered", "compared", "mismatched", "sourceless_refused"}
    assert found["answered"] == found["compared"] >= 6
    assert (found["mismatched"], found["sourceless_refused"]) == (0, True)
    assert f"12 asked, {found['answered']} answered" in err


def test_a_rehearsal_fails_where_replies_are_changed_on_their_way(
    db: None, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conversations.services import messages  # noqa: PLC0415 -- patched here alone

    say: Callable[..., Any] = messages.say
    monkeypatch.setattr(
        messages, "say", lambda conversation, text, **rest: say(conversation, f"{text}!", **rest)
    )

    code, told, _err = verify(rehearse=6, json=True)

    found = json.loads(told)
    assert code == 1
    assert found["mismatched"] == found["compared"] == found["answered"] > 0


def test_a_rehearsal_fails_where_nothing_is_answered(
    in_tenant: Tenant, here: None, offered: Callable[..., Any]
) -> None:
    offered()

    code, told, _err = verify(rehearse=3)

    assert code == 1
    assert "answered=0" in told


def test_a_rehearsal_has_a_tenant_of_its_own(db: None) -> None:
    with pytest.raises(CommandError, match="leave --tenant out"):
        call_command("verify_answers", rehearse=5, tenant="qinghe")


@pytest.mark.parametrize("text", ["0", "-1", "many", ""])
def test_the_number_of_questions_is_above_zero(db: None, text: str) -> None:
    with pytest.raises(CommandError, match="not a number above zero"):
        call_command("verify_answers", f"--rehearse={text}")
