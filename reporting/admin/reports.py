"""Reports: read, approved, sent, corrected, answered."""

from collections.abc import Callable, Collection
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import translation
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextareaWidget

from conversations.admin.pages import FormPages, Question, member_of, reason_field
from reporting.models import Report, ReportAnswer, ReportStage, ReportVerdict
from reporting.rendering import html, mail
from reporting.rendering.pdf import pdf
from reporting.rendering.presentation import Presented, present
from reporting.rendering.xlsx import xlsx
from reporting.services import conversation_rows, evidence, reports
from tenants.admin_base import ReadOnlyAdmin, actor_of, badge, moment
from tenants.admin_filters import states

_XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
STAGE_TONES = {
    ReportStage.PROVISIONAL: "warn",
    ReportStage.FINAL: "ok",
    ReportStage.CORRECTED: "info",
}


class CorrectionForm(forms.Form):
    """Why there is a new version."""

    reason = reason_field(_("reason for the correction"), limit=1000)


class AnswerForm(forms.Form):
    """What the client says to the report."""

    verdict = forms.ChoiceField(
        label=_("client's answer"), choices=ReportVerdict, widget=forms.RadioSelect
    )
    text = forms.CharField(
        label=_("what the client says"),
        max_length=4000,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
    )


@admin.register(Report)
class ReportAdmin(FormPages, ReadOnlyAdmin):
    """Lists every version of every report; the page of each is the report itself."""

    capabilities = {
        "view": "report.view",
        "approve": "report.approve",
        "change": "report.change",
        "answer": "report.answer",
    }
    list_display = ("standing", "kind", "span", "stage_name", "version", "short_hash", "made")
    list_display_links = ("span",)
    list_filter = (
        ("kind", ChoicesDropdownFilter),
        ("stage", ChoicesDropdownFilter),
        states(
            approve=(_("Waits for approval"), Q(approved_at=None)),
            send=(_("Approved, not sent"), Q(approved_at__isnull=False, sent_at=None)),
            answer=(_("Waits for the client's answer"), lambda: Q(pk__in=reports.to_answer())),
        ),
    )
    list_filter_submit = True
    list_select_related = ("answer",)
    fields = (
        "standing",
        "kind",
        "span",
        "stage_name",
        "version",
        "sha256",
        "evidence_sha256",
        "made",
    )
    actions_detail = (
        "read_page",
        "approve_page",
        "send_page",
        "correct_page",
        "answer_page",
        "pdf_file",
        "xlsx_file",
        "evidence_file",
    )
    empty_text = _("The first report is made on the day it is due, by itself.")

    def idle_steps(self, request: HttpRequest, row: Any) -> Collection[str]:
        idle = []
        if row.approved_at is not None:
            idle.append("approve_page")
        if row.approved_at is None or row.sent_at is not None:
            idle.append("send_page")
        if not reports.takes_answer(row):
            idle.append("answer_page")
        if not row.evidence_path:
            # Made before packs were kept.
            idle.append("evidence_file")
        return idle

    def has_approve_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "approve")

    def has_correct_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "change")

    def has_answer_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "answer")

    @action(description=_("Read the report"), url_path="read", permissions=["view"], icon="article")
    def read_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the report on the screen."""
        row = self.get_object(request, object_id)
        if not isinstance(row, Report):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        actor = actor_of(request)
        if actor.membership is not None and actor.can("report.answer"):
            reports.note_opened(row, by=actor.membership)
        shown = _presented(row)
        return self.page(
            request,
            "admin/reporting/report.html",
            {
                "title": f"{shown.title} · {shown.stage}",
                "report": html.context(shown),
                "standing": [(capfirst(name), value) for name, value in self._facts(row)],
                "buttons": self._buttons(request, row),
            },
        )

    @action(description=_("Approve"), url_path="approve", permissions=["approve"], icon="approval")
    def approve_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then note the approval."""
        return self._asked(
            request,
            object_id,
            gettext("Approve this report?"),
            gettext("With your approval it may be sent to the client."),
            gettext("Approve"),
            lambda row, data: reports.approve(row, by=actor_of(request).user),
            gettext("The report is approved."),
        )

    @action(description=_("Send the report"), url_path="send", permissions=["approve"], icon="send")
    def send_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then put the report on its way."""
        return self._asked(
            request,
            object_id,
            gettext("Send this report?"),
            gettext("It goes to every recipient of its kind, and the client may answer it."),
            gettext("Send the report"),
            lambda row, data: reports.send(row, by=actor_of(request).user),
            gettext("The report is on its way."),
        )

    @action(
        description=_("Correct the report"),
        url_path="correct",
        permissions=["correct"],
        icon="edit_note",
    )
    def correct_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the reason, then make the next version."""
        return self._asked(
            request,
            object_id,
            gettext("Make a corrected version?"),
            gettext(
                "Everything is counted again. The new version says what it changes and why; this "
                "one stays."
            ),
            gettext("Make the next version"),
            lambda row, data: reports.correct(
                row, reason=data["reason"], by=actor_of(request).user
            ),
            gettext("The corrected version is made and waits for its approval."),
            CorrectionForm,
        )

    @action(
        description=_("Answer the report"),
        url_path="answer",
        permissions=["answer"],
        icon="rate_review",
    )
    def answer_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take the client's confirmation or objection; to a later version, if there is one."""
        row = self.get_object(request, object_id)
        newer = reports.superseded_by(row) if isinstance(row, Report) else None
        if newer is not None:
            messages.warning(request, reports.superseded(newer).detail)
            return HttpResponseRedirect(_page(newer))
        return self._asked(
            request,
            object_id,
            gettext("Do you confirm this report?"),
            gettext(
                "Confirm it, or object and say to what. Not to answer agrees to nothing that was "
                "taken out of the count."
            ),
            gettext("Answer the report"),
            lambda row, data: reports.answer(
                row, data["verdict"], text=data["text"], by=member_of(request)
            ),
            gettext("Your answer is noted."),
            AnswerForm,
        )

    @action(description=_("PDF"), url_path="pdf", permissions=["view"], icon="picture_as_pdf")
    def pdf_file(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send the report as PDF."""
        return self._file(request, object_id, "pdf", "application/pdf", pdf)

    @action(description=_("XLSX"), url_path="xlsx", permissions=["view"], icon="table_view")
    def xlsx_file(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send the report as XLSX."""
        row = self.get_object(request, object_id)
        listed = conversation_rows.of(row) if isinstance(row, Report) else None
        return self._file(request, object_id, "xlsx", _XLSX_TYPE, lambda shown: xlsx(shown, listed))

    @action(description=_("Evidence"), url_path="evidence", permissions=["view"], icon="verified")
    def evidence_file(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Send the evidence pack."""
        row = self.get_object(request, object_id)
        if not isinstance(row, Report):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        try:
            pack = evidence.open_pack(row)
        except evidence.EvidenceLostError:
            messages.error(
                request,
                gettext(
                    "The evidence pack of this report is not in the file store, or was changed "
                    "there. Ask the operator to restore it from a backup."
                ),
            )
            return HttpResponseRedirect(reverse("admin:reporting_report_change", args=[object_id]))
        name = mail.file_name(_presented(row), row, "zip")
        return FileResponse(
            pack, as_attachment=True, filename=name, headers={"Cache-Control": "no-store"}
        )

    def _file(
        self,
        request: HttpRequest,
        object_id: str,
        ending: str,
        kind: str,
        make: Callable[[Presented], bytes],
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if not isinstance(row, Report):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        shown = _presented(row)
        response = HttpResponse(make(shown), content_type=kind)
        name = mail.file_name(shown, row, ending)
        response["Content-Disposition"] = content_disposition_header(True, name) or ""
        response["Cache-Control"] = "no-store"
        return response

    def _asked(
        self,
        request: HttpRequest,
        object_id: str,
        title: str,
        lead: str,
        label: str,
        work: Callable[[Report, dict[str, Any]], object],
        done: str,
        form: type[forms.Form] = forms.Form,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if not isinstance(row, Report):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        back = _page(row)
        question = Question(title, f"{self._name(row)}: {lead}", label, form, back)

        def act(data: dict[str, Any]) -> str:
            work(row, data)
            return done

        return self.ask(request, question, act)

    def _buttons(self, request: HttpRequest, row: Report) -> list[tuple[str, str, str]]:
        def at(page: str) -> str:
            return reverse(f"admin:reporting_report_{page}", args=[row.pk])

        found: list[tuple[str, str, str]] = []
        if row.approved_at is None and self.may(request, "approve"):
            found.append((gettext("Approve"), at("approve_page"), "primary"))
        if row.approved_at and row.sent_at is None and self.may(request, "approve"):
            found.append((gettext("Send the report"), at("send_page"), "primary"))
        if self.may(request, "answer") and reports.takes_answer(row):
            found.append((gettext("Confirm or object"), at("answer_page"), "primary"))
        if self.may(request, "change"):
            found.append((gettext("Correct the report"), at("correct_page"), "default"))
        return [
            *found,
            ("PDF", at("pdf_file"), "default"),
            ("XLSX", at("xlsx_file"), "default"),
            *([(gettext("Evidence"), at("evidence_file"), "default")] if row.evidence_path else []),
        ]

    def _facts(self, row: Report) -> list[tuple[str, object]]:
        answer = _answer_of(row)
        facts: list[tuple[str, object]] = [(gettext("state"), self.standing(row))]
        if row.sent_at is not None:
            facts.append((gettext("sent at"), moment(row.sent_at)))
            until = moment(row.answer_due_at) or gettext("waits for the holiday notice")
            facts.append((gettext("answer until"), until))
        newer = reports.superseded_by(row)
        if newer is not None:
            facts.append((gettext("superseded by"), _link(newer)))
        if answer is not None and answer.text:
            facts.append((gettext("what the client says"), answer.text))
        return facts

    def _name(self, row: Report) -> str:
        return f"{row.get_kind_display()} {self.span(row)} v{row.version}"

    @display(description=_("state"))
    def standing(self, row: Report) -> SafeString:
        answer = _answer_of(row)
        if answer is not None:
            tone = "ok" if answer.verdict == ReportVerdict.CONFIRMED else "breach"
            return badge(answer.get_verdict_display(), tone)
        if row.sent_at is not None:
            return badge(gettext("Sent"), "info")
        if row.approved_at is not None:
            return badge(gettext("Approved"), "info")
        return badge(gettext("Waits for approval"), "warn")

    @display(description=_("period"), ordering="period_start")
    def span(self, row: Report) -> str:
        return f"{row.period_start:%Y-%m-%d} – {row.last_day:%Y-%m-%d}"

    @display(description=_("stage"), ordering="stage")
    def stage_name(self, row: Report) -> SafeString:
        return badge(row.get_stage_display(), STAGE_TONES[ReportStage(row.stage)])

    @display(description=_("hash"))
    def short_hash(self, row: Report) -> str:
        return row.sha256[:12]

    @display(description=_("made at"), ordering="made_at")
    def made(self, row: Report) -> str:
        return moment(row.made_at)


def _presented(row: Report) -> Presented:
    language = "en" if (translation.get_language() or "").startswith("en") else "zh-hans"
    return present(row.data, row.sha256, language)


def _page(row: Report) -> str:
    return reverse("admin:reporting_report_read_page", args=[row.pk])


def _link(row: Report) -> SafeString:
    words = f"v{row.version} · {row.get_stage_display()}"
    return format_html('<a class="y-link" href="{}">{}</a>', _page(row), words)


def _answer_of(row: Report) -> ReportAnswer | None:
    return ReportAnswer.objects.filter(report=row).first()
