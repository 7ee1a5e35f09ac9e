"""The working-day calendar, as platform operators load it from the State Council's notice."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

from tenants.admin_base import OperatorAdmin, actor_of, moment
from tenants.errors import DomainError
from tenants.models import CalendarYear
from tenants.services import calendar_years


class CalendarYearForm(forms.ModelForm):  # type: ignore[type-arg]
    """A year's notice with its days as lines of text."""

    days = forms.CharField(
        label=_("days off and make-up days"),
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 16}),
        help_text=_(
            "One line each: 2027-02-05..2027-02-11 off Spring Festival for days off, 2027-02-13 "
            "work for a make-up day. All other days follow their weekday."
        ),
    )
    compared = forms.BooleanField(
        label=_("I compared every day with the notice"), widget=UnfoldBooleanSwitchWidget
    )

    class Meta:
        model = CalendarYear
        fields = ("year", "notice_number", "source_url")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["days"] = "\n".join(
                f"{each.date} {'off' if each.is_off else 'work'} {each.name}".strip()
                for each in self.instance.days.all()
            )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        year = cleaned.get("year") or self.instance.year
        if year and "days" in cleaned:
            try:
                cleaned["read"] = calendar_years.read_days(cleaned["days"])
                calendar_years.check(year, cleaned["read"])
            except DomainError as error:
                self.add_error("days", error.detail)
        return cleaned


@admin.register(CalendarYear)
class CalendarYearAdmin(OperatorAdmin):
    """Loads a year; deadlines in working days follow, in every tenant (R1, R2)."""

    form = CalendarYearForm
    list_display = ("year", "notice_number", "off", "made_up", "loaded")
    empty_text = _(
        "Years that the installed calendar knows need no entry here. Load a year as soon as the "
        "State Council announces it, usually in November; until then no deadline is counted into "
        "it."
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        told = ("loaded",) if obj else ()
        return ("year", "notice_number", "source_url", "days", "compared", *told)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("year", "loaded") if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        row = calendar_years.load_year(
            obj.year,
            notice_number=obj.notice_number,
            source_url=obj.source_url,
            days=form.cleaned_data["read"],
            by=actor_of(request).user,
        )
        obj.pk, obj._state.adding = row.pk, False
        messages.info(
            request, gettext("Deadlines in working days are counted anew within a minute.")
        )

    @display(description=_("days off"))
    def off(self, row: CalendarYear) -> int:
        return row.days.filter(is_off=True).count()

    @display(description=_("make-up days"))
    def made_up(self, row: CalendarYear) -> int:
        return row.days.filter(is_off=False).count()

    @display(description=_("loaded"))
    def loaded(self, row: CalendarYear) -> str:
        return f"{moment(row.loaded_at)} · {row.loaded_by or '–'}"
