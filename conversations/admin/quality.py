"""Quality samples: draw them, rate what was drawn, and the rubric it is rated by."""

import re
import uuid
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Avg, Count, Prefetch, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from conversations.admin.conversations import SHOWN_MESSAGES, transcript
from conversations.admin.links import conversation_link
from conversations.models import QACriterion, QAItem, QAReview, QARubric, QASample
from conversations.satisfaction import RUBRIC_TOTAL, fingerprint, settled
from conversations.services import quality
from tenants import clock
from tenants.admin_base import (
    LinesField,
    ReadOnlyAdmin,
    TenantAdmin,
    TenantForm,
    actor_of,
    badge,
    moment,
)
from tenants.admin_filters import MonthFilter, counted
from tenants.errors import DomainError
from tenants.services import contracts

_MONTHS_BACK = 12
_LARGEST = 1000
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


class ItemOfMonthFilter(SampledFilter):
    """Inquiries that were sampled for a month."""

    path = "sample__"


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


class ReviewForm(forms.Form):
    """Points under each criterion of a rubric."""

    def __init__(self, criteria: list[QACriterion], data: Any = None) -> None:
        super().__init__(data)
        for row in criteria:
            self.fields[row.pk.hex] = forms.IntegerField(
                label=row.name,
                min_value=0,
                max_value=row.points,
                widget=UnfoldAdminIntegerFieldWidget,
                help_text=gettext("0 to %(points)s points") % {"points": row.points},
            )
        self.fields["comment"] = forms.CharField(
            label=_("comment"),
            required=False,
            max_length=500,
            widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        )

    def marks(self) -> dict[uuid.UUID, int]:
        """Return the points by criterion."""
        return {
            uuid.UUID(name): value for name, value in self.cleaned_data.items() if name != "comment"
        }


@admin.register(QAItem)
class QAItemAdmin(ReadOnlyAdmin):
    """Shows sampled inquiries and lets raters rate; none sees what an other gave before the end."""

    capabilities = {"view": "qa.view", "rate": "qa.rate"}
    list_display = ("name", "standing", "raters", "result_shown", "where")
    list_filter = (
        ("sample", RelatedDropdownFilter),
        counted(Q(result__isnull=False)),
        ItemOfMonthFilter,
    )
    list_filter_submit = True
    list_select_related = ("sample", "inquiry")
    fields = ("name", "standing", "raters", "result_shown", "given", "where")
    actions_detail = ("rate_page",)
    actions_row = ("rate_page",)
    ordering = ("-sample__created_at", "position")
    empty_text = _("Draw a sample first.")

    def get_queryset(self, request: HttpRequest) -> Any:
        reviews = QAReview.objects.select_related("rater").order_by("number")
        return super().get_queryset(request).prefetch_related(Prefetch("reviews", reviews))

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ()

    def has_rate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "rate")

    @action(description=_("Rate"), url_path="rate", permissions=["rate"], icon="rate_review")
    def rate_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what was said, and take a rater's points."""
        row: Any = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        rater = actor_of(request).user
        back = (
            f"{reverse('admin:conversations_qaitem_changelist')}?sample__id__exact={row.sample_id}"
        )
        if not quality.needs(row, rater):
            messages.info(request, quality.ReviewRefusedError().detail)
            return HttpResponseRedirect(back)
        criteria = list(row.sample.rubric.criteria.order_by("position"))
        form = ReviewForm(criteria, request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            try:
                quality.review(row, form.marks(), comment=form.cleaned_data["comment"], by=rater)
            except DomainError as error:
                messages.error(request, error.detail)
            else:
                messages.success(request, gettext("Your points are kept."))
            return HttpResponseRedirect(back)
        conversation = row.inquiry.conversation if row.inquiry else None
        lines = transcript(conversation) if conversation else []
        return self.page(
            request,
            "admin/conversations/review.html",
            {
                "title": gettext("Rate inquiry %(number)s of %(sample)s")
                % {"number": row.position, "sample": row.sample},
                "lead": gettext(
                    "Your points are final, and nobody sees them before all are given."
                ),
                "form": form,
                "submit_label": gettext("Give these points"),
                "cancel_url": back,
                "conversation": conversation,
                "shown": SHOWN_MESSAGES,
                "lines": [
                    line
                    for line in lines
                    if "message" in line and line["message"].inquiry_id == row.inquiry_id
                ],
            },
        )

    @display(description=_("sampled inquiry"))
    def name(self, row: QAItem) -> str:
        return str(row)

    @display(description=_("state"))
    def standing(self, row: QAItem) -> SafeString:
        if row.result is not None:
            return badge(gettext("Rated"), "ok")
        given = list(row.reviews.all())
        if len(given) == 2:
            return badge(gettext("Disputed: a third rater decides"), "breach")
        return badge(gettext("Wants a second rater") if given else gettext("To be rated"), "warn")

    @display(description=_("raters"))
    def raters(self, row: QAItem) -> str:
        wanted = 2 if row.rated_twice else 1
        return f"{len(row.reviews.all())} / {max(wanted, len(row.reviews.all()))}"

    @display(description=_("result"))
    def result_shown(self, row: QAItem) -> str:
        return "–" if row.result is None else str(row.result)

    @display(description=_("points given"))
    def given(self, row: QAItem) -> Any:
        reviews = list(row.reviews.all())
        if settled([review.total for review in reviews], twice=row.rated_twice) is None:
            return gettext("Shown when all raters have given theirs.")
        return format_html_join(
            "", "<div>{}: {} {}</div>", ((r.rater, r.total, r.comment) for r in reviews)
        )

    @display(description=_("conversation"))
    def where(self, row: QAItem) -> Any:
        return conversation_link(row.inquiry.conversation_id if row.inquiry else None)


def _past_months() -> list[date]:
    months = []
    month = timezone.localdate(clock.now()).replace(day=1)
    for _number in range(_MONTHS_BACK):
        month = (month - timedelta(days=1)).replace(day=1)
        months.append(month)
    return months
