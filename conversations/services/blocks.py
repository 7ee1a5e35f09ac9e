"""Serve somebody no more, for a while or until lifted, and lift it again."""

import ipaddress
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from conversations.models import BlockEntry, Contact, Conversation
from conversations.persons import contact_ids_of
from conversations.services import endings
from conversations.services.contacts import BlockedError
from conversations.services.profiles import announce_profile, lock_person
from conversations.states import ConversationStatus
from tenants import clock
from tenants.errors import DomainError, NotFoundError
from tenants.models import Membership
from tenants.services import ledger
from tenants.services.ledger import Event

# The end of a block that stands until it is lifted.
UNTIL_LIFTED = datetime(9999, 12, 31, tzinfo=UTC)


class ReasonNeededError(DomainError):
    """A block, and its lifting, need a reason."""

    code = "invalid"
    message = _("Please write down the reason.")


class BadAddressError(DomainError):
    """What was given is no network address."""

    code = "invalid"
    message = _("This is not a network address.")


class AlreadyBlockedError(DomainError):
    """A block stands already."""

    code = "already_blocked"
    status = 409
    message = _("This contact or address is blocked already.")


def block_contact(
    contact: Contact, *, by: Membership, reason: str, days: int | None = None
) -> BlockEntry:
    """Serve the person no more: every device, every contact merged into this one.

    For so many days, without `days` until lifted. Running conversations end, whoever holds them.
    Locks the contact. Raises ReasonNeededError, AlreadyBlockedError.
    """
    reason = _reason(reason)
    with transaction.atomic():
        person = lock_person(contact.pk)
        at = clock.now()
        _settle_expired(BlockEntry.objects.filter(contact=person), at)
        if BlockEntry.objects.filter(contact=person, lifted_at=None).exists():
            raise AlreadyBlockedError
        until = at + timedelta(days=days) if days else None
        entry = BlockEntry.objects.create(
            contact=person, reason=reason, created_at=at, created_by=by, until=until
        )
        ids = contact_ids_of(person)
        Contact.objects.filter(pk__in=ids).update(blocked_until=until or UNTIL_LIFTED)
        running = Conversation.objects.filter(contact__in=ids).exclude(
            status=ConversationStatus.CLOSED
        )
        for conversation_id in running.order_by("pk").values_list("pk", flat=True):
            endings.end(conversation_id, by=by)
        ledger.append(
            Event("contact.blocked", person.pk, {"by": by.pk, "entry": entry.pk, "until": until})
        )
        announce_profile(person)
    return entry


def block_address(
    address: str, *, by: Membership, reason: str, days: int | None = None
) -> BlockEntry:
    """Serve nobody at this network address. Raises as `block_contact`, and BadAddressError."""
    reason = _reason(reason)
    plain = _plain(address)
    if plain is None:
        raise BadAddressError
    with transaction.atomic():
        at = clock.now()
        _settle_expired(BlockEntry.objects.filter(address=plain), at)
        if BlockEntry.objects.filter(address=plain, lifted_at=None).exists():
            raise AlreadyBlockedError
        until = at + timedelta(days=days) if days else None
        entry = BlockEntry.objects.create(
            address=plain, reason=reason, created_at=at, created_by=by, until=until
        )
        ledger.append(Event("address.blocked", entry.pk, {"by": by.pk, "until": until}, at))
    return entry


def lift_block(entry: BlockEntry, *, by: Membership, reason: str) -> BlockEntry:
    """End a block that stands. Raises ReasonNeededError; NotFoundError where it is over."""
    reason = _reason(reason)
    with transaction.atomic():
        standing: BlockEntry | None = (
            BlockEntry.objects.select_for_update().filter(pk=entry.pk, lifted_at=None).first()
        )
        if standing is None:
            raise NotFoundError
        standing.lifted_at = clock.now()
        standing.lifted_by = by
        standing.lifted_reason = reason
        standing.save(update_fields=["lifted_at", "lifted_by", "lifted_reason"])
        if standing.contact is not None:
            renew_blocks(standing.contact)
        ledger.append(Event("block.lifted", standing.pk, {"by": by.pk}))
        if standing.contact is not None:
            announce_profile(standing.contact)
    return standing


def standing_block(person: Contact) -> BlockEntry | None:
    """Return the block under which the person is not served now, or None."""
    at = clock.now()
    entries = BlockEntry.objects.filter(contact__in=contact_ids_of(person), lifted_at=None)
    return next((entry for entry in entries.select_related("created_by") if entry.holds(at)), None)


def renew_blocks(person: Contact) -> None:
    """Tell the doors anew which contacts of the person are blocked, and until when.

    Each takes over the blocks of itself and of those it was merged into. Part of a transaction.
    """
    at = clock.now()
    entries = BlockEntry.objects.filter(contact__in=contact_ids_of(person), lifted_at=None)
    ends = [entry.until or UNTIL_LIFTED for entry in entries if entry.holds(at)]
    Contact.objects.filter(pk__in=contact_ids_of(person)).update(
        blocked_until=max(ends) if ends else None
    )


def refuse_address(address: str) -> None:
    """Raise BlockedError where the tenant in scope blocks this network address; one small query."""
    plain = _plain(address)
    if plain is None:
        return
    at = clock.now()
    entries = BlockEntry.objects.filter(address=plain, lifted_at=None)
    if any(entry.holds(at) for entry in entries):
        raise BlockedError


def _settle_expired(entries: object, at: datetime) -> None:
    # One that ran out was never lifted, and would stand in the way of the next one.
    entries.filter(lifted_at=None, until__lte=at).update(lifted_at=at)  # type: ignore[attr-defined]


def _reason(text: str) -> str:
    text = text.replace("\x00", "").strip()[:200]
    if not text:
        raise ReasonNeededError
    return text


def _plain(address: str) -> str | None:
    try:
        found = ipaddress.ip_address(address.strip())
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)
