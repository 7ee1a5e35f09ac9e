"""The forms of the contact's page: what colleagues know, and why somebody is not served."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from conversations.admin.pages import days_field, reason_field
from conversations.models import NOTE_LENGTH, Contact, Tag
from conversations.profile import tags_of
from conversations.services import profiles
from tenants.models import Membership

_FACTS = ("name", "phone", "email", "remark")


class ContactEditForm(forms.Form):
    """What colleagues were told, the tags, one more note, and whether the person opted out."""

    name = forms.CharField(
        label=_("name by colleagues"),
        max_length=60,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
    )
    phone = forms.CharField(
        label=_("phone by colleagues"),
        max_length=40,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
    )
    email = forms.EmailField(
        label=_("e-mail address by colleagues"),
        required=False,
        widget=UnfoldAdminTextInputWidget(),
    )
    remark = forms.CharField(
        label=_("remark"),
        max_length=500,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )
    tags = forms.ModelMultipleChoiceField(
        label=_("tags"),
        queryset=Tag.objects.none(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=_("A tag must never lead to other prices or terms for the same thing."),
    )
    note = forms.CharField(
        label=_("another note"),
        max_length=NOTE_LENGTH,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )
    opted_out = forms.BooleanField(
        label=_("opted out of profiling"),
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text=Contact._meta.get_field("opted_out_of_profile").help_text,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tags"].queryset = Tag.objects.filter(is_active=True)  # type: ignore[attr-defined]


class BlockForm(forms.Form):
    """Why, and for how long."""

    reason = reason_field(_("reason"), help_text=_("For colleagues; the visitor never reads it."))
    days = days_field(_("for days"), _("Empty: until somebody lifts the block."))


def standing(contact: Contact) -> dict[str, Any]:
    """Return what the form shows of a contact at first."""
    return {
        **{field: getattr(contact, profiles.EDITABLE[field]) for field in _FACTS},
        "tags": [row.tag_id for row in tags_of(contact)],
        "opted_out": contact.opted_out_of_profile,
    }


def save(contact: Contact, data: dict[str, Any], *, by: Membership) -> None:
    """Write what the form says of a contact, by the services."""
    profiles.edit_contact(contact, {field: data[field] for field in _FACTS}, by=by)
    if data["opted_out"] != contact.opted_out_of_profile:
        profiles.set_opt_out(contact, out=data["opted_out"], by=by)
    before = {row.tag_id for row in tags_of(contact)}
    after = {tag.pk: tag for tag in data["tags"]}
    for tag_id in before - after.keys():
        profiles.remove_tag(contact, tag_id, by=by)
    for tag_id in after.keys() - before:
        profiles.add_tag(contact, after[tag_id], by=by)
    if data["note"].strip():
        profiles.add_note(contact, data["note"], by=by)
