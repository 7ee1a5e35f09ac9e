"""Parts of the page of a ticket: its form, its comments, the filter by what is late."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import linebreaksbr
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)

from conversations.models import COMMENT_LENGTH, TicketComment
from conversations.ticket_states import TICKET_MOVES, UNSETTLED, TicketStatus
from tenants import clock
from tenants.admin_base import TenantForm, actor_of, badge, moment
from tenants.ids import new_id


class StandingFilter(DropdownFilter):
    """What still needs somebody, and what is late."""

    title = _("standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("unsettled", _("Not settled")), ("overdue", _("Overdue"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "unsettled":
            return queryset.filter(status__in=UNSETTLED)
        if self.value() == "overdue":
            return queryset.filter(due_at__lte=clock.now())
        return queryset


class TicketForm(TenantForm):
    """What may be changed of a ticket at once: each change goes through its own service."""

    move_to = forms.ChoiceField(
        label=_("Put into another state"), required=False, widget=UnfoldAdminSelectWidget
    )
    words = forms.CharField(
        label=_("Add a comment"),
        max_length=COMMENT_LENGTH,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )
    words_are_public = forms.BooleanField(
        label=_("The visitor reads it, and is told by mail"),
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
    )
    once = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "once" in self.fields:
            # Sent twice, a form comments once.
            self.fields["once"].initial = new_id().hex
        if "move_to" in self.fields:
            allowed = TICKET_MOVES[self.instance.status]
            self.fields["move_to"].choices = [  # type: ignore[attr-defined]
                ("", "–"),
                *(choice for choice in TicketStatus.choices if choice[0] in allowed),
            ]


class CommentInline(TabularInline):
    """What was said on a ticket, in order, to read."""

    model = TicketComment
    fields = ("when", "author", "audience", "words")
    readonly_fields = fields
    extra = 0
    can_delete = False
    ordering = ("created_at", "pk")
    verbose_name_plural = _("comments")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return actor_of(request).can("ticket.view")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[TicketComment]:
        queryset: QuerySet[TicketComment] = super().get_queryset(request)
        return queryset.select_related("member", "contact")

    @display(description=_("at"))
    def when(self, comment: TicketComment) -> str:
        return moment(comment.created_at)

    @display(description=_("author"))
    def author(self, comment: TicketComment) -> str:
        return str(comment.member or comment.contact)

    @display(description=_("read by"))
    def audience(self, comment: TicketComment) -> SafeString:
        shown = (
            badge(gettext("The visitor"), "info")
            if comment.is_public
            else badge(gettext("Colleagues"))
        )
        if not comment.merged_from:
            return shown
        return format_html("{} {}", shown, badge(comment.merged_from))

    @display(description=_("text"))
    def words(self, comment: TicketComment) -> SafeString:
        return linebreaksbr(comment.text, autoescape=True)
