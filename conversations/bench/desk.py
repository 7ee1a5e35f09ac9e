"""Agents and visitors who work the queue through the services, each as careless as people are."""

from __future__ import annotations

import heapq
import logging
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import connections, transaction

from conversations import tasks
from conversations.models import (
    AgentGroup,
    AuthorKind,
    Channel,
    Conversation,
    GroupMember,
    Message,
    Presence,
    PresenceStatus,
)
from conversations.services import contacts, desk, endings, handoff, intake, offers, presences
from conversations.services.identity import Introduction
from conversations.services.intake import Inbound
from conversations.states import ConversationStatus
from tenants import clock
from tenants.errors import DomainError
from tenants.models import Membership, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services.onboarding import create_tenant

logger = logging.getLogger(__name__)

ACCEPT_SECONDS = 5
CAPACITY = 5
VISITOR_THREADS = 6
_LOOK_SECONDS = 0.25
_SWEEP_SECONDS = 1.0
_HEARTBEAT_SECONDS = 20.0
_SILENT_FOR = timedelta(seconds=120)


@dataclass
class Stage:
    """The tenant of a run, and what its people did; `stop` ends them."""

    tenant: Tenant
    channel: Channel
    group: AgentGroup
    members: list[Membership]
    stop: threading.Event = field(default_factory=threading.Event)
    counts: Counter[str] = field(default_factory=Counter)
    # What the services have accepted: (conversation, client's id).
    accepted: list[tuple[uuid.UUID, str]] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)

    def thread(self, work: Callable[[], None], name: str) -> threading.Thread:
        """Start a thread in the tenant's scope that closes its connections in the end."""

        def run() -> None:
            try:
                with tenant_scope(self.tenant):
                    work()
            finally:
                connections.close_all()

        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        return thread

    def attempt(self, work: Callable[[], object]) -> None:
        """Do something; a refusal is part of the play, anything else is counted as an error."""
        try:
            work()
        except DomainError as refusal:
            self.counts[f"refused_{refusal.code}"] += 1
        except Exception as error:
            logger.exception("The bench failed")
            self.errors[type(error).__name__] += 1


def build(agents: int) -> Stage:
    """Make a tenant with one group of so many agents, all of them online."""
    tenant = create_tenant(slug="bench", name="Bench")
    with tenant_scope(tenant):
        channel = Channel.objects.create(name="Bench", brand_name="Bench", assistant_name="Bot")
        group = AgentGroup.objects.create(
            name="Bench", is_default=True, accept_seconds=ACCEPT_SECONDS
        )
        members = []
        for number in range(agents):
            user = User.objects.create_user(f"agent{number}@bench.example")
            members.append(
                Membership.objects.create(
                    user=user, role=Role.AGENT, display_name=f"Agent {number}"
                )
            )
            GroupMember.objects.create(group=group, member=members[-1], capacity=CAPACITY)
            presences.set_status(members[-1], PresenceStatus.ONLINE)
    return Stage(tenant, channel, group, members)


def sweep(stage: Stage) -> None:
    """Do what the scheduled chores do, until the end."""
    while not stage.stop.wait(_SWEEP_SECONDS):
        stage.attempt(tasks.notice_silent_agents.run)
        stage.attempt(tasks.route_waiting.run)


class AgentPlayer:
    """An agent who accepts, declines, ignores, answers, closes, leaves and comes back."""

    def __init__(self, stage: Stage, member: Membership, seed: int) -> None:
        self._stage = stage
        self._member = member
        self._dice = random.Random(seed)  # noqa: S311 -- a play, no secret
        self._plans: dict[tuple[uuid.UUID, object], tuple[str, float]] = {}
        self._ends: dict[uuid.UUID, float] = {}
        self._away_until = 0.0
        self._heartbeat = 0.0

    def play(self) -> None:
        """Work until the end."""
        while not self._stage.stop.wait(_LOOK_SECONDS * self._dice.uniform(0.7, 1.3)):
            self._stage.attempt(self._look)

    def _look(self) -> None:
        now = time.monotonic()
        if self._away_until:
            if now < self._away_until:
                return
            self._away_until = 0.0
            presences.set_status(self._member, PresenceStatus.ONLINE)
            self._stage.counts["returned"] += 1
        elif presences.was_rested(self._member):
            self._away_until = now + self._dice.uniform(1, 4)
            return
        elif self._dice.random() < _LOOK_SECONDS / 90:
            self._leave(now)
            return
        if now - self._heartbeat > _HEARTBEAT_SECONDS:
            self._heartbeat = now
            presences.heard_from(self._member)
        self._answer_offer(now)
        self._serve(now)

    def _leave(self, now: float) -> None:
        self._away_until = now + self._dice.uniform(4, 12)
        if self._dice.random() < 0.5:
            self._stage.counts["went_offline"] += 1
            presences.set_status(self._member, PresenceStatus.OFFLINE)
        else:
            # Nobody waits 90 s for the silence: it has lasted that long already.
            self._stage.counts["fell_silent"] += 1
            Presence.objects.filter(member=self._member).update(seen_at=clock.now() - _SILENT_FOR)

    def _answer_offer(self, now: float) -> None:
        rings = Conversation.objects.filter(
            status=ConversationStatus.WAITING, offered_to=self._member
        ).values_list("pk", "offered_until")
        for pk, until in rings:
            if (pk, until) not in self._plans:
                deed = self._dice.choices(("accept", "decline", "ignore"), (88, 6, 6))[0]
                self._plans[(pk, until)] = (deed, now + self._dice.uniform(0.2, 1.5))
            deed, due = self._plans[(pk, until)]
            if now < due or deed == "ignore":
                continue
            if deed == "accept":
                desk.take(pk, by=self._member)
                self._ends[pk] = now + self._dice.uniform(3, 9)
            else:
                offers.decline(pk, by=self._member)
            self._stage.counts[deed] += 1

    def _serve(self, now: float) -> None:
        held = Conversation.objects.filter(status=ConversationStatus.HUMAN, agent=self._member)
        for pk, last_author in held.values_list("pk", "last_author"):
            if now > self._ends.setdefault(pk, now + self._dice.uniform(2, 6)):
                endings.close(pk, by=self._member)
                del self._ends[pk]
                self._stage.counts["closed"] += 1
            elif last_author == AuthorKind.CUSTOMER:
                mark = uuid.uuid4().hex
                desk.reply(pk, "One moment", by=self._member, client_msg_id=mark)
                self._stage.accepted.append((pk, mark))


class Visitors:
    """Visitors who come over the time of the run, ask for a person, and write on."""

    def __init__(self, stage: Stage, count: int, seconds: float, seed: int) -> None:
        self._stage = stage
        self._dice = random.Random(seed)  # noqa: S311 -- a play, no secret
        self._lock = threading.Lock()
        start = time.monotonic()
        self._due: list[tuple[float, int, int, contacts.Admission | None]] = [
            (start + self._dice.uniform(0, seconds), number, 0, None) for number in range(count)
        ]
        heapq.heapify(self._due)

    def play(self) -> None:
        """Do what is due, until the end."""
        while not self._stage.stop.is_set():
            with self._lock:
                ready = self._due and self._due[0][0] <= time.monotonic()
                turn = heapq.heappop(self._due) if ready else None
            if turn is None:
                self._stage.stop.wait(0.05)
                continue
            self._stage.attempt(lambda turn=turn: self._act(*turn[1:]))  # type: ignore[misc]

    def _act(self, number: int, step: int, admission: contacts.Admission | None) -> None:
        if admission is None:
            device = Introduction(device_id=f"bench-{number}", locale="zh-CN")
            admission = contacts.admit(self._stage.channel, device)
        session = admission.session
        current = intake.current_conversation(session.contact, session.channel)
        if step > 0 and (current is None or current.status == ConversationStatus.CLOSED):
            return
        mark = uuid.uuid4().hex
        received = intake.receive(
            session.contact, session.channel, Inbound(client_msg_id=mark, text=f"Question {step}")
        )
        pk = received.message.conversation_id
        self._stage.accepted.append((pk, mark))
        if step == 0:
            handoff.request_handoff(pk)
            self._stage.counts["asked"] += 1
        elif self._dice.random() < 0.03:
            with suppress(DomainError):
                endings.resume_by_contact(pk)
                self._stage.counts["resumed"] += 1
            return
        pause = self._dice.uniform(1.0, 4.0)
        with self._lock:
            heapq.heappush(self._due, (time.monotonic() + pause, number, step + 1, admission))


def count_messages(stage: Stage) -> tuple[int, int]:
    """Return how many accepted messages are missing and how many are stored twice."""
    stored: Counter[tuple[uuid.UUID, str]] = Counter(
        Message.objects.exclude(client_msg_id="").values_list("conversation", "client_msg_id")
    )
    lost = sum(1 for key in stage.accepted if stored[key] == 0)
    doubled = sum(1 for key in stage.accepted if stored[key] > 1)
    with transaction.atomic():
        for pk, last_seq in Conversation.objects.values_list("pk", "last_seq"):
            seqs = list(
                Message.objects.filter(conversation=pk)
                .order_by("seq")
                .values_list("seq", flat=True)
            )
            lost += seqs != list(range(1, last_seq + 1))
    return lost, doubled
