"""The demonstration: made once, marked as such, and as provable as the real thing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from config.demo import seed as demo
from config.demo.seed import SHOPS, seed
from conversations.console import seen_by
from conversations.hours import opens_at
from conversations.models import (
    AgentGroup,
    CannedReply,
    Channel,
    Contact,
    Conversation,
    Message,
    PresenceStatus,
    Tag,
    Ticket,
    TicketCategory,
    WrapUpCategory,
)
from conversations.services import contacts, desk, presences, routing
from conversations.services.handoff import request_handoff
from conversations.services.identity import Introduction
from knowledge import search
from knowledge.retrieval.encoder import load_encoder
from tenants.actors import Actor
from tenants.models import Approval, ContractTerms, Membership, Obligation, Tenant, User
from tenants.scoping import TenantModel, platform_scope, tenant_scope
from tenants.services import ledger
from tests.conversations.doors import send

# Of the month's conversations, so many are played here; all are played alike.
STORIES = 24


@pytest.fixture(autouse=True)
def _words_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Without models, as on a machine that has fetched none: learning takes no time."""
    monkeypatch.setenv("YINGDA_MODEL_DIR", str(tmp_path))
    load_encoder.cache_clear()
    yield
    load_encoder.cache_clear()


@pytest.fixture
def lines(db: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Make the demonstration; return what was said meanwhile."""
    monkeypatch.setattr(demo, "STORIES", STORIES)
    said: list[str] = []
    seed(said.append)
    return said


def counts() -> dict[str, int]:
    with platform_scope("counting rows of all tenants"):
        return {
            model._meta.label: model._base_manager.count()
            for model in (*apps.get_models(), User, Tenant)
            if issubclass(model, (TenantModel, User, Tenant))
        }


def test_second_run_changes_nothing(lines: list[str]) -> None:
    before = counts()
    said: list[str] = []

    seed(said.append)

    assert lines
    assert said == []
    assert counts() == before


def test_demonstration_is_whole_marked_and_provable(lines: list[str]) -> None:
    for shop in SHOPS:
        tenant = Tenant.objects.get(slug=shop["slug"])
        with tenant_scope(tenant):
            assert tenant.is_demo
            assert Conversation.objects.count() == STORIES
            assert not Conversation.objects.filter(is_demo=False).exists()
            assert not Contact.objects.filter(is_demo=False).exists()
            length, fault = ledger.verify()
            assert (fault, length > 5 * STORIES) == (None, True)
            _look_at_the_past()
            _look_at_the_present()
    for user in User.objects.all():
        assert user.check_password(demo.PASSWORD)


def _look_at_the_past() -> None:
    for conversation in Conversation.objects.all():
        seqs = conversation.messages.order_by("seq").values_list("seq", flat=True)
        assert list(seqs) == list(range(1, conversation.last_seq + 1))
    assert set(Conversation.objects.values_list("status", flat=True)) == {"closed"}
    assert not Message.objects.filter(kind="answer", entry_version=None).exists()
    assert set(Obligation.objects.values_list("state", flat=True)) == {"met"}
    # The month was measured by the contract that both parties had signed before it.
    agreed = ContractTerms.objects.get()
    assert set(Obligation.objects.values_list("terms_version", flat=True)) == {str(agreed)}
    assert Approval.objects.get(content_hash=agreed.content_hash).state == "confirmed"
    assert Message.objects.filter(author_kind="agent").exists()


def _look_at_the_present() -> None:
    channel = Channel.objects.get()
    found = search.answer_candidates(channel.quick_questions[0])
    best = found.candidates[0]
    assert (best.exact, best.p >= found.answer_threshold) == (True, True)
    assert Membership.objects.filter(role="agent").exists()


def test_agents_take_what_waits_by_hand(lines: list[str]) -> None:
    for shop in SHOPS:
        with tenant_scope(Tenant.objects.get(slug=shop["slug"])):
            session = contacts.admit(Channel.objects.get(), Introduction(device_id="d")).session
            for agent in Membership.objects.filter(role="agent"):
                presences.set_status(agent, PresenceStatus.ONLINE)
            waiting = request_handoff(send(session, "?").message.conversation_id)
            seen = Conversation.objects.filter(seen_by(Actor(agent.user, agent.tenant, agent)))

            assert routing.drain() == 0
            assert waiting.group == AgentGroup.objects.get()
            assert opens_at(waiting) is None
            assert seen.filter(pk=waiting.pk).exists()
            assert desk.take(waiting.pk, by=agent).agent == agent
            assert not Ticket.objects.exists()


def test_what_people_made_of_the_desk_stays(lines: list[str]) -> None:
    with tenant_scope(Tenant.objects.get(slug="demo")):
        CannedReply.objects.exclude(shortcut="工单").delete()
        AgentGroup.objects.update(name="我们组", auto_assign=True)

        seed(lambda _line: None)

        assert [row.shortcut for row in CannedReply.objects.all()] == ["工单"]
        assert [(row.name, row.auto_assign) for row in AgentGroup.objects.all()] == [
            ("我们组", True)
        ]
        for model in (TicketCategory, WrapUpCategory, Tag):
            for row in model.objects.all():
                row.full_clean()
            assert model.objects.count() >= 2


def test_public_passwords_never_reach_production(db: None, settings: Any) -> None:
    settings.EMBEDDED = False

    with pytest.raises(CommandError):
        call_command("seed_demo")

    assert Tenant.objects.count() == 0
