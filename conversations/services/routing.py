"""Offer waiting conversations to agents: the longest wait first, to whom fits best.

A conversation is claimed by locking its row, an agent by locking their presence, in this order.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Count, Q

from conversations import events, hours
from conversations.models import (
    AgentGroup,
    AuthorKind,
    Conversation,
    GroupMember,
    Handoff,
    Message,
    Presence,
    PresenceStatus,
    Strategy,
)
from conversations.queries import waiting
from conversations.services import messages
from conversations.services.groups import language_of
from conversations.states import ConversationStatus, HandoffReason
from tenants import clock
from tenants.services import ledger
from tenants.services.ledger import Event
from tenants.worktime import is_open

logger = logging.getLogger(__name__)

# An agent whose console has been silent for this long is not there any more.
SILENCE = timedelta(seconds=90)
# Who let a conversation pass is asked for it again only after this time.
PASSED_OVER = timedelta(seconds=60)
# What stands between two places in the queue.
A_MOMENT = timedelta(microseconds=1)
# Conversations that one drain of a group looks at.
_BATCH = 100
_LATEST_WORDS = 5
_CLAIM_ATTEMPTS = 20
_CLAIM_PAUSE_SECONDS = 0.02


def drain_soon(group_id: uuid.UUID | None = None) -> None:
    """Offer what waits once this transaction is committed: somebody may be free now."""
    transaction.on_commit(lambda: _drain_safely(group_id), robust=True)


def _drain_safely(group_id: uuid.UUID | None) -> None:
    try:
        drain(group_id)
    except Exception:
        # The sweeper drains within a second; what was committed stays done.
        logger.exception("Draining the queue failed: %s", group_id)


def drain(group_id: uuid.UUID | None = None) -> int:
    """Offer the waiting conversations of one group, or of all, to agents; return how many.

    Only of groups that assign automatically and whose people work now. Drains at the same time
    share the work: each skips what another has claimed.
    """
    groups = hours.in_use().filter(auto_assign=True)
    if group_id is not None:
        groups = groups.filter(pk=group_id)
    queue = waiting().filter(offered_to=None)
    waited_for = set(queue.filter(group__in=groups).values_list("group_id", flat=True))
    if not waited_for:
        return 0
    at = clock.now()
    zone = hours.zone()
    offers = 0
    for group in groups:
        if group.pk in waited_for and is_open(hours.hours_of(group, zone), at):
            offers += _drain_group(group)
    return offers


def _drain_group(group: AgentGroup) -> int:
    offers = 0
    # Whoever becomes free during a pass waits for the next one, which begins with the longest wait.
    while agents := free_agents(group, clock.now()):
        made = _offer_to(group, agents)
        offers += made
        if not made:
            break
    return offers


def _offer_to(group: AgentGroup, agents: list[FreeAgent]) -> int:
    """Offer the queue to these agents, one conversation to each at most; return how many."""
    offers = 0
    tried: list[uuid.UUID] = []
    queue = waiting().filter(group=group, offered_to=None).order_by("waiting_since", "pk")
    # The head is asked for each time: somebody may have been put before all others.
    while agents and len(tried) < _BATCH:
        head = queue.exclude(pk__in=tried).values_list("pk", flat=True).first()
        if head is None:
            break
        tried.append(head)
        asked = _offer_next(group, head, agents)
        if asked is not None:
            offers += 1
            agents = [each for each in agents if each is not asked]
    return offers


def _offer_next(
    group: AgentGroup, conversation_id: uuid.UUID, agents: list[FreeAgent]
) -> FreeAgent | None:
    with transaction.atomic():
        if not _claim(conversation_id):
            return None
        conversation = messages.lock_conversation(conversation_id)
        at = clock.now()
        for free in ranked(group, conversation, agents, at):
            if _claim_agent(free, at):
                offer(conversation, free.place, until=at + accept_time(group), at=at)
                return free
    return None


def accept_time(group: AgentGroup | None) -> timedelta:
    """Return how long an offer rings in this group; without one as long as groups ring by default."""
    seconds = (
        group.accept_seconds if group else AgentGroup._meta.get_field("accept_seconds").default
    )
    return timedelta(seconds=seconds)


def offer(conversation: Conversation, place: GroupMember, *, until: datetime, at: datetime) -> None:
    """Let a locked waiting conversation ring at an agent; store, record and announce it."""
    conversation.offered_to = place.member
    conversation.offered_until = until
    messages.store(conversation)
    Presence.objects.filter(member=place.member_id).update(last_offered_at=at)
    facts = {"to": place.member_id, "group": conversation.group_id, "until": until}
    ledger.append(Event("conversation.offered", conversation.pk, facts, at))
    events.announce_conversation(conversation, to_visitor=False)


def withdraw(conversation: Conversation, at: datetime, *, why: str) -> list[Event]:
    """End the offer of a locked conversation, on the object; return the ledger events.

    Who let it pass is not asked again for a minute.
    """
    member_id = conversation.offered_to_id
    if member_id is None:
        return []
    conversation.passed_over = {**conversation.passed_over, str(member_id): at.isoformat()}
    conversation.offered_to = conversation.offered_until = None
    return [Event("offer.ended", conversation.pk, {"to": member_id, "why": why}, at)]


@dataclass(frozen=True)
class FreeAgent:
    """An agent of a group who could take one more conversation, and how busy they are."""

    place: GroupMember
    load: int
    last_offered_at: datetime | None


def free_agents(group: AgentGroup, at: datetime) -> list[FreeAgent]:
    """Return the group's agents who are online, under their capacity and not being asked."""
    places = GroupMember.objects.filter(
        group=group,
        member__is_active=True,
        member__presence__status=PresenceStatus.ONLINE,
        member__presence__seen_at__gt=at - SILENCE,
    ).select_related("member__presence")
    online = list(places)
    loads, asked = loads_of([place.member_id for place in online])
    return [
        FreeAgent(place, loads[place.member_id], place.member.presence.last_offered_at)
        for place in online
        if place.member_id not in asked and loads[place.member_id] < place.capacity
    ]


def loads_of(member_ids: Iterable[uuid.UUID]) -> tuple[Counter[uuid.UUID], set[uuid.UUID]]:
    """Return how many conversations each member holds, and who is being offered one now."""
    ids = list(member_ids)
    if not ids:
        return Counter(), set()
    held = (
        Conversation.objects.filter(status=ConversationStatus.HUMAN, agent__in=ids)
        .order_by()
        .values_list("agent")
        .annotate(held=Count("pk"))
    )
    asked = Conversation.objects.filter(
        status=ConversationStatus.WAITING, offered_to__in=ids
    ).values_list("offered_to", flat=True)
    return Counter(dict(held)), set(asked)


def ranked(
    group: AgentGroup, conversation: Conversation, agents: list[FreeAgent], at: datetime
) -> list[FreeAgent]:
    """Return those of the agents who may be asked for the conversation, the best first.

    Whom the visitor dealt with last comes first, then who has most of the skills the visitor's
    words name, then by the group's strategy. Who speaks another language, or has just let it pass,
    is left out.
    """
    language = language_of(conversation)
    fit = [
        each
        for each in agents
        if (not each.place.languages or language in each.place.languages)
        and not _passed_over(conversation, each.place.member_id, at)
    ]
    if len(fit) < 2:
        return fit
    known = _known_agent(conversation)
    words = _words(conversation) if any(each.place.skills for each in fit) else ""

    def rank(each: FreeAgent) -> tuple[object, ...]:
        skills = sum(skill.casefold() in words for skill in each.place.skills)
        never = each.last_offered_at is None
        turn = each.last_offered_at or at
        busy = each.load if group.strategy == Strategy.LEAST_BUSY else 0
        return (
            each.place.member_id != known,
            -skills,
            busy,
            not never,
            turn,
            each.place.order,
            each.place.pk,
        )

    return sorted(fit, key=rank)


def _passed_over(conversation: Conversation, member_id: uuid.UUID, at: datetime) -> bool:
    when = conversation.passed_over.get(str(member_id))
    return when is not None and datetime.fromisoformat(when) > at - PASSED_OVER


def _known_agent(conversation: Conversation) -> uuid.UUID | None:
    """Who took this visitor's latest hand-off, here or in an earlier conversation."""
    return (
        Handoff.objects.filter(
            conversation__contact=conversation.contact_id, accepted_by__isnull=False
        )
        .order_by("-accepted_at")
        .values_list("accepted_by", flat=True)
        .first()
    )


def _words(conversation: Conversation) -> str:
    said = (
        Message.objects.filter(conversation=conversation, author_kind=AuthorKind.CUSTOMER)
        .order_by("-seq")
        .values_list("text", flat=True)[:_LATEST_WORDS]
    )
    reason = conversation.handoff_reason
    label = str(HandoffReason(reason).label) if reason else ""
    return "\n".join([*said, label, conversation.channel.name]).casefold()


def _claim(conversation_id: uuid.UUID) -> bool:
    """Lock a conversation that still waits for an offer; False where another drain has it.

    A row that is locked by somebody who writes in it is waited for, shortly: who comes next must
    not overtake it for that.
    """
    rows = waiting().filter(pk=conversation_id, offered_to=None).order_by().values_list("pk")
    if not connection.features.has_select_for_update_skip_locked:
        return rows.first() is not None
    for _attempt in range(_CLAIM_ATTEMPTS):
        if rows.select_for_update(of=("self",), skip_locked=True).first() is not None:
            return True
        if not rows.exists():
            return False
        time.sleep(_CLAIM_PAUSE_SECONDS)
    return False


def _claim_agent(free: FreeAgent, at: datetime) -> bool:
    """Lock the agent's presence and look again: another drain may have asked them meanwhile."""
    there = Q(status=PresenceStatus.ONLINE, seen_at__gt=at - SILENCE)
    rows = Presence.objects.filter(there, member=free.place.member_id)
    if connection.features.has_select_for_update:
        rows = rows.select_for_update(of=("self",))
    if rows.order_by().values_list("pk").first() is None:
        return False
    loads, asked = loads_of([free.place.member_id])
    member_id = free.place.member_id
    return member_id not in asked and loads[member_id] < free.place.capacity
