"""Read from the ledger what rules and webhooks are to hear of.

The ledger is written in the transaction of what it records, without a gap and in the order of the
commits, so a cursor behind it loses nothing, and the turn writes not one row more.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from conversations.models import (
    Conversation,
    EventCursor,
    EventKind,
    Feedback,
    Message,
    Rating,
    Rule,
    ServiceEvent,
    WebhookEndpoint,
)
from conversations.states import ConversationStatus
from tenants import clock
from tenants.models import LedgerEntry, LedgerHead
from tenants.scoping import active_tenant_id, as_uuid

LEDGER_KINDS: dict[str, EventKind] = {
    "conversation.opened": EventKind.OPENED,
    "conversation.reopened": EventKind.OPENED,
    "message.created": EventKind.MESSAGE,
    "handoff.requested": EventKind.HANDED_OFF,
    "conversation.taken": EventKind.TAKEN,
    "conversation.closed": EventKind.CLOSED,
    "rating.given": EventKind.RATED,
    "message.judged": EventKind.RATED_LOW,
}
_BATCH = 500


def begin() -> None:
    """Begin to follow the ledger at its end, if that has not begun; inside a transaction."""
    if not EventCursor.objects.exists():
        head = LedgerHead.objects.select_for_update().get()
        EventCursor.objects.get_or_create(
            tenant_id=active_tenant_id(), defaults={"position": head.position}
        )


def follow() -> int:
    """Make events of what the ledger holds behind the cursor; return how many were made.

    Each ledger row is an event at most once. Of two callers at once one does it. What nobody wants
    now makes no event, neither later.
    """
    with transaction.atomic():
        skip = (
            {"skip_locked": True} if connection.features.has_select_for_update_skip_locked else {}
        )
        cursor = EventCursor.objects.select_for_update(**skip).first()
        if cursor is None:
            return 0
        rows = list(
            LedgerEntry.objects.filter(position__gt=cursor.position).order_by("position")[:_BATCH]
        )
        if not rows:
            return 0
        found = store_events(rows)
        EventCursor.objects.filter(pk=cursor.pk).update(position=rows[-1].position)
    return found


def store_events(rows: list[LedgerEntry], *, level: int = 0) -> int:
    """Write the wanted events among ledger rows that are none yet; return how many are wanted."""
    made = made_of(rows, wanted_kinds())
    for event in made:
        event.level = level
    ServiceEvent.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def wanted_kinds() -> set[str]:
    """Return the kinds of events that a rule in use or an active webhook waits for."""
    kinds = set(Rule.objects.filter(is_active=True).values_list("event", flat=True))
    for of_endpoint in WebhookEndpoint.objects.filter(is_active=True).values_list(
        "kinds", flat=True
    ):
        kinds.update(of_endpoint)
    return kinds


def made_of(rows: Iterable[LedgerEntry], wanted: set[str]) -> list[ServiceEvent]:
    """Return the events that ledger rows mean, unsaved, in their order.

    Conversation, contact, message and rating are loaded with them; what is gone by now makes none.
    """
    meant = [(row, kind) for row in rows if (kind := _meaning(row)) is not None and kind in wanted]
    messages = _messages(row for row, _kind in meant if row.kind.startswith("message."))
    ratings = _ratings(row for row, _kind in meant if row.kind.startswith("rating."))
    conversations = _conversations(
        [
            *(message.conversation_id for message in messages.values()),
            *(rating.invite.inquiry.conversation_id for rating in ratings.values()),
            *(_conversation_id(row) for row, _kind in meant),
        ]
    )
    made = []
    for row, kind in meant:
        message = messages.get(as_uuid(row.subject))
        if row.kind.startswith("message.") and message is None:
            continue
        rating = ratings.get(as_uuid(row.subject))
        conversation_id: UUID | None
        if message is not None:
            conversation_id = message.conversation_id
        elif rating is not None:
            conversation_id = rating.invite.inquiry.conversation_id
        else:
            conversation_id = _conversation_id(row)
        conversation = conversations.get(conversation_id) if conversation_id else None
        if conversation is not None:
            made.append(
                ServiceEvent(
                    key=f"ledger:{row.position}",
                    kind=kind,
                    conversation=conversation,
                    message=message,
                    rating=rating,
                    at=row.at,
                )
            )
    return made


def find_waits() -> int:
    """Make an event of each wait that has become long by the measure of a rule; return how many.

    Once per wait and rule.
    """
    now = clock.now()
    made = []
    for rule in Rule.objects.filter(is_active=True, event=EventKind.WAITING):
        limit = timedelta(seconds=rule.waiting_seconds or 0)
        for conversation in Conversation.objects.filter(
            status=ConversationStatus.WAITING, waiting_since__lte=now - limit
        ):
            since: datetime = conversation.waiting_since
            made.append(
                ServiceEvent(
                    key=f"wait:{rule.pk.hex}:{conversation.pk.hex}:{since:%Y%m%d%H%M%S%f}",
                    kind=EventKind.WAITING,
                    conversation=conversation,
                    rule=rule,
                    at=since + limit,
                )
            )
    known = set(
        ServiceEvent.objects.filter(key__in=[event.key for event in made]).values_list(
            "key", flat=True
        )
    )
    new = [event for event in made if event.key not in known]
    ServiceEvent.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def _meaning(row: LedgerEntry) -> EventKind | None:
    if row.kind == "message.created" and row.data.get("author") != "customer":
        return None
    if row.kind == "message.judged" and row.data.get("feedback") != Feedback.UNHELPFUL:
        return None
    return LEDGER_KINDS.get(row.kind)


def _conversation_id(row: LedgerEntry) -> UUID | None:
    return as_uuid(row.data.get("conversation", row.subject))


def _messages(rows: Iterable[LedgerEntry]) -> dict[UUID | None, Message]:
    ids = [as_uuid(row.subject) for row in rows]
    return {row.pk: row for row in Message.objects.filter(pk__in=ids)} if ids else {}


def _ratings(rows: Iterable[LedgerEntry]) -> dict[UUID | None, Rating]:
    ids = [as_uuid(row.subject) for row in rows]
    found = Rating.objects.filter(pk__in=ids).select_related("invite__inquiry")
    return {row.pk: row for row in found} if ids else {}


def _conversations(ids: list[UUID | None]) -> dict[UUID | None, Conversation]:
    rows = Conversation.objects.filter(pk__in=set(ids), is_probe=False).select_related(
        "contact", "channel"
    )
    return {row.pk: row for row in rows} if ids else {}
