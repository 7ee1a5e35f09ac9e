"""Register services of other companies, have them approved, and ask them within bounds."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants import clock, outward, secrets
from tenants.breaker import CircuitBreaker
from tenants.errors import DomainError
from tenants.models import Region, Subprocessor, SubprocessorKind, SubprocessorUse, User
from tenants.scoping import active_tenant_id
from tenants.services import ledger
from tenants.services.ledger import Event

if TYPE_CHECKING:
    import openai

T = TypeVar("T")

# What the client agreed to: another value is another agreement.
AGREED = ("kind", "name", "region", "filing", "base_url", "model")
# Calls one process has under way at once, and those of one tenant among them: a slow service must
# not take the threads of everybody else.
SEATS = 8
SEATS_OF_A_TENANT = 4

_breakers: dict[tuple[object, ...], CircuitBreaker] = {}
_seated: Counter[int] = Counter()
_lock = threading.Lock()


# Why a service was not asked, or gave no usable answer.
CAUSES = {
    "absent": _("none is registered"),
    "unapproved": _("the client has not approved it"),
    "abroad": _("it works outside mainland China"),
    "unreadable_key": _("its key cannot be read"),
    "spent": _("this month's tokens are spent"),
    "resting": _("it failed lately and is left alone for a while"),
    "busy": _("too many calls are under way"),
    "late": _("it took too long"),
    "failed": _("it failed"),
}


class UnavailableError(Exception):
    """The service was not asked, or gave no usable answer; `cause` is one of CAUSES."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class AbroadError(DomainError):
    """The installation keeps visitors' words in mainland China."""

    code = "processor_abroad"
    status = 409
    message = _("This installation sends nothing to services outside mainland China.")


@dataclass(frozen=True)
class Connection:
    """A way to one service, for one call: its client, bound to address and key, and the model."""

    client: "openai.OpenAI"
    model: str
    subprocessor: Subprocessor


def current(kind: SubprocessorKind) -> Subprocessor | None:
    """Return the tenant's service for this purpose if the client approved it."""
    return Subprocessor.objects.filter(kind=kind, approved_at__isnull=False).first()


def save(row: Subprocessor, *, by: User | None, key: str | None = None) -> Subprocessor:
    """Write a service's registration; `key` replaces its key, None keeps it.

    The client's approval ends with any change of what they agreed to.
    """
    with transaction.atomic():
        before = None
        if not row._state.adding:
            before = Subprocessor.objects.select_for_update().get(pk=row.pk)
        if key is not None:
            row.sealed_key = secrets.seal(key)
        if before and any(getattr(before, name) != getattr(row, name) for name in AGREED):
            row.approved_at = row.approved_by = None
        row.save()
        kind = "subprocessor.changed" if before else "subprocessor.registered"
        ledger.append(Event(kind, row.pk, {**_facts(row), "by": by.pk if by else None}))
    return row


def approve(row: Subprocessor, *, by: User) -> None:
    """Write the client's consent to this service as it stands (L3). Raises AbroadError."""
    if row.region == Region.ABROAD and not settings.PROCESSORS_ABROAD:
        raise AbroadError
    with transaction.atomic():
        found = Subprocessor.objects.select_for_update().get(pk=row.pk)
        found.approved_at, found.approved_by = clock.now(), by
        found.save()
        ledger.append(Event("subprocessor.approved", row.pk, {**_facts(found), "by": by.pk}))


def withdraw(row: Subprocessor, *, by: User) -> None:
    """End the client's consent; nothing is sent from now on."""
    with transaction.atomic():
        found = Subprocessor.objects.select_for_update().get(pk=row.pk)
        found.approved_at = found.approved_by = None
        found.save()
        ledger.append(Event("subprocessor.withdrawn", row.pk, {"by": by.pk}))


def ask(
    kind: SubprocessorKind,
    work: Callable[[Connection], tuple[T, object]],
    *,
    seconds: float,
    most_tokens: int,
) -> T:
    """Return what `work` makes of the tenant's service for this purpose.

    `work` gets a connection and returns its result with the tokens the service says it counted; it
    runs in this thread, and all its requests together take `seconds` at most. `most_tokens` is what
    the call may cost: it is set aside from the month's budget first, and the service's count is
    believed up to that alone. Raises UnavailableError, whatever
    goes wrong: not registered, not approved, abroad, budget spent, failing lately (three times in a
    row: left alone for half a minute), too many calls under way, too slow, or an error from `work`.
    """
    row = Subprocessor.objects.filter(kind=kind).first()
    if row is None:
        raise UnavailableError("absent")
    if not row.is_approved:
        raise UnavailableError("unapproved")
    if row.region == Region.ABROAD and not settings.PROCESSORS_ABROAD:
        raise UnavailableError("abroad")
    breaker = _breaker(row)
    with _seat():
        try:
            connection = _connect(row)
        except secrets.SecretUnreadableError as error:
            raise UnavailableError("unreadable_key") from error
        if breaker.is_open:
            raise UnavailableError("resting")
        month = _set_aside(row, most_tokens)
        if not breaker.admit():
            _settle(row, month, refund=most_tokens)
            raise UnavailableError("resting")
        try:
            with outward.within(seconds):
                result, tokens = work(connection)
        except Exception as error:
            breaker.failed()
            late = _is_late(error)
            # A service that was too slow may well send its bill.
            _settle(row, month, refund=0 if late else most_tokens, failed=True)
            raise UnavailableError("late" if late else "failed") from error
        breaker.succeeded()
        spent = min(max(tokens, 0), most_tokens) if isinstance(tokens, int) else most_tokens
        _settle(row, month, refund=most_tokens - spent)
        return result


def used_this_month(row: Subprocessor) -> SubprocessorUse:
    """Return the use of the current month; an unsaved empty one before the first call."""
    month = _month()
    found = SubprocessorUse.objects.filter(subprocessor=row, month=month).first()
    return found or SubprocessorUse(subprocessor=row, month=month)


def forget() -> None:
    """Forget which services failed lately. For tests."""
    with _lock:
        _breakers.clear()


def _facts(row: Subprocessor) -> dict[str, object]:
    return {
        **{name: getattr(row, name) for name in AGREED},
        "monthly_tokens": row.monthly_tokens,
        "approved": row.is_approved,
    }


def _month() -> date:
    return timezone.localdate(clock.now()).replace(day=1)


def _breaker(row: Subprocessor) -> CircuitBreaker:
    # A new address or key deserves a new chance.
    key = (row.pk, row.base_url, row.model, row.sealed_key)
    with _lock:
        return _breakers.setdefault(key, CircuitBreaker())


@contextmanager
def _seat() -> Iterator[None]:
    tenant = active_tenant_id()
    with _lock:
        if _seated.total() >= SEATS or _seated[tenant] >= SEATS_OF_A_TENANT:
            raise UnavailableError("busy")
        _seated[tenant] += 1
    try:
        yield
    finally:
        with _lock:
            _seated[tenant] -= 1


def _is_late(error: Exception) -> bool:
    import openai  # noqa: PLC0415 -- 40 MB that most processes never need

    return isinstance(error, openai.APITimeoutError)


def _connect(row: Subprocessor) -> Connection:
    import openai  # noqa: PLC0415 -- 40 MB that most processes never need

    client = openai.OpenAI(
        base_url=row.base_url,
        # The client refuses to start without a key; local services ask for none.
        api_key=row.key or "none",
        http_client=outward.http_client(),
        max_retries=0,
    )
    return Connection(client, row.model, row)


def _set_aside(row: Subprocessor, tokens: int) -> date:
    month = _month()
    SubprocessorUse.objects.get_or_create(subprocessor=row, month=month)
    rows = SubprocessorUse.objects.filter(subprocessor=row, month=month)
    if row.monthly_tokens is not None:
        rows = rows.filter(tokens__lte=row.monthly_tokens - tokens)
    if not rows.update(tokens=F("tokens") + tokens, calls=F("calls") + 1):
        raise UnavailableError("spent")
    return month


def _settle(row: Subprocessor, month: date, *, refund: int, failed: bool = False) -> None:
    SubprocessorUse.objects.filter(subprocessor=row, month=month).update(
        tokens=F("tokens") - refund, failures=F("failures") + int(failed)
    )
