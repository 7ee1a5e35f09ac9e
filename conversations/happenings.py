"""What happened with one person over all channels, in the order of time.

Read for colleagues alone, and always of the whole person (conversations.persons).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from conversations import wire
from conversations.models import (
    AuthorKind,
    Contact,
    ContactMerge,
    ContactNote,
    ContactTag,
    Conversation,
    Feedback,
    Handoff,
    Message,
    Rating,
    TagSource,
    Ticket,
    WrapUp,
)
from conversations.models.survey import Satisfaction
from conversations.persons import contact_ids_of
from conversations.states import ConversationStatus
from tenants import clock

PAGE = 20


@dataclass(frozen=True)
class Happening:
    """One thing that happened with the person: a line of the time line.

    `kind` is a stable code, `title` and `text` are for people; `conversation_id` leads there.
    """

    at: datetime
    kind: str
    key: str
    title: str
    text: str = ""
    tone: str = ""
    conversation_id: UUID | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def on_wire(self) -> dict[str, Any]:
        """Return the line as the console's API gives it."""
        return {
            "at": wire.instant(self.at),
            "kind": self.kind,
            "key": self.key,
            "title": self.title,
            "text": self.text,
            "tone": self.tone,
            "conversation_id": str(self.conversation_id) if self.conversation_id else None,
            **self.facts,
        }


# Gives at most `limit` happenings of these contacts before an instant, the latest first.
Source = Callable[[Sequence[UUID], datetime, int], Iterator[Happening]]


def timeline(
    person: Contact, *, before: datetime | None = None, limit: int = PAGE
) -> tuple[list[Happening], datetime | None]:
    """Return a page of what happened with the person, latest first, and where the next one begins.

    Happenings of the same instant are never parted, so a page may be a little longer.
    """
    ids = contact_ids_of(person)
    until = before or clock.now() + timedelta(seconds=1)
    found = [each for source in SOURCES for each in source(ids, until, limit + 1)]
    found.sort(key=lambda each: (each.at, each.kind, each.key), reverse=True)
    if len(found) <= limit:
        return found, None
    edge = found[limit - 1].at
    # What a source held back beyond its own limit is older than everything it gave.
    return [each for each in found if each.at >= edge], edge


def _conversations(ids: Sequence[UUID], before: datetime, limit: int) -> Iterator[Happening]:
    asked = Message.objects.filter(conversation=OuterRef("pk"), author_kind=AuthorKind.CUSTOMER)
    rows = (
        Conversation.objects.filter(contact__in=ids, last_seq__gt=0, created_at__lt=before)
        .select_related("channel")
        .annotate(first_question=Subquery(asked.order_by("seq").values("text")[:1]))
        .order_by("-created_at")[:limit]
    )
    for row in rows:
        yield Happening(
            at=row.created_at,
            kind="conversation",
            key=row.pk.hex,
            title=_("Conversation on %(channel)s") % {"channel": row.channel.name},
            text=row.first_question or "",
            conversation_id=row.pk,
            facts={
                "status": row.status,
                "outcome": str(ConversationStatus(row.status).label),
                "messages": row.last_seq,
            },
        )


def _handoffs(ids: Sequence[UUID], before: datetime, limit: int) -> Iterator[Happening]:
    rows = (
        Handoff.objects.filter(conversation__contact__in=ids, decided_at__lt=before)
        .select_related("accepted_by")
        .order_by("-decided_at")[:limit]
    )
    for row in rows:
        yield Happening(
            at=row.decided_at,
            kind="handoff",
            key=row.pk.hex,
            title=_("Handed to people: %(reason)s") % {"reason": row.get_reason_display()},
            text=_("Taken by %(name)s") % {"name": row.accepted_by} if row.accepted_by else "",
            tone="warn",
            conversation_id=row.conversation_id,
        )


def _judgements(ids: Sequence[UUID], before: datetime, limit: int) -> Iterator[Happening]:
    rows = (
        Message.objects.filter(conversation__contact__in=ids, created_at__lt=before)
        .exclude(feedback="")
        .order_by("-created_at")[:limit]
    )
    for row in rows:
        helpful = row.feedback == Feedback.HELPFUL
        yield Happening(
            at=row.created_at,
            kind="feedback",
            key=row.pk.hex,
            title=_("Found an answer helpful") if helpful else _("Found an answer not helpful"),
            text=row.feedback_comment or row.text[:120],
            tone="ok" if helpful else "warn",
            conversation_id=row.conversation_id,
        )


def _notes(ids: Sequence[UUID], before: datetime, limit: int) -> Iterator[Happening]:
    rows = (
        ContactNote.objects.filter(contact__in=ids, created_at__lt=before)
        .select_related("author")
        .order_by("-created_at")[:limit]
    )
    for row in rows:
        yield Happening(
            at=row.created_at,
            kind="note",
            key=row.pk.hex,
            title=_("Note by %(name)s") % {"name": row.author},
            text=row.text[:200],
        )


def _tags(ids: Sequence[UUID], before: datetime, limit: int) -> Iterator[Happening]:
    rows = (
        ContactTag.objects.filter(contact__in=ids, added_at__lt=before, expires_at__gt=clock.now())
        .exclude(~Q(source=TagSource.AGENT), contact__opted_out_of_profile=True)
        .select_related("tag", "by")
        .order_by("-added_at")[:limit]
    )
    for row in rows:
        yield Happening(
            at=row.added_at,
            kind="tag",
            key=row.pk.hex,
            title=_("Tag “%(tag)s”: %(by)s")
            % {"tag": row.tag, "by": row.by or row.get_source_display()},
            text=row.reason,
            conversation_id=row.conversation_id,
        )


def _merges(ids: Sequence[UUID], before: datetime, limit: int) -> Iterator[Happening]:
    rows = (
        ContactMerge.objects.filter(kept__in=ids, at__lt=before)
        .select_related("merged", "by")
        .order_by("-at")[:limit]
    )
    for row in rows:
        words = (
            _("Merged with %(name)s by %(by)s, undone since")
            if row.undone_at
            else _("Merged with %(name)s by %(by)s")
        )
        yield Happening(
            at=row.at,
            kind="merge",
            key=row.pk.hex,
            title=words % {"name": row.merged.display_name, "by": row.by},
        )


def _ratings(ids: Sequence[UUID], before: datetime, limit: int) -> Iterator[Happening]:
    rows = (
        Rating.objects.filter(invite__inquiry__conversation__contact__in=ids, given_at__lt=before)
        .select_related("invite__inquiry")
        .order_by("-given_at")[:limit]
    )
    for row in rows:
        yield Happening(
            at=row.given_at,
            kind="rating",
            key=row.pk.hex,
            title=_("Rating (%(part)s): %(score)s")
            % {"part": row.get_part_display(), "score": row.get_score_display()},
            text=row.comment,
            tone=_tone(row.score),
            conversation_id=row.invite.inquiry.conversation_id,
            facts={"score": row.score, "part": row.part},
        )


def _tone(score: int) -> str:
    if score == Satisfaction.FAIR:
        return ""
    return "ok" if score > Satisfaction.FAIR else "warn"


def _tickets(ids: Sequence[UUID], before: datetime, limit: int) -> Iterator[Happening]:
    rows = Ticket.objects.filter(contact__in=ids, created_at__lt=before)
    for row in rows.order_by("-created_at")[:limit]:
        yield Happening(
            at=row.created_at,
            kind="ticket",
            key=row.pk.hex,
            title=_("Ticket %(number)s opened") % {"number": row.number},
            text=row.subject,
            conversation_id=row.conversation_id,
            facts={"status": row.status, "outcome": row.get_status_display()},
        )


def _wrap_ups(ids: Sequence[UUID], before: datetime, limit: int) -> Iterator[Happening]:
    rows = (
        WrapUp.objects.filter(conversation__contact__in=ids, at__lt=before)
        .select_related("by")
        .order_by("-at")[:limit]
    )
    for row in rows:
        yield Happening(
            at=row.at,
            kind="wrap_up",
            key=row.pk.hex,
            title=_("Wrap-up by %(name)s: %(resolved)s")
            % {"name": row.by, "resolved": row.get_resolved_display()},
            text=row.summary,
            conversation_id=row.conversation_id,
        )


# Every kind of happening has its source here; what comes from elsewhere is added to the list.
SOURCES: tuple[Source, ...] = (
    _conversations,
    _handoffs,
    _judgements,
    _notes,
    _tags,
    _merges,
    _ratings,
    _tickets,
    _wrap_ups,
)
