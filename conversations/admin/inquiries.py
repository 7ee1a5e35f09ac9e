"""Inquiries and files, to read: what the volumes and the usage of a report are made of."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display

from conversations.admin.counting import of_demonstrations, of_real_conversations
from conversations.admin.links import conversation_link
from conversations.models import Attachment, Inquiry
from tenants.admin_base import ReadOnlyAdmin, moment, second
from tenants.admin_filters import counted, period_on
from tenants.durations import in_words


@admin.register(Inquiry)
class InquiryAdmin(ReadOnlyAdmin):
    """Shows every inquiry: the unit of the first-reply clock, of satisfaction and of reports."""

    capabilities = {"view": "conversation.view"}
    list_display = ("began_at", "who", "channel", "number", "reply", "ended_at")
    list_filter = (
        counted(of_real_conversations, of_demonstrations),
        ("conversation__channel", RelatedDropdownFilter),
        period_on("opened_at"),
    )
    list_filter_submit = True
    list_select_related = ("conversation__contact", "conversation__channel")
    fields = ("began_at", "who", "channel", "number", "reply", "ended_at")
    ordering = ("-opened_at", "-pk")
    empty_text = _("An inquiry begins with the first message of a visitor who has none open.")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("began_at",)

    def title_of(self, row: Inquiry) -> str:
        return second(row.opened_at)

    @display(description=_("opened at"), ordering="opened_at")
    def began_at(self, row: Inquiry) -> str:
        return second(row.opened_at)

    @display(description=_("conversation"))
    def who(self, row: Inquiry) -> Any:
        return conversation_link(row.conversation_id, row.conversation.contact.display_name)

    @display(description=_("channel"))
    def channel(self, row: Inquiry) -> str:
        return str(row.conversation.channel)

    @display(description=_("first reply"))
    def reply(self, row: Inquiry) -> str:
        if row.first_reply_at is None:
            return "–"
        return in_words(row.first_reply_at - row.opened_at, precise=True)

    @display(description=_("closed at"))
    def ended_at(self, row: Inquiry) -> str:
        return moment(row.closed_at) or "–"


@admin.register(Attachment)
class AttachmentAdmin(ReadOnlyAdmin):
    """Shows which files are kept, and how large they are; the files open in their conversation."""

    capabilities = {"view": "conversation.view"}
    list_display = ("named", "mime", "bytes", "made_at", "gone_at", "where")
    list_filter = (counted(Q(removed_at=None)), period_on("created_at"))
    list_filter_submit = True
    fields = ("named", "mime", "bytes", "made_at", "gone_at", "where")
    ordering = ("-created_at", "-pk")
    empty_text = _("Nobody has sent a file yet.")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("bytes", "made_at")

    @display(description=_("name"))
    def named(self, row: Attachment) -> str:
        return row.name or "–"

    @display(description=_("size"), ordering="size")
    def bytes(self, row: Attachment) -> str:
        return filesizeformat(row.size)

    @display(description=_("created at"), ordering="created_at")
    def made_at(self, row: Attachment) -> str:
        return moment(row.created_at)

    @display(description=_("removed at"))
    def gone_at(self, row: Attachment) -> str:
        return moment(row.removed_at) or "–"

    @display(description=_("conversation"))
    def where(self, row: Attachment) -> Any:
        return conversation_link(row.conversation_id)
