"""Is the process alive, and can it serve?"""

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tenants.rls import apply_policies


def test_alive_needs_nothing() -> None:
    response = Client().get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok")
    assert "no-cache" in response["Cache-Control"]


def test_ready_when_database_and_cache_answer(db: None) -> None:
    response = Client().get("/readyz")
    body = response.json()

    assert (response.status_code, body["ready"]) == (200, True)
    assert (body["checks"]["database"], body["checks"]["cache"]) == (True, True)
    assert isinstance(body["checks"]["semantic_search"], bool)
    assert "no-cache" in response["Cache-Control"]


def test_not_ready_without_the_database() -> None:
    # Without the fixture that lets it, no test may use the database.
    response = Client().get("/readyz")
    body = response.json()

    assert (response.status_code, body["ready"]) == (503, False)
    assert (body["checks"]["database"], body["checks"]["cache"]) == (False, True)


def test_not_ready_without_the_cache(db: None, settings: Any) -> None:
    nowhere = "redis://127.0.0.1:1/0"
    settings.REDIS_URL = nowhere
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": nowhere}
    }

    response = Client().get("/readyz")
    body = response.json()

    assert (response.status_code, body["ready"]) == (503, False)
    assert (body["checks"]["database"], body["checks"]["cache"]) == (True, False)


def test_says_whether_the_policies_bind_its_role(db: None, settings: Any) -> None:
    if connection.vendor != "postgresql":
        assert "row_level_security" not in Client().get("/readyz").json()["checks"]
        return
    role = f"{connection.settings_dict['NAME']}_health"
    unbound = Client().get("/readyz").json()["checks"]["row_level_security"]
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE ROLE "{role}"')
        settings.DATABASE_APP_ROLE = role
        apply_policies()
        cursor.execute(f'SET LOCAL ROLE "{role}"')

    bound = Client().get("/readyz").json()["checks"]["row_level_security"]

    assert (unbound, bound) == (False, True)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_only_reading(db: None, path: str, method: str) -> None:
    assert Client().generic(method, path).status_code == 405
