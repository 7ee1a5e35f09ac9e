"""The people who write in, to read."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display

from conversations.models import Consent, Contact
from tenants.admin_base import ReadOnlyAdmin, badge, moment
from tenants.admin_filters import period_on


@admin.register(Contact)
class ContactAdmin(ReadOnlyAdmin):
    """Who wrote in, who vouches for them, and what they agreed to."""

    capabilities = {"view": "contact.view"}
    list_display = ("state", "label", "external_id", "channel", "conversation_count", "seen_at")
    list_display_links = ("label",)
    ordering = ("-last_seen_at",)
    list_filter = (("channel", RelatedDropdownFilter), period_on("last_seen_at"))
    list_filter_submit = True
    list_select_related = ("channel",)
    search_fields = ("name", "=external_id", "=phone", "=email")
    search_help_text = _("Name, or a whole customer number, phone number or e-mail address")
    fields = (
        "label",
        "state",
        "external_id",
        "phone",
        "email",
        "channel",
        "conversation_count",
        "told",
        "consent_list",
        "first_seen",
        "seen_at",
    )
    empty_text = _("Visitors appear here with their first message.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contact]:
        queryset: QuerySet[Contact] = super().get_queryset(request)
        return queryset.annotate(conversation_total=Count("conversations"))

    @display(description=_("identity"))
    def state(self, contact: Contact) -> SafeString:
        if contact.verified:
            return badge(gettext("Verified"), "ok")
        return badge(gettext("Not verified"))

    @display(description=_("name"), ordering="name")
    def label(self, contact: Contact) -> str:
        demo = f" ({gettext('Demonstration')})" if contact.is_demo else ""
        return f"{contact.display_name}{demo}"

    @display(description=_("conversations"))
    def conversation_count(self, contact: Any) -> SafeString:
        text = ngettext(
            "%(count)s conversation", "%(count)s conversations", contact.conversation_total
        )
        return format_html(
            '<a class="y-link" href="{}?contact={}">{}</a>',
            reverse("admin:conversations_conversation_changelist"),
            contact.pk,
            text % {"count": contact.conversation_total},
        )

    @display(description=_("told by the page, not checked"))
    def told(self, contact: Contact) -> Any:
        facts = ((name, value) for name, value in contact.attributes.items())
        return format_html_join("", '<p><span class="y-muted">{}</span> {}</p>', facts) or "–"

    @display(description=_("privacy notice"))
    def consent_list(self, contact: Contact) -> Any:
        consents = contact.consents.order_by("-at")
        lines = (
            (
                gettext("Version %(number)s") % {"number": item.version},
                item.get_basis_display(),
                moment(item.at),
            )
            for item in consents
        )
        return format_html_join("", "<p>{} · {} · {}</p>", lines) or "–"

    @display(description=_("first seen"), ordering="created_at")
    def first_seen(self, contact: Contact) -> str:
        return moment(contact.created_at)

    @display(description=_("last seen"), ordering="last_seen_at")
    def seen_at(self, contact: Contact) -> str:
        return moment(contact.last_seen_at)


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    """Which version of a privacy notice whom reached, and how."""

    capabilities = {"view": "contact.view"}
    list_display = ("how", "who", "channel", "version", "when")
    list_display_links = ("how",)
    list_filter = (("channel", RelatedDropdownFilter), period_on("at"))
    list_filter_submit = True
    list_select_related = ("channel", "contact")
    fields = ("how", "who", "channel", "version", "when")
    ordering = ("-pk",)

    def title_of(self, row: Consent) -> str:
        return f"{row.contact.display_name} {moment(row.at)}"

    @display(description=_("how"), ordering="basis")
    def how(self, consent: Consent) -> str:
        return consent.get_basis_display()

    @display(description=_("contact"))
    def who(self, consent: Consent) -> SafeString:
        return format_html(
            '<a class="y-link" href="{}">{}</a>',
            reverse("admin:conversations_contact_change", args=[consent.contact_id]),
            consent.contact.display_name,
        )

    @display(description=_("at"), ordering="at")
    def when(self, consent: Consent) -> str:
        return moment(consent.at)
