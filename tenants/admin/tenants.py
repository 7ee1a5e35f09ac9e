"""Client companies, as platform operators see them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from tenants.admin_base import OperatorAdmin, badge, moment
from tenants.models import Tenant
from tenants.services import onboarding


@admin.register(Tenant)
class TenantRecordAdmin(OperatorAdmin):
    """Takes companies on, and suspends the service for one."""

    list_display = ("state", "name", "slug", "zone_name", "language", "made_at")
    list_display_links = ("name",)
    search_fields = ("name", "slug", "code")
    fields = ("name", "slug", "language", "time_zone", "status")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Commands, links and scripts name a tenant by its slug: it stays what it was.
        return ("slug", "made_at") if obj else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.fields, "made_at") if obj else self.fields

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        if change:
            obj.save()
        else:
            onboarding.open_tenant(obj)

    @display(description=_("status"), ordering="status")
    def state(self, tenant: Tenant) -> SafeString:
        return badge(tenant.get_status_display(), "ok" if tenant.is_active else "breach")

    @display(description=_("time zone"), ordering="time_zone")
    def zone_name(self, tenant: Tenant) -> str:
        return tenant.time_zone

    @display(description=_("created at"), ordering="created_at")
    def made_at(self, tenant: Tenant) -> str:
        return moment(tenant.created_at)
