"""Audits of answers: a sample is checked against what it cites, without saying who wrote it (R90)."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from conversations.models import Channel, MismatchKind, MismatchOwner
from conversations.models.mismatch import NOTE_LENGTH
from reporting import audit_arithmetic
from reporting.admin.audits import AuditAdmin, link
from reporting.admin.next_steps import NextStep, of_answer_audit
from reporting.models import AccuracyAudit, AccuracyAuditItem, AuditFinding
from reporting.services import answer_audits
from tenants.admin_base import ReadOnlyAdmin, actor_of, badge, moment
from tenants.admin_filters import PeriodFilter, counted, period_days
from tenants.errors import DomainError
from tenants.scoping import as_uuid

_TONES = {AuditFinding.RIGHT: "ok", AuditFinding.WRONG: "breach", AuditFinding.GONE: ""}


class FaultForm(forms.Form):
    """How an answer is wrong, and whose fault it is."""

    kind = forms.ChoiceField(label=_("kind"), choices=MismatchKind, widget=UnfoldAdminSelectWidget)
    owner = forms.ChoiceField(
        label=_("at fault"),
        choices=MismatchOwner,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Whose fault it is that visitors heard this."),
    )
    note = forms.CharField(
        label=_("note"),
        max_length=NOTE_LENGTH,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_("What is wrong, and how it came about."),
    )


@admin.register(AccuracyAudit)
class AccuracyAuditAdmin(AuditAdmin):
    """Shows the audits of answers and what they came to, and lets people check."""

    capabilities = {
        "view": "mismatch.view",
        "draw": "mismatch.change",
        "check": "mismatch.change",
    }
    months = staticmethod(answer_audits.months_to_draw)
    draw = staticmethod(answer_audits.draw)
    repeats = staticmethod(answer_audits.is_reproduced)
    list_display = ("name", "standing", "checked", "wrong", "drawn", "finished")
    fields = (
        "name",
        "standing",
        "checked",
        "wrong",
        "at_most",
        "drawn",
        "by_channel",
        "seed",
        "seed_print",
        "repeated",
        "made",
        "finished",
    )
    actions_detail = ("check_page",)
    empty_text = _(
        "Each month 299 answers, or all, are drawn and checked by hand. Months without an answer "
        "have no audit."
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super()
            .get_queryset(request)
            .annotate(done=Count("items", filter=~Q(items__finding="")))
            .annotate(faults=Count("items", filter=Q(items__finding=AuditFinding.WRONG)))
        )

    def idle_steps(self, request: HttpRequest, row: Any) -> Collection[str]:
        return ("check_page",) if row.is_finished else ()

    def next_step(self, request: HttpRequest, row: AccuracyAudit) -> NextStep:
        return of_answer_audit(row, may_check=self.may(request, "check"))

    def has_check_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "check")

    @action(description=_("Check"), url_path="check", permissions=["check"], icon="fact_check")
    def check_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show one sampled answer beside what it cites, and take what the checker finds."""
        row: Any = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        here = reverse("admin:reporting_accuracyaudit_check_page", args=[row.pk])
        asked = as_uuid((request.POST or request.GET).get("item"))
        item = answer_audits.next_item(row)
        if asked is not None:
            item = row.items.select_related("version").filter(pk=asked, finding="").first()
        if item is None and asked is not None:
            messages.error(request, answer_audits.AlreadyCheckedError().detail)
            return HttpResponseRedirect(here)
        form = FaultForm() if request.GET.get("finding") == AuditFinding.WRONG else None
        if request.method == "POST" and item is not None:
            finding = request.POST.get("finding")
            form = FaultForm(request.POST) if finding == AuditFinding.WRONG else None
            if form is None or form.is_valid():
                self._take(request, item, finding or "", form.cleaned_data if form else {})
                return HttpResponseRedirect(here)
        return self.page(
            request,
            "admin/reporting/answer_audit.html",
            {
                "title": gettext("Accuracy audit %(month)s") % {"month": row},
                "item": item,
                "shown": answer_audits.shown(item) if item else None,
                "form": form,
                "progress": answer_audits.progress(row),
                "result": self.at_most(row),
                "next_step": None if item else self.next_step(request, row),
                "here": here,
                "back": self.page_of(row),
            },
        )

    def _take(
        self,
        request: HttpRequest,
        item: AccuracyAuditItem,
        finding: str,
        fault: dict[str, str],
    ) -> None:
        by = actor_of(request).user
        try:
            if finding == AuditFinding.GONE:
                answer_audits.pass_over(item)
            elif finding in (AuditFinding.RIGHT, AuditFinding.WRONG):
                row = answer_audits.check(item, wrong=finding == AuditFinding.WRONG, by=by, **fault)
                if row.report is not None:
                    told = gettext("Reported, with all replies of the version: %(report)s.")
                    messages.success(request, told % {"report": row.report})
        except DomainError as error:
            messages.error(request, error.detail)

    @display(description=_("state"))
    def standing(self, row: Any) -> SafeString:
        if not row.is_finished:
            return badge(gettext("To be checked"), "warn")
        if row.faults:
            return badge(gettext("Faults found"), "breach")
        return badge(gettext("No fault found"), "ok")

    @display(description=_("checked"))
    def checked(self, row: Any) -> str:
        return f"{row.done} / {row.size}"

    @display(description=_("found wrong"))
    def wrong(self, row: Any) -> Any:
        query = f"audit__id__exact={row.pk}&finding__exact={AuditFinding.WRONG}"
        return link(row.faults, "reporting_accuracyaudititem_changelist", query)

    @display(description=_("what that says"))
    def at_most(self, row: AccuracyAudit) -> str:
        found = answer_audits.result(row)
        if not found.checked:
            return "–"
        told = {"wrong": found.wrong, "checked": found.checked}
        if found.is_whole:
            told["all"] = row.population
            return (
                gettext(
                    "%(wrong)s of %(checked)s checked answers wrong: a full count, as all %(all)s "
                    "answers of the month are in the sample; nothing is estimated."
                )
                % told
            )
        assert found.at_most is not None
        return gettext(
            "%(wrong)s of %(checked)s wrong: with 95 %% confidence at most %(bound)s of the "
            "month's answers are."
        ) % {**told, "bound": audit_arithmetic.shown_bound(found.at_most)}

    @display(description=_("by channel"))
    def by_channel(self, row: AccuracyAudit) -> Any:
        names = {str(pk): name for pk, name in Channel.objects.values_list("pk", "name")}
        return format_html_join(
            "",
            "<div>{}: {}</div>",
            (
                (
                    names.get(channel, channel),
                    gettext("%(count)s of %(all)s") % {"count": drawn, "all": whole},
                )
                for channel, (drawn, whole) in row.strata.items()
            ),
        )


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
    list_display = ("name", "channel", "found", "checked_at", "reported")
    list_filter = (
        ("audit", RelatedDropdownFilter),
        ("finding", ChoicesDropdownFilter),
        counted(Q(finding__in=(AuditFinding.RIGHT, AuditFinding.WRONG))),
        AuditedFilter,
    )
    list_filter_submit = True
    list_select_related = ("audit", "channel", "report__entry_version")
    ordering = ("-audit__month", "position")
    fields = ("name", "channel", "found", "checked_at", "checker", "reported", "version")
    empty_text = _("Draw an audit of answers first.")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ()

    @display(description=_("audited answer"))
    def name(self, row: AccuracyAuditItem) -> str:
        return str(row)

    @display(description=_("finding"))
    def found(self, row: AccuracyAuditItem) -> Any:
        if not row.finding:
            return "–"
        return badge(row.get_finding_display(), _TONES[AuditFinding(row.finding)])

    @display(description=_("checked at"))
    def checked_at(self, row: AccuracyAuditItem) -> str:
        return moment(row.found_at) or "–"

    @display(description=_("checked by"))
    def checker(self, row: AccuracyAuditItem) -> str:
        return str(row.found_by or "–")

    @display(description=_("mismatch report"))
    def reported(self, row: AccuracyAuditItem) -> Any:
        if row.report is None:
            return "–"
        return link(row.report, "conversations_mismatchreport_change", args=[row.report_id])
