"""Call colleagues to a note, and keep what they have not seen."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from conversations import events
from conversations.models import Mention, Note
from tenants import clock
from tenants.errors import NotFoundError
from tenants.models import Membership
from tenants.roles import CAPABILITIES

MOST_SHOWN = 50
_WITH_A_SEAT = [role for role, able in CAPABILITIES.items() if "console.enter" in able]


def people() -> QuerySet[Membership]:
    """Return the members who may enter the console, by name."""
    found: QuerySet[Membership] = Membership.objects.filter(is_active=True, role__in=_WITH_A_SEAT)
    return found.order_by("display_name", "pk")


def call(note: Note, member_ids: Collection[uuid.UUID], *, at: datetime) -> list[Mention]:
    """Call these colleagues to the note; part of its transaction. Return the mentions.

    Each hears of it once it is committed. Naming oneself calls nobody. Raises NotFoundError for
    somebody who has no seat at the tenant's console.
    """
    wanted = set(member_ids) - {note.author_id}
    if not wanted:
        return []
    members = list(people().filter(pk__in=wanted))
    if len(members) != len(wanted):
        raise NotFoundError
    made = []
    for member in members:
        mention = Mention(note=note, conversation=note.conversation, member=member, created_at=at)
        mention.save()
        events.announce_mention(mention)
        made.append(mention)
    return made


def latest(member: Membership) -> QuerySet[Mention]:
    """Return where the member was called, the latest first, with note, author and contact."""
    found: QuerySet[Mention] = Mention.objects.filter(member=member)
    return found.select_related("note__author", "conversation__contact").order_by(
        "-created_at", "-pk"
    )[:MOST_SHOWN]


def unread(member: Membership) -> int:
    """Return how many of the member's mentions they have not seen."""
    return int(Mention.objects.filter(member=member, read_at=None).count())


def mark_read(member: Membership, mention_ids: Sequence[uuid.UUID] | None = None) -> int:
    """Note that the member saw these mentions, or all of them; return how many are left unread.

    Of others nothing is changed and nothing is said.
    """
    with transaction.atomic():
        seen = Mention.objects.filter(member=member, read_at=None)
        if mention_ids is not None:
            seen = seen.filter(pk__in=mention_ids)
        seen.update(read_at=clock.now())
    return unread(member)
