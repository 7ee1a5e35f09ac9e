"""Releases: immutable versions, one pointer, switched at once and back."""

from collections.abc import Callable

import pytest

from knowledge import search
from knowledge.models import ActiveRelease, Entry, EntryVersion, Release, ReleaseItem
from knowledge.services import entries, releases
from knowledge.services.releases import NothingToPublishError
from tenants.models import LedgerEntry, Tenant
from tenants.models.ledger import AppendOnlyError
from tenants.scoping import TenantScopeError, tenant_scope
from tests.conftest import KNOWLEDGE
from tests.conversations.doors import at_once

QUESTION, ANSWER = KNOWLEDGE[0][1], KNOWLEDGE[0][3]


@pytest.fixture
def first(in_tenant: Tenant, publish: Callable[..., Release]) -> Release:
    return publish(in_tenant)


def heard(question: str = QUESTION) -> str | None:
    candidates = search.answer_candidates(question).candidates
    return candidates[0].answer if candidates and candidates[0].exact else None


def rewrite(answer: str, question: str = QUESTION) -> Entry:
    entry = Entry.objects.get(question=question)
    entry.answer = answer
    return entries.save_entry(entry, by=None)


def test_first_release_binds_every_entry_in_use(in_tenant: Tenant, first: Release) -> None:
    versions = EntryVersion.objects.order_by("question")

    assert (first.number, first.entry_count) == (1, 3)
    assert {version.number for version in versions} == {1}
    assert set(first.versions.all()) == set(versions)
    assert releases.active_release() == first
    version = versions.get(question=QUESTION)
    assert (version.category_name, version.answer) == ("配送", ANSWER)
    assert version.phrasings == ["几天能寄出来", "今天拍什么时候出库"]
    activated = LedgerEntry.objects.latest("position")
    assert (activated.kind, activated.subject) == ("release.activated", str(first.pk))


def test_unchanged_entries_keep_their_version(in_tenant: Tenant, first: Release) -> None:
    rewrite("改成 48 小时。")

    second = releases.publish(by=None, note="改时效")

    numbers = dict(second.versions.values_list("question", "number"))
    assert sorted(numbers.values()) == [1, 1, 2]
    assert numbers[QUESTION] == 2
    assert (second.number, second.note, EntryVersion.objects.count()) == (2, "改时效", 4)
    assert EntryVersion.objects.get(question=QUESTION, number=1).answer == ANSWER


def test_visitors_hear_a_change_only_after_its_release(in_tenant: Tenant, first: Release) -> None:
    before = heard()
    rewrite("改成 48 小时。")
    meanwhile = heard()
    releases.publish(by=None)

    assert (before, meanwhile, heard()) == (ANSWER, ANSWER, "改成 48 小时。")


def test_way_back_is_one_step(in_tenant: Tenant, first: Release) -> None:
    rewrite("坏的答案。")
    second = releases.publish(by=None)

    releases.activate(first, by=None)

    assert heard() == ANSWER
    assert releases.active_release() == first
    assert ActiveRelease.objects.count() == 1
    numbers = LedgerEntry.objects.filter(kind="release.activated").order_by("position")
    assert [row.data["number"] for row in numbers] == [1, 2, 1]
    releases.activate(second, by=None)
    assert heard() == "坏的答案。"


def test_entry_out_of_use_is_left_out(in_tenant: Tenant, first: Release) -> None:
    Entry.objects.filter(question=QUESTION).update(is_active=False)

    second = releases.publish(by=None)

    assert second.entry_count == 2
    assert heard() is None


def test_nothing_is_published_twice(in_tenant: Tenant, first: Release) -> None:
    with pytest.raises(NothingToPublishError) as refused:
        releases.publish(by=None)

    assert (refused.value.code, refused.value.status) == ("nothing_to_publish", 409)
    assert (Release.objects.count(), EntryVersion.objects.count()) == (1, 3)


def test_change_that_was_taken_back_is_nothing_to_publish(
    in_tenant: Tenant, first: Release
) -> None:
    rewrite("改了。")
    rewrite(ANSWER)

    with pytest.raises(NothingToPublishError):
        releases.publish(by=None)


def test_pending_changes_are_counted(in_tenant: Tenant, first: Release) -> None:
    none = releases.pending_changes()
    rewrite("改了。")
    Entry.objects.filter(question=KNOWLEDGE[1][1]).update(is_active=False)
    for question in ("新的一", "新的二"):
        entries.save_entry(
            Entry(category=entries.category_named("新"), question=question, answer="新。"), by=None
        )

    changes = releases.pending_changes()

    assert (none.total, changes.total) == (0, 4)
    assert (changes.added, changes.changed, changes.removed) == (2, 1, 1)


@pytest.mark.parametrize("part", ["category", "question", "phrasings", "answer"])
def test_every_part_of_an_entry_makes_a_new_version(
    in_tenant: Tenant, first: Release, part: str
) -> None:
    entry = Entry.objects.get(question=QUESTION)
    if part == "category":
        entry.category = entries.category_named("物流")
    elif part == "phrasings":
        entries.save_entry(entry, by=None, phrasings=["换了说法"])
    else:
        setattr(entry, part, "换了")
    entries.save_entry(entry, by=None)

    releases.publish(by=None)

    assert EntryVersion.objects.filter(entry=entry).count() == 2


def test_versions_never_change(in_tenant: Tenant, first: Release) -> None:
    version = EntryVersion.objects.get(question=QUESTION)
    version.answer = "改历史"

    with pytest.raises(AppendOnlyError):
        version.save()
    with pytest.raises(AppendOnlyError):
        EntryVersion.objects.update(answer="改历史")
    with pytest.raises(AppendOnlyError):
        EntryVersion.objects.all().delete()

    version.refresh_from_db()
    assert version.answer == ANSWER


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("released_before", [False, True], ids=["first release", "later release"])
def test_publishers_at_once_take_turns(
    in_tenant: Tenant, publish: Callable[..., Release], released_before: bool
) -> None:
    if released_before:
        publish(in_tenant)
    entries.save_entry(
        Entry(category=entries.category_named("新"), question="新的", answer="新。"), by=None
    )

    results = at_once(4, lambda _number: releases.publish(by=None))

    made = [result for result in results if isinstance(result, Release)]
    refused = [result for result in results if isinstance(result, NothingToPublishError)]
    assert (len(made), len(refused)) == (1, 3)
    assert releases.active_release() == made[0]
    assert EntryVersion.objects.filter(question="新的").count() == 1


def test_progress_of_learning_is_told_or_nothing_is_learnt(in_tenant: Tenant) -> None:
    entries.save_entry(
        Entry(category=entries.category_named("新"), question="新的", answer="新。"), by=None
    )
    told: list[tuple[int, int]] = []

    releases.publish(by=None, progress=lambda done, total: told.append((done, total)))

    semantic = search.answer_candidates("新的").semantic
    assert bool(told) is semantic
    assert all(done <= total for done, total in told)


def test_release_of_another_tenant_cannot_be_activated(
    tenant: Tenant, other_tenant: Tenant, publish: Callable[..., Release]
) -> None:
    ours, theirs = publish(tenant), publish(other_tenant, [("门店", "几点开门？", [], "九点。")])

    with tenant_scope(tenant):
        with pytest.raises(TenantScopeError):
            releases.activate(theirs, by=None)
        search.forget()

        assert releases.active_release() == ours
        assert heard() == ANSWER
        assert heard("几点开门？") is None
        assert ReleaseItem.objects.filter(release=theirs.pk).count() == 0
