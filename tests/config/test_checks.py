"""The system checks: what production must have, and tenancy."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.core.checks import run_checks
from django.db import models

from config.checks import check_production, check_tenancy
from config.settings import INSECURE_SECRET_KEY

GOOD = {
    "EMBEDDED": False,
    "DEBUG": False,
    "SECRET_KEY": "k" * 50,
    "SECRETS_KEY": ["s" * 32],
    "REDIS_URL": "redis://redis.example/0",
    "CELERY_BROKER_URL": "redis://redis.example/0",
    "ALLOWED_HOSTS": ["chat.example.com"],
    "PLATFORM_DATABASE": "platform",
    "RATE_LIMIT_EXEMPT": [],
    "TRUSTED_PROXIES": ["10.0.0.0/8"],
    "PUBLIC_URL": "https://chat.example.com",
    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
}


@pytest.fixture
def production(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Settings of a production that lacks nothing."""
    for name, value in GOOD.items():
        setattr(settings, name, value)
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "tenants.postgresql")
    return settings


def found() -> list[str]:
    return [message.id or "" for message in check_production()]


def test_complete_production_is_accepted(production: Any) -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SECRET_KEY", INSECURE_SECRET_KEY, "config.E001"),
        ("SECRET_KEY", "k" * 49, "config.E001"),
        ("DEBUG", True, "config.E002"),
        ("REDIS_URL", "", "config.E004"),
        ("CELERY_BROKER_URL", "memory://", "config.E005"),
        ("ALLOWED_HOSTS", [], "config.E006"),
        ("ALLOWED_HOSTS", ["chat.example.com", "*"], "config.E006"),
        ("PLATFORM_DATABASE", "default", "config.E007"),
        ("PUBLIC_URL", "http://chat.example.com", "config.E009"),
        ("PUBLIC_URL", "", "config.E009"),
        ("SECRETS_KEY", [], "config.E010"),
        ("SECRETS_KEY", ["s" * 32, "short"], "config.E010"),
        ("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend", "config.W001"),
    ],
)
def test_each_gap_is_named_alone(production: Any, name: str, value: Any, expected: str) -> None:
    setattr(production, name, value)

    assert found() == [expected]


def test_sqlite_is_no_production(production: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(production.DATABASES["default"], "ENGINE", "tenants.sqlite")

    assert found() == ["config.E003"]


def test_exempt_addresses_need_a_proxy_that_tells_them(production: Any) -> None:
    production.RATE_LIMIT_EXEMPT = ["127.0.0.1"]
    assert found() == []

    production.TRUSTED_PROXIES = []
    assert found() == ["config.E008"]


def test_every_finding_says_what_to_do(production: Any) -> None:
    for name, value in (("DEBUG", True), ("REDIS_URL", ""), ("PUBLIC_URL", "")):
        setattr(production, name, value)

    assert all(message.msg.endswith(".") and message.hint for message in check_production())


def test_one_machine_is_left_alone(production: Any) -> None:
    production.EMBEDDED, production.DEBUG, production.SECRET_KEY = True, True, ""

    assert found() == []


@pytest.fixture
def stray_model() -> Iterator[type[models.Model]]:
    class Stray(models.Model):  # noqa: DJ008 -- nobody prints it
        class Meta:
            app_label = "tenants"

    yield Stray
    del apps.all_models["tenants"]["stray"]
    apps.clear_cache()


def test_model_without_a_tenant_is_refused(stray_model: type[models.Model]) -> None:
    messages = check_tenancy()

    assert [(message.id, message.msg) for message in messages] == [
        ("config.E020", "tenants.Stray has no tenant.")
    ]


def test_our_models_pass() -> None:
    assert check_tenancy() == []


def test_checks_run_with_djangos_own(db: None, stray_model: type[models.Model]) -> None:
    assert "config.E020" in {message.id for message in run_checks()}
