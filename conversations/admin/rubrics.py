"""The rubric that sampled inquiries are rated by, version by version."""

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from conversations.models import QARubric
from conversations.satisfaction import RUBRIC_TOTAL
from conversations.services import quality
from tenants.admin_base import LinesField, TenantAdmin, TenantForm, actor_of, moment

_LINE = re.compile(r"(\d{1,3})\s+(.+)")


class RubricForm(TenantForm):
    """Criteria, one a line: the points, then what is looked at."""

    criteria_lines = LinesField(
        label=_("criteria"),
        rows=8,
        help_text=_("One a line, the points first: 40 The answers are right. Together 100."),
    )

    class Meta:
        model = QARubric
        fields: tuple[str, ...] = ()

    def clean_criteria_lines(self) -> list[tuple[str, int]]:
        found = [_LINE.fullmatch(line) for line in self.cleaned_data["criteria_lines"]]
        if not all(found):
            raise forms.ValidationError(_("Begin each line with its points, such as: 40 Right."))
        criteria = [(each[2][:120], int(each[1])) for each in found if each]
        total = sum(points for _name, points in criteria)
        if total != RUBRIC_TOTAL or not all(points for _name, points in criteria):
            raise forms.ValidationError(quality.RubricTotalError(total=total).detail)
        return criteria


@admin.register(QARubric)
class QARubricAdmin(TenantAdmin):
    """Shows every version of the rubric; a change is a new version."""

    capabilities = {"view": "qa.view", "add": "qa.change"}
    form = RubricForm
    list_display = ("name", "criteria_named", "made_at", "created_by")
    list_select_related = ("created_by",)
    ordering = ("-version",)
    empty_text = _("The product comes with a rubric; it is stored with the first sample.")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("criteria")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", "criteria_named", "made_at", "created_by") if obj else ("criteria_lines",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", "criteria_named", "made_at", "created_by") if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        newest = QARubric.objects.order_by("-version").first()
        if newest is None:
            return {}
        lines = newest.criteria.order_by("position").values_list("points", "name")
        return {"criteria_lines": [f"{points} {name}" for points, name in lines]}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        row = quality.change_rubric(form.cleaned_data["criteria_lines"], by=actor_of(request).user)
        obj.__dict__.update(row.__dict__)

    @display(description=_("version"), ordering="version")
    def name(self, row: QARubric) -> str:
        return str(row)

    @display(description=_("criteria"))
    def criteria_named(self, row: QARubric) -> SafeString:
        return format_html_join(
            "", "<div>{} {}</div>", ((c.points, c.name) for c in row.criteria.all())
        )

    @display(description=_("created at"), ordering="created_at")
    def made_at(self, row: QARubric) -> str:
        return moment(row.created_at)
