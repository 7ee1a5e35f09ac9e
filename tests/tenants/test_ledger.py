"""The evidence ledger: gapless, chained, and no tampering goes unseen."""

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from tenants import clock
from tenants.models import LedgerEntry, LedgerHead, Tenant
from tenants.models.ledger import AppendOnlyError
from tenants.scoping import TenantScopeError, tenant_scope
from tenants.services import ledger
from tenants.services.ledger import GENESIS, Event, Fault
from tenants.services.onboarding import create_tenant

AT = datetime(2026, 11, 23, 8, 0, 0, 123456, tzinfo=UTC)
THREADS, APPENDS = 8, 25


def write(*events: Event) -> None:
    with transaction.atomic():
        ledger.append(*events)


def entry(position: int) -> LedgerEntry:
    return LedgerEntry.objects.get(position=position)


def sql(statement: str, *params: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.rowcount


@pytest.fixture
def chain(in_tenant: Tenant) -> Tenant:
    """Eight entries: the tenant's own first one, and seven more."""
    for number in range(2, 9):
        write(Event("test.happened", f"thing-{number}", {"number": number}, AT))
    return in_tenant


def test_a_tenants_life_begins_with_an_entry(in_tenant: Tenant) -> None:
    first = entry(1)

    assert (first.kind, first.subject) == ("tenant.created", in_tenant.code)
    assert first.previous_hash == GENESIS
    assert ledger.verify() == (1, None)


def test_entries_follow_each_other_without_a_gap(chain: Tenant) -> None:
    rows = list(LedgerEntry.objects.order_by("position"))
    head = LedgerHead.objects.get()

    assert [row.position for row in rows] == list(range(1, 9))
    assert [row.previous_hash for row in rows] == [GENESIS, *[row.hash for row in rows[:-1]]]
    assert len({row.hash for row in rows}) == 8
    assert (head.position, head.hash) == (8, rows[-1].hash)
    assert ledger.verify() == (8, None)


def test_several_events_are_written_in_their_order(in_tenant: Tenant) -> None:
    write(Event("first", 1), Event("second", 2), Event("third", 3))

    assert list(LedgerEntry.objects.order_by("position").values_list("position", "kind")[1:]) == [
        (2, "first"),
        (3, "second"),
        (4, "third"),
    ]


def test_facts_of_every_type_survive_the_database(in_tenant: Tenant) -> None:
    facts = {
        "text": "下单之后多长时间发货？🙂",
        "lazy": _("Active"),
        "number": 2**53,
        "negative": -1,
        "yes": True,
        "none": None,
        "id": uuid.UUID(int=7),
        "instant": datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=8))),
        "list": ["b", 1, {"z": 1, "a": 2}],
        "ключ": "",
    }
    write(Event("test.happened", uuid.UUID(int=1), facts, AT))

    assert ledger.verify() == (2, None)
    assert entry(2).data == {
        **facts,
        "lazy": str(_("Active")),
        "id": "00000000-0000-0000-0000-000000000007",
        "instant": "2025-12-31T16:00:00.000000+00:00",
    }


def test_instant_of_another_zone_seals_the_same_moment(in_tenant: Tenant) -> None:
    write(Event("test.happened", 1, at=AT.astimezone(timezone(timedelta(hours=8)))))

    assert ledger.verify() == (2, None)
    assert entry(2).at == AT


def test_event_without_an_instant_gets_the_present_one(in_tenant: Tenant) -> None:
    with clock.travel(AT):
        write(Event("test.happened", 1))

    assert entry(2).at == AT


def test_fingerprint_names_a_text_without_holding_it() -> None:
    assert ledger.fingerprint("你好") == (
        "670d9743542cae3ea7ebe36af56bd53648b0a1126162e78d81a32934a711302e"
    )


def test_append_belongs_into_the_transaction_of_its_event(
    transactional_db: None, tenant: Tenant
) -> None:
    with tenant_scope(tenant):
        with pytest.raises(RuntimeError, match="in the transaction of the event"):
            ledger.append(Event("test.happened", 1))

        assert ledger.verify() == (1, None)


def test_rolled_back_event_leaves_no_entry(in_tenant: Tenant) -> None:
    def fail() -> None:
        with transaction.atomic():
            ledger.append(Event("test.happened", 1))
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    write(Event("test.happened", 2))

    assert entry(2).subject == "2"
    assert ledger.verify() == (2, None)


def test_append_needs_a_tenant(db: None) -> None:
    with pytest.raises(TenantScopeError):
        write(Event("test.happened", 1))


def test_chains_of_two_tenants_are_apart(chain: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        write(Event("test.happened", 1))
        other = ledger.verify()

    assert (ledger.verify(), other) == ((8, None), (2, None))


def test_entries_are_written_once(chain: Tenant) -> None:
    row = entry(4)

    for change in (
        row.save,
        row.delete,
        lambda: LedgerEntry.objects.update(kind="x"),
        lambda: LedgerEntry.objects.all().delete(),
        lambda: LedgerEntry.objects.bulk_update([row], ["kind"]),
        lambda: LedgerEntry.objects.update_or_create(position=4, defaults={"kind": "x"}),
    ):
        with pytest.raises(AppendOnlyError), transaction.atomic():
            change()

    assert ledger.verify() == (8, None)


def test_two_entries_cannot_share_a_position(chain: Tenant) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry.objects.create(position=4, at=AT, kind="x", subject="x")


ENTRY = "UPDATE tenants_ledgerentry SET {} WHERE position = 4"
# (what is done behind the application's back, the first wrong entry, what is said of it)
TAMPERING: dict[str, tuple[list[str], int, str]] = {
    "edited kind": ([ENTRY.format("kind = 'x'")], 4, "its content does not match its hash"),
    "edited subject": ([ENTRY.format("subject = 'x'")], 4, "its content does not match its hash"),
    "edited facts": (
        [ENTRY.format("""data = '{"number": 40}'""")],
        4,
        "its content does not match its hash",
    ),
    "added fact": (
        [ENTRY.format("""data = '{"number": 4, "more": 1}'""")],
        4,
        "its content does not match its hash",
    ),
    "edited instant": (
        [ENTRY.format("at = '2026-11-23 08:00:00.123457+00:00'")],
        4,
        "its content does not match its hash",
    ),
    "edited hash": (
        [ENTRY.format("hash = previous_hash")],
        4,
        "its content does not match its hash",
    ),
    "edited predecessor": (
        [ENTRY.format("previous_hash = hash")],
        4,
        "does not continue the row before it",
    ),
    "removed": (
        ["DELETE FROM tenants_ledgerentry WHERE position = 4"],
        4,
        "missing; the next row is 5",
    ),
    "removed and closed up": (
        [
            "DELETE FROM tenants_ledgerentry WHERE position = 4",
            "UPDATE tenants_ledgerentry SET position = 4 WHERE position = 5",
            "UPDATE tenants_ledgerentry SET position = 5 WHERE position = 6",
            "UPDATE tenants_ledgerentry SET position = 6 WHERE position = 7",
            "UPDATE tenants_ledgerentry SET position = 7 WHERE position = 8",
            "UPDATE tenants_ledgerhead SET position = 7",
        ],
        4,
        "does not continue the row before it",
    ),
    "swapped": (
        [
            "UPDATE tenants_ledgerentry SET position = 99 WHERE position = 4",
            "UPDATE tenants_ledgerentry SET position = 4 WHERE position = 5",
            "UPDATE tenants_ledgerentry SET position = 5 WHERE position = 99",
        ],
        4,
        "does not continue the row before it",
    ),
    "inserted": (
        [
            "INSERT INTO tenants_ledgerentry"
            " (id, tenant_id, position, at, kind, subject, data, previous_hash, hash)"
            " SELECT '00000000000000000000000000000001', tenant_id, 9, at, kind, subject, data,"
            " hash, hash FROM tenants_ledgerentry WHERE position = 8"
        ],
        9,
        "its content does not match its hash",
    ),
    "cut at the front": (
        ["DELETE FROM tenants_ledgerentry WHERE position < 4"],
        1,
        "missing; the next row is 4",
    ),
    "cut at the end": (
        ["DELETE FROM tenants_ledgerentry WHERE position > 4"],
        5,
        "missing; the chain should end at 8",
    ),
    "emptied": (["DELETE FROM tenants_ledgerentry"], 1, "missing; the chain should end at 8"),
    "head moved back": (
        ["UPDATE tenants_ledgerhead SET position = 7"],
        8,
        "beyond the end of the chain at 7",
    ),
    "head's hash edited": (
        ["UPDATE tenants_ledgerhead SET hash = '" + "f" * 64 + "'"],
        8,
        "is not the entry that the head of the chain names",
    ),
    "cut at the end, and the head's position with it": (
        [
            "DELETE FROM tenants_ledgerentry WHERE position > 4",
            "UPDATE tenants_ledgerhead SET position = 4",
        ],
        4,
        "is not the entry that the head of the chain names",
    ),
    "first two swapped": (
        [
            "UPDATE tenants_ledgerentry SET position = 99 WHERE position = 1",
            "UPDATE tenants_ledgerentry SET position = 1 WHERE position = 2",
            "UPDATE tenants_ledgerentry SET position = 2 WHERE position = 99",
        ],
        1,
        "does not continue the row before it",
    ),
    "last one removed": (
        ["DELETE FROM tenants_ledgerentry WHERE position = 8"],
        8,
        "missing; the chain should end at 8",
    ),
    "head removed": (["DELETE FROM tenants_ledgerhead"], 0, "the head of the chain is missing"),
}


@pytest.mark.parametrize(
    ("statements", "position", "reason"), TAMPERING.values(), ids=list(TAMPERING)
)
def test_tampering_is_found(
    chain: Tenant, other_tenant: Tenant, statements: list[str], position: int, reason: str
) -> None:
    of_chain = f" AND tenant_id = {chain.pk}"
    changed = [
        sql(
            statement + (of_chain if " WHERE " in statement else of_chain.replace(" AND", " WHERE"))
        )
        for statement in statements
    ]

    assert all(changed)
    assert ledger.verify()[1] == Fault(position, reason)
    status, text = verify_ledger("--json")
    told = {each["tenant"]: each["fault"] for each in json.loads(text)["chains"]}
    assert status == 1
    assert told == {"qinghe": {"position": position, "reason": reason}, "yunshan": None}


@pytest.mark.parametrize("column", ["at", "kind", "subject", "data", "previous_hash", "hash"])
@pytest.mark.parametrize("position", [1, 4, 8], ids=["first", "middle", "last"])
def test_one_changed_character_is_found_wherever_it_is(
    chain: Tenant, column: str, position: int
) -> None:
    row = entry(position)
    value = getattr(row, column)
    changed: object
    if column == "at":
        changed = value + timedelta(microseconds=1)
    elif column == "data":
        changed = json.dumps({**value, next(iter(value)): "x"})
    else:
        changed = value[:-1] + ("0" if value[-1] != "0" else "1")
    sql(
        f"UPDATE tenants_ledgerentry SET {column} = %s WHERE tenant_id = %s AND position = %s",  # noqa: S608 -- its own words
        changed,
        chain.pk,
        position,
    )

    status, text = verify_ledger("--tenant", chain.slug, "--json")

    fault = json.loads(text)["chains"][0]["fault"]
    assert (status, fault["position"]) == (1, position)


def test_entry_of_another_tenant_is_no_substitute(chain: Tenant, other_tenant: Tenant) -> None:
    """The seal covers the tenant: moving a row over is found in both chains."""
    sql("DELETE FROM tenants_ledgerentry WHERE position = 1 AND tenant_id = %s", chain.pk)
    sql("UPDATE tenants_ledgerentry SET tenant_id = %s WHERE position = 1", chain.pk)

    assert ledger.verify()[1] == Fault(1, "its content does not match its hash")
    with tenant_scope(other_tenant):
        assert ledger.verify()[1] == Fault(1, "missing; the chain should end at 1")


def test_appends_at_the_same_time_leave_no_gap(transactional_db: None) -> None:
    tenant = create_tenant(slug="busy", name="忙")
    start = threading.Barrier(THREADS)

    def work(number: int) -> None:
        start.wait()
        with tenant_scope(tenant):
            for turn in range(APPENDS):
                write(Event("test.happened", f"{number}-{turn}"))
        connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))

    with tenant_scope(tenant):
        assert ledger.verify() == (1 + THREADS * APPENDS, None)
        subjects = set(LedgerEntry.objects.filter(position__gt=1).values_list("subject", flat=True))
    assert subjects == {f"{n}-{turn}" for n in range(THREADS) for turn in range(APPENDS)}


def verify_ledger(*options: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("verify_ledger", *options, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_command_shows_each_chain_and_the_figures_last(chain: Tenant, other_tenant: Tenant) -> None:
    assert verify_ledger() == (
        0,
        "qinghe: 8 entries, intact\nyunshan: 1 entries, intact\ntenants=2 entries=9 faulty=0\n",
    )


def test_command_names_the_first_wrong_entry_and_fails(chain: Tenant, other_tenant: Tenant) -> None:
    sql(ENTRY.format("kind = 'x'"))

    status, text = verify_ledger()

    assert status == 1
    assert text.splitlines() == [
        "qinghe: broken at entry 4: its content does not match its hash",
        "yunshan: 1 entries, intact",
        "tenants=2 entries=4 faulty=1",
    ]
    assert verify_ledger("--tenant", "yunshan")[0] == 0


def test_command_speaks_json(chain: Tenant, other_tenant: Tenant) -> None:
    sql("DELETE FROM tenants_ledgerentry WHERE position > 4")

    status, text = verify_ledger("--json")

    expected: dict[str, Any] = {
        "chains": [
            {
                "tenant": "qinghe",
                "entries": 4,
                "fault": {"position": 5, "reason": "missing; the chain should end at 8"},
            },
            {"tenant": "yunshan", "entries": 1, "fault": None},
        ],
        "tenants": 2,
        "entries": 5,
        "faulty": 1,
    }
    assert (status, json.loads(text)) == (1, expected)


def test_command_refuses_an_unknown_tenant(tenant: Tenant) -> None:
    with pytest.raises(CommandError, match=r"^There is no tenant nobody\.$"):
        verify_ledger("--tenant", "nobody")
