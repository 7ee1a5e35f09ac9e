"""The app at the bottom: who is served, by whom, on what terms."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class TenantsConfig(AppConfig):
    """Tenants, people, promises, evidence."""

    name = "tenants"
    verbose_name = _("Organisation")

    def ready(self) -> None:
        from tenants.rls import apply_policies  # noqa: PLC0415 -- models are loaded by now

        # Sent once per app with models, after all migrations of all apps have run.
        post_migrate.connect(apply_policies, sender=self, dispatch_uid="row-level-security")
