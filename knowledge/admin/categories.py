"""The headings of the knowledge base, in the order people gave them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display

from knowledge.models import Category
from tenants.admin_base import TenantAdmin


@admin.register(Category)
class CategoryAdmin(TenantAdmin):
    """Names and orders the headings; one that holds entries cannot be deleted."""

    capabilities = {
        "view": "knowledge.view",
        "add": "knowledge.change",
        "change": "knowledge.change",
        "delete": "knowledge.change",
    }
    list_display = ("name", "entry_count")
    ordering_field = "position"
    hide_ordering_field = True
    ordering = ("position", "name")
    search_fields = ("name",)
    fields = ("name",)
    empty_text = _("Categories group the entries for those who look after them.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        queryset: QuerySet[Category] = super().get_queryset(request)
        return queryset.annotate(entry_total=Count("entries"))

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        # Its entries protect a category. Django would rather say that entries may not be deleted.
        deleted, counts, _lacking, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, set(), protected

    def save_model(self, request: HttpRequest, obj: Category, form: Any, change: bool) -> None:
        if not change:
            obj.position = Category.objects.count()
        obj.save()

    @display(description=_("entries"))
    def entry_count(self, category: Any) -> SafeString:
        text = ngettext("%(count)s entry", "%(count)s entries", category.entry_total)
        return format_html(
            '<a href="{}?category__id__exact={}">{}</a>',
            reverse("admin:knowledge_entry_changelist"),
            category.pk,
            text % {"count": category.entry_total},
        )
