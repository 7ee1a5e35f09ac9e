"""The base of all Celery tasks: a task runs in the tenant's scope it was sent from, or says so."""

from typing import Any

from celery import Task
from django.core.cache import cache

from tenants.scope import TenantScopeError, active_scope, tenant_scope

HEADER = "yingda_tenant"


class TenantTask(Task):
    """Carry the tenant in the message's headers and enter its scope around the run.

    Retries keep the scope. A task declared with `platform=True` runs without one and opens what it
    needs; any other task sent or run without a tenant raises TenantScopeError.
    """

    platform = False
    # Seconds for which a run keeps other runs of the same task away, 0 for never: sweeps that
    # overlap would only get in each other's way. A run that dies stops keeping them away.
    alone_for = 0

    def apply_async(
        self, args: Any = None, kwargs: Any = None, headers: Any = None, **options: Any
    ) -> Any:
        headers = dict(headers or {})
        if not self.platform:
            headers.setdefault(HEADER, self._tenant_to_send())
        return super().apply_async(args, kwargs, headers=headers, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.platform:
            return self._run_alone(*args, **kwargs)
        tenant_id = (self.request.headers or {}).get(HEADER) or getattr(self.request, HEADER, None)
        if tenant_id is None:
            tenant_id = self._tenant_to_send()
        with tenant_scope(int(tenant_id)):
            return super().__call__(*args, **kwargs)

    def _run_alone(self, *args: Any, **kwargs: Any) -> Any:
        if not self.alone_for:
            return super().__call__(*args, **kwargs)
        running = f"running:{self.name}"
        if not cache.add(running, 1, self.alone_for):
            return None
        try:
            return super().__call__(*args, **kwargs)
        finally:
            cache.delete(running)

    def _tenant_to_send(self) -> int:
        scope = active_scope()
        if not isinstance(scope, int):
            raise TenantScopeError(f"{self.name}: a task needs a tenant in scope")
        return scope
