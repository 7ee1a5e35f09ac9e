"""What people were told and what became of each copy, to read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from tenants.admin_base import ReadOnlyAdmin, badge, second
from tenants.admin_filters import period_on
from tenants.alerting.words import error_in_words, kind_in_words
from tenants.models import AlertLevel, AlertState, Notification, NotificationDelivery

LEVEL_TONES = {AlertLevel.INFO: "info", AlertLevel.WARNING: "warn", AlertLevel.CRITICAL: "breach"}
STATE_TONES = {
    AlertState.PENDING: "info",
    AlertState.SENT: "ok",
    AlertState.FAILED: "warn",
    AlertState.DEAD: "breach",
}


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """Shows what was told, to how many, and who sees to it."""

    capabilities = {"view": "alert.view"}
    list_display = ("urgency", "title", "event", "told_at", "seen_to")
    list_display_links = ("title",)
    list_filter = (("level", ChoicesDropdownFilter), period_on("created_at"))
    list_filter_submit = True
    list_select_related = ("acknowledged_by",)
    search_fields = ("title", "body")
    fields = (
        "urgency",
        "title",
        "body",
        "event",
        "page_link",
        "told_at",
        "told_to",
        "seen_to",
        "went_up",
    )
    ordering = ("-created_at",)
    empty_text = _("Missed promises and what else people must know appear here, once each.")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("told_at",)

    @display(description=_("urgency"), ordering="level")
    def urgency(self, row: Notification) -> SafeString:
        level = AlertLevel(row.level)
        return badge(level.label, LEVEL_TONES[level])

    @display(description=_("event"))
    def event(self, row: Notification) -> str:
        return kind_in_words(row.kind)

    @display(description=_("page"))
    def page_link(self, row: Notification) -> SafeString | str:
        if not row.link:
            return "–"
        return format_html('<a class="y-link" href="{}">{}</a>', row.link, gettext("Open"))

    @display(description=_("created at"), ordering="created_at")
    def told_at(self, row: Notification) -> str:
        return second(row.created_at)

    @display(description=_("told"))
    def told_to(self, row: Notification) -> str:
        names = [str(one.user) for one in row.recipients.select_related("user")]
        return gettext(", ").join(names) or "–"

    @display(description=_("acknowledged"))
    def seen_to(self, row: Notification) -> SafeString | str:
        if row.acknowledged_at is not None:
            return f"{second(row.acknowledged_at)} · {row.acknowledged_by}"
        if row.level != AlertLevel.CRITICAL:
            return "–"
        return badge(gettext("not yet"), "warn")

    @display(description=_("gone up at"))
    def went_up(self, row: Notification) -> str:
        return second(row.escalated_at) or "–"


@admin.register(NotificationDelivery)
class NotificationDeliveryAdmin(ReadOnlyAdmin):
    """Shows each copy: by which way, to whom, and how its latest attempt went."""

    capabilities = {"view": "alert.view"}
    list_display = ("standing", "notification", "channel", "to_whom", "made_at", "attempts", "went")
    list_display_links = ("notification",)
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("channel", ChoicesDropdownFilter),
        period_on("created_at"),
    )
    list_filter_submit = True
    list_select_related = ("notification", "recipient", "robot")
    fields = (
        "standing",
        "notification",
        "channel",
        "to_whom",
        "made_at",
        "attempts",
        "went",
        "handed_at",
        "letter",
        "provider_id",
        "content_hash",
    )
    ordering = ("-created_at",)
    empty_text = _("Each mail and each message to a group appears here with how it went.")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("made_at",)

    def title_of(self, row: Any) -> str:
        return f"{row.get_channel_display()} {second(row.created_at)}"

    @display(description=_("state"), ordering="state")
    def standing(self, row: NotificationDelivery) -> SafeString:
        state = AlertState(row.state)
        return badge(state.label, STATE_TONES[state])

    @display(description=_("to whom"))
    def to_whom(self, row: NotificationDelivery) -> str:
        return str(row.recipient or row.robot)

    @display(description=_("created at"), ordering="created_at")
    def made_at(self, row: NotificationDelivery) -> str:
        return second(row.created_at)

    @display(description=_("handed over at"))
    def handed_at(self, row: NotificationDelivery) -> str:
        return second(row.sent_at) or "–"

    @display(description=_("outcome"))
    def went(self, row: NotificationDelivery) -> str:
        return error_in_words(row.last_error) if row.last_error else "–"
