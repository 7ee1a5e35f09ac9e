"""Give tags by the rules a tenant chose, and tell which tags rules may look at."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Max
from django.utils.translation import gettext_lazy as _

from conversations.models import (
    Contact,
    ContactTag,
    Conversation,
    Feedback,
    Handoff,
    Message,
    Tag,
    TagRule,
    TagSource,
)
from conversations.persons import person_of
from conversations.services import profiles
from conversations.states import HandoffReason
from tenants import clock
from tenants.errors import DomainError
from tenants.models import LedgerEntry

# Rules look this far back: a run that was left out is made up for by the next one.
LOOKED_BACK = timedelta(days=2)
_OFTEN, _OFTEN_WITHIN = 3, timedelta(days=30)


class TagTakenOffError(DomainError):
    """A colleague took the tag off lately, and knew better than a rule."""

    code = "tag_taken_off"
    status = 409
    message = _("A colleague took this tag off. It can be put back by hand.")


def apply_rules() -> int:
    """Put the tags of rules on the contacts they hold for, of the last two days; return how many.

    Nobody who opted out or was erased is tagged, a tag that stands is not renewed, and one that a
    colleague took off is not put back. Source: R36.
    """
    since = clock.now() - LOOKED_BACK
    added = 0
    for tag in Tag.objects.filter(is_active=True).exclude(rule=""):
        for contact_id, conversation_id in _HELD_FOR[TagRule(tag.rule)](since):
            added += _tag(tag, contact_id, conversation_id)
    return added


def _tag(tag: Tag, contact_id: UUID, conversation_id: UUID) -> bool:
    person = person_of(Contact.objects.get(pk=contact_id))
    if person.opted_out_of_profile or person.erased_at is not None or _was_taken_off(tag, person):
        return False
    return give_tag(person, tag, conversation=Conversation.objects.get(pk=conversation_id))


def give_tag(contact: Contact, tag: Tag, *, conversation: Conversation, reason: str = "") -> bool:
    """Put a tag on the contact's person as a rule does; False where it stands already.

    One that stands is not renewed. Raises OptedOutError, TagTakenOffError where a colleague took
    it off within two days, ErasedContactError, NotFoundError for a tag out of use. Source: R36.
    """
    with transaction.atomic():
        person = lock_person_of(contact)
        if ContactTag.objects.filter(contact=person, tag=tag).exists():
            return False
        if _was_taken_off(tag, person):
            raise TagTakenOffError
        profiles.add_tag(
            person,
            tag,
            by=None,
            source=TagSource.RULE,
            conversation=conversation,
            reason=reason,
        )
    return True


def lock_person_of(contact: Contact) -> Contact:
    """Return the person the contact stands for, their row locked until the transaction ends.

    To be called before the conversation and the ledger's end are locked.
    """
    person: Contact = Contact.objects.select_for_update(of=("self",)).get(pk=person_of(contact).pk)
    return person


def standing(contact: Contact) -> frozenset[UUID]:
    """Return the ids of the tags of the contact's person that count today.

    Of somebody who opted out only those that people gave.
    """
    person = person_of(contact)
    rows = ContactTag.objects.filter(
        contact=person, expires_at__gt=clock.now(), tag__is_active=True
    )
    if person.opted_out_of_profile:
        rows = rows.filter(source=TagSource.AGENT)
    return frozenset(rows.values_list("tag", flat=True))


def _was_taken_off(tag: Tag, person: Contact) -> bool:
    """Whether a colleague knew better than the rule, as long as the rule looks back."""
    taken = LedgerEntry.objects.filter(
        subject=str(person.pk), kind="contact.untagged", at__gte=clock.now() - LOOKED_BACK
    )
    return str(tag.pk) in [facts["tag"] for facts in taken.values_list("data", flat=True)]


def _complained(since: datetime) -> Iterable[tuple[UUID, UUID]]:
    return (
        Handoff.objects.filter(reason=HandoffReason.COMPLAINT, decided_at__gte=since)
        .order_by("decided_at")
        .values_list("conversation__contact", "conversation")
    )


def _dissatisfied(since: datetime) -> Iterable[tuple[UUID, UUID]]:
    return (
        Message.objects.filter(feedback=Feedback.UNHELPFUL, created_at__gte=since)
        .order_by("created_at")
        .values_list("conversation__contact", "conversation")
    )


def _often(since: datetime) -> Iterable[tuple[UUID, UUID]]:
    recent = Conversation.objects.filter(
        created_at__gte=clock.now() - _OFTEN_WITHIN, last_seq__gt=0
    )
    rows = (
        recent.order_by()
        .values("contact")
        .annotate(count=Count("pk"), latest=Max("created_at"))
        .filter(count__gte=_OFTEN, latest__gte=since)
        .values_list("contact", flat=True)
    )
    for contact_id in rows:
        latest = recent.filter(contact=contact_id).latest("created_at")
        yield contact_id, latest.pk


_HELD_FOR: dict[TagRule, Callable[[datetime], Iterable[tuple[UUID, UUID]]]] = {
    TagRule.COMPLAINT: _complained,
    TagRule.UNHELPFUL: _dissatisfied,
    TagRule.OFTEN: _often,
}
