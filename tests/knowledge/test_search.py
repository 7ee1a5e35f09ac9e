"""The reading door: one release, one tenant, one answer for the whole question."""

import uuid
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from knowledge import search
from knowledge.models import ActiveRelease, Entry, EntryVersion, Release
from knowledge.retrieval.gate import ANSWER_THRESHOLD, CLARIFY_THRESHOLD
from knowledge.services import entries, releases
from tenants.models import Tenant
from tenants.scoping import TenantScopeError, tenant_scope
from tests.conftest import KNOWLEDGE
from tests.conversations.doors import at_once

QUESTION, ANSWER = KNOWLEDGE[0][1], KNOWLEDGE[0][3]


def test_without_a_release_nothing_is_found(in_tenant: Tenant) -> None:
    answers = search.answer_candidates(QUESTION)

    assert (answers.release_id, answers.candidates, answers.low_content) == (None, (), False)


def test_best_candidate_comes_first_with_its_version(
    in_tenant: Tenant, publish: Callable[..., Release]
) -> None:
    release = publish(in_tenant)

    answers = search.answer_candidates("几天能寄出来", limit=2)

    best = answers.candidates[0]
    assert answers.release_id == release.pk
    assert (best.question, best.answer, best.exact) == (QUESTION, ANSWER, True)
    assert best.version_id == EntryVersion.objects.get(question=QUESTION).pk
    assert len(answers.candidates) == 2
    assert (answers.answer_threshold, answers.clarify_threshold) == (
        ANSWER_THRESHOLD,
        CLARIFY_THRESHOLD,
    )
    assert ANSWER_THRESHOLD <= best.p <= 1


@pytest.mark.parametrize("text", ["", "？", "  ", "。。。"])
def test_words_that_say_nothing_are_noticed(
    in_tenant: Tenant, publish: Callable[..., Release], text: str
) -> None:
    publish(in_tenant)

    answers = search.answer_candidates(text)

    assert (answers.low_content, answers.candidates) == (True, ())


@pytest.mark.parametrize(
    "text", ["长" * 40_000, "a" * 40_000, "😀" * 5000, "\x00\u202e", "' OR 1=1"]
)
def test_any_text_can_be_asked(
    in_tenant: Tenant, publish: Callable[..., Release], text: str
) -> None:
    publish(in_tenant)

    answers = search.answer_candidates(text)

    assert all(0 <= candidate.p <= 1 for candidate in answers.candidates)
    assert not any(candidate.exact for candidate in answers.candidates)


def test_tenants_hear_their_own(
    tenant: Tenant, other_tenant: Tenant, publish: Callable[..., Release]
) -> None:
    publish(tenant)
    publish(other_tenant, [("配送", QUESTION, [], "云杉：三天内。")])

    for owner, answer in ((tenant, ANSWER), (other_tenant, "云杉：三天内。"), (tenant, ANSWER)):
        with tenant_scope(owner):
            assert search.answer_candidates(QUESTION).candidates[0].answer == answer
    with tenant_scope(other_tenant):
        assert len(search.answer_candidates(QUESTION).candidates) == 1
    with pytest.raises(TenantScopeError):
        search.answer_candidates(QUESTION)


def test_question_costs_two_small_queries_once_the_index_is_there(
    in_tenant: Tenant, publish: Callable[..., Release]
) -> None:
    publish(in_tenant)
    search.answer_candidates(QUESTION)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        search.answer_candidates("换个问题")

    assert len(queries) == 2


def test_switch_in_another_process_is_heard_with_the_next_question(
    in_tenant: Tenant, publish: Callable[..., Release]
) -> None:
    first = publish(in_tenant)
    entry = Entry.objects.get(question=QUESTION)
    entry.answer = "改成 48 小时。"
    entries.save_entry(entry, by=None)
    second = releases.publish(by=None)
    heard = []

    for release in (first, second, first):
        # As another process would do it: the row alone, none of this process's memory.
        ActiveRelease.objects.update(release=release)
        answers = search.answer_candidates(QUESTION)
        heard.append((answers.release_id, answers.candidates[0].answer))

    assert heard == [
        (first.pk, ANSWER),
        (second.pk, "改成 48 小时。"),
        (first.pk, ANSWER),
    ]


@pytest.mark.django_db(transaction=True)
def test_questions_during_a_switch_hear_one_release_each(
    in_tenant: Tenant, publish: Callable[..., Release]
) -> None:
    first = publish(in_tenant)
    for question, answer in ((row[1], f"新：{row[3]}") for row in KNOWLEDGE):
        entry = Entry.objects.get(question=question)
        entry.answer = answer
        entries.save_entry(entry, by=None)
    second = releases.publish(by=None)

    def work(thread: int) -> list[tuple[uuid.UUID | None, bool]]:
        if thread == 0:
            for release in (first, second) * 4:
                releases.activate(release, by=None)
            return []
        heard = []
        for number in range(40):
            answers = search.answer_candidates(KNOWLEDGE[number % 3][1])
            new = {candidate.answer.startswith("新：") for candidate in answers.candidates}
            assert len(new) == 1
            heard.append((answers.release_id, new.pop()))
        return heard

    results = at_once(4, work)

    heard = {pair for result in results for pair in result}  # type: ignore[union-attr]
    assert heard <= {(first.pk, False), (second.pk, True)}
    assert heard


def test_index_least_asked_is_dropped_first(
    tenant: Tenant,
    other_tenant: Tenant,
    publish: Callable[..., Release],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(search, "KEPT_INDEXES", 1)
    for owner in (tenant, other_tenant):
        publish(owner)

    for owner in (tenant, other_tenant, tenant):
        with tenant_scope(owner):
            assert search.answer_candidates(QUESTION).candidates[0].answer == ANSWER
            assert len(search._loaded) == 1


def test_only_answers_of_the_active_release_can_be_chosen(
    in_tenant: Tenant, other_tenant: Tenant, publish: Callable[..., Release]
) -> None:
    publish(in_tenant)
    old = EntryVersion.objects.get(question=QUESTION)
    entry = old.entry
    entry.answer = "改成 48 小时。"
    entries.save_entry(entry, by=None)
    releases.publish(by=None)
    new = EntryVersion.objects.get(question=QUESTION, number=2)
    publish(other_tenant)
    with tenant_scope(other_tenant):
        theirs = EntryVersion.objects.get(question=QUESTION)

    chosen = search.released_answer(new.pk)

    assert chosen is not None
    assert (chosen.version_id, chosen.answer, chosen.p) == (new.pk, "改成 48 小时。", 1.0)
    for version_id in (old.pk, theirs.pk, uuid.uuid4()):
        assert search.released_answer(version_id) is None
