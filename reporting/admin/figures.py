"""Daily figures."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from reporting.models import DailyFigure
from tenants.admin_base import ReadOnlyAdmin, moment


@admin.register(DailyFigure)
class DailyFigureAdmin(ReadOnlyAdmin):
    """Shows the figures of single days, from which every longer period is added up."""

    capabilities = {"view": "figure.view"}
    list_display = ("day", "metric", "dimension", "part", "whole", "made")
    search_fields = ("metric", "dimension")
    date_hierarchy = "day"
    fields = ("day", "metric", "dimension", "part", "whole", "made")
    empty_text = _("Each night the day before is counted; its figures appear here.")

    @display(description=_("made at"))
    def made(self, row: DailyFigure) -> str:
        return moment(row.made_at)
