"""Import in two steps: what the file would do, then doing it; and export."""

import secrets
from typing import Any

from django.contrib import messages
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from knowledge import resources
from knowledge.admin.forms import ImportForm
from knowledge.models import Entry
from knowledge.resources import COLUMNS, EntryResource, Outcome
from knowledge.services.imports import FileRefusedError, Table
from tenants import clock
from tenants.admin_base import TenantAdmin, actor_of
from tenants.files import Csv, Xlsx

# How long a checked file waits for its confirmation.
KEPT_SECONDS = 30 * 60
SHOWN_ROWS = 100
_TOKEN = "token"  # noqa: S105 -- the name of a form field


class ImportExportMixin(TenantAdmin):
    """The pages that take entries in from a file and give them out as one."""

    def has_import_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "add")

    @action(description=_("Import"), url_path="import", permissions=["import"], icon="upload_file")
    def import_page(self, request: HttpRequest) -> HttpResponse:
        """Take a file, say what it would do, and on confirmation do it."""
        if request.method == "POST" and _TOKEN in request.POST:
            return self._confirm(request)
        form = ImportForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                outcome = resources.check(form.table)
            except FileRefusedError as error:
                form.add_error("file", ValidationError(error.detail))
            else:
                return self._preview(request, form, outcome)
        return self.page(
            request,
            "knowledge/import_form.html",
            {
                "title": gettext("Import entries"),
                "form": form,
                "columns": COLUMNS,
                "cancel_url": reverse("admin:knowledge_entry_changelist"),
            },
        )

    @action(description=_("As XLSX, for Excel"), url_path="export.xlsx", permissions=["view"])
    def export_xlsx(self, request: HttpRequest) -> HttpResponse:
        """Send every entry as a workbook."""
        return _file(request, self.get_queryset(request), Xlsx())

    @action(description=_("As CSV"), url_path="export.csv", permissions=["view"])
    def export_csv(self, request: HttpRequest) -> HttpResponse:
        """Send every entry as CSV."""
        return _file(request, self.get_queryset(request), Csv())

    def export_selected(self, request: HttpRequest, queryset: QuerySet[Entry]) -> HttpResponse:
        """Send the selected entries as a workbook."""
        return _file(request, queryset, Xlsx())

    export_selected.short_description = _("Export the selected entries")  # type: ignore[attr-defined]
    export_selected.allowed_permissions = ("view",)  # type: ignore[attr-defined]

    def _preview(self, request: HttpRequest, form: ImportForm, outcome: Outcome) -> HttpResponse:
        token = ""
        if not outcome.problems and outcome.new + outcome.changed:
            token = secrets.token_urlsafe()
            cache.set(_key(request), (token, form.table), KEPT_SECONDS)
        changes = [change for change in outcome.changes if change.kind != "unchanged"]
        return self.page(
            request,
            "knowledge/import_preview.html",
            {
                "title": gettext("Check the import"),
                "file_name": form.cleaned_data["file"].name,
                "outcome": outcome,
                "problems": outcome.problems[:SHOWN_ROWS],
                "problems_left": max(0, len(outcome.problems) - SHOWN_ROWS),
                "changes": changes[:SHOWN_ROWS],
                "changes_left": max(0, len(changes) - SHOWN_ROWS),
                "token": token,
                "cancel_url": reverse("admin:knowledge_entry_import_page"),
            },
        )

    def _confirm(self, request: HttpRequest) -> HttpResponse:
        token, table = cache.get(_key(request)) or ("", None)
        if not isinstance(table, Table) or token != request.POST[_TOKEN]:
            messages.error(
                request,
                gettext(
                    "The checked file is not kept any more. Nothing was imported: choose it again."
                ),
            )
            return HttpResponseRedirect(reverse("admin:knowledge_entry_import_page"))
        outcome = resources.run(table, by=actor_of(request).user)
        cache.delete(_key(request))
        if outcome.problems:
            messages.error(
                request,
                gettext(
                    "The entries changed meanwhile. Nothing was imported: check the file again."
                ),
            )
            return HttpResponseRedirect(reverse("admin:knowledge_entry_import_page"))
        messages.success(
            request,
            gettext(
                "Imported: %(new)s new, %(changed)s changed, %(unchanged)s unchanged. "
                "Visitors hear them after the next publishing."
            )
            % {
                "new": outcome.new,
                "changed": outcome.changed,
                "unchanged": outcome.unchanged,
            },
        )
        return HttpResponseRedirect(reverse("admin:knowledge_entry_changelist"))


def _key(request: HttpRequest) -> str:
    actor = actor_of(request)
    assert actor.tenant is not None
    return f"import:{actor.tenant.pk}:{actor.user.pk}"


def _file(request: HttpRequest, entries: QuerySet[Entry], file_format: Any) -> HttpResponse:
    tenant = actor_of(request).tenant
    assert tenant is not None
    entries = entries.select_related("category").prefetch_related("phrasings")
    content = file_format.export_data(EntryResource().export(entries))
    day = timezone.localdate(clock.now())
    name = f"entries-{tenant.slug}-{day:%Y%m%d}.{file_format.get_extension()}"
    response = HttpResponse(content, content_type=file_format.get_content_type())
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
