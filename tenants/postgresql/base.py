"""The second ring of tenancy: each connection carries the tenant in scope as `app.tenant`.

Row-level security policies compare it with the row's tenant (see tenants.rls). The setting is
local to a transaction where there is one, so a rollback or a pooled connection cannot carry one
tenant's setting into another's work; whatever may have undone it makes the wrapper forget.
"""

from typing import Any

from django.db.backends.postgresql import base

from tenants.scope import active_scope

_UNKNOWN = object()


class DatabaseWrapper(base.DatabaseWrapper):
    """A PostgreSQL connection that sets `app.tenant` before each statement that needs it."""

    _told: object = _UNKNOWN

    def create_cursor(self, name: str | None = None) -> Any:
        cursor = super().create_cursor(name)
        wanted = _wanted()
        if self._told != wanted:
            with self.connection.cursor() as setter:
                setter.execute(
                    "SELECT set_config('app.tenant', %s, %s)", (wanted, bool(self.in_atomic_block))
                )
            self._told = wanted
        return cursor

    def init_connection_state(self) -> None:
        self._told = _UNKNOWN
        super().init_connection_state()

    def _close(self) -> Any:
        self._told = _UNKNOWN
        return super()._close()  # type: ignore[misc]

    def _commit(self) -> Any:
        self._told = _UNKNOWN
        return super()._commit()  # type: ignore[misc]

    def _rollback(self) -> Any:
        self._told = _UNKNOWN
        return super()._rollback()  # type: ignore[misc]

    def _savepoint_rollback(self, sid: str) -> None:
        # A transaction that failed takes no statement before this one, not even the setting's.
        self._told = _wanted()
        try:
            super()._savepoint_rollback(sid)  # type: ignore[misc]
        finally:
            self._told = _UNKNOWN


def _wanted() -> str:
    scope = active_scope()
    return str(scope) if isinstance(scope, int) else ""
