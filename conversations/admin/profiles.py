"""The tags of a tenant, who is blocked, and which contacts were found to be one person."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import action, display

from conversations import profile_figures
from conversations.admin.pages import FormPages, Question, days_field, member_of, reason_field
from conversations.models import BlockEntry, Contact, ContactMerge, Tag, TagColour
from conversations.services import blocks, merging, profiles
from tenants import clock
from tenants.admin_base import ReadOnlyAdmin, TenantAdmin, TenantForm, actor_of, badge, moment
from tenants.admin_filters import period_on

# The badges of the admin that come closest to the console's colours.
_TONES = {
    TagColour.TEAL: "ok",
    TagColour.BLUE: "info",
    TagColour.PURPLE: "info",
    TagColour.ORANGE: "warn",
    TagColour.RED: "breach",
}


@admin.register(Tag)
class TagAdmin(TenantAdmin):
    """Keeps the tags; one that is used no more is switched off, never deleted."""

    capabilities = {"view": "contact.view", "add": "contact.change", "change": "contact.change"}
    list_display = ("label", "rule_name", "life_days", "contact_count", "state")
    list_filter = (("is_active", BooleanRadioFilter),)
    list_filter_submit = True
    search_fields = ("name",)
    fields = ("name", "colour", "rule", "life_days", "is_active")
    ordering = ("name",)
    actions_list = ("figures",)
    empty_text = _("Agents make tags as they need them; rules can give some by themselves.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tag]:
        queryset: QuerySet[Tag] = super().get_queryset(request)
        standing = Q(contacts__expires_at__gt=clock.now())
        return queryset.annotate(contact_total=Count("contacts", filter=standing))

    def save_model(self, request: HttpRequest, obj: Tag, form: Any, change: bool) -> None:
        profiles.save_tag(obj, by=actor_of(request).membership)

    def has_figures_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "view")

    @action(
        description=_("Export figures as CSV"),
        url_path="figures.csv",
        permissions=["figures"],
        icon="download",
    )
    def figures(self, request: HttpRequest) -> HttpResponse:
        """Send how many people have each tag, and how satisfied they are; few people stay hidden."""
        response = HttpResponse(
            profile_figures.tag_figures_csv(), content_type="text/csv; charset=utf-8"
        )
        response["Content-Disposition"] = 'attachment; filename="tags.csv"'
        return response

    @display(description=_("name"), ordering="name")
    def label(self, row: Tag) -> SafeString:
        return badge(row.name, _TONES.get(TagColour(row.colour), ""))

    @display(description=_("given by itself when"), ordering="rule")
    def rule_name(self, row: Tag) -> str:
        return row.get_rule_display() or "–"

    @display(description=_("contacts"))
    def contact_count(self, row: Any) -> int:
        count: int = row.contact_total
        return count

    @display(description=_("in use"), ordering="is_active")
    def state(self, row: Tag) -> SafeString:
        return badge(gettext("yes"), "ok") if row.is_active else badge(gettext("no"))


class AddressForm(TenantForm):
    """A network address that is not to be served; contacts are blocked on their own page."""

    days = days_field(_("for days"), _("Empty: until somebody lifts the block."))

    class Meta:
        model = BlockEntry
        fields = ("address", "reason")

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"] or ""
        if not address:
            raise forms.ValidationError(_("This is not a network address."))
        if BlockEntry.objects.filter(address=address, lifted_at=None).exists():
            raise forms.ValidationError(str(blocks.AlreadyBlockedError.message))
        return address


class LiftForm(forms.Form):
    """Why somebody is served again."""

    reason = reason_field(_("reason for lifting"))


@admin.register(BlockEntry)
class BlockEntryAdmin(FormPages, TenantAdmin):
    """Lists who is and was not served; an entry is lifted with a reason, never removed."""

    capabilities = {"view": "contact.view", "add": "contact.block", "lift": "contact.block"}
    form = AddressForm
    list_display = ("state", "whom", "reason", "created_by", "since", "end")
    list_display_links = ("whom",)
    list_filter = (period_on("created_at"),)
    list_filter_submit = True
    list_select_related = ("contact", "created_by")
    search_fields = ("contact__name", "contact__noted_name", "=address", "reason")
    actions_detail = ("lift_page",)
    empty_text = _("Nobody is blocked. Contacts are blocked on their own page.")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ("address", "reason", "days")
        told = ("state", "whom", "reason", "created_by", "since", "end")
        return (*told, "lifted_by", "lifted_reason")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else self.get_fields(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        entry = blocks.block_address(
            obj.address,
            by=member_of(request),
            reason=obj.reason,
            days=form.cleaned_data["days"],
        )
        obj.__dict__.update(entry.__dict__)

    def has_lift_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "lift")

    @action(
        description=_("Lift the block"), url_path="lift", permissions=["lift"], icon="lock_open"
    )
    def lift_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask why, then serve again."""
        entry = self.get_object(request, object_id)
        if not isinstance(entry, BlockEntry):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        question = Question(
            title=gettext("Lift the block of %(name)s?") % {"name": _whom(entry)},
            lead=gettext("They are served again at once. The entry stays in the list."),
            submit_label=gettext("Lift the block"),
            form_class=LiftForm,
            back=reverse("admin:conversations_blockentry_change", args=[entry.pk]),
        )

        def work(data: dict[str, Any]) -> str:
            blocks.lift_block(entry, by=member_of(request), reason=data["reason"])
            return gettext("%(name)s is served again.") % {"name": _whom(entry)}

        return self.ask(request, question, work)

    @display(description=_("state"))
    def state(self, row: BlockEntry) -> SafeString:
        if row.holds(clock.now()):
            return badge(gettext("Blocked"), "breach")
        return badge(gettext("Lifted") if row.lifted_by_id else gettext("Over"))

    @display(description=_("whom"))
    def whom(self, row: BlockEntry) -> str:
        return _whom(row)

    @display(description=_("blocked at"), ordering="created_at")
    def since(self, row: BlockEntry) -> str:
        return moment(row.created_at)

    @display(description=_("blocked until"), ordering="until")
    def end(self, row: BlockEntry) -> str:
        if row.lifted_by_id:
            return moment(row.lifted_at)
        return moment(row.until) or gettext("until lifted")


@admin.register(ContactMerge)
class ContactMergeAdmin(FormPages, ReadOnlyAdmin):
    """Lists which contacts were found to be one person, and takes that back."""

    capabilities = {"view": "contact.view", "undo": "contact.merge"}
    list_display = ("state", "kept_link", "merged_link", "by", "when")
    list_display_links = ("state",)
    list_filter = (period_on("at"),)
    list_filter_submit = True
    list_select_related = ("kept", "merged", "by", "undone_by")
    fields = ("state", "kept_link", "merged_link", "by", "when", "what", "undone_by", "undone_when")
    actions_detail = ("undo_page",)
    empty_text = _("Contacts are merged in the agent console.")

    def has_undo_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "undo")

    @action(description=_("Undo the merge"), url_path="undo", permissions=["undo"], icon="undo")
    def undo_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then take the merge back and tell what could not be."""
        merge = self.get_object(request, object_id)
        if not isinstance(merge, ContactMerge):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        question = Question(
            title=gettext("Undo the merge of %(name)s?") % {"name": merge.merged},
            lead=gettext(
                "Tags, notes and noted values go back to where they came from. What was changed "
                "since the merge stays as it is."
            ),
            submit_label=gettext("Undo the merge"),
            form_class=forms.Form,
            back=reverse("admin:conversations_contactmerge_change", args=[merge.pk]),
        )

        def work(data: dict[str, Any]) -> str:
            undone = merging.undo_merge(merge, by=member_of(request))
            if not undone.left:
                return gettext("Everything is as it was before the merge.")
            names = {"tags": _("tags"), "notes": _("notes"), "fields": _("noted values")}
            left = ", ".join(f"{names[what]}: {count}" for what, count in undone.left)
            return gettext("Undone. Changed since and left as it is: %(left)s") % {"left": left}

        return self.ask(request, question, work)

    @display(description=_("state"))
    def state(self, row: ContactMerge) -> SafeString:
        if row.undone_at is not None:
            return badge(gettext("Undone"))
        return badge(gettext("One person"), "info")

    @display(description=_("kept contact"))
    def kept_link(self, row: ContactMerge) -> SafeString:
        return _contact_link(row.kept)

    @display(description=_("merged contact"))
    def merged_link(self, row: ContactMerge) -> SafeString:
        return _contact_link(row.merged)

    @display(description=_("moved"))
    def what(self, row: ContactMerge) -> str:
        names = (("tags", _("tags")), ("notes", _("notes")), ("fields", _("noted values")))
        counts = [f"{label}: {len(row.moved.get(name, ()))}" for name, label in names]
        return ", ".join(counts)

    @display(description=_("at"), ordering="at")
    def when(self, row: ContactMerge) -> str:
        return moment(row.at)

    @display(description=_("undone at"), ordering="undone_at")
    def undone_when(self, row: ContactMerge) -> str:
        return moment(row.undone_at) or "–"


def _whom(entry: BlockEntry) -> str:
    return entry.contact.display_name if entry.contact else str(entry.address)


def _contact_link(contact: Contact) -> SafeString:
    return format_html(
        '<a class="y-link" href="{}">{}</a>',
        reverse("admin:conversations_contact_change", args=[contact.pk]),
        contact.display_name,
    )
