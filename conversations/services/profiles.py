"""Keep what colleagues know of a contact: names and numbers, tags, notes, the right to opt out."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from conversations import events
from conversations.models import (
    NOTE_LENGTH,
    Contact,
    ContactNote,
    ContactTag,
    Conversation,
    Tag,
    TagSource,
    Ticket,
)
from conversations.persons import contact_ids_of
from conversations.states import ConversationStatus
from tenants import clock
from tenants.errors import DomainError, NotFoundError
from tenants.models import Membership
from tenants.services import ledger
from tenants.services.ledger import Event

# What colleagues may write down of a contact, in the columns that are theirs.
EDITABLE = {
    "name": "noted_name",
    "phone": "noted_phone",
    "email": "noted_email",
    "remark": "remark",
}
_ANNOUNCED = 20


class ErasedContactError(DomainError):
    """The person had everything erased; nothing is written about them any more."""

    code = "contact_erased"
    status = 409
    message = _("This person's data was erased; nothing can be added.")


class MergedContactError(DomainError):
    """The contact was merged; what is known of the person stands with the other one."""

    code = "contact_merged"
    status = 409
    message = _("This contact was merged into another one. Please open that one.")


class InvalidProfileError(DomainError):
    """A value does not fit."""

    code = "invalid"
    message = _("“%(field)s” is too long or not in the right form.")


class EmptyNoteError(DomainError):
    """A note without words."""

    code = "invalid"
    message = _("Please write something first.")


class OptedOutError(DomainError):
    """The person does not want to be profiled."""

    code = "opted_out"
    status = 409
    message = _("This contact opted out of profiling.")


def lock_person(contact_id: UUID) -> Contact:
    """Return the contact with its row locked until the transaction ends.

    Raises NotFoundError, MergedContactError, ErasedContactError.
    """
    contact: Contact | None = (
        Contact.objects.select_for_update(of=("self",)).filter(pk=contact_id).first()
    )
    if contact is None:
        raise NotFoundError
    if contact.merged_into_id is not None:
        raise MergedContactError
    if contact.erased_at is not None:
        raise ErasedContactError
    return contact


def edit_contact(contact: Contact, changes: Mapping[str, str], *, by: Membership) -> Contact:
    """Write down what a colleague was told: any of "name", "phone", "email" and "remark".

    They stand apart from what the visitor's page told and from what the client's system signed,
    which is never overwritten. The ledger keeps keyed fingerprints of the values before and after.
    Locks the contact. Raises InvalidProfileError.
    """
    with transaction.atomic():
        person = lock_person(contact.pk)
        changed = {}
        for field, value in changes.items():
            column = EDITABLE[field]
            text = _clean(field, value)
            before = getattr(person, column)
            if text != before:
                marks = {"before": fingerprint(person, before), "after": fingerprint(person, text)}
                changed[field] = marks
                setattr(person, column, text)
        if changed:
            columns = [EDITABLE[field] for field in changed]
            person.save(update_fields=[*columns, "fingerprint_key"])
            ledger.append(Event("contact.edited", person.pk, {"by": by.pk, "changed": changed}))
            announce_profile(person)
    return person


def learn_from(ticket: Ticket) -> list[Event]:
    """Keep the name, phone and e-mail that a visitor gave with a ticket; return the events.

    Only where nothing came in before, and shown as unchecked: no identity is proved by it, nothing
    that was signed is replaced, and no contacts are merged (R37). Nothing is kept of somebody who
    opted out of profiling (R36). Within the caller's transaction.
    """
    person = Contact.objects.select_for_update(of=("self",)).get(pk=ticket.contact_id)
    if person.opted_out_of_profile or person.erased_at is not None or person.is_probe:
        return []
    given = {name: getattr(ticket, name) for name in ("name", "phone", "email")}
    news = {name: value for name, value in given.items() if value and not getattr(person, name)}
    if not news:
        return []
    for name, value in news.items():
        setattr(person, name, value)
    person.from_ticket = sorted({*person.from_ticket, *news})
    person.save(update_fields=[*news, "from_ticket"])
    announce_profile(person)
    facts = {"ticket": ticket.pk, "fields": sorted(news)}
    return [Event("contact.told_by_ticket", person.pk, facts)]


def fingerprint(person: Contact, value: str) -> str:
    """Return by which hash the ledger names a value of this person, "" for none.

    Keyed for each person, because telephone numbers are too few for a plain hash to hide them;
    with the key erased, the fingerprints say nothing. The caller saves `fingerprint_key`.
    """
    if not person.fingerprint_key:
        person.fingerprint_key = secrets.token_hex(32)
    if not value:
        return ""
    return hmac.new(person.fingerprint_key.encode(), value.encode(), hashlib.sha256).hexdigest()


def save_tag(tag: Tag, *, by: Membership | None) -> Tag:
    """Write a tag of the tenant's list."""
    with transaction.atomic():
        tag.save()
        facts = {
            "by": by.pk if by else None,
            "rule": tag.rule,
            "active": tag.is_active,
            "life_days": tag.life_days,
        }
        ledger.append(Event("tag.changed", tag.pk, facts))
    return tag


def add_tag(
    contact: Contact,
    tag: Tag,
    *,
    by: Membership | None,
    source: TagSource = TagSource.AGENT,
    reason: str = "",
    conversation: Conversation | None = None,
) -> ContactTag:
    """Put a tag on a contact, until the tag's days are over; once more starts the days anew.

    Raises NotFoundError for a tag that is out of use, OptedOutError where a rule or the assistant
    would tag somebody who opted out. Source: R36.
    """
    if not tag.is_active:
        raise NotFoundError
    with transaction.atomic():
        person = lock_person(contact.pk)
        if person.opted_out_of_profile and source != TagSource.AGENT:
            raise OptedOutError
        at = clock.now()
        row, created = ContactTag.objects.update_or_create(
            contact=person,
            tag=tag,
            defaults={"expires_at": at + timedelta(days=tag.life_days)},
            create_defaults={
                "source": source,
                "by": by,
                "reason": reason[:200],
                "conversation": conversation,
                "added_at": at,
                "expires_at": at + timedelta(days=tag.life_days),
            },
        )
        if created:
            facts = {"by": by.pk if by else None, "tag": tag.pk, "source": source}
            ledger.append(Event("contact.tagged", person.pk, facts, at))
            announce_profile(person)
    return row


def remove_tag(contact: Contact, tag_id: UUID, *, by: Membership) -> None:
    """Take a tag off a contact; one that is not there is not there."""
    with transaction.atomic():
        person = lock_person(contact.pk)
        removed, _rows = ContactTag.objects.filter(contact=person, tag=tag_id).delete()
        if removed:
            ledger.append(Event("contact.untagged", person.pk, {"by": by.pk, "tag": tag_id}))
            announce_profile(person)


def named_tag(name: str, *, by: Membership) -> Tag:
    """Return the tag of this name, made if there is none; raises InvalidProfileError."""
    name = " ".join(name.replace("\x00", "").split())
    if not 0 < len(name) <= Tag._meta.get_field("name").max_length:  # type: ignore[operator]
        raise InvalidProfileError(field=Tag._meta.verbose_name)
    tag = Tag.objects.filter(name__iexact=name).first()
    if tag is not None:
        return tag
    try:
        with transaction.atomic():
            return save_tag(Tag(name=name), by=by)
    except IntegrityError:
        return Tag.objects.get(name=name)


def add_note(contact: Contact, text: str, *, by: Membership, pinned: bool = False) -> ContactNote:
    """Write a note about a contact; colleagues read it, the visitor never does."""
    text = text.replace("\x00", "").strip()
    if not text:
        raise EmptyNoteError
    if len(text) > NOTE_LENGTH:
        raise InvalidProfileError(field=ContactNote._meta.verbose_name)
    with transaction.atomic():
        person = lock_person(contact.pk)
        at = clock.now()
        note = ContactNote.objects.create(
            contact=person, author=by, text=text, pinned=pinned, created_at=at
        )
        facts = {"by": by.pk, "note": note.pk, "text_mac": fingerprint(person, text)}
        person.save(update_fields=["fingerprint_key"])
        ledger.append(Event("contact.noted", person.pk, facts, at))
    return note


def pin_note(contact: Contact, note_id: UUID, *, by: Membership, pinned: bool) -> ContactNote:
    """Keep a note at the top, or let it go down; raises NotFoundError."""
    with transaction.atomic():
        note = _note(lock_person(contact.pk), note_id)
        note.pinned = pinned
        note.save(update_fields=["pinned"])
        facts = {"by": by.pk, "note": note.pk, "pinned": pinned}
        ledger.append(Event("contact.note_pinned", contact.pk, facts))
    return note


def remove_note(contact: Contact, note_id: UUID, *, by: Membership) -> None:
    """Remove a note; who removed it stays in the ledger. Raises NotFoundError."""
    with transaction.atomic():
        _note(lock_person(contact.pk), note_id).delete()
        ledger.append(Event("contact.note_removed", contact.pk, {"by": by.pk, "note": note_id}))


def set_opt_out(contact: Contact, *, out: bool, by: Membership) -> Contact:
    """Let a person out of profiling, or in again: tags by rules and assistant fall off at once."""
    with transaction.atomic():
        person = lock_person(contact.pk)
        person.opted_out_of_profile = out
        person.save(update_fields=["opted_out_of_profile"])
        if out:
            ContactTag.objects.filter(contact=person).exclude(source=TagSource.AGENT).delete()
        ledger.append(Event("contact.opted_out", person.pk, {"by": by.pk, "out": out}))
        announce_profile(person)
    return person


def clear_expired_tags() -> int:
    """Take off the tags whose days are over; return how many."""
    with transaction.atomic():
        expired = ContactTag.objects.filter(expires_at__lte=clock.now())
        taken = list(expired.values_list("pk", "contact_id", "tag_id"))
        ContactTag.objects.filter(pk__in=[pk for pk, _contact, _tag in taken]).delete()
        if taken:
            ledger.append(
                *(
                    Event("contact.tag_expired", contact_id, {"tag": tag_id})
                    for _pk, contact_id, tag_id in taken
                )
            )
    return len(taken)


def announce_profile(person: Contact) -> None:
    """Tell the agents' lists how the person's running conversations look now."""
    running = (
        Conversation.objects.filter(contact__in=contact_ids_of(person), last_seq__gt=0)
        .exclude(status=ConversationStatus.CLOSED)
        .select_related("channel", "contact", "agent")
    )
    for conversation in running.order_by("-last_at")[:_ANNOUNCED]:
        events.announce_conversation(conversation, to_visitor=False)


def _note(person: Contact, note_id: UUID) -> ContactNote:
    note: ContactNote | None = ContactNote.objects.filter(contact=person, pk=note_id).first()
    if note is None:
        raise NotFoundError
    return note


def _clean(field: str, value: str) -> str:
    column: Any = Contact._meta.get_field(EDITABLE[field])
    text = value.replace("\x00", "").strip()
    wrong = InvalidProfileError(field=column.verbose_name)
    if len(text) > column.max_length:
        raise wrong
    if field == "email" and text:
        try:
            validate_email(text)
        except ValidationError:
            raise wrong from None
    if field == "phone" and text and (sum(sign.isdigit() for sign in text) < 3):
        raise wrong
    return text
