"""What the agents' console reads."""

import uuid
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user
from django.contrib.sessions.backends.db import SessionStore
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from conversations import brief, events, page_track, survey_wire, wire
from conversations.models import (
    AgentGroup,
    BotDecision,
    Conversation,
    GroupMember,
    Handoff,
    Message,
    Note,
)
from conversations.queries import waiting
from conversations.services.withdrawal import withdrawn_before
from conversations.states import ConversationStatus
from tenants import clock
from tenants.actors import SESSION_TENANT, Actor, actor_for
from tenants.errors import NotFoundError

PAGE = 50


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
        "can_supervise": bool(member) and actor.can("conversation.supervise"),
    }


def seen_by(actor: Actor) -> Q:
    """Return the condition on conversations that this person may see.

    Agents see what is theirs or rings at them, what is with a group of theirs, and what is with no
    group; who supervises sees everything. Probes are nobody's business here.
    """
    member = actor.membership
    if actor.can("conversation.supervise"):
        return Q(is_probe=False)
    if member is None:
        return Q(group=None, is_probe=False)
    mine = GroupMember.objects.filter(member=member).values("group")
    theirs = Q(group=None) | Q(group__in=mine) | Q(agent=member) | Q(offered_to=member)
    return theirs & Q(is_probe=False)


def groups_of(actor: Actor) -> list[dict[str, str]]:
    """Return the groups this person works in, or all of them for who supervises."""
    groups = AgentGroup.objects.filter(is_active=True)
    if not actor.can("conversation.supervise"):
        mine = GroupMember.objects.filter(member=actor.membership).values("group")
        groups = groups.filter(pk__in=mine)
    return [{"id": str(pk), "name": name} for pk, name in groups.values_list("pk", "name")]


def audiences(actor: Actor, language: str) -> set[str]:
    """Return the hub groups by which this person's console hears of conversations."""
    assert actor.tenant is not None
    names = {events.console_group(actor.tenant.pk, language)}
    if actor.membership is not None:
        names.add(events.member_group(actor.membership.pk, language))
    if actor.can("conversation.supervise"):
        return names | {events.supervisors_group(actor.tenant.pk, language)}
    groups = GroupMember.objects.filter(member=actor.membership).values_list("group", flat=True)
    return names | {events.queue_group(group_id, language) for group_id in groups}


def still_seen(actor: Actor, conversation_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the conversations that this person may see now."""
    if not conversation_ids:
        return set()
    seen = Conversation.objects.filter(seen_by(actor), pk__in=conversation_ids)
    return set(seen.values_list("pk", flat=True))


def conversation(conversation_id: object, actor: Actor) -> Conversation:
    """Return a conversation the person may see; NotFoundError for any other and for none."""
    try:
        found = (
            Conversation.objects.select_related(
                "channel",
                "contact",
                "agent",
                "group",
                "inquiry__wrap_up__category",
                "inquiry__wrap_up__by",
            )
            .filter(seen_by(actor), pk=uuid.UUID(str(conversation_id)))
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
    """Return one page of a list: "queue" longest wait first, the others latest first.

    The others are "mine", "snoozed" (of mine, put aside), "group" (of one's groups, or of any for
    who supervises), "all" and "closed".

    `next` continues it; `counts` are of the whole lists, whatever is searched for.
    """
    lists = _lists(actor)
    chosen = lists.get(which, lists["all"]).select_related(
        "channel",
        "contact",
        "agent",
        "group",
        "inquiry__wrap_up__category",
        "inquiry__wrap_up__by",
    )
    if search:
        chosen = chosen.filter(
            Q(contact__name__icontains=search)
            | Q(contact__noted_name__icontains=search)
            | Q(contact__phone__icontains=search)
            | Q(contact__noted_phone__icontains=search)
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
        "counts": {
            name: lists[name].count() for name in ("queue", "mine", "snoozed", "group", "all")
        },
        "next": edge.isoformat() if more and edge else None,
        "server_time": wire.instant(clock.now()),
    }


def detail(row: Conversation, actor: Actor) -> dict[str, Any]:
    """Return a conversation with its hand-off, its contact and what the contact asked before."""
    handoff = (
        Handoff.objects.filter(conversation=row).order_by("-decided_at").first()
        if row.status in (ConversationStatus.WAITING, ConversationStatus.HUMAN)
        else None
    )
    contact = row.contact
    earlier = (
        Conversation.objects.filter(seen_by(actor), contact=contact)
        .exclude(pk=row.pk)
        .order_by("-created_at")[:10]
    )
    return {
        **wire.row_object(row),
        "handoff": {
            "reason": handoff.reason,
            "reason_label": handoff.get_reason_display(),
            "note": handoff.note,
            "requested_at": wire.instant(handoff.decided_at),
            "accepted_at": wire.instant(handoff.accepted_at),
            "external_url": handoff.external_url or None,
            **brief.of(handoff),
        }
        if handoff
        else None,
        "page": page_track.facts(row),
        "pages": [{**visit, "at": wire.instant(visit["at"])} for visit in page_track.pages(row)],
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
    notes = Note.objects.filter(conversation=row, number__gt=after_note)
    notes = notes.select_related("author").prefetch_related("mentions__member")
    wire.with_files(page)
    gone = withdrawn_before(row, after_seq) if after_seq else []
    return {
        "messages": _explained(row, page),
        "notes": [wire.note_object(note) for note in notes.order_by("number")],
        "withdrawn": [wire.desk_message_object(message, None) for message in gone],
        "has_more": more,
        "last_seq": row.last_seq,
    }


def _explained(row: Conversation, page: list[Message]) -> list[dict[str, Any]]:
    if not page:
        return []
    survey_wire.attach(page)
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
    every = Conversation.objects.filter(seen_by(actor), last_seq__gt=0)
    held = every.filter(status=ConversationStatus.HUMAN, agent=member) if member else every.none()
    return {
        "queue": waiting().filter(seen_by(actor), last_seq__gt=0),
        "mine": held.filter(snoozed_until=None),
        "snoozed": held.filter(snoozed_until__isnull=False),
        "group": _of_groups(actor, every).exclude(status=ConversationStatus.CLOSED),
        "all": every.exclude(status=ConversationStatus.CLOSED),
        "closed": every.filter(status=ConversationStatus.CLOSED),
    }


def _of_groups(actor: Actor, every: QuerySet[Conversation]) -> QuerySet[Conversation]:
    if actor.can("conversation.supervise"):
        return every.filter(group__isnull=False)
    mine = GroupMember.objects.filter(member=actor.membership).values("group")
    return every.filter(group__in=mine)


def _read_cursor(value: str) -> datetime | None:
    try:
        # A query string turns the plus sign of an offset into a space.
        cursor = datetime.fromisoformat(value.replace(" ", "+"))
    except ValueError:
        return None
    return cursor if cursor.tzinfo else cursor.replace(tzinfo=UTC)
