"""How audits are drawn, of labels as of answers: the seed is kept before the draw sees a row."""

import secrets
import uuid
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, TypeVar

from django.db import IntegrityError, transaction

from conversations.satisfaction import fingerprint
from reporting.models.month_audit import MonthAudit
from reporting.services.audit_months import AuditDrawnError
from tenants import clock
from tenants.errors import DomainError
from tenants.models import User
from tenants.services import ledger
from tenants.services.ledger import Event

Audit = TypeVar("Audit", bound=MonthAudit)


class NothingToAuditError(DomainError):
    """The month has nothing that could be drawn; each audit says what is missing."""

    code = "nothing_to_audit"
    status = 422


def draw_each(months: Iterable[date], draw: Callable[..., Audit]) -> list[Audit]:
    """Draw these months by themselves, but those without anything to draw; return the new audits."""
    drawn = []
    for month in months:
        try:
            drawn.append(draw(month, by=None))
        except (NothingToAuditError, AuditDrawnError):
            continue
    return drawn


def keep_seed(
    kind: str, model: type[Audit], month: date, *, size: int, by: User | None, **place: int
) -> Audit:
    """Store an audit with its seed, and the seed's fingerprint in the ledger, in one transaction.

    `place` says which audit of the month it is, where there may be several. Raises AuditDrawnError
    where another process was faster: the constraint is the judge.
    """
    try:
        with transaction.atomic():
            row: Audit = model.objects.create(
                month=month,
                seed=secrets.token_hex(32),
                created_at=clock.now(),
                created_by=by,
                **place,
            )
            facts: dict[str, Any] = {
                "by": by.pk if by else None,
                "month": f"{month:%Y-%m}",
                **place,
                "size": size,
                "seed_sha256": fingerprint(row.seed),
            }
            ledger.append(Event(kind, row.pk, facts, row.created_at))
    except IntegrityError as error:
        raise AuditDrawnError from error
    return row


def locked(model: type[Audit], pk: uuid.UUID) -> Audit:
    """Return an audit, its row locked until the transaction ends."""
    row: Audit = model.objects.select_for_update(of=("self",)).get(pk=pk)
    return row


def drawn_months(model: type[MonthAudit]) -> set[date]:
    """Return the months with an audit that is drawn."""
    rows = model.objects.filter(drawn_at__isnull=False).order_by()
    return set(rows.values_list("month", flat=True))


def print_of(parts: Iterable[object]) -> str:
    """Return the SHA-256 of a list, one part a line."""
    return fingerprint("\n".join(map(str, parts)))
