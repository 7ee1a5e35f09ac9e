"""Which reports are owed, and when."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from reporting.models import ReportDue
from tenants import clock
from tenants.admin_base import ReadOnlyAdmin, badge, moment
from tenants.admin_filters import states


@admin.register(ReportDue)
class ReportDueAdmin(ReadOnlyAdmin):
    """Lists what is due, the next first."""

    capabilities = {"view": "report.view"}
    list_display = ("standing", "kind", "period_start", "stage", "due", "made")
    list_display_links = ("period_start",)
    list_filter = (
        ("kind", ChoicesDropdownFilter),
        ("stage", ChoicesDropdownFilter),
        states(open=(_("Not made yet"), Q(made_at=None))),
    )
    list_filter_submit = True
    ordering = ("made_at", "due_at")
    fields = ("standing", "kind", "period_start", "stage", "due", "made", "attempts", "error")
    empty_text = _("Reports are planned 60 days ahead by themselves, within the hour.")

    @display(description=_("state"))
    def standing(self, row: ReportDue) -> SafeString:
        if row.made_at is not None:
            return badge(gettext("Report made"), "ok")
        if row.due_at is None:
            return badge(gettext("Waits for the State Council's holiday notice"), "warn")
        if row.due_at < clock.now():
            return badge(gettext("Overdue"), "breach")
        return badge(gettext("Planned"))

    @display(description=_("due"), ordering="due_at")
    def due(self, row: Any) -> str:
        return moment(row.due_at) or "–"

    @display(description=_("made at"), ordering="made_at")
    def made(self, row: Any) -> str:
        return moment(row.made_at) or "–"
