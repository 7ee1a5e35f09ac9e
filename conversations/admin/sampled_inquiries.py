"""The inquiries of quality samples, each with what its raters found."""

import uuid
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Prefetch, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextareaWidget

from conversations.admin.conversations import SHOWN_MESSAGES, transcript
from conversations.admin.links import conversation_link
from conversations.admin.quality_samples import SampledFilter
from conversations.models import QACriterion, QAItem, QAReview
from conversations.satisfaction import settled
from conversations.services import quality
from tenants.admin_base import ReadOnlyAdmin, actor_of, badge
from tenants.admin_filters import counted
from tenants.errors import DomainError


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


class ItemOfMonthFilter(SampledFilter):
    """Inquiries that were sampled for a month."""

    path = "sample__"


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
