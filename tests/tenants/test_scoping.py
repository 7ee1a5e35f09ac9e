"""The first ring of tenancy: no tenant in scope, no row; with one, its rows and no other's."""

import asyncio
import copy
import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.apps import apps
from django.db import IntegrityError, models, transaction
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    Max,
    OuterRef,
    Prefetch,
    Q,
    Subquery,
    Value,
    When,
    Window,
)
from django.db.models.functions import RowNumber

from conversations.executor import in_pool
from knowledge.models import Category, Entry, EntryVersion, Phrasing, Release, ReleaseItem
from tenants.models import Membership, Tenant, User
from tenants.scope import PLATFORM
from tenants.scoping import (
    ScopedManager,
    TenantModel,
    TenantQuerySet,
    TenantScopeError,
    active_scope,
    active_tenant_id,
    as_uuid,
    platform_scope,
    tenant_scope,
)

ROWS = 3


class Shop:
    """One tenant with three categories, an entry and a phrasing in each, and a release."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        with tenant_scope(tenant):
            self.categories = Category.objects.bulk_create(
                [Category(name=f"分类{number}", position=number) for number in range(ROWS)]
            )
            self.entries = [
                Entry.objects.create(
                    category=category, question=f"{tenant.name}问{category.position}", answer="答"
                )
                for category in self.categories
            ]
            self.phrasings = [
                Phrasing.objects.create(entry=entry, text="换句话说") for entry in self.entries
            ]
            self.versions = [
                EntryVersion.objects.create(
                    entry=entry,
                    number=1,
                    category_name=entry.category.name,
                    question=entry.question,
                    answer=entry.answer,
                    content_hash="0" * 64,
                )
                for entry in self.entries
            ]
            self.release = Release.objects.create(number=1)


@pytest.fixture
def ours(tenant: Tenant) -> Shop:
    return Shop(tenant)


@pytest.fixture
def theirs(other_tenant: Tenant) -> Shop:
    return Shop(other_tenant)


@pytest.fixture
def in_ours(ours: Shop, theirs: Shop) -> Iterator[Shop]:
    with tenant_scope(ours.tenant):
        yield ours


def alone(work: Callable[[], Any]) -> Any:
    """Run in a savepoint, so that a database error leaves the transaction usable."""
    with transaction.atomic():
        return work()


def awaited(work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Await what `work` returns, its database work done on this thread's connection."""

    async def run() -> Any:
        return await work(*args, **kwargs)

    return async_to_sync(run)()


async def collected(rows: Any) -> list[Any]:
    return [row async for row in rows]


objects = Entry.objects


def plain() -> Any:
    # SQLite orders no part of a union.
    return Entry.objects.order_by()


READS: dict[str, Callable[[Shop], Any]] = {
    "list": lambda shop: list(objects.all()),
    "iteration": lambda shop: next(iter(objects.all())),
    "length": lambda shop: len(objects.all()),
    "truth": lambda shop: bool(objects.all()),
    "slice": lambda shop: list(objects.all()[:2]),
    "index": lambda shop: objects.all()[0],
    "count": lambda shop: objects.count(),
    "filtered count": lambda shop: objects.filter(question="").count(),
    "exists": lambda shop: objects.exists(),
    "exclude exists": lambda shop: objects.exclude(question="").exists(),
    "distinct exists": lambda shop: objects.distinct().exists(),
    "defer exists": lambda shop: objects.defer("answer").exists(),
    "first": lambda shop: objects.first(),
    "last": lambda shop: objects.last(),
    "earliest": lambda shop: objects.earliest("pk"),
    "latest": lambda shop: objects.latest("pk"),
    "get": lambda shop: objects.get(pk=shop.entries[0].pk),
    "contains": lambda shop: objects.contains(shop.entries[0]),
    "in_bulk": lambda shop: objects.in_bulk([shop.entries[0].pk]),
    "in_bulk of all": lambda shop: objects.in_bulk(),
    "values": lambda shop: list(objects.values()),
    "values_list": lambda shop: list(objects.values_list("question", flat=True)),
    "dates": lambda shop: list(objects.dates("created_at", "day")),
    "datetimes": lambda shop: list(objects.datetimes("created_at", "day")),
    "aggregate": lambda shop: objects.aggregate(Count("pk"), Max("question")),
    "annotate": lambda shop: list(objects.annotate(n=Count("phrasings"))),
    "group": lambda shop: list(objects.values("category").annotate(n=Count("pk"))),
    "alias": lambda shop: list(objects.alias(n=Count("phrasings")).filter(n=1)),
    "window": lambda shop: list(objects.annotate(n=Window(RowNumber())).filter(n=1)),
    "iterator": lambda shop: next(objects.iterator()),
    "iterator in chunks": lambda shop: next(objects.iterator(chunk_size=1)),
    "only": lambda shop: list(objects.only("question")),
    "union": lambda shop: list(plain().union(plain())),
    "union count": lambda shop: plain().union(plain()).count(),
    "intersection": lambda shop: list(plain().intersection(plain())),
    "difference": lambda shop: list(plain().difference(plain())),
    "or": lambda shop: list(objects.filter(answer="a") | objects.filter(answer="b")),
    "and": lambda shop: list(objects.filter(answer="a") & objects.filter(answer="b")),
    "xor": lambda shop: list(objects.filter(answer="a") ^ objects.filter(answer="b")),
    "subquery": lambda shop: list(objects.filter(category__in=Category.objects.all())),
    "subquery in a global query": lambda shop: list(
        Tenant.objects.annotate(
            n=Subquery(Entry.objects.filter(tenant=OuterRef("pk")).values("question")[:1])
        )
    ),
    "exists in a global query": lambda shop: list(Tenant.objects.filter(Exists(objects.all()))),
    "ids in a global query": lambda shop: list(
        User.objects.filter(pk__in=Membership.objects.values("user"))
    ),
    "select_related": lambda shop: list(objects.select_related("category")),
    "prefetch_related": lambda shop: list(objects.prefetch_related("phrasings")),
    "prefetch object": lambda shop: list(
        objects.prefetch_related(Prefetch("phrasings", Phrasing.objects.filter(position=0)))
    ),
    "prefetch on an instance": lambda shop: models.prefetch_related_objects(
        [shop.entries[0]], "phrasings"
    ),
    "select_for_update": lambda shop: list(objects.select_for_update()),
    "explain": lambda shop: objects.explain(),
    "raw": lambda shop: list(objects.raw("SELECT * FROM knowledge_entry")),
    "base manager": lambda shop: Entry._base_manager.count(),
    "default manager": lambda shop: Entry._default_manager.count(),
    "forward relation": lambda shop: Entry(category_id=shop.categories[0].pk).category,
    "reverse relation": lambda shop: shop.categories[0].entries.count(),
    "many-to-many": lambda shop: list(shop.release.versions.all()),
    "refresh_from_db": lambda shop: shop.entries[0].refresh_from_db(),
    "deferred field": lambda shop: Entry(pk=shop.entries[0].pk).refresh_from_db(fields=["answer"]),
    "unique check": lambda shop: Category(tenant=shop.tenant, name="甲").validate_constraints(),
    "full_clean": lambda shop: Entry(
        tenant=shop.tenant, category_id=shop.categories[0].pk, question="问", answer="答"
    ).full_clean(),
    "async for": lambda shop: awaited(collected, objects.all()),
    "aiterator": lambda shop: awaited(collected, objects.aiterator()),
    "acount": lambda shop: awaited(objects.acount),
    "aexists": lambda shop: awaited(objects.aexists),
    "afirst": lambda shop: awaited(objects.afirst),
    "aget": lambda shop: awaited(objects.aget, pk=shop.entries[0].pk),
    "aaggregate": lambda shop: awaited(objects.aaggregate, n=Count("pk")),
    "ain_bulk": lambda shop: awaited(objects.ain_bulk),
    "aexplain": lambda shop: awaited(objects.aexplain),
    "acontains": lambda shop: awaited(objects.acontains, shop.entries[0]),
}

WRITES: dict[str, Callable[[Shop], Any]] = {
    "create": lambda shop: Category.objects.create(name="新"),
    "create with a tenant": lambda shop: Category.objects.create(name="新", tenant=shop.tenant),
    "save": lambda shop: shop.entries[0].save(),
    "save of some fields": lambda shop: shop.entries[0].save(update_fields=["answer"]),
    "delete": lambda shop: shop.phrasings[0].delete(),
    "update": lambda shop: objects.update(answer="改"),
    "update of a relation": lambda shop: objects.update(category=shop.categories[0]),
    "update by expression": lambda shop: objects.update(answer=F("question")),
    "delete of many": lambda shop: Phrasing.objects.all().delete(),
    "raw delete": lambda shop: Phrasing.objects.all()._raw_delete("default"),
    "get_or_create": lambda shop: Category.objects.get_or_create(name="新"),
    "update_or_create": lambda shop: Category.objects.update_or_create(name="新"),
    "bulk_create": lambda shop: Category.objects.bulk_create([Category(name="新")]),
    "bulk_create with a tenant": lambda shop: Category.objects.bulk_create(
        [Category(name="新", tenant=shop.tenant)]
    ),
    "bulk_update": lambda shop: objects.bulk_update(shop.entries, ["answer"]),
    "many-to-many add": lambda shop: shop.release.versions.add(shop.versions[0]),
    "many-to-many set": lambda shop: shop.release.versions.set([shop.versions[0]]),
    "many-to-many clear": lambda shop: shop.release.versions.clear(),
    "reverse create": lambda shop: shop.entries[0].phrasings.create(text="新"),
    "asave": lambda shop: awaited(shop.entries[0].asave),
    "adelete": lambda shop: awaited(shop.phrasings[0].adelete),
    "acreate": lambda shop: awaited(Category.objects.acreate, name="新"),
    "aupdate": lambda shop: awaited(objects.aupdate, answer="改"),
    "abulk_create": lambda shop: awaited(Category.objects.abulk_create, [Category(name="新")]),
    "abulk_update": lambda shop: awaited(objects.abulk_update, shop.entries, ["answer"]),
    "deletion of a person with memberships": lambda shop: User.objects.create_user(
        "someone@example.com"
    ).delete(),
}


def outcomes(
    works: dict[str, Callable[..., Any]], *shops: Shop, error: type[Exception]
) -> dict[str, bool]:
    """Try everything on copies of the shops; say of each work whether it raised `error`."""
    raised = {}
    for name, work in works.items():
        copies = [copy.deepcopy(shop) for shop in shops]
        try:
            alone(lambda work=work, copies=copies: work(*copies))
        except error:
            raised[name] = True
        else:
            raised[name] = False
    return raised


def test_every_read_without_scope_is_refused(ours: Shop) -> None:
    assert outcomes(READS, ours, error=TenantScopeError) == dict.fromkeys(READS, True)


def test_every_write_without_scope_is_refused(ours: Shop) -> None:
    assert outcomes(WRITES, ours, error=TenantScopeError) == dict.fromkeys(WRITES, True)

    with tenant_scope(ours.tenant):
        assert Category.objects.count() == Entry.objects.count() == Phrasing.objects.count() == ROWS
        assert not Entry.objects.exclude(answer="答").exists()
        assert not ReleaseItem.objects.exists()


def test_every_read_but_raw_works_in_scope(in_ours: Shop) -> None:
    refused = {name: name == "raw" for name in READS}

    assert outcomes(READS, in_ours, error=TenantScopeError) == refused


def scalar(expression: Any) -> Any:
    return Subquery(expression.values("pk")[:1])


COUNTS: dict[str, Callable[[], int]] = {
    "all": lambda: len(objects.all()),
    "count": objects.count,
    "iterator": lambda: sum(1 for _row in objects.iterator(chunk_size=2)),
    "async": lambda: len(awaited(collected, objects.all())),
    "async iterator": lambda: len(awaited(collected, objects.aiterator())),
    "in_bulk": lambda: len(objects.in_bulk()),
    "aggregate": lambda: objects.aggregate(n=Count("pk"))["n"],
    "exclude": lambda: objects.exclude(question="").count(),
    "exclude over a relation": lambda: objects.exclude(phrasings__text="").count(),
    "filter over a relation": lambda: objects.filter(category__position__gte=0).count(),
    "negation": lambda: objects.filter(~Q(answer="")).count(),
    "union": lambda: plain().union(plain()).count(),
    "or": lambda: (objects.filter(answer="答") | objects.filter(answer="")).count(),
    "and": lambda: (objects.filter(answer="答") & objects.exclude(question="")).count(),
    "or with grouping": lambda: len(
        objects.annotate(n=Count("phrasings")).filter(Q(n=1) | Q(answer="答"))
    ),
    "or of grouped query sets": lambda: len(
        objects.annotate(n=Count("phrasings")).filter(n=1)
        | objects.annotate(n=Count("phrasings")).filter(answer="答")
    ),
    "or of groups": lambda: len(
        objects.values("category").annotate(n=Count("pk")).filter(n=1)
        | objects.values("category").annotate(n=Count("pk")).filter(n=2)
    ),
    "subquery": lambda: objects.filter(category__in=Category.objects.all()).count(),
    "nested subqueries of one model": lambda: objects.filter(
        pk__in=objects.filter(answer__in=objects.values("answer"))
    ).count(),
    "exists": lambda: objects.filter(Exists(Phrasing.objects.filter(entry=OuterRef("pk")))).count(),
    "annotated subquery": lambda: len(
        objects.annotate(first=scalar(Phrasing.objects.filter(entry=OuterRef("pk")))).filter(
            first__isnull=False
        )
    ),
    "joined aggregate": lambda: sum(
        Category.objects.annotate(n=Count("entries")).values_list("n", flat=True)
    ),
    "prefetch": lambda: sum(
        len(category.entries.all()) for category in Category.objects.prefetch_related("entries")
    ),
    "select_related": lambda: len([row.category.name for row in objects.select_related()]),
    "case": lambda: (
        objects.annotate(kind=Case(When(answer="答", then=Value(1)), default=Value(0)))
        .filter(kind=1)
        .count()
    ),
    "window": lambda: len(objects.annotate(n=Window(RowNumber(), order_by="pk")).filter(n__lte=9)),
    "window in an or": lambda: len(
        objects.annotate(n=Window(RowNumber(), order_by="pk")).filter(Q(n__lte=9) | Q(answer="x"))
    ),
    "window over a partition": lambda: len(
        objects.annotate(
            n=Window(RowNumber(), partition_by="tenant", order_by=F("pk").asc())
        ).values_list("n", flat=True)
    ),
    "unpickled query": lambda: len(_with_query(pickle.loads(pickle.dumps(objects.all().query)))),  # noqa: S301 -- our own
    "base manager": lambda: Entry._base_manager.count(),
}


def _with_query(query: Any) -> Any:
    rows = Entry.objects.all()
    rows.query = query
    return rows


def test_reads_see_the_tenant_in_scope_alone(in_ours: Shop) -> None:
    assert {name: work() for name, work in COUNTS.items()} == dict.fromkeys(COUNTS, ROWS)


def test_reads_of_the_platform_see_all_tenants(ours: Shop, theirs: Shop) -> None:
    with platform_scope("a test that counts everything"):
        assert {name: work() for name, work in COUNTS.items()} == dict.fromkeys(COUNTS, 2 * ROWS)


def test_window_numbers_do_not_count_other_tenants(in_ours: Shop) -> None:
    numbered = objects.annotate(n=Window(RowNumber(), order_by="pk"))

    assert sorted(numbered.values_list("n", flat=True)) == [1, 2, 3]
    assert numbered.get(n=2).tenant_id == in_ours.tenant.pk


def test_query_set_follows_the_scope_in_which_it_runs(ours: Shop, theirs: Shop) -> None:
    rows = Entry.objects.order_by("question")

    with tenant_scope(ours.tenant):
        first = {row.tenant_id for row in rows.all()}
    with tenant_scope(theirs.tenant):
        second = {row.tenant_id for row in rows.all()}

    assert (first, second) == ({ours.tenant.pk}, {theirs.tenant.pk})


FOREIGN_READS: dict[str, Callable[[Shop], Any]] = {
    "get": lambda other: Entry.objects.get(pk=other.entries[0].pk),
    "filter": lambda other: Entry.objects.filter(pk=other.entries[0].pk).get(),
    "or": lambda other: Entry.objects.get(Q(pk=other.entries[0].pk) | Q(question="")),
    "refresh_from_db": lambda other: other.entries[0].refresh_from_db(),
    "forward relation": lambda other: Phrasing(entry_id=other.entries[0].pk).entry,
    "reverse relation": lambda other: other.categories[0].entries.get(),
    "many-to-many": lambda other: other.release.versions.get(),
    "earliest": lambda other: Entry.objects.filter(pk=other.entries[0].pk).earliest("pk"),
    "select_for_update": lambda other: Entry.objects.select_for_update().get(
        pk=other.entries[0].pk
    ),
}


def test_every_foreign_row_reads_as_missing(in_ours: Shop, theirs: Shop) -> None:
    missing = outcomes(FOREIGN_READS, theirs, error=models.ObjectDoesNotExist)

    assert missing == dict.fromkeys(FOREIGN_READS, True)


def test_naming_the_foreign_tenant_finds_nothing(in_ours: Shop, theirs: Shop) -> None:
    assert not Entry.objects.filter(tenant=theirs.tenant).exists()
    assert not Entry.objects.filter(tenant__slug=theirs.tenant.slug).exists()
    assert not Entry.objects.filter(category__tenant=theirs.tenant).exists()
    assert Entry.objects.contains(theirs.entries[0]) is False
    assert Entry.objects.in_bulk([theirs.entries[0].pk]) == {}
    assert Entry.objects.filter(pk=theirs.entries[0].pk).update(answer="改") == 0
    assert Phrasing.objects.filter(entry=theirs.entries[0]).delete() == (0, {})


def _set(row: models.Model, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()


def _bulk_set(row: models.Model, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(row, name, value)
    type(row).objects.bulk_update([row], [name.removesuffix("_id") for name in fields])  # type: ignore[attr-defined]


FOREIGN_WRITES: dict[str, Callable[[Shop, Shop], Any]] = {
    "save": lambda own, other: other.entries[0].save(),
    "save of some fields": lambda own, other: other.entries[0].save(update_fields=["answer"]),
    "delete": lambda own, other: other.phrasings[0].delete(),
    "create for": lambda own, other: Category.objects.create(name="新", tenant=other.tenant),
    "bulk_create for": lambda own, other: Category.objects.bulk_create(
        [Category(name="新", tenant=other.tenant)]
    ),
    "bulk_update of": lambda own, other: Entry.objects.bulk_update([other.entries[0]], ["answer"]),
    "move by save": lambda own, other: _set(own.entries[0], tenant=other.tenant),
    "move by id": lambda own, other: _set(own.entries[0], tenant_id=other.tenant.pk),
    "move by update": lambda own, other: Entry.objects.update(tenant=other.tenant),
    "move by update of the id": lambda own, other: Entry.objects.update(tenant_id=other.tenant.pk),
    "move by bulk_update": lambda own, other: _bulk_set(own.entries[0], tenant=other.tenant),
    "relation by save": lambda own, other: _set(own.entries[0], category=other.categories[0]),
    "relation by id": lambda own, other: _set(own.entries[0], category_id=other.categories[0].pk),
    "relation by bulk_update": lambda own, other: _bulk_set(
        own.entries[0], category=other.categories[0]
    ),
    "relation by id in bulk_update": lambda own, other: _bulk_set(
        own.entries[0], category_id=other.categories[0].pk
    ),
    "relation by update": lambda own, other: Entry.objects.update(category=other.categories[0]),
    "relation by id in update": lambda own, other: Entry.objects.update(
        category=other.categories[0].pk
    ),
    "relation by column in update": lambda own, other: Entry.objects.update(
        category_id=other.categories[0].pk
    ),
    "relation by text in update": lambda own, other: Entry.objects.update(
        category_id=str(other.categories[0].pk)
    ),
    "relation by expression in update": lambda own, other: Entry.objects.update(
        category=Value(other.categories[0].pk)
    ),
    "relation by case in update": lambda own, other: Entry.objects.update(
        category=Case(When(answer="答", then=Value(other.categories[0].pk)))
    ),
    "relation in create": lambda own, other: Entry.objects.create(
        category=other.categories[0], question="问", answer="答"
    ),
    "relation by id in create": lambda own, other: Entry.objects.create(
        category_id=other.categories[0].pk, question="问", answer="答"
    ),
    "relation in bulk_create": lambda own, other: Phrasing.objects.bulk_create(
        [Phrasing(entry=other.entries[0], text="新")]
    ),
    "relation in get_or_create": lambda own, other: Phrasing.objects.get_or_create(
        entry=other.entries[0], text="新"
    ),
    "relation in update_or_create": lambda own, other: Phrasing.objects.update_or_create(
        text="换句话说", position=0, entry=own.entries[0], defaults={"entry": other.entries[0]}
    ),
    "reverse create": lambda own, other: other.entries[0].phrasings.create(text="新"),
    "reverse add": lambda own, other: own.entries[0].phrasings.add(other.phrasings[0], bulk=False),
    "reverse set": lambda own, other: own.entries[0].phrasings.set(
        [other.phrasings[0]], bulk=False
    ),
    "many-to-many add": lambda own, other: own.release.versions.add(other.versions[0]),
    "many-to-many add by id": lambda own, other: own.release.versions.add(other.versions[0].pk),
    "many-to-many set": lambda own, other: own.release.versions.set([other.versions[0]]),
    "many-to-many of": lambda own, other: other.release.versions.add(own.versions[0]),
    "upsert by id": lambda own, other: Category.objects.bulk_create(
        [Category(pk=other.categories[0].pk, name="夺")],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["name"],
    ),
    "raw": lambda own, other: Entry.objects.raw("SELECT * FROM knowledge_entry"),
}


def test_foreign_row_is_neither_written_nor_pointed_at(in_ours: Shop, theirs: Shop) -> None:
    refused = outcomes(FOREIGN_WRITES, in_ours, theirs, error=TenantScopeError)

    assert refused == dict.fromkeys(FOREIGN_WRITES, True)
    with platform_scope("a test that compares both tenants"):
        for shop in (in_ours, theirs):
            own = {"tenant": shop.tenant}
            assert Category.objects.filter(**own).count() == ROWS
            assert not Category.objects.filter(**own, name="夺").exists()
            assert Entry.objects.filter(**own, category__tenant=shop.tenant).count() == ROWS
            assert Phrasing.objects.filter(**own, entry__tenant=shop.tenant).count() == ROWS
        assert not ReleaseItem.objects.exists()


def test_a_row_under_a_foreign_id_is_not_overwritten(in_ours: Shop, theirs: Shop) -> None:
    with pytest.raises(IntegrityError):
        alone(lambda: Category(pk=theirs.categories[0].pk, name="夺").save())

    with tenant_scope(theirs.tenant):
        assert not Category.objects.filter(name="夺").exists()


def test_own_rows_are_written_in_every_way(in_ours: Shop) -> None:
    first, second, third = in_ours.entries

    _set(first, category=in_ours.categories[2])
    _set(first, category_id=in_ours.categories[1].pk)
    second.category, third.answer = in_ours.categories[0], "改"
    Entry.objects.bulk_update([second, third], ["category", "answer"])
    Entry.objects.filter(pk=third.pk).update(category=in_ours.categories[0].pk, answer="再改")
    Entry.objects.filter(pk=first.pk).update(category=in_ours.categories[0])
    Category.objects.bulk_create(
        [Category(name="分类1", position=9)],
        update_conflicts=True,
        unique_fields=["tenant", "name"],
        update_fields=["position"],
    )
    in_ours.release.versions.set(in_ours.versions)
    in_ours.release.versions.remove(in_ours.versions[0])

    assert set(Entry.objects.values_list("category", flat=True)) == {in_ours.categories[0].pk}
    assert Entry.objects.get(pk=third.pk).answer == "再改"
    assert Category.objects.get(name="分类1").position == 9
    assert in_ours.release.versions.count() == ROWS - 1
    assert Phrasing.objects.filter(entry=first).delete()[0] == 1
    assert {row.tenant_id for row in ReleaseItem.objects.all()} == {in_ours.tenant.pk}


def test_bad_foreign_key_already_in_the_table_gives_no_foreign_row(
    in_ours: Shop, theirs: Shop
) -> None:
    with platform_scope("a test that plants what must not be"):
        Entry.objects.filter(pk=in_ours.entries[0].pk).update(category=theirs.categories[0])

    with pytest.raises(models.ObjectDoesNotExist):
        _ = Entry.objects.get(pk=in_ours.entries[0].pk).category
    with pytest.raises(TenantScopeError):
        Entry.objects.select_related("category").get(pk=in_ours.entries[0].pk)


def test_nested_scopes_replace_and_restore(tenant: Tenant, other_tenant: Tenant) -> None:
    seen = [active_scope()]
    with tenant_scope(tenant):
        seen.append(active_tenant_id())
        with tenant_scope(other_tenant.pk):
            seen.append(active_tenant_id())
            with platform_scope("a test of nesting"):
                seen.append(active_scope())
            seen.append(active_tenant_id())
        seen.append(active_tenant_id())
    seen.append(active_scope())

    a, b = tenant.pk, other_tenant.pk
    assert seen == [None, a, b, PLATFORM, b, a, None]


def test_scope_ends_with_an_exception(tenant: Tenant) -> None:
    with pytest.raises(ZeroDivisionError), tenant_scope(tenant), platform_scope("a test"):
        _ = 1 / 0

    assert active_scope() is None


@pytest.mark.parametrize(
    "value", [None, "1", Tenant(name="甲"), object(), 1.0], ids=lambda value: type(value).__name__
)
def test_scope_needs_a_saved_tenant(value: object) -> None:
    with pytest.raises(TenantScopeError, match="needs a saved tenant"), tenant_scope(value):
        pass

    assert active_scope() is None


def test_platform_scope_needs_a_reason() -> None:
    with pytest.raises(TenantScopeError, match="needs a reason"), platform_scope(""):
        pass


def test_platform_scope_is_no_tenant(ours: Shop) -> None:
    with platform_scope("a test of what it is not"):
        with pytest.raises(TenantScopeError):
            active_tenant_id()
        with pytest.raises(TenantScopeError):
            Category.objects.create(name="无主")
        with pytest.raises(TenantScopeError):
            Category.objects.bulk_create([Category(name="无主")])


def test_platform_scope_keeps_rows_inside_their_tenant(ours: Shop, theirs: Shop) -> None:
    with platform_scope("a test of writing from above"):
        with pytest.raises(TenantScopeError):
            _set(ours.entries[0], category=theirs.categories[0])
        with pytest.raises(TenantScopeError):
            Category.objects.update(tenant=theirs.tenant)


def test_bare_thread_inherits_no_scope(tenant: Tenant) -> None:
    seen: list[object] = []

    with tenant_scope(tenant):
        thread = threading.Thread(target=lambda: seen.append(active_scope()))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(1) as pool:
            seen.append(pool.submit(active_scope).result())

    assert seen == [None, None]


def test_coroutines_threads_of_asgiref_and_the_executor_keep_the_scope(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    async def look(pk: int) -> set[object]:
        with tenant_scope(pk):
            seen = set()
            for _turn in range(5):
                seen |= {active_scope(), await sync_to_async(active_scope)()}
                seen |= {await asyncio.to_thread(active_scope), await in_pool(active_scope)}
                seen.add(await asyncio.create_task(_here()))
                await asyncio.sleep(0)
            return seen

    async def both() -> list[set[object]]:
        return list(await asyncio.gather(*[look(pk) for pk in pks]))

    pks = [tenant.pk, other_tenant.pk] * 3
    assert asyncio.run(both()) == [{pk} for pk in pks]


async def _here() -> object:
    return active_scope()


def test_unpickled_query_set_takes_the_scope_of_its_reader(ours: Shop, theirs: Shop) -> None:
    frozen = pickle.dumps(Entry.objects.filter(answer="答").query)

    with tenant_scope(theirs.tenant):
        rows = _with_query(pickle.loads(frozen))  # noqa: S301 -- our own
        assert {row.tenant_id for row in rows} == {theirs.tenant.pk}
    with pytest.raises(TenantScopeError):
        list(_with_query(pickle.loads(frozen)))  # noqa: S301 -- our own


def test_unpickled_row_is_written_in_its_own_tenant_only(ours: Shop, theirs: Shop) -> None:
    row = pickle.loads(pickle.dumps(ours.entries[0]))  # noqa: S301 -- our own

    with tenant_scope(theirs.tenant), pytest.raises(TenantScopeError):
        row.save()
    with tenant_scope(ours.tenant):
        row.save()


def test_error_names_the_model_and_no_data(ours: Shop) -> None:
    with pytest.raises(TenantScopeError) as refused:
        Entry.objects.get(question=ours.entries[0].question)

    assert str(refused.value) == "Entry: no tenant scope active"


def tenant_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if issubclass(model, TenantModel)]


@pytest.mark.parametrize("model", tenant_models(), ids=lambda model: model._meta.label)
def test_every_tenant_model_is_guarded(model: type[models.Model]) -> None:
    meta = model._meta
    tenant = meta.get_field("tenant")

    assert meta.base_manager_name == "objects"
    assert isinstance(model._default_manager, ScopedManager)
    assert isinstance(model._base_manager, ScopedManager)
    assert issubclass(type(model._default_manager.all()), TenantQuerySet)
    assert {
        type(manager) for manager in meta.managers if not isinstance(manager, ScopedManager)
    } == set()
    assert tenant.remote_field.hidden
    assert not tenant.null
    assert not tenant.editable


@pytest.mark.parametrize("model", tenant_models(), ids=lambda model: model._meta.label)
def test_every_uniqueness_rule_stays_inside_a_tenant(model: type[models.Model]) -> None:
    """A rule over all tenants would tell one of them what another has."""
    random = {"id", "key", "token_hash", "refresh_hash"}
    owned = {
        field.name
        for field in model._meta.concrete_fields
        if isinstance(field.related_model, type) and issubclass(field.related_model, TenantModel)
    }
    rules = [{field.name} for field in model._meta.concrete_fields if field.unique]
    rules += [set(rule.fields) for rule in model._meta.total_unique_constraints]

    assert [rule for rule in rules if not rule & (random | owned | {"tenant"})] == []


@pytest.mark.parametrize("model", tenant_models(), ids=lambda model: model._meta.label)
def test_global_tables_have_no_way_down(model: type[models.Model]) -> None:
    """From Tenant or User, whose queries no guard sees, no join leads to a tenant's rows."""
    open_ways = [
        field.name
        for field in model._meta.concrete_fields
        if isinstance(field.related_model, type)
        and not issubclass(field.related_model, TenantModel)
        and not field.remote_field.hidden
    ]

    assert open_ways == []


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("018f3f6e-7b1a-7c3d-8e4f-123456789abc", True),
        ("018F3F6E7B1A7C3D8E4F123456789ABC", True),
        ("", False),
        (None, False),
        ("1", False),
        (7, False),
        ("x" * 10_000, False),
        ([], False),
    ],
)
def test_malformed_id_is_a_missing_row(value: object, is_one: bool) -> None:
    assert (as_uuid(value) is not None) is is_one
