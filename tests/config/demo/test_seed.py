"""The demonstration: made once, marked as such, and as provable as the real thing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from config.demo import seed as demo
from config.demo.seed import SHOPS, seed
from conversations.models import Channel, Contact, Conversation, Message
from knowledge import search
from knowledge.retrieval.encoder import load_encoder
from tenants.models import Membership, Obligation, Tenant, User
from tenants.scoping import TenantModel, platform_scope, tenant_scope
from tenants.services import ledger

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
    assert Message.objects.filter(author_kind="agent").exists()


def _look_at_the_present() -> None:
    channel = Channel.objects.get()
    found = search.answer_candidates(channel.quick_questions[0])
    best = found.candidates[0]
    assert (best.exact, best.p >= found.answer_threshold) == (True, True)
    assert Membership.objects.filter(role="agent").exists()


def test_public_passwords_never_reach_production(db: None, settings: Any) -> None:
    settings.EMBEDDED = False

    with pytest.raises(CommandError):
        call_command("seed_demo")

    assert Tenant.objects.count() == 0
