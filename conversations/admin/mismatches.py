"""What visitors heard that they should not have, whose fault it was, and what was done."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.views import ChangeList
from unfold.widgets import UnfoldBooleanSwitchWidget

from conversations.admin.links import conversation_link
from conversations.models import Message, MismatchFinder, MismatchKind, MismatchReport
from conversations.services import fidelity
from tenants import clock
from tenants.admin_base import TenantAdmin, TenantForm, actor_of, badge, moment
from tenants.admin_filters import period_on
from tenants.services import calendars, contracts
from tenants.terms import Terms
from tenants.workdays import YearNotPublishedError


class MismatchForm(TenantForm):
    """What a person may say of a mismatch, and whether it is settled."""

    close = forms.BooleanField(
        label=_("Close the report"),
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text=_("A closed report stays as it is."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "found_by" in self.fields:
            self.fields["found_by"].choices = [  # type: ignore[attr-defined]
                choice for choice in MismatchFinder.choices if choice[0] != MismatchFinder.MACHINE
            ]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("close"):
            if not cleaned.get("client_told_at"):
                self.add_error("client_told_at", _("Tell the client before closing the report."))
            self.instance.closed_at = clock.now()
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        # One open report of a kind: asked also where the version cannot be changed any more.
        return super()._get_validation_exclusions() - {"entry_version", "closed_at"}


class MismatchList(ChangeList):
    """The page of reports, each with the number of its replies: one query for all of them."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        page: list[Any] = list(self.result_list)
        replies = Message.objects.filter(entry_version__in={row.entry_version_id for row in page})
        counts = dict(replies.order_by().values_list("entry_version").annotate(replies=Count("pk")))
        for row in page:
            row.reply_count = counts.get(row.entry_version_id, 0)
        self.result_list = page


@admin.register(MismatchReport)
class MismatchReportAdmin(TenantAdmin):
    """Shows the reports to the client, and lets the provider's people keep them; none is deleted."""

    capabilities = {"view": "mismatch.view", "add": "mismatch.change", "change": "mismatch.change"}
    form = MismatchForm
    list_display = (
        "state",
        "question",
        "kind",
        "owner",
        "finder",
        "replies",
        "reported_at",
        "told_at",
        "put_right_at",
    )
    list_display_links = ("question",)
    list_filter = (
        ("kind", ChoicesDropdownFilter),
        ("owner", ChoicesDropdownFilter),
        ("found_by", ChoicesDropdownFilter),
        period_on("created_at"),
    )
    list_filter_submit = True
    list_select_related = ("entry_version",)
    search_fields = ("entry_version__question", "note", "fix")
    search_help_text = _("Words of the standard question, the note or the correction")
    autocomplete_fields = ("entry_version",)
    ordering = ("-created_at", "-pk")
    empty_text = _(
        "Every answer is compared with its source each night. What differs is reported here by "
        "itself; what people find they report by hand."
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return MismatchList

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        closed = isinstance(obj, MismatchReport) and not obj.is_open
        return not closed and super().has_change_permission(request, obj)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        told = ("kind", "owner", "note", "fix", "client_told_at", "corrected_at")
        if obj is None:
            return ("entry_version", "kind", "owner", "found_by", *told[2:])
        last = "close" if self.has_change_permission(request, obj) else "over_at"
        facts = ("state", "entry_version", "replies", "heard", "said", "first_reply", "finder")
        dates = ("reported_at", "created_by", "tell_by", "out_by", "correct_by")
        return (*facts, *dates, *told, last)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        said = ("state", "entry_version", "replies", "heard", "said", "first_reply", "finder")
        return (*said, "reported_at", "created_by", "tell_by", "out_by", "correct_by", "over_at")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        fidelity.save_report(obj, by=actor_of(request).user)

    @display(description=_("state"), ordering="closed_at")
    def state(self, row: MismatchReport) -> SafeString:
        if not row.is_open:
            return badge(gettext("Closed"))
        if row.corrected_at is not None:
            return badge(gettext("Corrected"), "ok")
        late = clock.now() > row.created_at + _agreed(row).mismatch_corrected
        return badge(gettext("Overdue"), "breach") if late else badge(gettext("Open"), "warn")

    @display(description=_("standard question"), ordering="entry_version__question")
    def question(self, row: MismatchReport) -> str:
        return str(row.entry_version)

    @display(description=_("found by"), ordering="found_by")
    def finder(self, row: MismatchReport) -> str:
        return row.get_found_by_display()

    @display(description=_("replies affected"))
    def replies(self, row: Any) -> SafeString:
        count = getattr(row, "reply_count", None)
        if count is None:
            count = row.affected_replies().count()
        return format_html(
            '<a class="y-link" href="{}?version={}">{}</a>',
            reverse("admin:conversations_message_changelist"),
            row.entry_version_id,
            ngettext("%(count)s reply", "%(count)s replies", count) % {"count": count},
        )

    @display(description=_("what visitors heard"))
    def heard(self, row: MismatchReport) -> str:
        return row.message.text if row.message else "–"

    @display(description=_("what was released"))
    def said(self, row: MismatchReport) -> str:
        return row.entry_version.answer

    @display(description=_("first found in"))
    def first_reply(self, row: MismatchReport) -> str:
        return conversation_link(row.message.conversation_id) if row.message else "–"

    @display(description=_("reported at"), ordering="created_at")
    def reported_at(self, row: MismatchReport) -> str:
        return moment(row.created_at)

    @display(description=_("client told at"), ordering="client_told_at")
    def told_at(self, row: MismatchReport) -> str:
        return moment(row.client_told_at) or "–"

    @display(description=_("corrected at"), ordering="corrected_at")
    def put_right_at(self, row: MismatchReport) -> str:
        return moment(row.corrected_at) or "–"

    @display(description=_("client to be told"))
    def tell_by(self, row: MismatchReport) -> str:
        days = _agreed(row).mismatch_working_days
        try:
            return moment(calendars.due_at(row.created_at, days, timezone.get_current_timezone()))
        except YearNotPublishedError:
            return gettext("waits for the holiday notice")

    @display(description=_("out of use by"))
    def out_by(self, row: MismatchReport) -> str:
        if row.kind not in (MismatchKind.WRONG_ENTRY, MismatchKind.CLIENT_TEXT):
            return "–"
        return moment(row.created_at + _agreed(row).wrong_entry_out)

    @display(description=_("to be corrected by"))
    def correct_by(self, row: MismatchReport) -> str:
        return moment(row.created_at + _agreed(row).mismatch_corrected)

    @display(description=_("closed at"))
    def over_at(self, row: MismatchReport) -> str:
        return moment(row.closed_at) or "–"


def _agreed(row: MismatchReport) -> Terms:
    return contracts.terms_at(row.created_at)
