"""The composition root as an app: the admin site, the system checks, the policies' upkeep."""

from django.apps import AppConfig, apps
from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.core.checks import register
from django.db.models.signals import post_migrate


class ConfigConfig(AppConfig):
    """Joins the apps."""

    name = "config"
    # Two configurations stand in this module; without a word Django would take neither.
    default = True

    def ready(self) -> None:
        from config import checks  # noqa: PLC0415 -- apps must be loaded first
        from config.celery import app  # noqa: F401, PLC0415 -- shared tasks need the app
        from tenants.rls import apply_policies  # noqa: PLC0415 -- apps must be loaded first

        register(checks.check_production, deploy=False)
        register(checks.check_tenancy)
        # Sent once all apps are migrated, for apps with models only: this one has none.
        post_migrate.connect(
            apply_policies,
            sender=apps.get_app_config("conversations"),
            dispatch_uid="row-level-security",
        )


class YingdaAdminConfig(SimpleAdminConfig):
    """Django's admin with our site and every app's admin module."""

    default_site = "config.admin_site.YingdaAdminSite"

    def ready(self) -> None:
        super().ready()
        admin.autodiscover()
