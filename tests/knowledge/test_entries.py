"""The working copy: what editors write, once, in their order."""

import uuid

import pytest

from knowledge.models import Category, Entry, EntryVersion, Phrasing
from knowledge.services import entries
from tenants.models import LedgerEntry, LedgerHead, Tenant
from tenants.scoping import TenantScopeError, tenant_scope


def draft(question: str = "多久发货？", **fields: object) -> Entry:
    return Entry(
        **{
            "category": entries.category_named("配送"),
            "question": question,
            "answer": "24 小时内。",
            **fields,
        }
    )


def phrasings(entry: Entry) -> list[str]:
    return list(Phrasing.objects.filter(entry=entry).values_list("text", flat=True))


def test_entry_is_written_with_its_phrasings_in_order(in_tenant: Tenant) -> None:
    entry = entries.save_entry(draft(), by=None, phrasings=["几天寄出", "啥时候发", "今天能发吗"])

    assert phrasings(entry) == ["几天寄出", "啥时候发", "今天能发吗"]
    recorded = LedgerEntry.objects.latest("position")
    assert (recorded.kind, recorded.subject) == ("entry.created", str(entry.pk))
    assert "几天寄出" not in str(recorded.data)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([" 几天寄出 ", "", "  "], ["几天寄出"]),
        (["几天寄出", "几天寄出"], ["几天寄出"]),
        (["When?", "WHEN?"], ["When?"]),
        (["多久发货？", "几天寄出"], ["几天寄出"]),
        ([], []),
    ],
)
def test_phrasings_are_cleaned(given: list[str], kept: list[str]) -> None:
    assert entries.clean_phrasings(given, question=" 多久发货？") == kept


def test_phrasings_are_replaced_as_a_list(in_tenant: Tenant) -> None:
    entry = entries.save_entry(draft(), by=None, phrasings=["一", "二", "三"])
    kept = Phrasing.objects.get(text="三")

    entries.save_entry(entry, by=None, phrasings=["三", "四", "一"])

    assert phrasings(entry) == ["三", "四", "一"]
    assert Phrasing.objects.get(text="三").pk == kept.pk


def test_phrasings_stay_where_none_are_given(in_tenant: Tenant) -> None:
    entry = entries.save_entry(draft(), by=None, phrasings=["一"])
    entry.answer = "48 小时内。"

    entries.save_entry(entry, by=None)

    assert phrasings(entry) == ["一"]
    kinds = LedgerEntry.objects.order_by("position").values_list("kind", flat=True)
    assert list(kinds)[-2:] == ["entry.created", "entry.changed"]


def test_nothing_is_written_if_the_ledger_cannot_be(in_tenant: Tenant) -> None:
    entry = draft()
    LedgerHead.objects.all().delete()

    with pytest.raises(LedgerHead.DoesNotExist):
        entries.save_entry(entry, by=None, phrasings=["一"])

    assert (Entry.objects.count(), Phrasing.objects.count()) == (0, 0)


def test_working_copy_is_not_heard(in_tenant: Tenant) -> None:
    entries.save_entry(draft(), by=None)

    assert EntryVersion.objects.count() == 0


def test_category_is_made_once_and_counts_on(in_tenant: Tenant) -> None:
    first, second = entries.category_named("配送"), entries.category_named("售后")

    assert entries.category_named("配送") == first
    assert [(row.name, row.position) for row in Category.objects.all()] == [
        ("配送", 0),
        ("售后", 1),
    ]
    assert second.pk != first.pk


def test_category_of_another_tenant_is_not_taken(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(tenant):
        ours = entries.category_named("配送")
    with tenant_scope(other_tenant):
        theirs = entries.category_named("配送")
        with pytest.raises(TenantScopeError):
            entries.save_entry(draft(category=ours), by=None)
        assert Entry.objects.count() == 0

    assert isinstance(theirs.pk, uuid.UUID)
    assert theirs.pk != ours.pk
