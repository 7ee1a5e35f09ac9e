"""Daily figures."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from conversations.models import AuthorKind
from conversations.states import HandoffReason
from reporting import metrics
from reporting.models import DailyFigure, QuestionLabels, QuestionWhy
from reporting.services.figures import ROLLED
from reporting.services.sections import channel_names
from tenants.admin_base import ReadOnlyAdmin, moment
from tenants.models import Membership

# What is counted beside the figures that reports define.
_ALSO = {
    ROLLED: _("Day counted"),
    "first_reply_running": _("First replies still awaited"),
    "handoff_running": _("Hand-offs still awaited"),
    "pick_up": _("Hand-offs taken"),
    "handoff_reason": _("Reasons of hand-offs"),
    "label": _("Labels of questions"),
}
_PARTS = {
    "default": _("Counted until it is reviewed"),
    "unlabelled": _("By the machine's labels alone"),
    "reviewed": _("reviewed by a person"),
    "relabelled": _("labelled otherwise by people"),
}
_CHOICES: Mapping[str, Any] = {
    "author": AuthorKind,
    "why": QuestionWhy,
    "label": QuestionLabels,
    "handoff_reason": HandoffReason,
}


class FigureList(ChangeList):
    """The page of figures, with what their parts are called: two queries for all of them."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        page: list[Any] = list(self.result_list)
        names = _names()
        for row in page:
            row.part_names = names
        self.result_list = page


@admin.register(DailyFigure)
class DailyFigureAdmin(ReadOnlyAdmin):
    """Shows the figures of single days, from which every longer period is added up."""

    capabilities = {"view": "figure.view"}
    list_display = ("day", "figure", "part_of", "part", "whole", "made")
    search_fields = ("metric", "dimension")
    search_help_text = _("A figure's code, such as auto_answer")
    date_hierarchy = "day"
    fields = ("day", "figure", "part_of", "part", "whole", "made")
    empty_text = _("Each night the day before is counted; its figures appear here.")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FigureList

    def title_of(self, row: DailyFigure) -> str:
        return f"{row.day:%Y-%m-%d} {name_of(row.metric)}"

    @display(description=_("figure"), ordering="metric")
    def figure(self, row: DailyFigure) -> SafeString:
        return format_html(
            '{} <span class="y-code y-muted">{}</span>', name_of(row.metric), row.metric
        )

    @display(description=_("of"), ordering="dimension")
    def part_of(self, row: Any) -> str:
        if not row.dimension:
            return "–"
        names = row.part_names if hasattr(row, "part_names") else _names()
        return part_of(row.metric, row.dimension, names)

    @display(description=_("made at"))
    def made(self, row: DailyFigure) -> str:
        return moment(row.made_at)


def name_of(metric: str) -> str:
    """Return what a figure is called; its code where it has no name."""
    known = metrics.BY_KEY.get(metric)
    return gettext(known.name) if known else str(_ALSO.get(metric, metric))


def part_of(metric: str, dimension: str, names: Mapping[str, str]) -> str:
    """Return what the part of a figure is called; `names` are those of channels and agents."""
    if dimension in names:
        return names[dimension]
    if dimension in _PARTS:
        return str(_PARTS[dimension])
    kind, colon, value = dimension.partition(":")
    if kind == "hour" and colon:
        return f"{value}:00"
    choices = _CHOICES.get(kind if colon else metric)
    words = dict(choices.choices) if choices else {}
    if (value if colon else kind) in words:
        return str(words[value if colon else kind])
    # What is left out is named as what it would have counted in; demand by the client's own words.
    return name_of(dimension) if metric == "excluded" else dimension


def _names() -> dict[str, str]:
    found = channel_names()
    for pk, name in Membership.objects.values_list("pk", "display_name"):
        found[f"messages:{pk}"] = gettext("Messages of %(name)s") % {"name": name}
        found[f"taken:{pk}"] = gettext("Taken by %(name)s") % {"name": name}
    return found
