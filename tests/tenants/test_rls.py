"""The second ring: PostgreSQL itself shows a tenant's rows to nobody else.

A superuser passes every policy, so these tests work as the role of production: bound by the
policies, and without rights on evidence. SQLite has neither; there the one promise is that
nothing is attempted.
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections, transaction
from django.db.utils import ProgrammingError
from django.test.utils import CaptureQueriesContext

from conversations.executor import in_pool
from conversations.models import AuthorKind, Channel, Message
from conversations.services import bot, contacts, desk, endings, handoff, intake
from conversations.services.identity import Introduction
from conversations.services.intake import Inbound
from knowledge.models import Category, Entry, Phrasing, Release
from tenants.models import Membership, Tenant, User
from tenants.rls import apply_policies, tenant_tables
from tenants.roles import Role
from tenants.scoping import TenantScopeError, platform_scope, tenant_scope
from tenants.services import ledger
from tenants.services.onboarding import create_tenant

READS = 1_000
PASSWORD = "of-a-role-that-lives-as-long-as-its-test"


def bound() -> bool:
    """Whether the database has policies; where it has none, check that none are attempted."""
    if connection.vendor == "postgresql":
        return True
    with CaptureQueriesContext(connection) as queries:
        apply_policies()
    assert len(queries) == 0
    return False


def ask(sql: str, *params: object) -> list[Any]:
    """Run SQL that no guard of ours sees; return its first column."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [row[0] for row in cursor.fetchall()] if cursor.description else []


def tenants_seen(table: str = "knowledge_category") -> set[int]:
    return set(ask(f'SELECT DISTINCT tenant_id FROM "{table}"'))  # noqa: S608 -- a table's name


def close_connections() -> None:
    """End this thread's connection and those that wait in the pool."""
    connection.close()
    connection.close_pool()


def make_app_role(settings: Any) -> str:
    role = f"{connection.settings_dict['NAME']}_app"
    ask(f'DROP ROLE IF EXISTS "{role}"')
    ask(f"CREATE ROLE \"{role}\" LOGIN PASSWORD '{PASSWORD}'")
    settings.DATABASE_APP_ROLE = role
    apply_policies()
    return role


@pytest.fixture
def shops(
    tenant: Tenant, other_tenant: Tenant, make_channel: Callable[..., Channel]
) -> tuple[Tenant, Tenant]:
    """Two tenants with rows in the tables that the tests read and write."""
    for shop in (tenant, other_tenant):
        make_channel(shop)
        with tenant_scope(shop):
            entry = Entry.objects.create(
                category=Category.objects.create(name="配送"),
                question="多久发货？",
                answer="当天。",
            )
            Phrasing.objects.create(entry=entry, text="几天能寄出来")
            Release.objects.create(number=1)
            converse(agent_of(shop))
    return tenant, other_tenant


def agent_of(shop: Tenant) -> Membership:
    user = User.objects.create_user(f"agent@{shop.slug}.example")
    return Membership.objects.create(user=user, role=Role.AGENT, display_name="小林")


@pytest.fixture
def as_app(db: None, settings: Any, shops: tuple[Tenant, Tenant]) -> None:
    """Work as the application's role until the test's transaction is rolled back."""
    if connection.vendor == "postgresql":
        ask(f'SET LOCAL ROLE "{make_app_role(settings)}"')


@pytest.fixture
def as_app_everywhere(transactional_db: None, settings: Any) -> Iterator[None]:
    """Work as the application's role in every thread, with real transactions."""
    if connection.vendor != "postgresql":
        yield
        return
    role = make_app_role(settings)
    database = connections.settings["default"]
    owner = {name: database[name] for name in ("USER", "PASSWORD")}
    database.update(USER=role, PASSWORD=PASSWORD)
    close_connections()
    yield
    database.update(owner)
    close_connections()
    settings.DATABASE_APP_ROLE = ""
    ask(f'DROP OWNED BY "{role}"')
    ask(f'DROP ROLE "{role}"')


def converse(member: Membership) -> None:
    """Go the whole way of a conversation through the services."""
    channel = Channel.objects.get()
    session = contacts.admit(channel, Introduction(device_id="d1", user_id="u1")).session
    first = intake.receive(
        session.contact, channel, Inbound("m1", "下单之后多长时间发货？")
    ).message
    assert bot.take_turn(first.pk) is not None
    handoff.request_handoff(first.conversation_id)
    desk.take(first.conversation_id, by=member)
    desk.reply(first.conversation_id, "您好", by=member, client_msg_id="r1")
    desk.note(first.conversation_id, "老客户", by=member, client_msg_id="n1")
    endings.close(first.conversation_id, by=member)


def test_every_tenant_table_is_forced_under_one_policy(db: None) -> None:
    if not bound():
        return
    rows = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relrowsecurity, relforcerowsecurity,"
            " count(polname), min(polcmd), bool_and(polpermissive)"
            " FROM pg_class LEFT JOIN pg_policy ON polrelid = pg_class.oid"
            " WHERE relname = ANY(%s) GROUP BY 1, 2, 3 ORDER BY 1",
            [tenant_tables()],
        )
        rows = cursor.fetchall()

    assert rows == [(table, True, True, 1, "*", True) for table in tenant_tables()]


def test_tables_with_a_tenant_are_the_guarded_ones(db: None) -> None:
    with connection.cursor() as cursor:
        found = [
            table.name
            for table in connection.introspection.get_table_list(cursor)
            if any(
                column.name == "tenant_id"
                for column in connection.introspection.get_table_description(cursor, table.name)
            )
        ]

    assert sorted(found) == tenant_tables()


def test_policies_are_repaired_and_otherwise_left_alone(db: None) -> None:
    if not bound():
        return
    ask("ALTER TABLE knowledge_entry NO FORCE ROW LEVEL SECURITY")
    ask("ALTER TABLE knowledge_category DISABLE ROW LEVEL SECURITY")
    ask("DROP POLICY tenant_only ON knowledge_phrasing")

    apply_policies()
    with CaptureQueriesContext(connection) as queries:
        apply_policies()

    assert (
        ask(
            "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid"
            " WHERE relrowsecurity AND relforcerowsecurity ORDER BY 1"
        )
        == tenant_tables()
    )
    assert [query["sql"] for query in queries if "ALTER" in query["sql"]] == []


def test_raw_sql_sees_nothing_without_a_tenant_and_its_own_with_one(
    as_app: None, shops: tuple[Tenant, Tenant]
) -> None:
    if not bound():
        return
    seen = {table: tenants_seen(table) for table in tenant_tables()}
    with platform_scope("a test of what the application's role sees from above"):
        from_above = {table: tenants_seen(table) for table in tenant_tables()}
    assert seen == from_above == {table: set() for table in tenant_tables()}

    filled = ["conversations_message", "knowledge_phrasing", "tenants_ledgerentry"]
    for shop in shops:
        with tenant_scope(shop):
            every = {table: tenants_seen(table) for table in tenant_tables()}
        assert {table: every[table] for table in filled} == {table: {shop.pk} for table in filled}
        assert set().union(*every.values()) == {shop.pk}


WRITES = {
    "insert": "INSERT INTO knowledge_category (id, name, position, tenant_id)"
    " VALUES (gen_random_uuid(), '插', 0, {other})",
    "move": "UPDATE knowledge_category SET tenant_id = {other}",
    "upsert": "INSERT INTO knowledge_category (id, name, position, tenant_id)"
    " SELECT id, name, position, {other} FROM knowledge_category"
    " ON CONFLICT (id) DO UPDATE SET tenant_id = {other}",
}


def refused(sql: str) -> str:
    """Return why the database refused, "" where it did not."""
    try:
        with transaction.atomic():
            ask(sql)
    except ProgrammingError as error:
        return str(error).partition("\n")[0]
    return ""


def test_raw_write_into_another_tenant_is_refused(
    as_app: None, shops: tuple[Tenant, Tenant]
) -> None:
    if not bound():
        return
    own, other = shops
    violated = 'new row violates row-level security policy for table "knowledge_category"'

    with tenant_scope(own):
        said = {name: refused(sql.format(other=other.pk)) for name, sql in WRITES.items()}
    unscoped = refused(WRITES["insert"].format(other=other.pk))

    assert said == dict.fromkeys(WRITES, violated)
    assert unscoped == violated


def test_raw_write_does_not_reach_another_tenants_rows(
    as_app: None, shops: tuple[Tenant, Tenant]
) -> None:
    if not bound():
        return
    own, other = shops

    with tenant_scope(own):
        ask("UPDATE knowledge_phrasing SET text = text || '改'")
        ask(f"UPDATE knowledge_entry SET answer = '改' WHERE tenant_id = {other.pk}")  # noqa: S608 -- a number
    ask("UPDATE knowledge_phrasing SET text = '无主'")

    with tenant_scope(own):
        assert ask("SELECT count(*) FROM knowledge_phrasing WHERE text NOT LIKE '%%改'") == [0]
    with tenant_scope(other):
        assert ask("SELECT count(*) FROM knowledge_phrasing WHERE text LIKE '%%改'") == [0]
        assert ask("SELECT count(*) FROM knowledge_entry WHERE answer = '改'") == [0]


EVIDENCE = {
    "UPDATE tenants_ledgerentry SET kind = 'x'": "permission denied for table tenants_ledgerentry",
    "DELETE FROM tenants_ledgerentry": "permission denied for table tenants_ledgerentry",
    "TRUNCATE tenants_ledgerentry": "permission denied for table tenants_ledgerentry",
    "DELETE FROM tenants_breach": "permission denied for table tenants_breach",
    "TRUNCATE tenants_breach": "permission denied for table tenants_breach",
    "ALTER TABLE tenants_ledgerentry DISABLE ROW LEVEL SECURITY": (
        "must be owner of table tenants_ledgerentry"
    ),
    "DROP POLICY tenant_only ON tenants_ledgerentry": "must be owner of relation tenants_ledgerentry",
}


def test_evidence_is_out_of_the_applications_reach(
    as_app: None, shops: tuple[Tenant, Tenant]
) -> None:
    if not bound():
        return

    with tenant_scope(shops[0]):
        assert {sql: refused(sql) for sql in EVIDENCE} == EVIDENCE
        assert ledger.verify()[1] is None


def test_role_of_the_tests_is_bound(as_app: None) -> None:
    if not bound():
        return

    assert ask("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user") == [
        False
    ]


def test_application_works_as_its_bound_role(as_app: None) -> None:
    shop = create_tenant(slug="baiyun", name="白云书店")
    with tenant_scope(shop):
        Channel.objects.create(
            name="官网", assistant_name="小云", brand_name="白云", greeting="您好", notice_text="……"
        )
        converse(agent_of(shop))

        said = Message.objects.order_by("seq").values_list("author_kind", flat=True)
        # The last two: that it ended, and the question how it was.
        assert list(said)[-3:] == [AuthorKind.AGENT, AuthorKind.SYSTEM, AuthorKind.SYSTEM]
        assert ledger.verify()[1] is None


def test_setting_follows_the_scope_through_every_end_of_a_transaction(
    as_app_everywhere: None,
) -> None:
    if not bound():
        return
    pks = []
    for slug in ("a", "b"):
        shop = create_tenant(slug=slug, name=slug)
        with tenant_scope(shop):
            Category.objects.create(name=slug)
        pks.append(shop.pk)
    steps = random.Random(20261123)  # noqa: S311 -- a repeatable walk
    done: set[str] = set()

    def check(scope: int | None, after: str) -> None:
        done.add(after)
        assert tenants_seen() == (set() if scope is None else {scope}), after

    def fail(scope: int | None, depth: int, failure: Callable[[], None]) -> None:
        with transaction.atomic():
            walk(scope, depth)
            failure()

    def interrupt() -> None:
        raise InterruptedError

    def err() -> None:
        with tenant_scope(steps.choice(pks)):
            ask("SELECT * FROM nowhere")

    def walk(scope: int | None, depth: int) -> None:
        for _step in range(3):
            step = steps.choice(["read", "scope", "commit", "rollback", "error", "close"])
            if step == "scope" and depth:
                inner = steps.choice(pks)
                with tenant_scope(inner):
                    walk(inner, depth - 1)
            elif step == "commit" and depth:
                with transaction.atomic():
                    walk(scope, depth - 1)
            elif step == "rollback" and depth:
                with pytest.raises(InterruptedError):
                    fail(scope, depth - 1, interrupt)
            elif step == "error" and depth:
                with pytest.raises(ProgrammingError):
                    fail(scope, depth - 1, err)
            elif step == "close" and not connection.in_atomic_block:
                connection.close()
            # A look each time would repair the very setting that it is to find wrong.
            if steps.random() < 0.5:
                check(scope, f"{step} {'inside' if connection.in_atomic_block else 'outside'}")

    for _walk in range(20):
        walk(None, 3)

    ends = {"read", "scope", "commit", "rollback", "error", "close"}
    assert done == {f"{end} {where}" for end in ends for where in ("inside", "outside")}


def test_setting_of_a_savepoint_goes_with_it(as_app: None, shops: tuple[Tenant, Tenant]) -> None:
    if not bound():
        return
    own, other = shops
    with tenant_scope(other):
        tenants_seen()
    # Here the server still holds the other tenant: nothing was asked since.
    with tenant_scope(own):
        with suppress(InterruptedError), transaction.atomic():
            inside = tenants_seen()
            raise InterruptedError
        after = tenants_seen()

    assert (inside, after) == ({own.pk}, {own.pk})


@pytest.mark.usefixtures("as_app_everywhere")
def test_interleaved_work_of_several_tenants_never_reads_anothers_rows() -> None:
    pks = []
    for number in range(5):
        shop = create_tenant(slug=f"shop-{number}", name=f"店{number}")
        with tenant_scope(shop):
            Category.objects.bulk_create([Category(name=f"{n}") for n in range(number + 1)])
        pks.append(shop.pk)
    expected = {pk: [pk] * (number + 1) for number, pk in enumerate(pks)}
    chance = random.Random(7)  # noqa: S311 -- a repeatable order
    orders = [[chance.choice(pks) for _read in range(READS // 8)] for _lane in range(16)]
    wrong: list[tuple[int, list[int]]] = []

    def judge(pk: int, rows: list[int]) -> None:
        if rows != expected[pk]:
            wrong.append((pk, rows))

    def look(pk: int) -> None:
        judge(pk, list(Category.objects.values_list("tenant_id", flat=True)))
        if connection.vendor == "postgresql":
            judge(pk, ask("SELECT tenant_id FROM knowledge_category"))

    def lane(order: list[int]) -> int:
        for pk in order:
            with tenant_scope(pk):
                look(pk)
        connection.close()
        return len(order)

    async def async_lane(order: list[int]) -> int:
        for number, pk in enumerate(order):
            with tenant_scope(pk):
                if number % 3:
                    await in_pool(look, pk)
                else:
                    rows = [row.tenant_id async for row in Category.objects.all()]
                    judge(pk, rows)
        return len(order)

    async def all_lanes() -> list[int]:
        counts = await asyncio.gather(*[async_lane(order) for order in orders[8:]])
        await sync_to_async(connections.close_all)()
        return list(counts)

    with ThreadPoolExecutor(8) as pool:
        lanes = pool.map(lane, orders[:8])
        read = sum(asyncio.run(all_lanes())) + sum(lanes)

    assert (read, wrong) == (2 * READS, [])


def test_foreign_key_into_another_tenant_is_stopped_by_the_first_ring(
    as_app: None, shops: tuple[Tenant, Tenant]
) -> None:
    """PostgreSQL checks references past its policies: such a row would be accepted."""
    own, other = shops
    with tenant_scope(other):
        foreign = Release.objects.get().pk
    with tenant_scope(own):
        entry = Entry.objects.first()
        assert entry is not None
        with pytest.raises(TenantScopeError, match="category belongs to another tenant"):
            Entry.objects.filter(pk=entry.pk).update(category=foreign)
