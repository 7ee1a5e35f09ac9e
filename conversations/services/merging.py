"""Find two contacts to be one person, and take that back.

A merge is for colleagues: tags, notes and what was noted go to the kept contact, and everything
the merged one said and agreed to is read together with it (persons.contact_ids_of). At the
visitor's own doors nothing moves: a device goes on seeing what it said itself, and is never shown,
nor believed to be, somebody whom only a colleague took it for (R37).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from conversations.models import Contact, ContactMerge, ContactNote, ContactTag, Conversation
from conversations.persons import contact_ids_of
from conversations.services import blocks
from conversations.services.profiles import (
    ErasedContactError,
    MergedContactError,
    announce_profile,
)
from tenants import clock
from tenants.errors import DomainError, NotFoundError
from tenants.models import Membership
from tenants.services import ledger
from tenants.services.ledger import Event

_FIELDS = ("noted_name", "noted_phone", "noted_email", "remark")


class SameContactError(DomainError):
    """A contact cannot be merged with itself."""

    code = "same_contact"
    message = _("These are the same contact already.")


class TwoIdentitiesError(DomainError):
    """The client's system knows both, as two people."""

    code = "two_identities"
    status = 409
    message = _("Your own system knows both as different customers, so they cannot be one.")


class KeepVerifiedError(DomainError):
    """The verified contact is the one to keep."""

    code = "keep_verified"
    status = 409
    message = _("Keep the verified contact and merge the other one into it.")


class UndoneError(DomainError):
    """The merge was taken back before."""

    code = "already_undone"
    status = 409
    message = _("This merge was undone already.")


class LaterMergeError(DomainError):
    """The kept contact was itself merged since."""

    code = "later_merge"
    status = 409
    message = _("The kept contact was merged again since. Undo that merge first.")


@dataclass(frozen=True)
class Undone:
    """A merge taken back, and what could not be: (what, how many) with what a colleague changed."""

    merge: ContactMerge
    left: tuple[tuple[str, int], ...]


def merge_contacts(kept: Contact, merged: Contact, *, by: Membership) -> ContactMerge:
    """Say that `merged` is the same person as `kept`; what colleagues wrote goes to `kept`.

    One transaction under locks of both: tags (of the same tag the longer stays), notes, and noted
    fields where `kept` has none. An opt-out of either holds for the person. Raises
    SameContactError, TwoIdentitiesError, KeepVerifiedError, MergedContactError,
    ErasedContactError, NotFoundError.
    """
    if kept.pk == merged.pk:
        raise SameContactError
    with transaction.atomic():
        kept, merged = _lock(kept.pk, merged.pk)
        if kept.verified and merged.verified:
            raise TwoIdentitiesError
        if merged.verified:
            raise KeepVerifiedError
        at = clock.now()
        moved = {
            **_move_tags(merged, kept),
            "notes": _move_notes(merged, kept),
            "fields": _fill_fields(merged, kept),
            "opted_out": [kept.opted_out_of_profile, merged.opted_out_of_profile],
            "conversations": [
                str(pk)
                for pk in Conversation.objects.filter(contact__in=contact_ids_of(merged))
                .order_by("pk")
                .values_list("pk", flat=True)
            ],
        }
        kept.opted_out_of_profile = kept.opted_out_of_profile or merged.opted_out_of_profile
        kept.save(update_fields=[*_FIELDS, "opted_out_of_profile"])
        merged.merged_into = kept
        merged.save(update_fields=["merged_into"])
        merge = ContactMerge.objects.create(kept=kept, merged=merged, by=by, at=at, moved=moved)
        blocks.renew_blocks(kept)
        ledger.append(Event("contact.merged", kept.pk, _facts(merge, by), at))
        announce_profile(kept)
    return merge


def undo_merge(merge: ContactMerge, *, by: Membership) -> Undone:
    """Give back what the merge moved, exactly, but for what was changed since: that stays.

    `left` names what stays: "tags" and "notes" that were removed since, "fields" that were
    edited since. Locks both contacts. Raises UndoneError, LaterMergeError, ErasedContactError.
    """
    with transaction.atomic():
        standing: ContactMerge | None = (
            ContactMerge.objects.select_for_update(of=("self",)).filter(pk=merge.pk).first()
        )
        if standing is None:
            raise NotFoundError
        if standing.undone_at is not None:
            raise UndoneError
        rows = _rows(standing.kept_id, standing.merged_id)
        kept, merged = rows[standing.kept_id], rows[standing.merged_id]
        if kept.erased_at or merged.erased_at:
            raise ErasedContactError
        if kept.merged_into_id is not None:
            raise LaterMergeError
        moved = standing.moved
        left = {
            "tags": _return_tags(moved, kept, merged),
            "notes": len(moved["notes"])
            - ContactNote.objects.filter(pk__in=moved["notes"], contact=kept).update(
                contact=merged
            ),
            "fields": _empty_fields(moved["fields"], kept, merged),
        }
        if kept.opted_out_of_profile == any(moved["opted_out"]):
            kept.opted_out_of_profile = moved["opted_out"][0]
        kept.save(update_fields=[*_FIELDS, "opted_out_of_profile"])
        merged.merged_into = None
        merged.save(update_fields=["merged_into"])
        standing.undone_at = clock.now()
        standing.undone_by = by
        standing.save(update_fields=["undone_at", "undone_by"])
        blocks.renew_blocks(kept)
        blocks.renew_blocks(merged)
        ledger.append(Event("contact.unmerged", kept.pk, _facts(standing, by), standing.undone_at))
        announce_profile(kept)
        announce_profile(merged)
    return Undone(standing, tuple((what, count) for what, count in left.items() if count))


def _rows(*ids: UUID) -> dict[UUID, Contact]:
    # In one order everywhere, so that two merges at once cannot wait for each other.
    return {
        contact.pk: contact
        for contact in Contact.objects.select_for_update(of=("self",))
        .filter(pk__in=ids)
        .order_by("pk")
    }


def _lock(kept_id: UUID, merged_id: UUID) -> tuple[Contact, Contact]:
    rows = _rows(kept_id, merged_id)
    if len(rows) < 2:
        raise NotFoundError
    for contact in rows.values():
        if contact.merged_into_id is not None:
            raise MergedContactError
        if contact.erased_at is not None:
            raise ErasedContactError
    return rows[kept_id], rows[merged_id]


def _facts(merge: ContactMerge, by: Membership) -> dict[str, Any]:
    moved = merge.moved
    counts = {name: len(moved[name]) for name in ("tags", "notes", "fields", "conversations")}
    return {"by": by.pk, "merge": merge.pk, "merged": merge.merged_id, "moved": counts}


def _move_tags(merged: Contact, kept: Contact) -> dict[str, Any]:
    """Move the tags `kept` lacks; of those both have, the kept one stays as long as the longer."""
    own = {row.tag_id: row for row in ContactTag.objects.filter(contact=kept)}
    moved, longer = [], []
    for row in ContactTag.objects.filter(contact=merged).order_by("pk"):
        mine = own.get(row.tag_id)
        if mine is None:
            moved.append(str(row.pk))
        elif row.expires_at > mine.expires_at:
            before, mine.expires_at = mine.expires_at, row.expires_at
            mine.save(update_fields=["expires_at"])
            longer.append([str(mine.pk), before.isoformat(), row.expires_at.isoformat()])
    ContactTag.objects.filter(pk__in=moved).update(contact=kept)
    return {"tags": moved, "longer": longer}


def _return_tags(moved: dict[str, Any], kept: Contact, merged: Contact) -> int:
    """Give the tags back; return how many were removed since."""
    back = ContactTag.objects.filter(pk__in=moved["tags"], contact=kept).update(contact=merged)
    for pk, before, after in moved["longer"]:
        row = ContactTag.objects.filter(pk=pk, contact=kept).first()
        if row is not None and row.expires_at.isoformat() == after:
            row.expires_at = datetime.fromisoformat(before)
            row.save(update_fields=["expires_at"])
    return len(moved["tags"]) - back


def _move_notes(merged: Contact, kept: Contact) -> list[str]:
    ids = [
        str(pk)
        for pk in ContactNote.objects.filter(contact=merged)
        .order_by("pk")
        .values_list("pk", flat=True)
    ]
    ContactNote.objects.filter(pk__in=ids).update(contact=kept)
    return ids


def _fill_fields(merged: Contact, kept: Contact) -> list[str]:
    """Copy what only the merged contact has noted; return the columns. There it stays as it is."""
    filled = [field for field in _FIELDS if getattr(merged, field) and not getattr(kept, field)]
    for field in filled:
        setattr(kept, field, getattr(merged, field))
    return filled


def _empty_fields(filled: list[str], kept: Contact, merged: Contact) -> int:
    """Take back what was copied; return how many were edited since and stay."""
    same = [field for field in filled if getattr(kept, field) == getattr(merged, field)]
    for field in same:
        setattr(kept, field, "")
    return len(filled) - len(same)
