"""Whether agents are there."""

from datetime import UTC, datetime, timedelta

from conversations.models import Presence, PresenceStatus
from conversations.services import presences
from tenants import clock
from tenants.models import LedgerEntry, Membership, Tenant

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def test_agent_is_online_on_first_sight(in_tenant: Tenant, agent: Membership) -> None:
    with clock.travel(NOON):
        status = presences.heard_from(agent)

    presence = Presence.objects.get()
    assert (status, presence.status, presence.seen_at) == ("online", "online", NOON)


def test_said_status_stays_while_the_console_is_heard(in_tenant: Tenant, agent: Membership) -> None:
    with clock.travel(NOON):
        presences.set_status(agent, PresenceStatus.REST)
    with clock.travel(NOON + timedelta(seconds=60)):
        status = presences.heard_from(agent)
    with clock.travel(NOON + timedelta(seconds=149)):
        silenced = presences.mark_silent()

    assert (status, silenced) == (PresenceStatus.REST, 0)
    assert Presence.objects.get().seen_at == NOON + timedelta(seconds=60)


def test_silent_console_means_offline_until_it_is_heard_again(
    in_tenant: Tenant, agent: Membership, colleague: Membership
) -> None:
    with clock.travel(NOON):
        presences.heard_from(agent)
    with clock.travel(NOON + timedelta(seconds=80)):
        presences.heard_from(colleague)
    later = NOON + timedelta(seconds=91)

    with clock.travel(later):
        silenced = presences.mark_silent()
    states = dict(Presence.objects.values_list("member__display_name", "status"))
    with clock.travel(later + timedelta(minutes=5)):
        back = presences.heard_from(agent)

    assert (silenced, back) == (1, "online")
    assert states == {"林晓": "offline", "周舟": "online"}
    changes = LedgerEntry.objects.filter(kind="presence.changed", subject=str(agent.pk))
    assert [row.data["status"] for row in changes.order_by("position")] == [
        "online",
        "offline",
        "online",
    ]


def test_agent_who_went_offline_stays_so_while_the_console_is_open(
    in_tenant: Tenant, agent: Membership
) -> None:
    with clock.travel(NOON):
        presences.set_status(agent, PresenceStatus.OFFLINE)
    with clock.travel(NOON + timedelta(seconds=25)):
        status = presences.heard_from(agent)

    assert status == "offline"
