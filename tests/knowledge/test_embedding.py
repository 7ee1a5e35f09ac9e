"""The second embedder: read in the background, tried first, and never missed when it is gone."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from conversations.bench import model_server
from conversations.bench.model_server import ModelServer
from knowledge import embedders, search, tasks
from knowledge.embedders import SilentError
from knowledge.models import Entry, MatchingSettings, TextVector
from knowledge.retrieval.semantic import Part
from knowledge.services import embedding, entries, matching, releases
from tenants.models import LedgerEntry, Subprocessor, SubprocessorKind, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services import subprocessors
from tests.knowledge.embedding import Spelling

WORDS = ("挂失", "开户", "销户", "改密", "贷款", "汇款")
ROWS = [
    (
        "业务",
        f"怎么办理{word}？",
        [f"{word}{end}" for end in ("怎么弄", "在哪办", "的流程", "要多久")],
        f"{word}请到柜台办理。",
    )
    for word in WORDS
]
QUESTION = "我想挂失一下卡，手机 13812345678"


@pytest.fixture(autouse=True)
def _local(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Give every test a local encoder of its own, and let it reach this machine."""
    settings.OUTWARD_ALLOWED = ["127.0.0.1"]
    subprocessors.forget()
    local = Spelling("local", (Part(384, 0.86, 0.6), Part(512, 0.14, 0.4)))
    monkeypatch.setattr(search, "load_encoder", lambda: local)
    monkeypatch.setattr(embedding, "load_encoder", lambda: local)
    search.forget()


@pytest.fixture
def boss(in_tenant: Tenant, make_member: Callable[..., User]) -> User:
    return make_member(in_tenant, Role.CLIENT_ADMIN)


@pytest.fixture
def service(in_tenant: Tenant, boss: User, publish: Callable[..., Any]) -> Iterator[ModelServer]:
    """Serve embeddings that the tenant approved and chose, beside a released knowledge base."""
    publish(in_tenant, ROWS)
    with model_server.serving(model_server.helpful) as server:
        row = Subprocessor(
            kind=SubprocessorKind.EMBEDDINGS, name="甲", base_url=server.url, model="e-1"
        )
        subprocessors.approve(subprocessors.save(row, by=boss, key="sk-1"), by=boss)
        settings = matching.current()
        settings.embedder = embedders.SERVICE
        matching.change(settings, by=boss)
        yield server


def state() -> tuple[str, str]:
    report = MatchingSettings.objects.get().embedder_report
    return report.get("state", ""), report.get("why", "")


def test_it_reads_is_tried_and_takes_part(service: ModelServer) -> None:
    assert search.answer_candidates(QUESTION).candidates[0].question == "怎么办理挂失？"
    assert service.read == []

    report = embedding.prepare()

    assert report["state"] == "used"
    assert report["after"]["top1"] >= report["before"]["top1"] - 0.005
    assert report["before"]["questions"] == 24
    read = len(service.read)
    assert read == TextVector.objects.filter(encoder__startswith="service-").count()
    search.answer_candidates(QUESTION)
    assert service.read[read:] == ["我想挂失一下卡，手机 [phone]"]
    search.answer_candidates(QUESTION)
    assert len(service.read) == read + 1
    assert LedgerEntry.objects.filter(kind="embedder.changed").count() == 1


def test_a_phrasing_word_for_word_asks_nobody(service: ModelServer) -> None:
    embedding.prepare()
    read = len(service.read)

    assert search.answer_candidates("挂失怎么弄").candidates[0].exact
    assert len(service.read) == read


def test_one_that_does_harm_takes_no_part(
    service: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.embedding = model_server.senseless
    # So large a share that the words alone cannot make up for it.
    monkeypatch.setattr(embedding, "SHARES", (0.99,))

    report = embedding.prepare()

    assert (report["state"], report["why"]) == ("refused", "worse")
    assert MatchingSettings.objects.get().embedder_used == {}
    assert not embedding.is_due(matching.current())


def test_few_phrasings_cannot_try_it(service: ModelServer, in_tenant: Tenant) -> None:
    for entry in Entry.objects.all():
        entries.save_entry(entry, by=None, phrasings=[])
    releases.publish(by=None)

    embedding.prepare()

    assert state() == ("refused", "few")


@pytest.mark.parametrize(
    "embedding_of",
    [
        lambda model, texts, handler: handler.reply(500, {}),
        lambda model, texts, handler: handler.reply(200, {"data": []}),
        lambda model, texts, handler: handler.reply(
            200, model_server.embeddings([[]] * len(texts))
        ),
        lambda model, texts, handler: handler.reply(
            200, model_server.embeddings([[float("nan")]] * len(texts))
        ),
        lambda model, texts, handler: handler.reply(200, b"\xff"),
        lambda model, texts, handler: model.ended.wait(5),
    ],
)
def test_once_it_fails_answers_are_found_without_it(
    service: ModelServer, embedding_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedders.find, "__kwdefaults__", {"seconds": 0.3})
    before = search.answer_candidates(QUESTION)
    embedding.prepare()
    service.embedding = embedding_of

    after = search.answer_candidates(QUESTION)

    assert [found.question for found in after.candidates] == [
        found.question for found in before.candidates
    ]
    assert after.candidates[0].p == pytest.approx(before.candidates[0].p, abs=0.02)


def test_a_service_that_cannot_be_had_is_told_and_tried_again(service: ModelServer) -> None:
    service.embedding = lambda model, texts, handler: handler.reply(503, {})

    embedding.prepare()
    silent = state()
    service.embedding = model_server.spelling
    subprocessors.forget()
    tasks.prepare_embedders()

    assert silent == ("silent", "failed")
    assert state() == ("used", "")


def test_a_new_release_is_read_before_it_takes_part_again(service: ModelServer) -> None:
    embedding.prepare()
    read = len(service.read)
    entries.save_entry(
        Entry(
            category=entries.category_named("业务"),
            question="怎么办理对账单？",
            answer="网银下载。",
        ),
        by=None,
        phrasings=["流水怎么打"],
    )
    releases.publish(by=None)

    # Until then the question is answered without it.
    assert search.answer_candidates("对账单怎么办").candidates[0].question == "怎么办理对账单？"
    assert len(service.read) == read
    assert embedding.is_due(matching.current())
    tasks.prepare_embedders()
    assert set(service.read[read:]) == {"怎么办理对账单？", "流水怎么打", "网银下载。"}
    assert not embedding.is_due(matching.current())


def test_consent_withdrawn_ends_it(service: ModelServer, boss: User) -> None:
    embedding.prepare()
    subprocessors.withdraw(Subprocessor.objects.get(), by=boss)
    search.forget()
    read = len(service.read)

    assert search.answer_candidates(QUESTION).candidates
    assert len(service.read) == read


def test_choosing_none_ends_it(service: ModelServer, boss: User) -> None:
    embedding.prepare()
    settings = matching.current()
    settings.embedder = ""
    matching.change(settings, by=boss)
    tasks.prepare_embedders()

    row = MatchingSettings.objects.get()
    assert (row.embedder_used, row.embedder_report["state"]) == ({}, "none")


def test_another_tenants_choice_is_its_own(service: ModelServer, other_tenant: Tenant) -> None:
    embedding.prepare()

    with tenant_scope(other_tenant):
        assert embedders.choices() == []
        with pytest.raises(SilentError, match="unapproved"):
            embedders.find(embedders.SERVICE)


def test_the_page_offers_and_tells(
    service: ModelServer, in_tenant: Tenant, boss: User, client_as: Callable[[User], Client]
) -> None:
    embedding.prepare()
    row = matching.current()

    page = (
        client_as(boss).get(f"/admin/knowledge/matchingsettings/{row.pk}/change/").content.decode()
    )

    assert "甲 (e-1)" in page
    assert embedders.SERVICE in page
