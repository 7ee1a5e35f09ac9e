"""Quality samples: draw them, and what they came to."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Avg, Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from conversations.models import QASample
from conversations.satisfaction import fingerprint
from conversations.services import quality
from tenants import clock
from tenants.admin_base import TenantAdmin, TenantForm, actor_of, badge, moment
from tenants.admin_filters import MonthFilter
from tenants.services import contracts

_MONTHS_BACK = 12
_LARGEST = 1000


class SampleForm(TenantForm):
    """Of which month to draw, and how many."""

    month = forms.ChoiceField(label=_("month"), widget=UnfoldAdminSelectWidget)
    size = forms.IntegerField(
        label=_("inquiries"),
        min_value=1,
        max_value=_LARGEST,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("All of the month where there are fewer. The first fifth is rated twice."),
    )

    class Meta:
        model = QASample
        fields = ("month", "size")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "month" in self.fields:
            self.fields["month"].choices = [  # type: ignore[attr-defined]
                (month.isoformat(), f"{month:%Y-%m}") for month in _past_months()
            ]
        if "size" in self.fields:
            self.fields["size"].initial = contracts.terms_at(clock.now()).sample_size

    def clean_month(self) -> date:
        month = date.fromisoformat(self.cleaned_data["month"])
        if not quality.population_of(month):
            raise forms.ValidationError(quality.NothingToSampleError().detail)
        return month


class SampledFilter(MonthFilter):
    """Samples, or what is in them, of one month; `path` leads from the row to its sample."""

    path = ""

    def of_month(self, month: date) -> Q:
        return Q(**{f"{self.path}month": month})


@admin.register(QASample)
class QASampleAdmin(TenantAdmin):
    """Draws samples and shows what they came to; a drawn one stays as it is."""

    capabilities = {"view": "qa.view", "add": "qa.change"}
    form = SampleForm
    list_display = ("name", "drawn", "rated", "mean", "made_at", "created_by")
    list_filter = (SampledFilter,)
    list_filter_submit = True
    list_select_related = ("created_by", "rubric")
    ordering = ("-created_at", "-pk")
    empty_text = _(
        "A random sample of a month's inquiries, rated by people: it has to be drawn where fewer "
        "than 30 visitors answered. The seed is kept before the draw, so anybody can repeat it."
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super()
            .get_queryset(request)
            .annotate(items_count=Count("items"), rated_count=Count("items__result"))
            .annotate(mean_result=Avg("items__result"))
        )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self._facts() if obj else ("month", "size")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self._facts() if obj else ()

    def _facts(self) -> tuple[str, ...]:
        drawn = ("name", "drawn", "rated", "mean", "rubric_named", "items_link")
        return (*drawn, "seed_shown", "seed_print", "repeated", "made_at", "created_by")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        row = quality.create_sample(obj.month, size=obj.size, by=actor_of(request).user)
        obj.__dict__.update(row.__dict__)

    @display(description=_("month"), ordering="month")
    def name(self, row: QASample) -> str:
        return str(row)

    @display(description=_("drawn"))
    def drawn(self, row: Any) -> str:
        return gettext("%(count)s of %(all)s") % {
            "count": row.items_count,
            "all": row.population if row.population is not None else "–",
        }

    @display(description=_("rated"))
    def rated(self, row: Any) -> str:
        done = row.rated_count == row.items_count
        text = f"{row.rated_count} / {row.items_count}"
        return badge(text, "ok" if done else "warn")

    @display(description=_("mean"))
    def mean(self, row: Any) -> str:
        return "–" if row.mean_result is None else f"{row.mean_result:.2f}"

    @display(description=_("rubric"))
    def rubric_named(self, row: QASample) -> str:
        return str(row.rubric)

    @display(description=_("sampled inquiries"))
    def items_link(self, row: QASample) -> SafeString:
        return format_html(
            '<a class="y-link" href="{}?sample__id__exact={}">{}</a>',
            reverse("admin:conversations_qaitem_changelist"),
            row.pk,
            gettext("Rate them"),
        )

    @display(description=_("seed"))
    def seed_shown(self, row: QASample) -> str:
        return row.seed

    @display(description=_("fingerprint of the seed"))
    def seed_print(self, row: QASample) -> str:
        return fingerprint(row.seed)

    @display(description=_("drawn again"))
    def repeated(self, row: QASample) -> SafeString:
        if quality.is_reproduced(row):
            return badge(gettext("The same inquiries"), "ok")
        return badge(gettext("Other inquiries: some were removed since"), "warn")

    @display(description=_("created at"), ordering="created_at")
    def made_at(self, row: QASample) -> str:
        return moment(row.created_at)


def _past_months() -> list[date]:
    months = []
    month = timezone.localdate(clock.now()).replace(day=1)
    for _number in range(_MONTHS_BACK):
        month = (month - timedelta(days=1)).replace(day=1)
        months.append(month)
    return months
