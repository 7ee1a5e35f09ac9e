"""What was released of each entry, to read."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from knowledge.models import EntryVersion, Release, ReleaseItem
from tenants.admin_base import ReadOnlyAdmin, moment
from tenants.scoping import as_uuid

_RELEASES_OFFERED = 50


class ReleaseFilter(DropdownFilter):
    """The versions bound into one release."""

    title = _("release")
    parameter_name = "release"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            (str(release.pk), str(release)) for release in Release.objects.all()[:_RELEASES_OFFERED]
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        release = as_uuid(self.value())
        return queryset.filter(pk__in=ReleaseItem.objects.filter(release=release).values("version"))


@admin.register(EntryVersion)
class EntryVersionAdmin(ReadOnlyAdmin):
    """Every wording visitors have heard, as it was released."""

    capabilities = {"view": "knowledge.view"}
    list_display = ("question", "category_name", "number", "made_at", "made_by")
    list_filter = (ReleaseFilter,)
    list_filter_submit = True
    list_select_related = ("created_by",)
    search_fields = ("question", "answer")
    fields = (
        "question",
        "category_name",
        "number",
        "phrasing_list",
        "answer",
        "made_at",
        "made_by",
        "content_hash",
    )
    empty_text = _("Versions appear here with the first release.")

    @display(description=_("phrasings"))
    def phrasing_list(self, version: EntryVersion) -> Any:
        return format_html_join("", "<p>{}</p>", ((text,) for text in version.phrasings)) or "–"

    @display(description=_("released at"), ordering="created_at")
    def made_at(self, version: EntryVersion) -> str:
        return moment(version.created_at)

    @display(description=_("released by"))
    def made_by(self, version: EntryVersion) -> str:
        return str(version.created_by or "–")
