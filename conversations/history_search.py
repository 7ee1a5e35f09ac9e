"""Look for words in what was said: messages, notes, and who the visitors are."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from conversations import wire
from conversations.models import Contact, Conversation, Handoff, Message, Note
from tenants import clock

# Words are compared row by row (icontains): the period and the number of hits bound the work.
LONGEST = timedelta(days=366)
USUAL = timedelta(days=90)
MOST = 40
_MOST_WORDS = 5
_BEFORE, _AROUND = 30, 160


@dataclass(frozen=True)
class Question:
    """What is looked for: words, and where; `since` and `until` are instants.

    `seen` is the condition on conversations that the person who asks may see, None for all.
    """

    words: str
    channel_id: Any = None
    agent_id: Any = None
    since: datetime | None = None
    until: datetime | None = None
    seen: Q | None = None


def find(asked: Question) -> dict[str, Any]:
    """Return the latest hits, all words in each: `results`, `more`, `since`, `until`.

    A hit names its conversation, contact and channel, the place (`seq` of a message, `number` of a
    note; neither where the contact was found), when, by whom, and an excerpt around the first
    word. Without words there are none. The period ends now and is 90 days long unless asked for,
    a year at most; MOST hits of messages, of notes and of contacts each, then MOST of all, the
    latest first; `more` says that there are others.
    """
    until = min(asked.until or clock.now(), clock.now())
    since = max(asked.since or until - USUAL, until - LONGEST)
    words = list(dict.fromkeys(asked.words.split()))[:_MOST_WORDS]
    hits: list[dict[str, Any]] = []
    if words and since < until:
        hits += _messages(words, asked, since, until)
        hits += _notes(words, asked, since, until)
        hits += _contacts(words, asked, since, until)
    hits.sort(key=lambda hit: str(hit["at"]), reverse=True)
    return {
        "results": hits[:MOST],
        "more": len(hits) > MOST,
        "since": wire.instant(since),
        "until": wire.instant(until),
    }


def _messages(
    words: list[str], asked: Question, since: datetime, until: datetime
) -> list[dict[str, Any]]:
    rows: QuerySet[Message] = Message.objects.filter(
        created_at__gte=since, created_at__lt=until, withdrawn_at=None
    )
    rows = _holding(rows, "text", words)
    rows = _of(rows, asked, "conversation").select_related(
        "agent", "conversation__contact", "conversation__channel"
    )
    return [
        _hit(row.conversation, "message", row.text, words, row.created_at)
        | {
            "seq": row.seq,
            "author": {
                "kind": row.author_kind,
                "name": row.agent.display_name if row.agent else None,
            },
        }
        for row in rows.order_by("-created_at", "-pk")[: MOST + 1]
    ]


def _notes(
    words: list[str], asked: Question, since: datetime, until: datetime
) -> list[dict[str, Any]]:
    rows: QuerySet[Note] = Note.objects.filter(created_at__gte=since, created_at__lt=until)
    rows = _holding(rows, "text", words)
    rows = _of(rows, asked, "conversation").select_related(
        "author", "conversation__contact", "conversation__channel"
    )
    return [
        _hit(row.conversation, "note", row.text, words, row.created_at)
        | {"number": row.number, "author": {"kind": "agent", "name": row.author.display_name}}
        for row in rows.order_by("-created_at", "-pk")[: MOST + 1]
    ]


def _contacts(
    words: list[str], asked: Question, since: datetime, until: datetime
) -> list[dict[str, Any]]:
    people: QuerySet[Contact] = Contact.objects.all()
    for word in words:
        people = people.filter(
            Q(name__icontains=word)
            | Q(phone__icontains=word)
            | Q(email__icontains=word)
            | Q(external_id__icontains=word)
        )
    rows: QuerySet[Conversation] = Conversation.objects.filter(
        contact__in=people, last_at__gte=since, created_at__lt=until, last_seq__gt=0
    )
    rows = _of(rows, asked, "").select_related("contact", "channel")
    return [
        _hit(row, "contact", _described(row.contact), words, row.last_at) | {"author": None}
        for row in rows.order_by("-last_at", "-pk")[: MOST + 1]
    ]


def _holding(rows: QuerySet[Any], field: str, words: list[str]) -> QuerySet[Any]:
    for word in words:
        rows = rows.filter(**{f"{field}__icontains": word})
    return rows


def _of(rows: QuerySet[Any], asked: Question, conversation: str) -> QuerySet[Any]:
    prefix = f"{conversation}__" if conversation else ""
    if asked.seen:
        seen = Conversation.objects.filter(asked.seen).order_by().values("pk")
        rows = rows.filter(**{f"{conversation or 'pk'}__in": seen})
    if asked.channel_id is not None:
        rows = rows.filter(**{f"{prefix}channel": asked.channel_id})
    if asked.agent_id is not None:
        # Who has it now, or had it at any time.
        served = Handoff.objects.filter(
            conversation=OuterRef(f"{prefix}pk"), accepted_by=asked.agent_id
        )
        rows = rows.filter(Q(**{f"{prefix}agent": asked.agent_id}) | Exists(served))
    return rows


def _hit(
    conversation: Conversation, kind: str, text: str, words: list[str], at: datetime
) -> dict[str, Any]:
    return {
        "kind": kind,
        "conversation_id": str(conversation.pk),
        "contact": wire.contact_object(conversation.contact),
        "channel": {"name": conversation.channel.name, "kind": conversation.channel.kind},
        "status": conversation.status,
        "seq": None,
        "number": None,
        "at": wire.instant(at),
        "excerpt": excerpt(text, words),
    }


def excerpt(text: str, words: list[str]) -> str:
    """Return the text around the first place where one of the words stands, in one line."""
    flat = " ".join(text.split())
    places = [flat.lower().find(word.lower()) for word in words]
    first = min((place for place in places if place >= 0), default=0)
    start = max(0, first - _BEFORE)
    end = start + _AROUND
    return f"{'…' if start else ''}{flat[start:end]}{'…' if end < len(flat) else ''}"


def _described(contact: Contact) -> str:
    known = (contact.name, contact.phone, contact.email, contact.external_id)
    return " · ".join(value for value in known if value)
