"""The people who write in: who they are, what is known of them, and what happened with them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action, display

from conversations import happenings, profile
from conversations.admin import contact_pages
from conversations.admin.counting import of_real_conversations
from conversations.admin.pages import FormPages, Question, member_of
from conversations.models import Consent, Contact, ContactMerge, Inquiry
from conversations.persons import contact_ids_of, person_of
from conversations.services import blocks
from tenants import clock
from tenants.admin_base import ReadOnlyAdmin, badge, moment
from tenants.admin_filters import PeriodFilter, instants, period_days, period_on

# The page shows the latest of what happened; the console leads further back.
SHOWN_HAPPENINGS = 40


class AskedFilter(PeriodFilter):
    """The visitors of a report: contacts who opened an inquiry in the period."""

    title = _("opened an inquiry")
    parameter_name = "asked"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = period_days(self.value() or "")
        if days is None:
            return queryset
        start, end = instants(*days)
        opened = Inquiry.objects.filter(
            of_real_conversations(), opened_at__gte=start, opened_at__lt=end
        )
        return queryset.filter(pk__in=opened.values("conversation__contact"))


@admin.register(Contact)
class ContactAdmin(FormPages, ReadOnlyAdmin):
    """Who wrote in, who vouches for them, what colleagues know of them, and what they agreed to."""

    capabilities = {
        "view": "contact.view",
        "edit": "contact.change",
        "block": "contact.block",
        "request": "subject.handle",
    }
    actions_detail = ("edit_page", "block_page", "request_page")
    change_form_outer_after_template = "admin/conversations/contact_profile.html"
    list_display = ("state", "label", "external_id", "channel", "conversation_count", "seen_at")
    list_display_links = ("label",)
    ordering = ("-last_seen_at",)
    list_filter = (("channel", RelatedDropdownFilter), period_on("last_seen_at"), AskedFilter)
    list_filter_submit = True
    list_select_related = ("channel",)
    search_fields = (
        "name",
        "noted_name",
        "=external_id",
        "=phone",
        "=noted_phone",
        "=email",
        "=noted_email",
    )
    search_help_text = _("Name, or a whole customer number, phone number or e-mail address")
    fields = (
        "label",
        "state",
        "external_id",
        "phone_known",
        "email_known",
        "remark",
        "tag_list",
        "opted_out_of_profile",
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
        match = request.resolver_match
        listed = match is not None and match.url_name == "conversations_contact_changelist"
        if listed and AskedFilter.parameter_name not in request.GET:
            # Found under the contact they were merged into; reports count each as they came.
            queryset = queryset.filter(merged_into=None)
        return queryset.annotate(conversation_total=Count("conversations"))

    def more_about(self, request: HttpRequest, row: Contact) -> dict[str, Any]:
        person = person_of(row)
        ids = contact_ids_of(person)
        page, more = happenings.timeline(person, limit=SHOWN_HAPPENINGS)
        return {
            "person": person,
            "merged_elsewhere": person.pk != row.pk,
            "standing_block": blocks.standing_block(person),
            "notes": [(note, moment(note.created_at)) for note in profile.notes_of(person)],
            "happenings": [(each, moment(each.at)) for each in page],
            "has_more": more is not None,
            "shown": SHOWN_HAPPENINGS,
            "demand": profile.demand(person, ids),
            "satisfaction": profile.satisfaction(ids),
            "ratings": [(row, moment(row.given_at)) for row in profile.ratings_of(ids)],
            "counts": profile.counts(ids),
            "merges": [
                (merge, moment(merge.at))
                for merge in ContactMerge.objects.filter(kept__in=ids).select_related(
                    "merged", "by"
                )
            ],
        }

    def has_edit_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "edit")

    def has_block_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "block")

    def has_request_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "request")

    @action(description=_("Edit"), url_path="edit", permissions=["edit"], icon="edit")
    def edit_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask what colleagues know of the contact, and write it down."""
        contact = self.get_object(request, object_id)
        if not isinstance(contact, Contact):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        question = Question(
            title=gettext("What colleagues know of %(name)s") % {"name": contact},
            lead=gettext(
                "It stands beside what the visitor's page told, and never replaces what your own "
                "system signed."
            ),
            submit_label=gettext("Save"),
            form_class=contact_pages.ContactEditForm,
            back=_page_of(contact),
            initial=contact_pages.standing(contact),
        )

        def work(data: dict[str, Any]) -> str:
            contact_pages.save(contact, data, by=member_of(request))
            return gettext("Saved.")

        return self.ask(request, question, work)

    @action(description=_("Block"), url_path="block", permissions=["block"], icon="block")
    def block_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask why, then serve the contact no more."""
        contact = self.get_object(request, object_id)
        if not isinstance(contact, Contact):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        question = Question(
            title=gettext("Block %(name)s?") % {"name": contact},
            lead=gettext(
                "The contact gets one calm sentence and no service on any device. Running "
                "conversations end at once."
            ),
            submit_label=gettext("Block"),
            form_class=contact_pages.BlockForm,
            back=_page_of(contact),
        )

        def work(data: dict[str, Any]) -> str:
            blocks.block_contact(
                contact, by=member_of(request), reason=data["reason"], days=data["days"]
            )
            return gettext("%(name)s is not served any more.") % {"name": contact}

        return self.ask(request, question, work)

    @action(
        description=_("Subject request"),
        url_path="request",
        permissions=["request"],
        icon="privacy_tip",
    )
    def request_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead to the form that takes down what this person asks about their own data."""
        contact = self.get_object(request, object_id)
        if not isinstance(contact, Contact):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        form = reverse("admin:conversations_subjectrequest_add")
        return HttpResponseRedirect(f"{form}?who={contact.pk}")

    @display(description=_("identity"))
    def state(self, contact: Contact) -> SafeString:
        if contact.erased_at is not None:
            return badge(gettext("Erased"))
        if contact.is_blocked(clock.now()):
            return badge(gettext("Blocked"), "breach")
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

    @display(description=_("phone"))
    def phone_known(self, contact: Contact) -> Any:
        return _fact(contact, "phone")

    @display(description=_("e-mail address"))
    def email_known(self, contact: Contact) -> Any:
        return _fact(contact, "email")

    @display(description=_("tags"))
    def tag_list(self, contact: Contact) -> Any:
        rows = (
            (row.tag.name, row.by or row.get_source_display(), moment(row.expires_at))
            for row in profile.tags_of(person_of(contact))
        )
        until = gettext("until")
        lines = ((name, by, until, end) for name, by, end in rows)
        return format_html_join("", "<p>{} · {} · {} {}</p>", lines) or "–"

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


def _page_of(contact: Contact) -> str:
    return reverse("admin:conversations_contact_change", args=[contact.pk])


def _fact(contact: Contact, name: str) -> Any:
    known = profile.fact(contact, name)
    sources = {
        "signed": gettext("signed by your system"),
        "ticket": gettext("from a ticket, not checked"),
        "told": gettext("told, not checked"),
    }
    lines = [(known["value"], sources.get(known["source"], ""))] if known["value"] else []
    if known["noted"]:
        lines.append((known["noted"], gettext("noted by colleagues")))
    return format_html_join("", '<p>{} <span class="y-muted">{}</span></p>', lines) or "–"


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
