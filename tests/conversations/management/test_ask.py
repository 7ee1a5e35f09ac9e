"""The command that asks one question through the live pipeline."""

import io
import json
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command

from conversations.models import BotDecision
from knowledge.models import Release
from knowledge.search import Answers
from tenants.models import Tenant
from tests.conversations.conftest import ANSWER, KNOWN


def ask(*questions: str, tenant: str = "qinghe", json: bool = False) -> str:
    out = io.StringIO()
    call_command("ask", *questions, tenant=tenant, json=json, stdout=out)
    return out.getvalue()


def test_each_question_is_one_object_and_nothing_is_stored(
    in_tenant: Tenant, knowledge: Release, offered: Callable[..., Answers]
) -> None:
    offered((KNOWN, 0.9), topics={"ordinary": 1.0})

    lines = [json.loads(line) for line in ask("多久能到", "我要起诉你们", json=True).splitlines()]

    assert [(line["rule"], line["answer"]) for line in lines] == [
        ("gate.answer", ANSWER),
        ("topic.legal", None),
    ]
    assert all(line["why"] for line in lines)
    assert (lines[0]["candidates"][0]["p"], lines[1]["candidates"]) == (0.9, [])
    assert BotDecision.objects.count() == 0


def test_people_read_what_is_decided(
    in_tenant: Tenant, knowledge: Release, offered: Callable[..., Answers]
) -> None:
    offered((KNOWN, 0.5))

    told = ask("多久能到")

    assert "clarify (gate.clarify)" in told
    assert f"? {KNOWN}" in told


def test_unknown_tenant_is_an_error_that_names_the_known(tenant: Tenant) -> None:
    with pytest.raises(CommandError, match="qinghe"):
        ask("多久能到", tenant="nobody")
