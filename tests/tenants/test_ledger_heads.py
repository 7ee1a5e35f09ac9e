"""The head of the ledger goes to both parties each day, and a rewritten chain contradicts it (R12, T54)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from tenants import clock
from tenants.models import LedgerEntry, LedgerHead, NotificationDelivery, Tenant, TenantStatus, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services import ledger
from tenants.services.ledger import GENESIS, Event
from tenants.tasks import tell_ledger_heads

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)


@pytest.fixture
def parties(tenant: Tenant, make_member: Callable[..., User]) -> list[str]:
    for role in (Role.AGENT, Role.SUPERVISOR):
        make_member(tenant, role)
    return sorted(
        make_member(tenant, role).email for role in (Role.ACCOUNT_MANAGER, Role.CLIENT_ADMIN)
    )


def mailed(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant):
        rows = NotificationDelivery.objects.filter(thread="ledger.head", channel="mail")
        return sorted(rows.values_list("recipient__email", flat=True))


def test_head_is_mailed_to_both_parties_once_a_day(tenant: Tenant, parties: list[str]) -> None:
    with clock.travel(NOON):
        tell_ledger_heads()
        tell_ledger_heads()
    assert mailed(tenant) == parties
    with clock.travel(NOON + timedelta(days=1)):
        tell_ledger_heads()

    assert mailed(tenant) == sorted([*parties, *parties])
    with tenant_scope(tenant):
        bodies = [row.notification.body for row in NotificationDelivery.objects.all()]
        hashes = set(LedgerEntry.objects.values_list("hash", flat=True))
    assert all(any(each in body for each in hashes) for body in bodies)


def test_suspended_tenant_is_told_nothing(tenant: Tenant, parties: list[str]) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(status=TenantStatus.SUSPENDED)
    tell_ledger_heads()
    assert mailed(tenant) == []


def test_chain_written_anew_contradicts_what_was_told(
    tenant: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    with tenant_scope(tenant):
        for number in range(3):
            ledger.append(Event("test.noted", str(number), {"number": number}))
        head = LedgerHead.objects.get()
        told = f"{head.position}:{head.hash}"
    command = ("verify_ledger", f"--tenant={tenant.slug}", f"--told={told}", "--json")
    call_command(*command)
    assert json.loads(capsys.readouterr().out)["faulty"] == 0

    _rewrite(tenant)

    call_command("verify_ledger", "--json")
    assert json.loads(capsys.readouterr().out)["faulty"] == 0
    with pytest.raises(SystemExit) as left:
        call_command(*command)
    assert left.value.code == 1
    (chain,) = json.loads(capsys.readouterr().out)["chains"]
    assert chain["fault"] == {
        "position": head.position,
        "reason": "has another hash than a party was told",
    }


def _rewrite(tenant: Tenant) -> None:
    """Change the last entry's content and all hashes with it, as whoever owns the database can."""
    with tenant_scope(tenant):
        rows = list(LedgerEntry.objects.order_by("position"))
        rows[-1].data = {"number": 99}
        previous = GENESIS
        with connection.cursor() as cursor:
            for row in rows:
                row.previous_hash = previous
                row.hash = previous = ledger.seal(row)
                cursor.execute(
                    f"UPDATE {LedgerEntry._meta.db_table} SET data = %s, previous_hash = %s, hash = %s"  # noqa: S608 -- constant
                    " WHERE tenant_id = %s AND position = %s",
                    [json.dumps(row.data), row.previous_hash, row.hash, tenant.pk, row.position],
                )
            cursor.execute(
                f"UPDATE {LedgerHead._meta.db_table} SET hash = %s WHERE tenant_id = %s",  # noqa: S608 -- constant
                [previous, tenant.pk],
            )
