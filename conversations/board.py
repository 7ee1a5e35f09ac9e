"""What supervisors watch: queues, agents, today's promises."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Min, QuerySet

from conversations import hours, wire
from conversations.console import seen_by
from conversations.models import AgentGroup, Conversation, GroupMember, Presence, PresenceStatus
from conversations.queries import waiting
from conversations.services.routing import SILENCE, loads_of
from conversations.states import ConversationStatus
from tenants import clock
from tenants.actors import Actor
from tenants.models import Breach, Membership, Obligation, ObligationKind, ObligationState
from tenants.worktime import is_open, next_opening

# Of what waits or is with agents, the board lists this much; of breaches, the latest.
_ROWS = 200
# What those who serve visitors keep or miss; the provider's other promises are not theirs.
_OF_THE_DESK = (ObligationKind.FIRST_REPLY, ObligationKind.HANDOFF)
_BREACHES = 10


def board(actor: Actor) -> dict[str, Any]:
    """Return the supervisors' board: groups with queue and agents, today's promises, the rows.

    Today begins at midnight in the tenant's zone.
    """
    at = clock.now()
    zone = hours.zone()
    today = at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    busy = Conversation.objects.filter(
        status__in=(ConversationStatus.WAITING, ConversationStatus.HUMAN)
    ).filter(seen_by(actor))
    rows = busy.select_related("channel", "contact", "agent", "group")
    queues = _queues()
    places = _places()
    return {
        "groups": [
            {
                "id": str(group.pk),
                "name": group.name,
                **_opening(group, at, zone),
                **_queue(queues.get(group.pk, (0, None))),
                "agents": [_agent(place.member, at, capacity=place.capacity) for place in members],
            }
            for group in hours.in_use()
            for members in [places[group.pk]]
        ],
        "others": {
            **_queue(queues.get(None, (0, None))),
            "agents": [_agent(member, at) for member in _ungrouped(places)],
        },
        "loads": _loads(),
        "promises": {kind.value: _gauge(kind, today) for kind in _OF_THE_DESK},
        "breaches": [
            {
                "conversation_id": str(breach.conversation_id) if breach.conversation_id else None,
                "kind": breach.obligation.kind,
                "label": breach.obligation.get_kind_display(),
                "due_at": wire.instant(breach.due_at),
                "actual_at": wire.instant(breach.actual_at),
            }
            for breach in Breach.objects.filter(
                detected_at__gte=today, obligation__kind__in=_OF_THE_DESK
            )
            .select_related("obligation")
            .order_by("-detected_at")[:_BREACHES]
        ],
        "conversations": [
            wire.row_object(row) for row in rows.order_by("waiting_since", "last_at")[:_ROWS]
        ],
        "server_time": wire.instant(at),
    }


def targets(actor: Actor) -> dict[str, Any]:
    """Return to whom a conversation can be transferred: groups, and agents who are there."""
    at = clock.now()
    zone = hours.zone()
    places = _places()
    loads, _asked = loads_of(place.member_id for group in places.values() for place in group)
    names: dict[UUID, list[str]] = defaultdict(list)
    groups = []
    for group in hours.in_use():
        members = places[group.pk]
        online = 0
        for place in members:
            names[place.member_id].append(group.name)
            online += _status(place.member, at) == PresenceStatus.ONLINE
        groups.append(
            {
                "id": str(group.pk),
                "name": group.name,
                **_opening(group, at, zone),
                "online": online,
            }
        )
    there = _handlers().exclude(pk__in=[actor.membership.pk] if actor.membership else [])
    return {
        "groups": groups,
        "members": [
            {
                "id": str(member.pk),
                "name": member.display_name,
                "status": _status(member, at),
                "load": loads[member.pk],
                "groups": names[member.pk],
            }
            for member in there
            if _status(member, at) in (PresenceStatus.ONLINE, PresenceStatus.BUSY)
        ],
    }


def _handlers() -> QuerySet[Membership]:
    return (
        Membership.objects.filter(is_active=True, presence__isnull=False)
        .select_related("presence")
        .order_by("display_name")
    )


def _places() -> dict[UUID, list[GroupMember]]:
    places: dict[UUID, list[GroupMember]] = defaultdict(list)
    rows = GroupMember.objects.filter(member__is_active=True, group__is_active=True)
    for place in rows.select_related("member__presence"):
        places[place.group_id].append(place)
    return places


def _ungrouped(places: dict[UUID, list[GroupMember]]) -> Iterable[Membership]:
    grouped = {place.member_id for members in places.values() for place in members}
    return [
        member
        for member in _handlers().exclude(presence__status=PresenceStatus.OFFLINE)
        if member.pk not in grouped
    ]


def _queues() -> dict[UUID | None, tuple[int, datetime | None]]:
    rows = (
        waiting()
        .order_by()
        .values_list("group")
        .annotate(waiting=Count("pk"), longest=Min("waiting_since"))
    )
    return {group_id: (count, longest) for group_id, count, longest in rows}


def _queue(queue: tuple[int, datetime | None]) -> dict[str, Any]:
    count, longest = queue
    return {"waiting": count, "longest_since": wire.instant(longest)}


def _opening(group: AgentGroup, at: datetime, zone: ZoneInfo) -> dict[str, Any]:
    when = hours.hours_of(group, zone)
    opened = is_open(when, at)
    return {
        "is_open": opened,
        "opens_at": None if opened else wire.instant(next_opening(when, at)),
    }


def _agent(member: Membership, at: datetime, *, capacity: int | None = None) -> dict[str, Any]:
    return {
        "id": str(member.pk),
        "name": member.display_name,
        "status": _status(member, at),
        "capacity": capacity,
    }


def _loads() -> dict[str, int]:
    held = Conversation.objects.filter(status=ConversationStatus.HUMAN).values_list(
        "agent", flat=True
    )
    return {str(agent): count for agent, count in Counter(held).items()}


def _status(member: Membership, at: datetime) -> str:
    presence: Presence | None = getattr(member, "presence", None)
    if presence is None or presence.seen_at <= at - SILENCE:
        return PresenceStatus.OFFLINE
    return presence.status


def _gauge(kind: ObligationKind, since: datetime) -> dict[str, int]:
    """How many promises of a kind fell due or were kept since then, and how many were in time."""
    counts = dict(
        Obligation.objects.filter(kind=kind, started_at__gte=since)
        .order_by()
        .values_list("state")
        .annotate(count=Count("pk"))
    )
    met, breached = (
        counts.get(state, 0) for state in (ObligationState.MET, ObligationState.BREACHED)
    )
    return {"met": met, "breached": breached, "total": met + breached}
