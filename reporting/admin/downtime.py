"""Down time and its exclusions: claimed by the provider, decided by the client."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from reporting.admin.pages import SteppedAdmin
from reporting.models import (
    AvailabilitySettings,
    ClaimDecision,
    ClaimFile,
    DownInterval,
    ExclusionClaim,
    ExclusionKind,
    IntervalKind,
)
from reporting.services import availability_settings, claim_files, claims
from tenants.admin_base import TenantAdmin, actor_of, badge, second
from tenants.admin_filters import OverlapFilter, counted
from tenants.durations import in_words

_DOWNLOAD = "admin:reporting_claimfile_download"
_DECISION_TONES = {
    ClaimDecision.PENDING: "warn",
    ClaimDecision.ACCEPTED: "ok",
    ClaimDecision.REJECTED: "",
}


class FilesInput(forms.FileInput):
    """The browser's own choice of files, which says how many were chosen."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files with their names; kinds and sizes are the service's business."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        found = [super(FilesField, self).clean(each, initial) for each in data or ()]
        return [(each.name, each.file) for each in found]


class ClaimForm(forms.Form):
    """What should be left out, why, and what proves it."""

    kind = forms.ChoiceField(
        label=_("reason"), choices=ExclusionKind, widget=UnfoldAdminSelectWidget
    )
    start_at = forms.DateTimeField(label=_("from"), widget=UnfoldAdminTextInputWidget)
    end_at = forms.DateTimeField(label=_("until"), widget=UnfoldAdminTextInputWidget)
    evidence = forms.CharField(
        label=_("evidence"),
        max_length=4000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text=_("What happened and what proves it: notices, mails, records, with their dates."),
    )
    uploads = FilesField(
        label=_("files"),
        required=False,
        help_text=_(
            "What proves it, at most 10 files: pictures, PDF, Word, Excel, PowerPoint, text. They "
            "are kept as they are and cannot be taken back."
        ),
    )


class RemarkForm(forms.Form):
    """What the client says with its decision."""

    remark = forms.CharField(
        label=_("remark"),
        max_length=500,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )


@admin.register(DownInterval)
class DownIntervalAdmin(SteppedAdmin):
    """Shows every interval with its evidence; the provider may claim an exclusion from here."""

    capabilities = {"view": "availability.view", "claim": "availability.claim"}
    list_display = ("since", "what", "until", "length", "evidence", "standing")
    list_display_links = ("since",)
    list_filter = (
        ("kind", ChoicesDropdownFilter),
        counted(Q(kind=IntervalKind.DOWN, withdrawn_at=None)),
        OverlapFilter,
    )
    list_filter_submit = True
    fields = (
        "what",
        "since",
        "until",
        "length",
        "evidence",
        "apart",
        "standing",
        "found",
        "incident",
    )
    actions_detail = ("claim_page",)
    ordering = ("-start_at", "-pk")
    empty_text = _("The service was never down, as far as probers watched.")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("since",)

    def title_of(self, row: DownInterval) -> str:
        return f"{row.get_kind_display()} {second(row.start_at)}"

    def has_claim_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "claim")

    @action(
        description=_("Claim an exclusion"), url_path="claim", permissions=["claim"], icon="gavel"
    )
    def claim_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask the client to leave this time out."""

        def first(row: DownInterval) -> dict[str, Any]:
            zone = timezone.get_current_timezone()
            return {
                name: getattr(row, name).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
                for name in ("start_at", "end_at")
            }

        return self.step(
            request,
            object_id,
            lambda row, **given: claims.claim(row.pk, by=actor_of(request).user, **given),
            title=gettext("Claim an exclusion"),
            lead=gettext(
                "Only the client's own doing, force majeure and maintenance as annexed may be left "
                "out, within 2 working days after the end. It counts as down until the client "
                "accepts the claim."
            ),
            label=gettext("Claim"),
            done=gettext("Claimed. The client decides."),
            form_class=ClaimForm,
            initial=first,
        )

    @display(description=_("from"), ordering="start_at")
    def since(self, row: DownInterval) -> str:
        return second(row.start_at)

    @display(description=_("until"))
    def until(self, row: DownInterval) -> str:
        return gettext("still going on") if row.is_open else second(row.end_at)

    @display(description=_("what"))
    def what(self, row: DownInterval) -> SafeString:
        down = row.kind == IntervalKind.DOWN
        return badge(row.get_kind_display(), "breach" if down else "info")

    @display(description=_("length"))
    def length(self, row: DownInterval) -> str:
        return in_words(row.end_at - row.start_at)

    @display(description=_("evidence"))
    def evidence(self, row: DownInterval) -> str:
        return availability_settings.in_words(row.sources)

    @display(description=_("channels apart"))
    def apart(self, row: DownInterval) -> SafeString | str:
        lines = [
            (line,) for line in availability_settings.apart(row, timezone.get_current_timezone())
        ]
        return format_html_join("", "<p>{}</p>", lines) or "–"

    @display(description=_("state"))
    def standing(self, row: DownInterval) -> SafeString:
        if row.withdrawn_at:
            return badge(gettext("Withdrawn by later evidence"))
        if row.kind != IntervalKind.DOWN:
            return badge(gettext("Does not count"), "info")
        return badge(gettext("Counts"), "breach")

    @display(description=_("found at"))
    def found(self, row: DownInterval) -> str:
        return second(row.found_at)


@admin.register(ExclusionClaim)
class ExclusionClaimAdmin(SteppedAdmin):
    """Shows the claims; the client accepts or rejects each of them, once."""

    capabilities = {"view": "availability.view", "decide": "availability.decide"}
    list_display = ("since", "until", "kind", "standing", "claimed", "decided")
    list_display_links = ("since",)
    list_filter = (
        ("decision", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        OverlapFilter,
    )
    list_filter_submit = True
    list_select_related = ("claimed_by", "decided_by")
    fields = (
        "since",
        "until",
        "kind",
        "evidence",
        "attached",
        "standing",
        "claimed",
        "decided",
        "remark",
    )
    actions_detail = ("accept_page", "reject_page")
    ordering = ("-claimed_at", "-pk")
    empty_text = _("The provider has claimed no exclusion: all down time counts.")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ()

    def title_of(self, row: ExclusionClaim) -> str:
        return f"{row.get_kind_display()} {second(row.start_at)}"

    def has_decide_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "decide")

    @action(description=_("Accept"), url_path="accept", permissions=["decide"], icon="check")
    def accept_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then leave the time out."""
        return self._decide(request, object_id, accepted=True)

    @action(description=_("Reject"), url_path="reject", permissions=["decide"], icon="block")
    def reject_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then let the time count for good."""
        return self._decide(request, object_id, accepted=False)

    def _decide(self, request: HttpRequest, object_id: str, *, accepted: bool) -> HttpResponse:
        label = gettext("Accept") if accepted else gettext("Reject")
        lead = (
            gettext("The claimed time no longer counts as down. This cannot be taken back.")
            if accepted
            else gettext("The claimed time counts as down for good. This cannot be taken back.")
        )
        return self.step(
            request,
            object_id,
            lambda row, remark: claims.decide(
                row.pk, accepted=accepted, remark=remark, by=actor_of(request).user
            ),
            title=label,
            lead=lead,
            label=label,
            done=gettext("Decided."),
            form_class=RemarkForm,
        )

    @display(description=_("from"))
    def since(self, row: ExclusionClaim) -> str:
        return second(row.start_at)

    @display(description=_("until"))
    def until(self, row: ExclusionClaim) -> str:
        return second(row.end_at)

    @display(description=_("files"))
    def attached(self, row: ExclusionClaim) -> SafeString | str:
        links = [
            (reverse(_DOWNLOAD, args=[file.pk]), file.name, filesizeformat(file.size))
            for file in row.files.all()
        ]
        return format_html_join("", '<p><a class="y-link" href="{}">{}</a> · {}</p>', links) or "–"

    @display(description=_("decision"))
    def standing(self, row: ExclusionClaim) -> SafeString:
        return badge(row.get_decision_display(), _DECISION_TONES[ClaimDecision(row.decision)])

    @display(description=_("claimed"))
    def claimed(self, row: ExclusionClaim) -> str:
        return f"{second(row.claimed_at)} · {row.claimed_by}"

    @display(description=_("decided"))
    def decided(self, row: ExclusionClaim) -> str:
        return f"{second(row.decided_at)} · {row.decided_by}" if row.decided_at else "–"


@admin.register(ClaimFile)
class ClaimFileAdmin(SteppedAdmin):
    """Hands out the files that prove a claim; they are saved, never shown in place."""

    capabilities = {"view": "availability.view"}
    list_display = ("name", "of", "size", "sha256")
    list_select_related = ("claim",)
    fields = ("name", "of", "mime", "size", "sha256")
    actions_detail = ("download",)
    ordering = ("-claim__claimed_at", "place")
    empty_text = _("No claim has a file with it.")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ()

    @action(description=_("Download"), url_path="download", permissions=["view"], icon="download")
    def download(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Send the file as it came."""
        row = self.get_object(request, object_id)
        if not isinstance(row, ClaimFile):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        try:
            content = claim_files.open_file(row)
        except FileNotFoundError:
            messages.error(
                request,
                gettext(
                    "The file is not in the file store. Ask the operator to restore it from a "
                    "backup."
                ),
            )
            return HttpResponseRedirect(self.page_of(row))
        return FileResponse(
            content,
            as_attachment=True,
            filename=row.name,
            content_type="application/octet-stream",
            headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
        )

    @display(description=_("exclusion claim"))
    def of(self, row: ClaimFile) -> SafeString:
        page = reverse("admin:reporting_exclusionclaim_change", args=[row.claim_id])
        return format_html('<a class="y-link" href="{}">{}</a>', page, row.claim)


@admin.register(AvailabilitySettings)
class AvailabilitySettingsAdmin(TenantAdmin):
    """Changes the tenant's one row; its list leads there."""

    capabilities = {"view": "availability.view", "change": "availability.configure"}
    fields = ("has_status_page", "address", "judged")
    readonly_fields = ("address", "judged")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        row = availability_settings.current()
        return HttpResponseRedirect(
            reverse("admin:reporting_availabilitysettings_change", args=[row.pk])
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = {
            "show_save_and_continue": False,
            "show_save_and_add_another": False,
            **(extra_context or {}),
        }
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        availability_settings.show_status_page(shown=obj.has_status_page, by=actor_of(request).user)

    @display(description=_("address of the status page"))
    def address(self, row: AvailabilitySettings) -> str:
        path = reverse("reporting:status", args=[row.tenant.code])
        if not row.has_status_page:
            return gettext("%(path)s, not public yet") % {"path": path}
        return format_html('<a class="y-link" href="{0}">{0}</a>', path)

    @display(description=_("judged until"))
    def judged(self, row: AvailabilitySettings) -> str:
        return second(row.judged_until) or "–"
