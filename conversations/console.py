"""What the agents' console reads."""

import uuid
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user
from django.contrib.sessions.backends.db import SessionStore
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from conversations import wire
from conversations.dialogue.exclusions import asks_for_person
from conversations.models import AuthorKind, BotDecision, Conversation, Handoff, Message, Note
from conversations.states import ConversationStatus
from tenants import clock
from tenants.actors import SESSION_TENANT, Actor, actor_for
from tenants.errors import NotFoundError

PAGE = 50
# Of what a page tells with a message, agents are shown this much.
_PAGE_KEYS = ("page_title", "product_id", "order_no", "page")


def server_time() -> datetime:
    """Return the instant by which clients count waiting times."""
    return clock.now()


def actor_of_cookies(cookies: dict[str, str]) -> Actor | None:
    """Return the signed-in person behind a handshake's cookies, or None."""
    key = cookies.get(settings.SESSION_COOKIE_NAME)
    if not key:
        return None
    request = HttpRequest()
    request.session = SessionStore(key)
    if SESSION_KEY not in request.session:
        return None
    return actor_for(get_user(request), request.session.get(SESSION_TENANT))


def member_object(actor: Actor) -> dict[str, Any]:
    """Return who sits at the console."""
    member = actor.membership
    return {
        "id": str(member.pk) if member else None,
        "name": member.display_name if member else str(actor.user),
        "role": member.role if member else "platform_operator",
        "can_handle": bool(member) and actor.can("conversation.handle"),
    }


def conversation(conversation_id: object) -> Conversation:
    """Return a conversation of the tenant; NotFoundError where there is none of its own."""
    try:
        found = (
            Conversation.objects.select_related("channel", "contact", "agent", "inquiry")
            .filter(pk=uuid.UUID(str(conversation_id)))
            .first()
        )
    except ValueError:
        raise NotFoundError from None
    if found is None:
        raise NotFoundError
    return found


def rows(
    actor: Actor, which: str, *, search: str = "", before: str = "", limit: int = PAGE
) -> dict[str, Any]:
    """Return one page of a list: "queue" longest wait first, "mine", "all" and "closed" latest first.

    `next` continues it; `counts` are of the whole lists, whatever is searched for.
    """
    lists = _lists(actor)
    chosen = lists.get(which, lists["all"]).select_related("channel", "contact", "agent")
    if search:
        chosen = chosen.filter(
            Q(contact__name__icontains=search)
            | Q(contact__phone__icontains=search)
            | Q(last_text__icontains=search)
        )
    queue = which == "queue"
    order = "waiting_since" if queue else "-last_at"
    cursor = _read_cursor(before)
    if cursor is not None:
        chosen = (
            chosen.filter(waiting_since__gt=cursor) if queue else chosen.filter(last_at__lt=cursor)
        )
    page = list(chosen.order_by(order)[: limit + 1])
    more, page = len(page) > limit, page[:limit]
    last = page[-1] if page else None
    edge = (last.waiting_since if queue else last.last_at) if last else None
    return {
        "conversations": [wire.row_object(row) for row in page],
        "counts": {name: lists[name].count() for name in ("queue", "mine", "all")},
        "next": edge.isoformat() if more and edge else None,
        "server_time": wire.instant(clock.now()),
    }


def detail(row: Conversation) -> dict[str, Any]:
    """Return a conversation with its hand-off, its contact and what the contact asked before."""
    handoff = (
        Handoff.objects.filter(conversation=row).order_by("-decided_at").first()
        if row.status in (ConversationStatus.WAITING, ConversationStatus.HUMAN)
        else None
    )
    contact = row.contact
    earlier = (
        Conversation.objects.filter(contact=contact).exclude(pk=row.pk).order_by("-created_at")[:10]
    )
    return {
        **wire.row_object(row),
        "handoff": {
            "reason": handoff.reason,
            "reason_label": handoff.get_reason_display(),
            "note": handoff.note,
            "requested_at": wire.instant(handoff.decided_at),
            "accepted_at": wire.instant(handoff.accepted_at),
            **_brief(handoff),
        }
        if handoff
        else None,
        "page": _page(row),
        "contact_detail": {
            **wire.contact_object(contact),
            "external_id": contact.external_id,
            "phone": contact.phone,
            "email": contact.email,
            "locale": contact.locale,
            "attributes": contact.attributes,
            "first_seen": wire.instant(contact.created_at),
            "last_seen": wire.instant(contact.last_seen_at),
        },
        "earlier": [
            {
                "id": str(other.pk),
                "opened_at": wire.instant(other.created_at),
                "last_text": other.last_text,
            }
            for other in earlier
        ],
    }


def _brief(handoff: Handoff) -> dict[str, str | None]:
    """What the visitor asked first and last before the hand-off; a wish for a person is no question."""
    said = (
        Message.objects.filter(
            conversation=handoff.conversation_id,
            inquiry=handoff.inquiry_id,
            author_kind=AuthorKind.CUSTOMER,
            seq__lte=handoff.trigger_seq,
        )
        .order_by("-seq")
        .values_list("text", flat=True)[:PAGE]
    )
    asked = [text for text in said if not asks_for_person(text)]
    return {
        "first_question": asked[-1] if asked else None,
        "last_question": asked[0] if asked else None,
    }


def _page(row: Conversation) -> dict[str, str]:
    """What the visitor's page told with their latest messages; a product is told once."""
    told: dict[str, str] = {}
    contexts = (
        Message.objects.filter(conversation=row, author_kind=AuthorKind.CUSTOMER)
        .order_by("-seq")
        .values_list("context", flat=True)[:PAGE]
    )
    for context in contexts:
        for key in _PAGE_KEYS:
            if context.get(key):
                told.setdefault(key, str(context[key]))
    return told


def history(
    row: Conversation,
    *,
    after_seq: int | None = None,
    before_seq: int | None = None,
    after_note: int = 0,
    limit: int = PAGE,
) -> dict[str, Any]:
    """Return a page of messages, rising by `seq`, with their decisions and the private notes.

    Paging as in `visitors.history`; the notes after number `after_note` always come along.
    """
    chosen = Message.objects.filter(conversation=row).select_related("agent")
    if after_seq is not None:
        page = list(chosen.filter(seq__gt=after_seq).order_by("seq")[: limit + 1])
        more, page = len(page) > limit, page[:limit]
    else:
        if before_seq is not None:
            chosen = chosen.filter(seq__lt=before_seq)
        page = list(chosen.order_by("-seq")[: limit + 1])
        more, page = len(page) > limit, page[:limit][::-1]
    notes = Note.objects.filter(conversation=row, number__gt=after_note).select_related("author")
    return {
        "messages": _explained(row, page),
        "notes": [wire.note_object(note) for note in notes.order_by("number")],
        "has_more": more,
        "last_seq": row.last_seq,
    }


def _explained(row: Conversation, page: list[Message]) -> list[dict[str, Any]]:
    if not page:
        return []
    decisions = list(
        BotDecision.objects.filter(
            conversation=row,
            question__seq__gte=page[0].seq - 10,
            question__seq__lte=page[-1].seq,
        ).select_related("question")
    )
    by_seq = {decision.question.seq: decision for decision in decisions}
    shown = []
    for message in page:
        message.conversation = row
        decision = None
        if message.author_kind == "bot":
            # A decision's reply follows its question, with at most a confirmation in between.
            decision = by_seq.get(message.seq - 1) or by_seq.get(message.seq - 2)
        shown.append(wire.desk_message_object(message, decision))
    return shown


def _lists(actor: Actor) -> dict[str, QuerySet[Conversation]]:
    member = actor.membership
    every = Conversation.objects.filter(last_seq__gt=0)
    return {
        "queue": every.filter(status=ConversationStatus.WAITING),
        "mine": every.filter(status=ConversationStatus.HUMAN, agent=member)
        if member
        else every.none(),
        "all": every.exclude(status=ConversationStatus.CLOSED),
        "closed": every.filter(status=ConversationStatus.CLOSED),
    }


def _read_cursor(value: str) -> datetime | None:
    try:
        # A query string turns the plus sign of an offset into a space.
        cursor = datetime.fromisoformat(value.replace(" ", "+"))
    except ValueError:
        return None
    return cursor if cursor.tzinfo else cursor.replace(tzinfo=UTC)
