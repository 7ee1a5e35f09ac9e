"""The log of attempts to tell clients' systems something, to read, and to repeat one."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from conversations.admin.targets import cause_in_words
from conversations.models import HandoffDelivery
from conversations.services import delivery
from tenants.admin_base import ReadOnlyAdmin, actor_of, badge, second
from tenants.admin_filters import period_on
from tenants.errors import DomainError


@admin.register(HandoffDelivery)
class HandoffDeliveryAdmin(ReadOnlyAdmin):
    """Shows every attempt with its answer; what it was about can be sent once more."""

    capabilities = {"view": "target.view", "repeat": "target.change"}
    list_display = ("went", "what_name", "target", "attempt", "began", "took", "http_status")
    list_display_links = ("what_name",)
    list_filter = (("what", ChoicesDropdownFilter), period_on("started_at"))
    list_filter_submit = True
    list_select_related = ("target",)
    search_fields = ("request_id",)
    search_help_text = _("The request id, as the other system has it")
    fields = (
        "went",
        "what_name",
        "target",
        "handoff_link",
        "attempt",
        "request_id",
        "began",
        "took",
        "http_status",
        "response_excerpt",
    )
    ordering = ("-started_at",)
    actions_detail = ("repeat_page",)
    empty_text = _("Each attempt to reach the client's own system appears here with its answer.")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("began",)

    def title_of(self, row: HandoffDelivery) -> str:
        return f"{row.get_what_display()} {second(row.started_at)}"

    def has_repeat_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "repeat")

    @action(description=_("Send again"), url_path="repeat", permissions=["repeat"], icon="replay")
    def repeat_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then send what the attempt was about once more."""
        row = self.get_object(request, object_id)
        if not isinstance(row, HandoffDelivery):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        back = reverse("admin:conversations_handoffdelivery_change", args=[row.pk])
        if request.method == "POST":
            try:
                delivery.send_again(row, by=actor_of(request).user)
            except DomainError as error:
                messages.error(request, error.detail)
            else:
                messages.success(
                    request, gettext("It is being sent again; the attempt appears in the log.")
                )
            return HttpResponseRedirect(back)
        return self.page(
            request,
            "admin/confirm_page.html",
            {
                "title": gettext("Send this again?"),
                "lead": gettext(
                    "It goes under the same id: a system that has it already knows it again."
                ),
                "facts": [
                    (gettext("what"), row.get_what_display()),
                    (gettext("target"), str(row.target)),
                    (gettext("request id"), row.request_id),
                ],
                "submit_label": gettext("Send again"),
                "cancel_url": back,
            },
        )

    @display(description=_("how it went"), ordering="error_class")
    def went(self, row: HandoffDelivery) -> SafeString:
        if not row.error_class:
            return badge(gettext("Delivered"), "ok")
        return badge(cause_in_words(row.error_class), "breach")

    @display(description=_("what"), ordering="what")
    def what_name(self, row: HandoffDelivery) -> str:
        return row.get_what_display()

    @display(description=_("hand-off"))
    def handoff_link(self, row: HandoffDelivery) -> SafeString | str:
        if row.handoff_id is None:
            return "–"
        return format_html(
            '<a class="y-link" href="{}">{}</a>',
            reverse("admin:conversations_handoff_change", args=[row.handoff_id]),
            gettext("Hand-off"),
        )

    @display(description=_("started at"), ordering="started_at")
    def began(self, row: HandoffDelivery) -> str:
        return second(row.started_at)

    @display(description=_("took"), ordering="duration_ms")
    def took(self, row: HandoffDelivery) -> str:
        return gettext("%(ms)s ms") % {"ms": row.duration_ms}
