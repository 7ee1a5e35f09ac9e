"""Promises with a deadline: kept to the instant, or broken and on record."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from tenants import clock, terms
from tenants.models import (
    Breach,
    LedgerEntry,
    LedgerHead,
    Obligation,
    ObligationKind,
    ObligationState,
    Tenant,
)
from tenants.models.ledger import AppendOnlyError
from tenants.scoping import TenantScopeError, tenant_scope
from tenants.services import ledger, obligations
from tenants.services.onboarding import create_tenant
from tenants.tasks import find_breaches

START = datetime(2026, 11, 23, 8, 0, 0, tzinfo=UTC)
SUBJECT = uuid.UUID(int=1)
CONVERSATION = uuid.UUID(int=2)
FIRST_REPLY = ObligationKind.FIRST_REPLY


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def begin(subject_id: uuid.UUID = SUBJECT) -> Obligation:
    with transaction.atomic():
        ledger.append(
            obligations.start(
                FIRST_REPLY,
                clause=terms.CLAUSE_FIRST_REPLY,
                subject_id=subject_id,
                conversation_id=CONVERSATION,
                at=START,
                limit=terms.FIRST_REPLY,
            )
        )
    return Obligation.objects.get(subject_id=subject_id)


def meet(at: datetime, subject_id: uuid.UUID = SUBJECT) -> list[str]:
    with transaction.atomic():
        events = obligations.meet(FIRST_REPLY, subject_id=subject_id, at=at)
        if events:
            ledger.append(*events)
    return [event.kind for event in events]


def sweep(obligation: Obligation, at: datetime) -> bool:
    with clock.travel(at):
        return obligations.sweep(obligation.pk)


def kinds() -> list[str]:
    """The ledger since the tenant's own first entry."""
    return list(LedgerEntry.objects.order_by("position").values_list("kind", flat=True)[1:])


def test_start_sets_the_deadline_and_says_so(in_tenant: Tenant) -> None:
    row = begin()

    assert (row.state, row.started_at, row.due_at, row.met_at) == (
        ObligationState.RUNNING,
        START,
        after(10),
        None,
    )
    recorded = LedgerEntry.objects.get(kind="obligation.started")
    assert (recorded.subject, recorded.at) == (str(SUBJECT), START)
    assert recorded.data == {
        "kind": "first_reply",
        "clause": "2.1(1)",
        "due_at": "2026-11-23T08:00:10.000000+00:00",
    }


def test_a_subject_has_one_promise_of_a_kind(in_tenant: Tenant) -> None:
    begin()

    with pytest.raises(IntegrityError):
        begin()


@pytest.mark.parametrize("seconds", [0, 9.999, 10.0], ids=str)
def test_kept_up_to_the_very_deadline(in_tenant: Tenant, seconds: float) -> None:
    row = begin()

    assert meet(after(seconds)) == ["obligation.met"]

    row.refresh_from_db()
    assert (row.state, row.met_at) == (ObligationState.MET, after(seconds))
    assert not Breach.objects.exists()


@pytest.mark.parametrize("seconds", [10.000001, 10.001, 3600.0], ids=str)
def test_late_success_is_a_breach_even_if_no_sweeper_saw_it(
    in_tenant: Tenant, seconds: float
) -> None:
    row = begin()

    assert meet(after(seconds)) == ["obligation.breached"]

    row.refresh_from_db()
    assert (row.state, row.met_at) == (ObligationState.BREACHED, after(seconds))
    breach = Breach.objects.get()
    assert (breach.obligation, breach.clause, breach.subject_id, breach.conversation_id) == (
        row,
        "2.1(1)",
        SUBJECT,
        CONVERSATION,
    )
    assert (breach.started_at, breach.due_at, breach.detected_at, breach.actual_at) == (
        START,
        after(10),
        after(seconds),
        after(seconds),
    )


@pytest.mark.parametrize(
    ("seconds", "late"), [(9.999, False), (10.0, False), (10.001, True)], ids=str
)
def test_sweep_breaches_past_the_deadline_only(
    in_tenant: Tenant, seconds: float, late: bool
) -> None:
    row = begin()

    assert sweep(row, after(seconds)) is late

    row.refresh_from_db()
    assert row.state == (ObligationState.BREACHED if late else ObligationState.RUNNING)
    assert list(Breach.objects.values_list("detected_at", "actual_at")) == (
        [(after(seconds), None)] if late else []
    )


def test_late_success_fills_in_when_it_came(in_tenant: Tenant) -> None:
    row = begin()
    sweep(row, after(11))

    first, second = meet(after(12)), meet(after(13))

    row.refresh_from_db()
    breach = Breach.objects.get()
    assert (first, second) == (["obligation.kept_late"], [])
    assert (row.state, row.met_at) == (ObligationState.BREACHED, after(12))
    assert (breach.detected_at, breach.actual_at) == (after(11), after(12))
    assert kinds() == ["obligation.started", "obligation.breached", "obligation.kept_late"]


def test_keeping_a_promise_twice_changes_nothing(in_tenant: Tenant) -> None:
    row = begin()

    assert [meet(after(3)), meet(after(5)), meet(after(50))] == [["obligation.met"], [], []]

    row.refresh_from_db()
    assert (row.state, row.met_at) == (ObligationState.MET, after(3))
    assert not Breach.objects.exists()


def test_promise_that_was_never_given_is_not_kept(in_tenant: Tenant) -> None:
    begin()

    assert meet(after(3), subject_id=uuid.UUID(int=9)) == []
    with transaction.atomic():
        assert obligations.meet(ObligationKind.HANDOFF, subject_id=SUBJECT, at=after(3)) == []


def test_sweep_runs_twice_without_a_second_breach(in_tenant: Tenant) -> None:
    row = begin()

    assert [sweep(row, after(11)), sweep(row, after(12))] == [True, False]

    assert Breach.objects.count() == 1
    assert kinds() == ["obligation.started", "obligation.breached"]


def test_sweep_leaves_a_kept_promise_alone(in_tenant: Tenant) -> None:
    row = begin()
    meet(after(10))

    assert sweep(row, after(11)) is False
    assert not Breach.objects.exists()


def test_void_promise_is_neither_kept_nor_broken(in_tenant: Tenant) -> None:
    row = begin()
    Obligation.objects.filter(pk=row.pk).update(state=ObligationState.VOID)

    assert meet(after(3)) == []
    assert sweep(row, after(11)) is False

    row.refresh_from_db()
    assert (row.state, row.met_at) == (ObligationState.VOID, None)
    assert kinds() == ["obligation.started"]


def test_deadline_before_the_start_is_refused(in_tenant: Tenant) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Obligation.objects.create(
            kind=FIRST_REPLY, clause="x", subject_id=SUBJECT, started_at=START, due_at=after(-1)
        )


def test_breach_is_never_changed_or_removed(in_tenant: Tenant) -> None:
    row = begin()
    sweep(row, after(11))
    breach = Breach.objects.get()

    for change in (breach.save, breach.delete):
        with pytest.raises(AppendOnlyError):
            change()


def test_foreign_promise_is_neither_kept_nor_swept(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        row = begin()
    with tenant_scope(tenant):
        assert meet(after(3)) == []
        assert sweep(row, after(11)) is False
    with pytest.raises(TenantScopeError):
        meet(after(3))

    with tenant_scope(other_tenant):
        row.refresh_from_db()
        assert row.state == ObligationState.RUNNING


def test_sweepers_at_the_same_time_write_one_breach(transactional_db: None) -> None:
    tenant = create_tenant(slug="busy", name="忙")
    with tenant_scope(tenant):
        rows = [begin(uuid.UUID(int=number)) for number in range(10)]
    start = threading.Barrier(4)

    def work(turn: int) -> int:
        start.wait()
        with tenant_scope(tenant):
            found = sum(sweep(row, after(11)) for row in rows)
        connection.close()
        return found

    with ThreadPoolExecutor(4) as pool:
        found = sum(pool.map(work, range(4)))

    with tenant_scope(tenant):
        assert found == Breach.objects.count() == 10
        assert ledger.verify() == (1 + 10 + 10, None)


def test_sweeper_and_late_success_at_the_same_time_agree(transactional_db: None) -> None:
    tenant = create_tenant(slug="busy", name="忙")
    with tenant_scope(tenant):
        rows = [begin(uuid.UUID(int=number)) for number in range(20)]
    start = threading.Barrier(2)

    def work(turn: Any) -> None:
        start.wait()
        with tenant_scope(tenant):
            for row in rows:
                turn(row)
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(
            pool.map(
                work,
                [
                    lambda row: sweep(row, after(11)),
                    lambda row: meet(after(12), subject_id=row.subject_id),
                ],
            )
        )

    with tenant_scope(tenant):
        assert set(Breach.objects.values_list("actual_at", flat=True)) == {after(12)}
        assert Breach.objects.count() == 20
        assert ledger.verify()[1] is None


def test_breaches_of_all_tenants_are_found(
    tenant: Tenant, other_tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    late = {}
    for shop in (tenant, other_tenant):
        with tenant_scope(shop):
            late[shop.pk] = begin()
    with clock.travel(after(10)):
        find_breaches()
    with clock.travel(after(11)):
        find_breaches()
        find_breaches()

    for shop in (tenant, other_tenant):
        with tenant_scope(shop):
            assert Breach.objects.get().obligation_id == late[shop.pk].pk
    assert sorted(record.getMessage() for record in caplog.records) == sorted(
        f"Obligation breached: {row.pk}" for row in late.values()
    )


def test_tenant_whose_chain_is_damaged_does_not_hide_the_breaches_of_others(
    tenant: Tenant, other_tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    for shop in (tenant, other_tenant):
        with tenant_scope(shop):
            begin()
    with tenant_scope(tenant):
        LedgerHead.objects.all().delete()

    with clock.travel(after(11)):
        find_breaches()

    with tenant_scope(tenant):
        assert not Breach.objects.exists()
    with tenant_scope(other_tenant):
        assert Breach.objects.count() == 1
    assert "Sweep failed" in caplog.text
