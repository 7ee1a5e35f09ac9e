"""How chores go through the tenants: each in its own scope, and none at another's cost."""

import uuid
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from config.celery import app
from tenants import chores, terms
from tenants.models import Obligation, ObligationKind, Tenant
from tenants.scoping import active_scope, active_tenant_id, tenant_scope
from tenants.services import ledger, obligations

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)


def promise(count: int = 1) -> None:
    with transaction.atomic():
        ledger.append(
            *(
                obligations.start(
                    ObligationKind.FIRST_REPLY,
                    clause=terms.CLAUSE_FIRST_REPLY,
                    subject_id=uuid.uuid4(),
                    conversation_id=None,
                    at=AT,
                    limit=terms.FIRST_REPLY,
                )
                for _number in range(count)
            )
        )


def test_what_one_tenant_or_chore_breaks_keeps_no_other_waiting(
    tenant: Tenant, other_tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[tuple[str, int]] = []

    def breaking() -> None:
        done.append(("breaking", active_tenant_id()))
        if active_tenant_id() == tenant.pk:
            raise RuntimeError("the disk is full")

    def working() -> None:
        done.append(("working", active_tenant_id()))

    chores.for_each(chores.every_tenant(), breaking, working)

    assert done == [
        (name, each.pk) for each in (tenant, other_tenant) for name in ("breaking", "working")
    ]
    assert "Chore failed" in caplog.text
    assert "the disk is full" in caplog.text
    assert active_scope() is None


def test_rows_are_found_in_all_tenants_and_read_in_their_own(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    with tenant_scope(other_tenant):
        promise(2)

    found = [
        (active_tenant_id(), Obligation.objects.get(pk=pk).kind)
        for (pk,) in chores.due(Obligation, ("pk",), due_at__gt=AT)
    ]

    assert found == [(other_tenant.pk, "first_reply")] * 2
    with tenant_scope(tenant):
        promise()
    assert chores.tenants_with(Obligation, Q(due_at__gt=AT)) == [tenant.pk, other_tenant.pk]
    assert chores.tenants_with(Obligation, Q(due_at__lt=AT)) == []


def test_no_work_is_begun_when_the_time_is_up() -> None:
    begun: list[uuid.UUID] = []
    rows = [(uuid.uuid4(),) for _number in range(3)]

    chores.within(0.0, begun.append, iter(rows))
    assert begun == []
    chores.within(60.0, begun.append, iter(rows))

    assert begun == [subject for (subject,) in rows]


def test_everything_that_beat_sends_is_there() -> None:
    app.loader.import_default_modules()

    sent = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    assert sent - set(app.tasks) == set()
