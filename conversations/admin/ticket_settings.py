"""Categories of tickets, and the outbox of the mails about them."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter
from unfold.decorators import display

from conversations.models import TicketCategory, TicketNotice
from conversations.ticket_states import TicketPriority
from tenants.admin_base import ReadOnlyAdmin, TenantAdmin, badge, moment
from tenants.admin_filters import period_on


@admin.register(TicketCategory)
class TicketCategoryAdmin(TenantAdmin):
    """Keeps the categories; they are taken out of use, never deleted, because tickets have them."""

    capabilities = {
        "view": "ticket.view",
        "add": "ticket.configure",
        "change": "ticket.configure",
    }
    list_display = ("name", "respond_hours", "resolve_hours", "is_active")
    list_filter = (("is_active", BooleanRadioFilter),)
    list_filter_submit = True
    search_fields = ("name",)
    search_help_text = _("Part of the name")
    fields = (
        "name",
        ("respond_low", "respond_normal", "respond_high", "respond_urgent"),
        ("resolve_low", "resolve_normal", "resolve_high", "resolve_urgent"),
        "is_active",
    )
    empty_text = _(
        "Without categories every ticket has the same working hours. Add one for each kind of "
        "ticket that has hours of its own."
    )

    @display(description=_("working hours to respond"))
    def respond_hours(self, category: TicketCategory) -> str:
        return _by_priority(category, "respond")

    @display(description=_("working hours to solve"))
    def resolve_hours(self, category: TicketCategory) -> str:
        return _by_priority(category, "resolve")


@admin.register(TicketNotice)
class TicketNoticeAdmin(ReadOnlyAdmin):
    """Which mails about tickets went out, and which did not."""

    capabilities = {"view": "ticket.view"}
    list_display = ("state", "kind", "number", "to", "tries", "error", "queued_at", "went_at")
    list_display_links = ("kind",)
    list_filter = (("kind", ChoicesDropdownFilter), period_on("created_at"))
    list_filter_submit = True
    list_select_related = ("ticket", "member")
    fields = ("state", "kind", "number", "to", "tries", "error", "queued_at", "went_at")
    empty_text = _("Mails about tickets appear here as soon as there is somebody to tell.")

    @display(description=_("state"))
    def state(self, notice: TicketNotice) -> SafeString:
        if notice.sent_at is not None:
            return badge(gettext("Sent"), "ok")
        if notice.due_at is None:
            return badge(gettext("Given up"), "breach")
        return badge(gettext("To be sent"), "warn" if notice.attempts else "")

    @display(description=_("ticket"), ordering="ticket__number")
    def number(self, notice: TicketNotice) -> str:
        return notice.ticket.number

    @display(description=_("recipient"))
    def to(self, notice: TicketNotice) -> str:
        if notice.member is not None:
            return notice.member.display_name
        return gettext("The visitor")

    @display(description=_("attempts"), ordering="attempts")
    def tries(self, notice: TicketNotice) -> int:
        return notice.attempts

    @display(description=_("created at"), ordering="created_at")
    def queued_at(self, notice: TicketNotice) -> str:
        return moment(notice.created_at)

    @display(description=_("sent at"), ordering="sent_at")
    def went_at(self, notice: TicketNotice) -> str:
        return moment(notice.sent_at) or "–"


def _by_priority(category: TicketCategory, what: str) -> str:
    return " · ".join(
        f"{priority.label} {getattr(category, f'{what}_{priority}')}" for priority in TicketPriority
    )
