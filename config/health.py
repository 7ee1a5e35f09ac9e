"""Is the process alive, and can it serve?"""

from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from knowledge import search
from tenants import pulse


@require_GET
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer as long as the process lives."""
    return HttpResponse("ok", content_type="text/plain")


@require_GET
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if visitors can be served; name what is missing otherwise.

    `degraded` names what is poorer without keeping visitors from their answers: `semantic_search`
    where the lexical tier answers alone, `schedule` where no sweeper has run for a while.
    """
    checks: dict[str, Any] = {"database": _works(_ask_database), "cache": _works(_ask_cache)}
    ready = all(checks.values())
    poorer = {"semantic_search": search.is_semantic(), "schedule": _works(pulse.is_alive)}
    checks |= poorer
    if connection.vendor == "postgresql":
        checks["row_level_security"] = _works(_role_is_bound)
    degraded = [name for name, fine in poorer.items() if not fine]
    return JsonResponse(
        {"ready": ready, "checks": checks, "degraded": degraded}, status=200 if ready else 503
    )


def _works(check: Any) -> bool:
    try:
        return bool(check())
    except Exception:  # noqa: BLE001 -- whatever fails, the answer is "not ready"
        return False


def _ask_database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone() == (1,)


def _ask_cache() -> bool:
    cache.set("readyz", "1", 5)
    return cache.get("readyz") == "1" or not settings.REDIS_URL


def _role_is_bound() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT NOT (rolsuper OR rolbypassrls) FROM pg_roles WHERE rolname = current_user"
        )
        return bool(cursor.fetchone()[0])
