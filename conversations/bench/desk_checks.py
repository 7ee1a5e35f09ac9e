"""What must hold while agents and visitors work the queue: watched during a run, proved after it."""

from __future__ import annotations

import time
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from conversations.bench.desk import CAPACITY, Stage
from conversations.models import Conversation, GroupMember, PresenceStatus
from conversations.states import ConversationStatus
from tenants import clock
from tenants.models import LedgerEntry

# Longer than this nobody may wait while somebody is free.
IDLE_SECONDS = 2.0
_SAMPLE_SECONDS = 0.25
# The rules of the product, written again: a check that asks the code under test proves nothing.
_SILENCE = timedelta(seconds=90)
_ASKED_AGAIN = timedelta(seconds=60)


@dataclass
class Watch:
    """Samples of the tables: who waits though somebody is free, who has too much."""

    stage: Stage
    samples: int = 0
    longest_idle: float = 0.0
    idle: int = 0
    over_capacity: int = 0
    asked_twice: int = 0
    waits: list[float] = field(default_factory=list)
    _since: dict[uuid.UUID, float] = field(default_factory=dict)

    def play(self) -> None:
        """Sample until the end."""
        while not self.stage.stop.wait(_SAMPLE_SECONDS):
            self.stage.attempt(self._sample)

    def _sample(self) -> None:
        at, now = clock.now(), time.monotonic()
        rows = list(
            Conversation.objects.exclude(status=ConversationStatus.CLOSED).values_list(
                "pk", "status", "agent", "offered_to", "passed_over"
            )
        )
        held = Counter(agent for _pk, status, agent, _to, _over in rows if status == "human")
        asked = Counter(to for _pk, _status, _agent, to, _over in rows if to is not None)
        there = GroupMember.objects.filter(
            member__presence__status=PresenceStatus.ONLINE,
            member__presence__seen_at__gt=at - _SILENCE,
        ).values_list("member", flat=True)
        free = [pk for pk in there if held[pk] < CAPACITY and not asked[pk]]
        self.samples += 1
        self.over_capacity += any(count > CAPACITY for count in held.values())
        self.asked_twice += any(count > 1 for count in asked.values())
        served = set()
        for pk, status, _agent, to, passed_over in rows:
            could = [
                member
                for member in free
                if str(member) not in passed_over
                or datetime.fromisoformat(passed_over[str(member)]) <= at - _ASKED_AGAIN
            ]
            if status == ConversationStatus.WAITING and to is None and could:
                waited = now - self._since.setdefault(pk, now)
                if waited > IDLE_SECONDS >= self.longest_idle:
                    self.idle += 1
                self.longest_idle = max(self.longest_idle, waited)
            else:
                served.add(pk)
        for pk in served:
            self._since.pop(pk, None)


@dataclass
class Replay:
    """The ledger of a run, read again from the start: claims and their order.

    The order of its entries is the order in which their transactions were committed.
    """

    offers: int = 0
    taken: int = 0
    requeued: int = 0
    expired: int = 0
    double_claims: int = 0
    overtaken_once: int = 0
    overtaken_again: int = 0
    waits: list[float] = field(default_factory=list)
    _line: dict[str, datetime] = field(default_factory=dict)
    _offered: dict[str, str] = field(default_factory=dict)
    _holder: dict[str, str] = field(default_factory=dict)
    _passed: dict[str, dict[str, datetime]] = field(default_factory=lambda: defaultdict(dict))
    _overtaken: Counter[str] = field(default_factory=Counter)

    def read(self) -> Replay:
        """Read the whole ledger of the tenant in scope."""
        entries = LedgerEntry.objects.order_by("position").values_list(
            "kind", "subject", "data", "at"
        )
        for kind, subject, data, at in entries.iterator():
            if kind == "handoff.requested":
                self._line[data["conversation"]] = at
                self._passed.pop(data["conversation"], None)
            elif kind == "conversation.offered":
                self._offer(subject, data["to"], at)
            elif kind == "offer.ended":
                self._offered.pop(subject, None)
                self._passed[subject][data["to"]] = at
                self.expired += data["why"] == "timeout"
            elif kind == "conversation.taken":
                self._take(subject, data["by"], at)
            elif kind == "conversation.requeued":
                self.requeued += 1
                self._leave(subject)
                first = min(self._line.values(), default=at)
                self._line[subject] = min(at, first - timedelta(microseconds=1))
            elif kind in ("conversation.closed", "conversation.returned", "conversation.resumed"):
                self._leave(subject)
        return self

    def _offer(self, pk: str, member: str, at: datetime) -> None:
        self.offers += 1
        self.double_claims += pk in self._offered or pk in self._holder
        mine = self._line.get(pk, at)
        for other, since in self._line.items():
            passed = self._passed[other].get(member)
            if (
                since < mine
                and other not in self._offered
                and (passed is None or passed <= at - _ASKED_AGAIN)
            ):
                self._overtaken[other] += 1
                self.overtaken_once += self._overtaken[other] == 1
                self.overtaken_again += self._overtaken[other] > 1
        self._overtaken.pop(pk, None)
        self._offered[pk] = member

    def _take(self, pk: str, member: str, at: datetime) -> None:
        self.taken += 1
        self.double_claims += pk in self._holder
        if pk in self._line:
            self.waits.append((at - self._line[pk]).total_seconds())
        self._leave(pk)
        self._holder[pk] = member

    def _leave(self, pk: str) -> None:
        for known in (self._line, self._offered, self._holder, self._passed):
            known.pop(pk, None)
