"""The console's customer card: read and written by contact, each verb with its own capability."""

from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import happenings, profile
from conversations.api.console import ConsoleView
from conversations.models import NOTE_LENGTH, Contact, ContactMerge, Tag
from conversations.services import blocks, merging, profiles
from tenants.errors import DomainError, NotFoundError

LONGEST_BLOCK_DAYS = 365


class NothingSaidError(DomainError):
    """The request names nothing to do."""

    code = "invalid"
    message = _("Say what is to be changed.")


class EditInput(serializers.Serializer[Any]):
    """What a colleague was told about the contact; what is left out stays as it is."""

    name = serializers.CharField(max_length=60, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True)
    email = serializers.CharField(max_length=254, required=False, allow_blank=True)
    remark = serializers.CharField(max_length=500, required=False, allow_blank=True)
    opted_out = serializers.BooleanField(required=False, allow_null=True, default=None)


class TagInput(serializers.Serializer[Any]):
    """A tag to put on, by id or by a new name, or one to take off."""

    add = serializers.UUIDField(required=False)
    name = serializers.CharField(max_length=40, required=False)
    remove = serializers.UUIDField(required=False)
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class NoteInput(serializers.Serializer[Any]):
    """A note to be written, or what becomes of one."""

    text = serializers.CharField(max_length=NOTE_LENGTH, required=False, trim_whitespace=False)
    note = serializers.UUIDField(required=False)
    pinned = serializers.BooleanField(required=False, allow_null=True, default=None)
    remove = serializers.BooleanField(default=False)


class BlockInput(serializers.Serializer[Any]):
    """Why somebody is not served, and for how long; without `days` until it is lifted."""

    reason = serializers.CharField(max_length=200)
    days = serializers.IntegerField(
        min_value=1, max_value=LONGEST_BLOCK_DAYS, required=False, allow_null=True, default=None
    )


class UnblockInput(serializers.Serializer[Any]):
    """Why somebody is served again."""

    reason = serializers.CharField(max_length=200)


class MergeInput(serializers.Serializer[Any]):
    """The contact that is the same person."""

    other = serializers.UUIDField()


class UnmergeInput(serializers.Serializer[Any]):
    """The merge to take back."""

    merge = serializers.UUIDField()


class ContactView(ConsoleView):
    """A view about one contact of the tenant: the one that stands for the person."""

    capability = "contact.view"
    write_capability = "contact.change"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method == "POST":
            self.capability = self.write_capability
        super().initial(request, *args, **kwargs)

    def card(self, contact: Contact) -> Response:
        """Return the card as it stands now."""
        return Response(_card(self, profile.find_contact(contact.pk)))


class ContactSearchView(ContactView):
    """GET contacts?q=&beside=: who may be meant, for a merge."""

    def get(self, request: Request) -> Response:
        beside = request.query_params.get("beside", "")
        found = profile.search(
            request.query_params.get("q", ""),
            beside=profile.find_contact(beside) if beside else None,
        )
        return Response({"contacts": [profile.summary(contact) for contact in found]})


class TagListView(ContactView):
    """GET tags: those in use."""

    def get(self, request: Request) -> Response:
        rows = Tag.objects.filter(is_active=True)
        return Response(
            {"tags": [{"id": str(row.pk), "name": row.name, "colour": row.colour} for row in rows]}
        )


class ContactDetailView(ContactView):
    """GET and POST contacts/{id}: the customer card, and what colleagues were told."""

    def get(self, request: Request, pk: str) -> Response:
        return self.card(profile.find_contact(pk))

    def post(self, request: Request, pk: str) -> Response:
        contact = profile.find_contact(pk)
        data = self.valid(EditInput)
        out = data.pop("opted_out")
        if out is None and not data:
            raise NothingSaidError
        if data:
            profiles.edit_contact(contact, data, by=self.member)
        if out is not None:
            profiles.set_opt_out(contact, out=out, by=self.member)
        return self.card(contact)


class ContactTagView(ContactView):
    """POST contacts/{id}/tags."""

    def post(self, request: Request, pk: str) -> Response:
        contact = profile.find_contact(pk)
        data = self.valid(TagInput)
        if "remove" in data:
            profiles.remove_tag(contact, data["remove"], by=self.member)
        elif "add" in data:
            tag = Tag.objects.filter(pk=data["add"]).first()
            if tag is None:
                raise NotFoundError
            profiles.add_tag(contact, tag, by=self.member, reason=data["reason"])
        elif "name" in data:
            tag = profiles.named_tag(data["name"], by=self.member)
            profiles.add_tag(contact, tag, by=self.member, reason=data["reason"])
        else:
            raise NothingSaidError
        return self.card(contact)


class ContactNoteView(ContactView):
    """POST contacts/{id}/notes."""

    def post(self, request: Request, pk: str) -> Response:
        contact = profile.find_contact(pk)
        data = self.valid(NoteInput)
        pinned = data["pinned"]
        if "note" in data and data["remove"]:
            profiles.remove_note(contact, data["note"], by=self.member)
        elif "note" in data and pinned is not None:
            profiles.pin_note(contact, data["note"], by=self.member, pinned=pinned)
        elif "text" in data:
            profiles.add_note(contact, data["text"], by=self.member, pinned=bool(pinned))
        else:
            raise NothingSaidError
        return self.card(contact)


class ContactTimelineView(ContactView):
    """GET contacts/{id}/timeline?before=."""

    def get(self, request: Request, pk: str) -> Response:
        contact = profile.find_contact(pk)
        page, edge = happenings.timeline(
            contact, before=_instant(request.query_params.get("before", ""))
        )
        return Response(
            {
                "happenings": [each.on_wire() for each in page],
                "next": edge.isoformat() if edge else None,
            }
        )


class BlockView(ContactView):
    """POST contacts/{id}/block: serve them no more."""

    write_capability = "contact.block"

    def post(self, request: Request, pk: str) -> Response:
        contact = profile.find_contact(pk)
        data = self.valid(BlockInput)
        blocks.block_contact(contact, by=self.member, reason=data["reason"], days=data["days"])
        return self.card(contact)


class UnblockView(ContactView):
    """POST contacts/{id}/unblock: serve them again."""

    write_capability = "contact.block"

    def post(self, request: Request, pk: str) -> Response:
        contact = profile.find_contact(pk)
        data = self.valid(UnblockInput)
        entry = blocks.standing_block(contact)
        if entry is None:
            raise NotFoundError
        blocks.lift_block(entry, by=self.member, reason=data["reason"])
        return self.card(contact)


class MergeView(ContactView):
    """POST contacts/{id}/merge: the other one is the same person, and goes into this one."""

    write_capability = "contact.merge"

    def post(self, request: Request, pk: str) -> Response:
        contact = profile.find_contact(pk)
        other = profile.find_contact(self.valid(MergeInput)["other"])
        merging.merge_contacts(contact, other, by=self.member)
        return self.card(contact)


class UnmergeView(ContactView):
    """POST contacts/{id}/unmerge: they are two people after all."""

    write_capability = "contact.merge"

    def post(self, request: Request, pk: str) -> Response:
        contact = profile.find_contact(pk)
        merge = ContactMerge.objects.filter(
            pk=self.valid(UnmergeInput)["merge"], kept=contact
        ).first()
        if merge is None:
            raise NotFoundError
        undone = merging.undo_merge(merge, by=self.member)
        card = _card(self, profile.find_contact(contact.pk))
        return Response({**card, "left": dict(undone.left)})


def _card(view: ConsoleView, person: Contact) -> dict[str, Any]:
    actor = view.actor
    member = actor.membership is not None and person.erased_at is None
    may = {verb: member and actor.can(f"contact.{verb}") for verb in ("change", "block", "merge")}
    return {**profile.card(person), "may": may}


def _instant(value: str) -> datetime | None:
    try:
        # A query string turns the plus sign of an offset into a space.
        found = datetime.fromisoformat(value.replace(" ", "+"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
