"""Which tenant the code is working for: one variable of the context, entered and left."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class TenantScopeError(RuntimeError):
    """A row was touched without, or outside, its tenant's scope: a bug, never a user's mistake."""


class _Platform:
    def __repr__(self) -> str:
        return "platform"


PLATFORM = _Platform()
_scope: ContextVar[int | _Platform | None] = ContextVar("tenant_scope", default=None)


def active_scope() -> int | _Platform | None:
    """Return the tenant id in scope, PLATFORM inside `platform_scope()`, or None."""
    return _scope.get()


def active_tenant_id() -> int:
    """Return the id of the tenant in scope. Raises TenantScopeError if there is none."""
    scope = _scope.get()
    if not isinstance(scope, int):
        raise TenantScopeError("no tenant scope active")
    return scope


@contextmanager
def tenant_scope(tenant: object) -> Iterator[None]:
    """Confine every query and write of the block to one tenant, given as row or id.

    Nested scopes replace the outer one and restore it at the end. The scope travels with the
    context: into coroutines, `sync_to_async` and the socket executor; not into bare threads.
    """
    pk = tenant if isinstance(tenant, int) else getattr(tenant, "pk", None)
    if not isinstance(pk, int):
        raise TenantScopeError("tenant_scope() needs a saved tenant")
    token = _scope.set(pk)
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def platform_scope(reason: str) -> Iterator[None]:
    """Let the block see all tenants; `reason` says why, for the reader of the code.

    Only sweepers, log-in and set-up use it; what it finds is then handled in a tenant's scope.
    """
    if not reason:
        raise TenantScopeError("platform_scope() needs a reason")
    token = _scope.set(PLATFORM)
    try:
        yield
    finally:
        _scope.reset(token)
