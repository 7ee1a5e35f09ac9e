"""Audits of labels: two people label a sample, each seeing the words alone (R61)."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display

from reporting import metrics
from reporting.admin.audits import AuditAdmin, link
from reporting.admin.next_steps import NextStep, of_label_audit
from reporting.admin.questions import label_choices
from reporting.models import LabelReview, LabelReviewItem
from reporting.services import label_audits, labels
from tenants.admin_base import ReadOnlyAdmin, actor_of, badge, moment
from tenants.errors import DomainError
from tenants.models import Obligation, ObligationKind
from tenants.scoping import as_uuid

_SEATS = ((label_audits.FIRST, _("first reviewer")), (label_audits.SECOND, _("second reviewer")))


class SeatForm(forms.Form):
    """Whose seat is freed."""

    seat = forms.ChoiceField(label=_("seat"), choices=_SEATS, widget=forms.RadioSelect)


@admin.register(LabelReview)
class LabelReviewAdmin(AuditAdmin):
    """Shows the audits of labels, and lets reviewers label; nobody sees what the other gave before."""

    capabilities = {
        "view": "question.view",
        "draw": "question.label",
        "review": "question.label",
    }
    months = staticmethod(label_audits.months_to_draw)
    draw = staticmethod(label_audits.draw)
    repeats = staticmethod(label_audits.is_reproduced)
    list_display = ("name", "standing", "given", "drawn", "agreement", "finished")
    list_select_related = ("first_reviewer", "second_reviewer")
    fields = (
        "name",
        "standing",
        "given",
        "due",
        "first_named",
        "second_named",
        "drawn",
        "agreement",
        "alike",
        "relabelled_shown",
        "apart",
        "change_shown",
        "seed",
        "seed_print",
        "repeated",
        "made",
        "finished",
    )
    actions_detail = ("review_page", "leave_page")
    empty_text = _(
        "Each month 200 questions are drawn and labelled again by two people. Months without a "
        "question have no audit."
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        # What was erased since is waited for by nobody.
        kept = ~Q(items__question__text_key="")
        return (
            super()
            .get_queryset(request)
            .annotate(kept=Count("items", filter=kept))
            .annotate(by_first=Count("items", filter=kept & Q(items__first_by__isnull=False)))
            .annotate(by_second=Count("items", filter=kept & Q(items__second_by__isnull=False)))
        )

    def idle_steps(self, request: HttpRequest, row: Any) -> Collection[str]:
        idle = []
        if row.is_finished or label_audits.next_item(row, actor_of(request).user) is None:
            idle.append("review_page")
        if row.is_finished or not (row.first_reviewer_id or row.second_reviewer_id):
            idle.append("leave_page")
        return idle

    def next_step(self, request: HttpRequest, row: LabelReview) -> NextStep:
        person = actor_of(request).user
        return of_label_audit(row, person, may_label=self.may(request, "review"))

    def has_review_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "review")

    @action(description=_("Label"), url_path="review", permissions=["review"], icon="rate_review")
    def review_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the words of one question, nothing else of it, and take this reviewer's label."""
        row: Any = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        person = actor_of(request).user
        if request.method == "POST":
            return self._take(request, row)
        before = label_audits.last_item(row, person)
        again = before is not None and str(before.pk) == request.GET.get("again")
        item = before if again else label_audits.next_item(row, person)
        return self.page(
            request,
            "admin/reporting/label_audit.html",
            {
                "title": gettext("Label audit %(month)s") % {"month": row},
                "audit": row,
                "next_step": None if item else self.next_step(request, row),
                "key": item.pk if item else None,
                "again": again,
                "before": None if again else before,
                "words": labels.words_of(item.question) if item else "",
                "progress": label_audits.progress(row, person),
                "choices": label_choices(),
                "back": self.page_of(row),
            },
        )

    def _take(self, request: HttpRequest, row: LabelReview) -> HttpResponse:
        pk = as_uuid(request.POST.get("question"))
        try:
            if pk is not None:
                row = label_audits.give(
                    row,
                    pk,
                    request.POST.get("label", ""),
                    by=actor_of(request).user,
                    again="again" in request.POST,
                )
        except DomainError as error:
            messages.error(request, error.detail)
            return HttpResponseRedirect(self.page_of(row))
        if row.is_finished:
            messages.success(request, gettext("Both reviewers are through."))
            return HttpResponseRedirect(self.page_of(row))
        return HttpResponseRedirect(
            reverse("admin:reporting_labelreview_review_page", args=[row.pk])
        )

    @action(
        description=_("Free a seat"), url_path="leave", permissions=["review"], icon="person_off"
    )
    def leave_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask whose, then free a reviewer's seat for somebody else."""
        by = actor_of(request).user
        return self.step(
            request,
            object_id,
            lambda row, seat: label_audits.leave(row, seat, by=by),
            title=gettext("Free a reviewer's seat"),
            lead=gettext(
                "For a reviewer who cannot go on. All labels given from this seat are dropped; "
                "somebody else labels the whole sample."
            ),
            label=gettext("Free the seat"),
            done=gettext("The seat is free."),
            form_class=SeatForm,
        )

    @display(description=_("state"))
    def standing(self, row: LabelReview) -> SafeString:
        if not row.is_finished:
            return badge(gettext("To be labelled"), "warn")
        if not row.is_failed:
            return badge(gettext("Passed"), "ok")
        if labels.is_redone(row.month):
            return badge(gettext("All labels are given again"), "breach")
        return badge(gettext("Too little agreement"), "breach")

    @display(description=_("labels given"))
    def given(self, row: Any) -> str:
        return gettext("%(first)s and %(second)s of %(all)s") % {
            "first": row.by_first,
            "second": row.by_second,
            "all": row.kept,
        }

    @display(description=_("first reviewer"))
    def first_named(self, row: LabelReview) -> str:
        return str(row.first_reviewer or "–")

    @display(description=_("second reviewer"))
    def second_named(self, row: LabelReview) -> str:
        return str(row.second_reviewer or "–")

    @display(description=_("due at"))
    def due(self, row: LabelReview) -> str:
        promised = Obligation.objects.filter(kind=ObligationKind.LABEL_REVIEW, subject_id=row.pk)
        found = promised.values_list("due_at", flat=True).first()
        return moment(found) or gettext("waits for the holiday notice")

    @display(description=_("agreement"))
    def agreement(self, row: LabelReview) -> str:
        return gettext("kappa %(kappa)s") % {"kappa": row.kappa_shown} if row.is_finished else "–"

    @display(description=_("labelled alike"))
    def alike(self, row: LabelReview) -> Any:
        return self._items(row, row.agreed, "alike")

    @display(description=_("relabelled"))
    def relabelled_shown(self, row: LabelReview) -> Any:
        return "–" if row.relabelled is None else row.relabelled

    @display(description=_("labelled differently"))
    def apart(self, row: LabelReview) -> Any:
        if row.agreed is None:
            return self._items(row, None, "apart")
        # Counted, not "disputed": a failed audit disputes nothing, all labels are given again.
        return self._items(row, _told_by(row.items.all(), alike=False).count(), "apart")

    @display(description=_("change of the rate"))
    def change_shown(self, row: LabelReview) -> str:
        if not row.change:
            return "–"
        return " → ".join(
            f"{metrics.shown_percent(metrics.ratio(part, whole))} ({part} / {whole})"
            for part, whole in (row.change["before"], row.change["after"])
        )

    def _items(self, row: LabelReview, count: int | None, which: str) -> Any:
        if count is None:
            return gettext("Shown once both reviewers are through.")
        query = f"review__id__exact={row.pk}&agreement={which}"
        return link(count, "reporting_labelreviewitem_changelist", query)


class AgreementFilter(DropdownFilter):
    """Questions of finished audits by whether both reviewers call them the same."""

    title = _("reviewers")
    parameter_name = "agreement"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("alike", _("Labelled alike")), ("apart", _("Labelled differently"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("alike", "apart"):
            return queryset
        # Of a running audit this would tell one reviewer what the other gave.
        ended = queryset.filter(review__finished_at__isnull=False)
        return _told_by(ended, alike=self.value() == "alike")


@admin.register(LabelReviewItem)
class LabelReviewItemAdmin(ReadOnlyAdmin):
    """Shows the audited labels; of a running audit only whether they are given."""

    capabilities = {"view": "question.view"}
    list_display = ("name", "first", "second", "standing_label", "about")
    list_filter = (("review", RelatedDropdownFilter), AgreementFilter)
    list_filter_submit = True
    list_select_related = ("review", "question")
    ordering = ("-review__month", "-review__number", "position")
    fields = ("name", "first", "second", "standing_label", "about")
    empty_text = _("Draw an audit of labels first.")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ()

    @display(description=_("audited label"))
    def name(self, row: LabelReviewItem) -> str:
        return str(row)

    @display(description=_("first reviewer"))
    def first(self, row: LabelReviewItem) -> str:
        return self._label(row, row.first_label, row.get_first_label_display())

    @display(description=_("second reviewer"))
    def second(self, row: LabelReviewItem) -> str:
        return self._label(row, row.second_label, row.get_second_label_display())

    @display(description=_("label now"))
    def standing_label(self, row: LabelReviewItem) -> str:
        return row.question.get_label_display() if row.review.is_finished else "–"

    @display(description=_("question"))
    def about(self, row: LabelReviewItem) -> Any:
        if not row.review.is_finished:
            return gettext("Shown once both reviewers are through.")
        return link(row.question, "reporting_question_change", args=[row.question_id])

    def _label(self, row: LabelReviewItem, label: str, shown: str) -> str:
        if not label:
            return "–"
        return shown if row.review.is_finished else gettext("Given")


def _told_by(rows: QuerySet[Any], *, alike: bool) -> QuerySet[Any]:
    """Those with both labels, which are the same or are not."""
    both = rows.exclude(first_label="").exclude(second_label="")
    same = {"first_label": F("second_label")}
    return both.filter(**same) if alike else both.exclude(**same)
