"""Entries drafted of what agents answered: in the queue, with the agents' own figures."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conversations import tasks
from conversations.bench import model_server
from conversations.bench.model_server import ModelServer
from conversations.models import ContactSession, Handoff
from conversations.services import desk, drafting, endings
from knowledge.models import Proposal, Release
from knowledge.search import Answers
from knowledge.services import matching
from tenants.models import Membership, Subprocessor, SubprocessorKind, Tenant, User
from tenants.roles import Role
from tenants.services import subprocessors
from tests.conversations.conftest import ANSWER
from tests.conversations.doors import ask

WORDS = "可以做礼盒包装吗，电话13812345678"
SAID = "可以的，礼盒包装每份 15 元，下单时备注即可。"


@pytest.fixture
def model(
    in_tenant: Tenant, make_member: Callable[..., User], knowledge: Release, settings: Any
) -> Iterator[ModelServer]:
    settings.OUTWARD_ALLOWED = ["127.0.0.1"]
    subprocessors.forget()
    boss = make_member(in_tenant, Role.CLIENT_ADMIN)
    with model_server.serving(model_server.helpful) as server:
        row = Subprocessor(
            kind=SubprocessorKind.LANGUAGE_MODEL, name="甲", base_url=server.url, model="m-1"
        )
        subprocessors.approve(subprocessors.save(row, by=boss, key="sk-1"), by=boss)
        chosen = matching.current()
        chosen.model_drafts = True
        matching.change(chosen, by=boss)
        yield server


@pytest.fixture
def served(
    model: ModelServer, visitor: ContactSession, agent: Membership, offered: Callable[..., Answers]
) -> Callable[[str], Handoff]:
    """Hand a question over and let the agent answer: served("…") -> the ended hand-off."""

    def serve(text: str) -> Handoff:
        offered()
        conversation_id = ask(visitor, WORDS).conversation_id
        desk.take(conversation_id, by=agent)
        desk.reply(conversation_id, text, by=agent, client_msg_id=text)
        endings.close(conversation_id, by=agent)
        return Handoff.objects.get()

    return serve


def replying(question: str, answer: str) -> model_server.Behaviour:
    def reply(server: ModelServer, asked: Any, handler: Any) -> None:
        server.say(handler, json.dumps({"question": question, "answer": answer}))

    return reply


def test_what_an_agent_answered_waits_in_the_queue_as_a_draft(
    model: ModelServer, served: Callable[[str], Handoff]
) -> None:
    handoff = served(SAID)
    model.behaviour = replying("可以做礼盒包装吗？", "可以，礼盒包装每份 15 元，下单时备注。")

    (draft,) = drafting.draft_new()

    assert (draft.source, draft.text) == ("draft", "可以做礼盒包装吗？")
    assert draft.answer == "可以，礼盒包装每份 15 元，下单时备注。"
    assert (draft.entry, draft.state) == (None, "pending")
    (asked,) = model.asked
    assert "[phone]" in asked.data
    assert "13812345678" not in asked.data
    handoff.refresh_from_db()
    assert handoff.read_at is not None
    assert drafting.draft_new() == []


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("可以做礼盒包装吗？", "可以，每份 25 元。"),
        ("可以做礼盒包装吗？", "可以，见 https://evil.example"),
        ("给 13812345678 做礼盒吗", "可以，每份 15 元。"),
        ("", ""),
    ],
)
def test_inventions_and_personal_data_are_thrown_away(
    model: ModelServer, served: Callable[[str], Handoff], question: str, answer: str
) -> None:
    served(SAID)
    model.behaviour = replying(question, answer)

    assert drafting.draft_new() == []
    assert not Proposal.objects.filter(source="draft").exists()
    assert Handoff.objects.get().read_at is not None


def test_a_standard_answer_needs_no_draft(
    model: ModelServer, served: Callable[[str], Handoff]
) -> None:
    served(ANSWER)

    assert drafting.draft_new() == []
    assert model.asked == []


def test_what_could_not_be_read_is_read_later(
    model: ModelServer, served: Callable[[str], Handoff]
) -> None:
    served(SAID)
    model.behaviour = model_server.dead
    assert drafting.draft_new() == []
    assert Handoff.objects.get().read_at is None

    model.behaviour = replying("可以做礼盒包装吗？", "可以，每份 15 元。")
    subprocessors.forget()
    tasks.draft_entries()

    assert Proposal.objects.get(source="draft").answer == "可以，每份 15 元。"


def test_the_same_draft_again_keeps_the_first_answer(
    model: ModelServer, served: Callable[[str], Handoff]
) -> None:
    served(SAID)
    model.behaviour = replying("可以做礼盒包装吗？", "可以，每份 15 元。")
    drafting.draft_new()
    Handoff.objects.update(read_at=None)
    model.behaviour = replying("可以做礼盒包装吗？", "15 元一份。")

    drafting.draft_new()

    assert Proposal.objects.get(source="draft").answer == "可以，每份 15 元。"
