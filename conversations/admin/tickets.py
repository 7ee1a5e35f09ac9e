"""Tickets: what is late first, and what may be done about them."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from conversations.admin.links import conversation_link
from conversations.admin.ticket_parts import CommentInline, StandingFilter, TicketForm
from conversations.models import Ticket, TicketCategory
from conversations.services import ticket_desk, tickets
from conversations.services.tickets import NewTicket
from conversations.ticket_states import TicketOrigin, TicketPriority, TicketStatus
from tenants import clock
from tenants.admin_base import TenantAdmin, actor_of, badge, moment
from tenants.admin_filters import period_on
from tenants.durations import in_words
from tenants.errors import DomainError
from tenants.models import Membership

STATE_TONES = {
    TicketStatus.NEW: "warn",
    TicketStatus.OPEN: "info",
    TicketStatus.PENDING: "",
    TicketStatus.SOLVED: "ok",
    TicketStatus.CLOSED: "",
}
PRIORITY_TONES = {
    TicketPriority.LOW: "",
    TicketPriority.NORMAL: "",
    TicketPriority.HIGH: "warn",
    TicketPriority.URGENT: "breach",
}


@admin.register(Ticket)
class TicketAdmin(TenantAdmin):
    """Shows tickets, what is due first, and lets those who handle them do so; none is deleted."""

    capabilities = {"view": "ticket.view", "add": "ticket.handle", "change": "ticket.handle"}
    form = TicketForm
    list_display = ("state", "label", "rank", "subject", "assignee", "due_in", "who", "opened")
    list_display_links = ("label",)
    list_filter = (
        StandingFilter,
        ("status", ChoicesDropdownFilter),
        ("priority", ChoicesDropdownFilter),
        ("category", RelatedDropdownFilter),
        ("assignee", RelatedDropdownFilter),
        ("origin", ChoicesDropdownFilter),
        period_on("created_at"),
    )
    list_filter_submit = True
    list_select_related = ("assignee", "contact")
    search_fields = ("number", "subject", "name", "=phone", "=email")
    search_help_text = _("Number, words of the title, name, or a whole phone number or address")
    autocomplete_fields = ("contact",)
    inlines = (CommentInline,)
    actions = ("assign_to_me", "solve", "merge_into_oldest")
    empty_text = _(
        "A ticket is opened from a conversation, by a visitor who leaves a message, or here by hand."
    )

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        return [F("due_at").asc(nulls_last=True), "-updated_at", "pk"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[Any, ...]:
        if obj is None:
            return (
                "contact",
                "subject",
                "description",
                ("priority", "category"),
                "name",
                ("phone", "email"),
            )
        facts = (
            ("label", "state"),
            ("who", "conversation_page"),
            "description",
            "name",
            ("phone", "email"),
            ("came_from", "opened"),
            ("due_in", "due_dates"),
            ("first_response", "settled"),
            "goes_on_in",
        )
        if not self.has_change_permission(request, obj):
            return ("subject", *facts, ("priority", "category", "assignee"))
        return (
            "subject",
            *facts,
            ("priority", "category"),
            ("assignee", "move_to"),
            "words",
            "words_are_public",
            "once",
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        return (
            "subject",
            "label",
            "state",
            "who",
            "conversation_page",
            "description",
            "name",
            "phone",
            "email",
            "came_from",
            "opened",
            "due_in",
            "due_dates",
            "first_response",
            "settled",
            "goes_on_in",
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        closed = isinstance(obj, Ticket) and obj.status == TicketStatus.CLOSED
        # Operators look only: what is said on a ticket is said by a member.
        member = getattr(getattr(request, "actor", None), "membership", None)
        return not closed and member is not None and super().has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        member = getattr(getattr(request, "actor", None), "membership", None)
        return member is not None and super().has_add_permission(request)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "category":
            kwargs["queryset"] = TicketCategory.objects.filter(is_active=True)
        if db_field.name == "assignee":
            remote = db_field.remote_field.model
            kwargs["queryset"] = remote.objects.filter(is_active=True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Ticket, form: Any, change: bool) -> None:
        by = _member(request)
        data = form.cleaned_data
        if not change:
            asked = NewTicket(
                contact=obj.contact,
                channel=obj.contact.channel,
                description=obj.description,
                origin=TicketOrigin.ADMIN,
                subject=obj.subject,
                category=obj.category,
                priority=obj.priority,
                name=obj.name or obj.contact.name,
                phone=obj.phone or obj.contact.phone,
                email=obj.email or obj.contact.email,
            )
            opened, _created = tickets.open_ticket(asked, by=by)
            obj.pk, obj.number = opened.pk, opened.number
            return
        steps: list[Callable[[], object]] = [
            lambda: ticket_desk.change_priority(
                obj.pk, TicketPriority(data["priority"]), by=by, category=data["category"]
            ),
            lambda: ticket_desk.assign(obj.pk, data["assignee"], by=by),
        ]
        if data["words"].strip():
            steps.append(
                lambda: ticket_desk.comment(
                    obj.pk,
                    data["words"],
                    by=by,
                    is_public=data["words_are_public"],
                    client_id=data["once"],
                )
            )
        if data["move_to"]:
            steps.append(
                lambda: ticket_desk.change_status(obj.pk, TicketStatus(data["move_to"]), by=by)
            )
        try:
            for step in steps:
                step()
        except DomainError as error:
            self.message_user(request, error.detail, messages.ERROR)

    @admin.action(description=_("Assign to me"), permissions=["change"])
    def assign_to_me(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> None:
        by = _member(request)
        self._each(request, queryset, lambda ticket: ticket_desk.assign(ticket.pk, by, by=by))

    @admin.action(description=_("Mark as solved"), permissions=["change"])
    def solve(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> None:
        by = _member(request)
        self._each(
            request,
            queryset,
            lambda ticket: ticket_desk.change_status(ticket.pk, TicketStatus.SOLVED, by=by),
        )

    @admin.action(description=_("Merge into the oldest of them"), permissions=["change"])
    def merge_into_oldest(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> None:
        by = _member(request)
        chosen = list(queryset.order_by("created_at", "number"))
        if len(chosen) < 2:
            self.message_user(request, _("Choose two tickets or more."), messages.WARNING)
            return
        main, *others = chosen
        self._each(request, others, lambda ticket: ticket_desk.merge(ticket.pk, main.pk, by=by))

    def _each(self, request: HttpRequest, rows: Any, work: Callable[[Ticket], object]) -> None:
        done = 0
        for ticket in rows:
            try:
                work(ticket)
                done += 1
            except DomainError as error:
                self.message_user(request, f"{ticket.number}: {error.detail}", messages.ERROR)
        text = ngettext("%(count)s ticket done.", "%(count)s tickets done.", done)
        self.message_user(request, text % {"count": done})

    @display(description=_("status"), ordering="status")
    def state(self, ticket: Ticket) -> SafeString:
        status = TicketStatus(ticket.status)
        return badge(status.label, STATE_TONES[status])

    @display(description=_("number"), ordering="number")
    def label(self, ticket: Ticket) -> str:
        demo = f" ({gettext('Demonstration')})" if ticket.is_demo else ""
        return f"{ticket.number}{demo}"

    @display(description=_("priority"), ordering="priority")
    def rank(self, ticket: Ticket) -> SafeString:
        priority = TicketPriority(ticket.priority)
        return badge(priority.label, PRIORITY_TONES[priority])

    @display(description=_("due"), ordering="due_at")
    def due_in(self, ticket: Ticket) -> SafeString | str:
        if ticket.due_at is None:
            return "–"
        now = clock.now()
        words = {"span": in_words(ticket.due_at - now)}
        if ticket.is_overdue(now):
            return badge(gettext("overdue by %(span)s") % words, "breach")
        return gettext("in %(span)s") % words

    @display(description=_("due dates"))
    def due_dates(self, ticket: Ticket) -> str:
        return gettext("response %(respond)s, solution %(resolve)s") % {
            "respond": moment(ticket.respond_due_at),
            "resolve": moment(ticket.resolve_due_at),
        }

    @display(description=_("contact"), ordering="contact__name")
    def who(self, ticket: Ticket) -> SafeString:
        return format_html(
            '<a class="y-link" href="{}">{}</a>',
            reverse("admin:conversations_contact_change", args=[ticket.contact_id]),
            ticket.name or ticket.contact.display_name,
        )

    @display(description=_("conversation"))
    def conversation_page(self, ticket: Ticket) -> SafeString | str:
        return conversation_link(ticket.conversation_id)

    @display(description=_("origin"))
    def came_from(self, ticket: Ticket) -> str:
        return ticket.get_origin_display()

    @display(description=_("created at"), ordering="created_at")
    def opened(self, ticket: Ticket) -> str:
        return moment(ticket.created_at)

    @display(description=_("first response at"))
    def first_response(self, ticket: Ticket) -> str:
        return moment(ticket.first_responded_at) or "–"

    @display(description=_("solved at"))
    def settled(self, ticket: Ticket) -> str:
        return moment(ticket.solved_at) or "–"

    @display(description=_("goes on in"))
    def goes_on_in(self, ticket: Ticket) -> SafeString | str:
        if ticket.merged_into is None:
            return "–"
        return format_html(
            '<a class="y-link" href="{}">{}</a>',
            reverse("admin:conversations_ticket_change", args=[ticket.merged_into_id]),
            ticket.merged_into.number,
        )


def _member(request: HttpRequest) -> Membership:
    # Who may change a ticket is a member.
    member = actor_of(request).membership
    assert member is not None
    return member
