"""Whether agents are there, as they say and as last heard of."""

from django.db import transaction

from conversations import events
from conversations.models import Presence, PresenceStatus
from conversations.services import requeue, routing
from tenants import clock
from tenants.models import Membership
from tenants.services import ledger
from tenants.services.ledger import Event

SILENCE = routing.SILENCE


def set_status(member: Membership, status: PresenceStatus) -> Presence:
    """Write what the agent says of themselves and tell the colleagues.

    Once it is committed, who is online is offered what waits, and what somebody offline holds goes
    back to the queue.
    """
    with transaction.atomic():
        at = clock.now()
        presence, _created = Presence.objects.update_or_create(
            member=member, defaults={"status": status, "seen_at": at, "rested_by_system": False}
        )
        ledger.append(Event("presence.changed", member.pk, {"status": status}, at))
        events.announce_presence(member, presence)
        if status == PresenceStatus.ONLINE:
            routing.drain_soon()
        elif status == PresenceStatus.OFFLINE:
            transaction.on_commit(lambda: requeue.requeue_all(member), robust=True)
    return presence


def rest(member: Membership) -> bool:
    """Set an agent who answers no offer to rest; return whether they were online."""
    with transaction.atomic():
        moved = Presence.objects.filter(member=member, status=PresenceStatus.ONLINE).update(
            status=PresenceStatus.REST, rested_by_system=True
        )
        if moved:
            presence = Presence.objects.get(member=member)
            facts = {"status": PresenceStatus.REST, "why": "offer not answered"}
            ledger.append(Event("presence.changed", member.pk, facts))
            events.announce_presence(member, presence)
    return bool(moved)


def note_work(member: Membership) -> None:
    """Count somebody as there, if busy, who takes a visitor while they say they are offline."""
    if Presence.objects.filter(member=member, status=PresenceStatus.OFFLINE).exists():
        set_status(member, PresenceStatus.BUSY)


def was_rested(member: Membership | None) -> bool:
    """Return whether the system set this agent to rest, and they have said nothing since."""
    return (
        member is not None
        and Presence.objects.filter(member=member, rested_by_system=True).exists()
    )


def heard_from(member: Membership) -> PresenceStatus:
    """Note that the agent's console is alive; return the status, online on first sight.

    Somebody whose console had fallen silent is online again.
    """
    presence = Presence.objects.filter(member=member).first()
    if presence is None or (
        presence.status == PresenceStatus.OFFLINE and presence.seen_at < clock.now() - SILENCE
    ):
        return PresenceStatus(set_status(member, PresenceStatus.ONLINE).status)
    Presence.objects.filter(pk=presence.pk).update(seen_at=clock.now())
    return PresenceStatus(presence.status)


def colleagues(member: Membership | None) -> list[dict[str, str]]:
    """Return the other agents who are there, as the console's socket names them."""
    there = Presence.objects.exclude(status=PresenceStatus.OFFLINE).select_related("member")
    return [
        {
            "member_id": str(presence.member_id),
            "name": presence.member.display_name,
            "status": presence.status,
        }
        for presence in there
        if member is None or presence.member_id != member.pk
    ]


def mark_silent() -> int:
    """Set every agent offline whose console has fallen silent; return how many."""
    silent = (
        Presence.objects.exclude(status=PresenceStatus.OFFLINE)
        .filter(seen_at__lt=clock.now() - SILENCE)
        .select_related("member")
    )
    for presence in silent:
        with transaction.atomic():
            moved = Presence.objects.filter(pk=presence.pk, seen_at=presence.seen_at).update(
                status=PresenceStatus.OFFLINE
            )
            if moved:
                presence.status = PresenceStatus.OFFLINE
                ledger.append(Event("presence.changed", presence.member_id, {"status": "offline"}))
                events.announce_presence(presence.member, presence)
        if moved:
            requeue.requeue_all(presence.member)
    return len(silent)
