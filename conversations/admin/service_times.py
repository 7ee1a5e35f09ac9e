"""How long silence may last, as one page."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from conversations.models import ServiceTimes
from conversations.services import service_times
from tenants.admin_base import TenantAdmin, actor_of, moment


@admin.register(ServiceTimes)
class ServiceTimesAdmin(TenantAdmin):
    """Changes the tenant's one row; its list leads there."""

    capabilities = {"view": "rule.view", "change": "rule.change"}
    fieldsets = (
        (
            _("Agents who keep visitors waiting"),
            {"fields": ("agent_reminder_seconds", "agent_escalation_seconds")},
        ),
        (
            _("Visitors who fall silent"),
            {"fields": ("visitor_reminder_minutes", "visitor_words_zh", "visitor_words_en")},
        ),
        (
            _("The end of idle conversations"),
            {"fields": ("idle_close_minutes", "idle_warning_minutes", "bot_close_hours")},
        ),
        (None, {"fields": ("changed_at", "changed_by")}),
    )
    readonly_fields = ("changed_at", "changed_by")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        row = service_times.current()
        return HttpResponseRedirect(
            reverse("admin:conversations_servicetimes_change", args=[row.pk])
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = {
            "show_save_and_continue": False,
            "show_save_and_add_another": False,
            **(extra_context or {}),
        }
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        service_times.change(obj, by=actor_of(request).user)

    @display(description=_("changed at"))
    def changed_at(self, row: ServiceTimes) -> str:
        return moment(row.updated_at)

    @display(description=_("changed by"))
    def changed_by(self, row: ServiceTimes) -> str:
        return str(row.updated_by or "–")
