"""System checks: refuse a half-configured production, and a model without a tenant."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from config.settings import INSECURE_SECRET_KEY
from tenants.scoping import TenantModel

# Tables that belong to the installation, not to a tenant. Never shown to client staff.
GLOBAL_MODELS = {
    "reporting.Heartbeat",
    "reporting.ProbeResult",
    "reporting.Prober",
    "tenants.CalendarDay",
    "tenants.CalendarYear",
    "tenants.Tenant",
    "tenants.User",
}
OUR_APPS = {"config", "reporting", "conversations", "knowledge", "tenants"}


def check_production(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse what is right on one machine and wrong in production (EMBEDDED=false)."""
    if settings.EMBEDDED:
        return []
    found: list[CheckMessage] = []

    def refuse(number: int, condition: bool, message: str, hint: str) -> None:
        if condition:
            found.append(Error(message, hint=hint, id=f"config.E{number:03}"))

    database = settings.DATABASES["default"]
    refuse(
        1,
        settings.SECRET_KEY == INSECURE_SECRET_KEY or len(settings.SECRET_KEY) < 50,
        "SECRET_KEY is the default, or shorter than 50 characters.",
        "Set SECRET_KEY or SECRET_KEY_FILE to a long random value.",
    )
    refuse(2, settings.DEBUG, "DEBUG is on.", "Unset DEBUG.")
    refuse(
        3,
        "postgresql" not in str(database["ENGINE"]),
        "The database is not PostgreSQL.",
        "Set DATABASE_URL to postgresql://…; SQLite serves one machine only.",
    )
    refuse(
        4,
        not settings.REDIS_URL,
        "There is no Redis: several processes could not hear each other.",
        "Set REDIS_URL to redis://… or rediss://….",
    )
    refuse(
        5,
        settings.CELERY_BROKER_URL.startswith("memory:"),
        "The job broker is in memory.",
        "Set CELERY_BROKER_URL, or leave it unset to use REDIS_URL.",
    )
    refuse(
        6,
        "*" in settings.ALLOWED_HOSTS or not settings.ALLOWED_HOSTS,
        "ALLOWED_HOSTS is empty or allows every host.",
        "Set ALLOWED_HOSTS to the public host names.",
    )
    refuse(
        7,
        settings.PLATFORM_DATABASE == "default",
        "Sweepers have no database role of their own, so row-level security would blind them.",
        "Set PLATFORM_DATABASE_URL to a role with BYPASSRLS.",
    )
    refuse(
        8,
        bool(settings.RATE_LIMIT_EXEMPT) and not settings.TRUSTED_PROXIES,
        "Addresses are exempt from limits while no proxy is trusted.",
        "Set TRUSTED_PROXIES to your proxies' networks, or empty RATE_LIMIT_EXEMPT.",
    )
    refuse(
        9,
        not settings.PUBLIC_URL.startswith("https://"),
        "PUBLIC_URL is not an https address.",
        "Set PUBLIC_URL to the address visitors use, such as https://chat.example.com.",
    )
    refuse(
        10,
        not settings.SECRETS_KEY or any(len(key) < 32 for key in settings.SECRETS_KEY),
        "SECRETS_KEY is not set, or shorter than 32 characters.",
        "Set SECRETS_KEY or SECRETS_KEY_FILE to a long random value other than SECRET_KEY.",
    )
    if "console" in settings.EMAIL_BACKEND:
        found.append(
            Warning(
                "E-mail is only printed.",
                hint="Set EMAIL_URL to smtp://… or smtps://….",
                id="config.W001",
            )
        )
    return found


def check_tenancy(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a model of ours that is neither tenant-owned nor known to be global."""
    found: list[CheckMessage] = []
    for model in apps.get_models(include_auto_created=True):
        meta = model._meta
        if meta.app_label not in OUR_APPS or meta.label in GLOBAL_MODELS:
            continue
        if not issubclass(model, TenantModel):
            found.append(
                Error(
                    f"{meta.label} has no tenant.",
                    hint="Inherit TenantModel, and give many-to-many fields a through model.",
                    obj=model,
                    id="config.E020",
                )
            )
    return found
