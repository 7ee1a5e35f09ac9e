"""What is known of one person over all channels: facts, demand, satisfaction, tags, notes.

Read for colleagues alone, and always of the whole person (conversations.persons).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from conversations import wire
from conversations.models import (
    AuthorKind,
    Contact,
    ContactNote,
    ContactTag,
    Conversation,
    Handoff,
    Message,
    MessageKind,
    Rating,
    TagSource,
)
from conversations.persons import contact_ids_of, person_of
from conversations.services import blocks
from conversations.states import HandoffReason
from tenants import clock
from tenants.errors import NotFoundError
from tenants.scoping import as_uuid

# Demand and satisfaction are of the last twelve months.
LOOKED_BACK = timedelta(days=365)
_FOUND = 20
_RATINGS = 5


def find_contact(contact_id: object) -> Contact:
    """Return the contact that stands for the person with this id; NotFoundError if there is none."""
    pk = as_uuid(contact_id)
    found = Contact.objects.select_related("channel").filter(pk=pk).first() if pk else None
    if found is None:
        raise NotFoundError
    return person_of(found)


def search(term: str, *, beside: Contact | None = None) -> list[Contact]:
    """Return the contacts that a name, telephone number, e-mail or customer number may mean.

    Parts of names, beginnings of numbers; merged and erased ones are left out. Latest first.
    """
    term = term.replace("\x00", "").strip()[:100]
    rows = Contact.objects.filter(merged_into=None, erased_at=None).select_related("channel")
    if beside is not None:
        rows = rows.exclude(pk=beside.pk)
    if term:
        rows = rows.filter(
            Q(name__icontains=term)
            | Q(noted_name__icontains=term)
            | Q(phone__startswith=term)
            | Q(noted_phone__startswith=term)
            | Q(email__istartswith=term)
            | Q(noted_email__istartswith=term)
            | Q(external_id=term)
        )
    return list(rows.order_by("-last_seen_at", "pk")[:_FOUND])


def card(person: Contact) -> dict[str, Any]:
    """Return the customer card of the console: facts, tags, notes, figures, block and merges."""
    ids = contact_ids_of(person)
    block = blocks.standing_block(person)
    return {
        **summary(person),
        "locale": person.locale,
        "attributes": person.attributes,
        "opted_out": person.opted_out_of_profile,
        "erased_at": wire.instant(person.erased_at),
        "tags": [_tag_object(row) for row in tags_of(person)],
        "notes": [note_object(note) for note in notes_of(person)],
        "counts": counts(ids),
        "demand": demand(person, ids),
        "satisfaction": satisfaction(ids),
        "ratings": [rating_object(row) for row in ratings_of(ids)],
        "block": {
            "reason": block.reason,
            "by": block.created_by.display_name,
            "at": wire.instant(block.created_at),
            "until": wire.instant(block.until),
        }
        if block
        else None,
        "merges": [
            {
                "id": str(merge.pk),
                "name": merge.merged.display_name,
                "by": merge.by.display_name,
                "at": wire.instant(merge.at),
            }
            for merge in person.merges.filter(undone_at=None).select_related("merged", "by")
        ],
    }


def summary(person: Contact) -> dict[str, Any]:
    """Return who the person is, each fact with where it is from (see `fact`)."""
    return {
        **wire.contact_object(person),
        "channel": person.channel.name,
        "external_id": person.external_id,
        "remark": person.remark,
        "facts": {name: fact(person, name) for name in ("name", "phone", "email")},
        "first_seen": wire.instant(person.created_at),
        "last_seen": wire.instant(person.last_seen_at),
    }


def fact(person: Contact, name: str) -> dict[str, str]:
    """Return what came in as name, phone or email, how it came, and what colleagues noted.

    It was "signed" by the client's system, given with a "ticket", or "told" by the visitor's page.
    """
    told = getattr(person, name)
    ways = {"signed": person.vouched, "ticket": person.from_ticket}
    source = next((way for way, names in ways.items() if name in names), "told") if told else ""
    return {"value": told, "source": source, "noted": getattr(person, f"noted_{name}")}


def tags_of(person: Contact) -> list[ContactTag]:
    """Return the tags that stand; of somebody who opted out only those that people gave."""
    rows = ContactTag.objects.filter(
        contact=person, expires_at__gt=clock.now(), tag__is_active=True
    ).select_related("tag", "by")
    if person.opted_out_of_profile:
        rows = rows.filter(source=TagSource.AGENT)
    return list(rows)


def notes_of(person: Contact) -> list[ContactNote]:
    """Return the notes, pinned ones first, then the latest."""
    return list(ContactNote.objects.filter(contact=person).select_related("author"))


def counts(ids: Sequence[UUID]) -> dict[str, int]:
    """Return how often the person wrote in, and how often people were needed."""
    handoffs = Handoff.objects.filter(conversation__contact__in=ids).count()
    spoken = Conversation.objects.filter(contact__in=ids, last_seq__gt=0)
    messages = Message.objects.filter(
        conversation__contact__in=ids, author_kind=AuthorKind.CUSTOMER
    ).count()
    return {"conversations": spoken.count(), "messages": messages, "handoffs": handoffs}


def demand(person: Contact, ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Return what the person asked about in twelve months, most often first.

    Headings of the knowledge base that answered, and reasons why people were needed: each with
    `kind` "category" or "handoff", `label` and `count`. Nothing for somebody who opted out; never
    stored (R36).
    """
    if person.opted_out_of_profile:
        return []
    since = clock.now() - LOOKED_BACK
    answered = (
        Message.objects.filter(
            conversation__contact__in=ids, kind=MessageKind.ANSWER, created_at__gte=since
        )
        .order_by()
        .values_list("entry_version__category_name")
        .annotate(count=Count("pk"))
    )
    handed = (
        Handoff.objects.filter(conversation__contact__in=ids, decided_at__gte=since)
        .order_by()
        .values_list("reason")
        .annotate(count=Count("pk"))
    )
    rows = [
        {"kind": "category", "label": name or _("Without a category"), "count": count}
        for name, count in answered
    ] + [
        {"kind": "handoff", "label": str(HandoffReason(reason).label), "count": count}
        for reason, count in handed
    ]
    return sorted(rows, key=lambda row: (-row["count"], row["kind"], row["label"]))


def satisfaction(ids: Sequence[UUID]) -> dict[str, int]:
    """Return how many answers of twelve months the person found helpful, and how many not."""
    judged = (
        Message.objects.filter(
            conversation__contact__in=ids, created_at__gte=clock.now() - LOOKED_BACK
        )
        .exclude(feedback="")
        .order_by()
        .values_list("feedback")
        .annotate(count=Count("pk"))
    )
    found = dict(judged)
    return {"helpful": found.get("helpful", 0), "unhelpful": found.get("unhelpful", 0)}


def ratings_of(ids: Sequence[UUID]) -> list[Rating]:
    """Return what the person answered to surveys in twelve months, the latest five, latest first.

    Those that do not count are among them.
    """
    return list(
        Rating.objects.filter(
            invite__inquiry__conversation__contact__in=ids,
            given_at__gte=clock.now() - LOOKED_BACK,
        )
        .select_related("invite__inquiry")
        .order_by("-given_at", "-pk")[:_RATINGS]
    )


def rating_object(row: Rating) -> dict[str, Any]:
    """Return a rating as agents see it; `counts` is false where it is excluded from the figures."""
    return {
        "id": str(row.pk),
        "part": row.part,
        "score": row.score,
        "label": row.get_score_display(),
        "comment": row.comment,
        "counts": not row.excluded_reason,
        "given_at": wire.instant(row.given_at),
        "conversation_id": str(row.invite.inquiry.conversation_id),
    }


def note_object(note: ContactNote) -> dict[str, Any]:
    """Return a note about a contact as agents see it."""
    return {
        "id": str(note.pk),
        "text": note.text,
        "pinned": note.pinned,
        "author": {"id": str(note.author_id), "name": note.author.display_name},
        "created_at": wire.instant(note.created_at),
    }


def _tag_object(row: ContactTag) -> dict[str, Any]:
    return {
        "id": str(row.tag_id),
        "name": row.tag.name,
        "colour": row.tag.colour,
        "source": row.source,
        "source_label": row.get_source_display(),
        "by": row.by.display_name if row.by else None,
        "reason": row.reason,
        "expires_at": wire.instant(row.expires_at),
    }
