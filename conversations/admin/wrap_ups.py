"""What agents said came of conversations, under which headings, and whether they must."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import display

from conversations.admin.links import conversation_link
from conversations.models import DeskSettings, Resolution, WrapUp, WrapUpCategory
from conversations.services import wrap_ups
from tenants.admin_base import ReadOnlyAdmin, TenantAdmin, actor_of, badge, moment
from tenants.admin_filters import period_on

TONES = {Resolution.YES: "ok", Resolution.PARTLY: "warn", Resolution.NO: "breach"}


@admin.register(WrapUp)
class WrapUpAdmin(ReadOnlyAdmin):
    """Shows what came of each inquiry; agents write and change it in the console."""

    capabilities = {"view": "conversation.view"}
    list_display = ("outcome", "who", "category", "summary_line", "by", "written_at")
    list_display_links = ("outcome",)
    list_filter = (
        ("resolved", ChoicesDropdownFilter),
        ("category", RelatedDropdownFilter),
        ("by", RelatedDropdownFilter),
        period_on("at"),
    )
    list_filter_submit = True
    list_select_related = ("conversation__contact", "category", "by")
    search_fields = ("summary", "conversation__contact__name")
    search_help_text = _("Words of the summary, or the visitor's name")
    fields = ("outcome", "who", "category", "summary", "by", "written_at")
    ordering = ("-at", "-pk")
    empty_text = _("Agents say what came of a conversation when they close it.")

    def title_of(self, row: WrapUp) -> str:
        return f"{row.conversation.contact.display_name} {moment(row.at)}"

    @display(description=_("resolved"), ordering="resolved")
    def outcome(self, row: WrapUp) -> SafeString:
        resolution = Resolution(row.resolved)
        return badge(resolution.label, TONES[resolution])

    @display(description=_("conversation"))
    def who(self, row: WrapUp) -> str:
        return conversation_link(row.conversation_id, row.conversation.contact.display_name)

    @display(description=_("summary"))
    def summary_line(self, row: WrapUp) -> str:
        return row.summary[:80] or "–"

    @display(description=_("written at"), ordering="at")
    def written_at(self, row: WrapUp) -> str:
        return moment(row.at)


@admin.register(WrapUpCategory)
class WrapUpCategoryAdmin(TenantAdmin):
    """Keeps the headings; they are switched off, never deleted."""

    capabilities = {"view": "wrapup.view", "add": "wrapup.change", "change": "wrapup.change"}
    list_display = ("name", "position", "state")
    list_filter = (("is_active", BooleanRadioFilter),)
    list_filter_submit = True
    search_fields = ("name",)
    fields = ("name", "position", "is_active")
    empty_text = _("Headings under which agents file what they dealt with, such as “Delivery”.")

    def save_model(
        self, request: HttpRequest, obj: WrapUpCategory, form: Any, change: bool
    ) -> None:
        wrap_ups.save_category(obj, by=actor_of(request).user)

    @display(description=_("in use"), ordering="is_active")
    def state(self, row: WrapUpCategory) -> SafeString:
        return badge(gettext("yes"), "ok") if row.is_active else badge(gettext("no"))


@admin.register(DeskSettings)
class DeskSettingsAdmin(TenantAdmin):
    """Changes the tenant's one row; its list leads there."""

    capabilities = {"view": "wrapup.view", "change": "wrapup.change"}
    fields = ("wrap_up",)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        row = wrap_ups.settings()
        return HttpResponseRedirect(
            reverse("admin:conversations_desksettings_change", args=[row.pk])
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

    def save_model(self, request: HttpRequest, obj: DeskSettings, form: Any, change: bool) -> None:
        wrap_ups.save_settings(obj, by=actor_of(request).user)
