"""How the regular chores of every app go through the tenants: find the rows, then work by tenant."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from tenants.models import LedgerHead
from tenants.scoping import platform_scope, tenant_scope

logger = logging.getLogger(__name__)

# Rows that one run takes on.
BATCH = 200


def every_tenant() -> list[int]:
    """Return all tenants."""
    with platform_scope("all tenants, for a chore"):
        rows = LedgerHead.objects.using(settings.PLATFORM_DATABASE).order_by("tenant_id")
        return list(rows.values_list("tenant_id", flat=True))


def tenants_with(model: Any, where: Q) -> list[int]:
    """Return the tenants that have such rows."""
    with platform_scope("which tenants have such rows"):
        rows = model.objects.using(settings.PLATFORM_DATABASE).filter(where).order_by("tenant_id")
        return list(rows.values_list("tenant_id", flat=True).distinct())


def for_each(tenants: Iterable[int], *chores: Callable[[], object]) -> None:
    """Do the chores in each tenant's scope; what one of them breaks keeps no other waiting."""
    for tenant_id in tenants:
        with tenant_scope(tenant_id):
            for chore in chores:
                safely(chore)


def due(
    model: Any, fields: tuple[str, ...], *where: Q, **conditions: Any
) -> Iterator[tuple[Any, ...]]:
    """Yield these fields of the rows that meet the conditions, each in its tenant's scope.

    To be read to its end: the scope of the last row is left only then.
    """
    with platform_scope("rows that are due, of all tenants"):
        rows = list(
            model.objects.using(settings.PLATFORM_DATABASE)
            .filter(*where, **conditions)
            .values_list("tenant_id", *fields)[:BATCH]
        )
    for tenant_id, *values in rows:
        with tenant_scope(tenant_id):
            yield tuple(values)


def within(seconds: float, work: Callable[[UUID], object], found: Iterable[tuple[UUID]]) -> None:
    """Do the work for each row, and begin none after so many seconds: it is due in the next run."""
    until = time.monotonic() + seconds
    for (subject,) in found:
        # Not left early: what finds the rows is in a tenant's scope, and has to end it.
        if time.monotonic() < until:
            safely(work, subject)


def safely(work: Callable[..., object], *subject: UUID, **given: object) -> None:
    """Do the work; what it raises goes to the log, with the tenant in scope."""
    try:
        work(*subject, **given)
    except Exception:
        logger.exception("Chore failed: %s %s", getattr(work, "__qualname__", work), subject)
