"""Audits of labels and of answers, as they stand."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from reporting.models import AccuracyAudit, AccuracyAuditItem, LabelReview, LabelReviewItem
from tenants.admin_base import ReadOnlyAdmin


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


@admin.register(AccuracyAuditItem)
class AccuracyAuditItemAdmin(ReadOnlyAdmin):
    """Shows the audited answers; not who wrote them."""

    capabilities = {"view": "mismatch.view"}
    list_display = ("__str__", "channel", "finding", "found_at")
    list_select_related = ("audit", "channel")
    fields = ("channel", "finding", "found_at")
    empty_text = _("Draw an audit of answers first.")
