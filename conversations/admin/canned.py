"""The team's canned replies. What agents keep for themselves is theirs and shown nowhere here."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter
from unfold.decorators import display

from conversations.models import CannedReply
from conversations.services import canned
from tenants.admin_base import TenantAdmin, TenantForm, actor_of, badge, moment


class CannedForm(TenantForm):
    """A reply whose shortcut can be typed without a space."""

    def clean_shortcut(self) -> str:
        shortcut = str(self.cleaned_data["shortcut"]).strip().removeprefix("/")
        if not shortcut or any(letter.isspace() or letter in "/{}" for letter in shortcut):
            raise forms.ValidationError(_("Write one word without spaces, braces or slashes."))
        return shortcut


@admin.register(CannedReply)
class CannedReplyAdmin(TenantAdmin):
    """Keeps the replies that every agent finds by “/”."""

    capabilities = {
        "view": "canned.view",
        "add": "canned.change",
        "change": "canned.change",
        "delete": "canned.change",
    }
    form = CannedForm
    list_display = (
        "word",
        "title",
        "category",
        "language_name",
        "state",
        "use_count",
        "changed_at",
    )
    list_display_links = ("word", "title")
    list_filter = (("language", ChoicesDropdownFilter), ("is_active", BooleanRadioFilter))
    list_filter_submit = True
    search_fields = ("shortcut", "title", "text", "category")
    search_help_text = _("Part of the shortcut, title, text or category")
    fields = ("shortcut", "title", "category", "language", "text", "is_active")
    empty_text = _(
        "Write here what agents say every day. They find it in the console by typing “/”, and the "
        "visitor's name or order number is filled in."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[CannedReply]:
        found: QuerySet[CannedReply] = super().get_queryset(request)
        return found.filter(owner=None)

    def save_model(self, request: HttpRequest, obj: CannedReply, form: Any, change: bool) -> None:
        canned.save_shared(obj, by=actor_of(request).user)

    @display(description=_("shortcut"), ordering="shortcut")
    def word(self, row: CannedReply) -> str:
        return f"/{row.shortcut}"

    @display(description=_("language"), ordering="language")
    def language_name(self, row: CannedReply) -> str:
        return row.get_language_display()

    @display(description=_("in use"), ordering="is_active")
    def state(self, row: CannedReply) -> SafeString:
        return badge(gettext("yes"), "ok") if row.is_active else badge(gettext("no"))

    @display(description=_("changed at"), ordering="updated_at")
    def changed_at(self, row: CannedReply) -> str:
        return moment(row.updated_at)
