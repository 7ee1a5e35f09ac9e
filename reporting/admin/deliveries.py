"""How each report reached its readers, with receipts."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from conversations.admin.pages import FormPages, Question
from reporting.models import DeliveryChannel, ReportDelivery
from reporting.services import reports
from tenants.admin_base import ReadOnlyAdmin, actor_of, badge, moment


@admin.register(ReportDelivery)
class ReportDeliveryAdmin(FormPages, ReadOnlyAdmin):
    """Lists the deliveries, the latest first; a mail can be sent again."""

    capabilities = {"view": "report.view", "resend": "report.change"}
    list_display = ("standing", "report", "channel", "name", "sent", "opened")
    list_display_links = ("report",)
    list_filter = (("channel", ChoicesDropdownFilter),)
    list_filter_submit = True
    list_select_related = ("report",)
    fields = (
        "standing",
        "report",
        "channel",
        ("name", "email"),
        "sent",
        "opened",
        ("attempts", "round"),
        "mail_id",
        "error",
    )
    actions_detail = ("resend_page",)
    empty_text = _("When a report is sent, each of its recipients stands here with the receipt.")

    def has_resend_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "resend")

    @action(
        description=_("Mail again"),
        url_path="resend",
        permissions=["resend"],
        icon="forward_to_inbox",
    )
    def resend_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then put the mail on its way once more."""
        row = self.get_object(request, object_id)
        if not isinstance(row, ReportDelivery) or row.channel != DeliveryChannel.MAIL:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        question = Question(
            title=gettext("Send the report to %(name)s again?") % {"name": row.name},
            lead=gettext("The mail goes out once more; this row stays as it is."),
            submit_label=gettext("Mail again"),
            form_class=forms.Form,
            back=reverse("admin:reporting_reportdelivery_changelist"),
        )

        def work(data: dict[str, Any]) -> str:
            reports.resend(row, by=actor_of(request).user)
            return gettext("The report is on its way.")

        return self.ask(request, question, work)

    @display(description=_("state"))
    def standing(self, row: ReportDelivery) -> SafeString:
        if row.confirmed_at is not None:
            return badge(gettext("Answered"), "ok")
        if row.opened_at is not None:
            return badge(gettext("Read by the client"), "ok")
        if row.sent_at is not None:
            return badge(gettext("Sent"), "ok")
        if row.is_given_up:
            return badge(gettext("Not delivered"), "breach")
        return badge(gettext("On its way"), "info")

    @display(description=_("sent at"), ordering="sent_at")
    def sent(self, row: ReportDelivery) -> str:
        return moment(row.sent_at) or "–"

    @display(description=_("read at"), ordering="opened_at")
    def opened(self, row: ReportDelivery) -> str:
        return moment(row.opened_at) or "–"
