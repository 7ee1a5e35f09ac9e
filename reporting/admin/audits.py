"""Audits of labels and of answers, as they stand."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from reporting.models import AccuracyAudit, AccuracyAuditItem, LabelReview, LabelReviewItem
from tenants.admin_base import ReadOnlyAdmin
from tenants.admin_filters import PeriodFilter, counted, period_days


@admin.register(LabelReview)
class LabelReviewAdmin(ReadOnlyAdmin):
    """Shows the audits of labels."""

    capabilities = {"view": "question.view"}
    list_display = ("name", "size", "population", "agreement", "finished_at")
    fields = ("name", "size", "population", "seed", "agreement", "finished_at")
    empty_text = _("Each month 200 labels are drawn and given again by two people.")

    @display(description=_("month"), ordering="month")
    def name(self, row: LabelReview) -> str:
        return str(row)

    @display(description=_("agreement"))
    def agreement(self, row: LabelReview) -> str:
        return "–" if row.kappa is None else f"{row.kappa / 10_000:.4f}"


@admin.register(LabelReviewItem)
class LabelReviewItemAdmin(ReadOnlyAdmin):
    """Shows the audited labels."""

    capabilities = {"view": "question.view"}
    list_display = ("__str__", "first_label", "second_label")
    list_select_related = ("review",)
    fields = ("first_label", "second_label")
    empty_text = _("Draw an audit of labels first.")


@admin.register(AccuracyAudit)
class AccuracyAuditAdmin(ReadOnlyAdmin):
    """Shows the audits of answers."""

    capabilities = {"view": "mismatch.view"}
    list_display = ("name", "size", "population")
    fields = ("name", "size", "population", "seed")
    empty_text = _("Each month 299 answers, or all, are drawn and checked by hand.")

    @display(description=_("month"), ordering="month")
    def name(self, row: AccuracyAudit) -> str:
        return str(row)


class AuditedFilter(PeriodFilter):
    """Answers audited for the months that a period lies in."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = period_days(self.value() or "")
        if days is None:
            return queryset
        first, end = days
        return queryset.filter(audit__month__gte=first.replace(day=1), audit__month__lt=end)


@admin.register(AccuracyAuditItem)
class AccuracyAuditItemAdmin(ReadOnlyAdmin):
    """Shows the audited answers; not who wrote them."""

    capabilities = {"view": "mismatch.view"}
    list_display = ("__str__", "channel", "finding", "found_at")
    list_filter = (counted(~Q(finding="")), AuditedFilter)
    list_filter_submit = True
    list_select_related = ("audit", "channel")
    fields = ("channel", "finding", "found_at")
    empty_text = _("Draw an audit of answers first.")
