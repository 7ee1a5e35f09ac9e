"""What a measurement amounted to, and whether it was good enough."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from conversations.bench.visitor import Log, Turn, is_reply

SKIPPED_SHARE = 0.01


@dataclass(frozen=True)
class Spread:
    """Percentiles of durations, in milliseconds; None where there were none."""

    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Spread:
        """Return the spread of durations given in seconds, by nearest rank."""
        ordered = sorted(seconds)
        return cls(*(_nearest_rank(ordered, share) for share in (0.5, 0.95, 0.99, 1.0)))


@dataclass(frozen=True)
class ServerUse:
    """What the server's processes used during the measurement; the database's are not among them.

    `cpu_ms_per_turn` is None where no turn was answered.
    """

    pid: int
    cores: float
    cpu_ms_per_turn: float | None
    rss_mb: float


@dataclass
class Figures:
    """One measurement. Latencies are from sending a question to its ack or its answer."""

    visitors: int
    seconds: float
    rate: float
    goal_p99_ms: float
    connect_seconds: float = 0.0
    connections_per_second: float = 0.0
    turns: int = 0
    answered: int = 0
    turns_per_second: float = 0.0
    reply_ms: Spread = field(default_factory=lambda: Spread.of(()))
    ack_ms: Spread = field(default_factory=lambda: Spread.of(()))
    errors: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    undelivered: int = 0
    doubled: int = 0
    repeated_frames: int = 0
    handoffs: int = 0
    reconnects: int = 0
    resyncs: int = 0
    skipped: int = 0
    conversations_checked: int = 0
    agents: int = 0
    agent_frames: int = 0
    page_ms: Spread = field(default_factory=lambda: Spread.of(()))
    client_cores: float = 0.0
    other_cores: float = 0.0
    server: ServerUse | None = None

    def take_log(self, log: Log) -> None:
        """Count what the visitors saw."""
        answered = [turn for turn in log.turns if turn.replied_at is not None]
        self.turns, self.answered = len(log.turns), len(answered)
        self.turns_per_second = round(len(answered) / self.seconds, 2)
        self.reply_ms = Spread.of(turn.replied_at - turn.sent_at for turn in answered)  # type: ignore[operator]
        self.ack_ms = Spread.of(
            turn.acked_at - turn.sent_at for turn in log.turns if turn.acked_at is not None
        )
        self.errors = dict(log.errors)
        self.handoffs, self.reconnects, self.resyncs = log.handoffs, log.reconnects, log.resyncs
        self.repeated_frames, self.agent_frames = log.repeated_frames, log.agent_frames

    def failures(self) -> list[str]:
        """Return what falls short, each in a few words; empty for a good measurement."""
        found = [f"errors: {code} x {count}" for code, count in sorted(self.errors.items())]
        for name in ("lost", "undelivered", "doubled", "repeated_frames"):
            count = getattr(self, name)
            if count:
                found.append(f"{name.replace('_', ' ')}: {count}")
        if not self.answered:
            found.append("nothing was answered")
        elif self.reply_ms.p99 is not None and self.reply_ms.p99 > self.goal_p99_ms:
            found.append(f"p99 {self.reply_ms.p99} ms is above {self.goal_p99_ms} ms")
        if self.skipped > SKIPPED_SHARE * (self.turns + self.skipped):
            found.append(f"saturated: {self.skipped} questions found every visitor waiting")
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return all figures, with `failures`, for JSON."""
        return {**asdict(self), "failures": self.failures()}


def check_stored(
    figures: Figures, turns: Sequence[Turn], stored: dict[str, list[dict[str, Any]]]
) -> None:
    """Compare what was asked with what the server kept, conversation by conversation.

    Counts as lost: a gap in `seq`, an acknowledged question that is not there, a question
    without its one answer. As undelivered: an answer the socket never brought. As doubled: a
    question stored, or answered, twice.
    """
    figures.conversations_checked = len(stored)
    copies: Counter[str] = Counter()
    replies: dict[str, int] = {}
    for messages in stored.values():
        if [message["seq"] for message in messages] != list(range(1, len(messages) + 1)):
            figures.lost += 1
        question = ""
        for message in messages:
            if message["author"]["kind"] == "customer":
                question = message["client_msg_id"]
                copies[question] += 1
            elif question and is_reply(message):
                replies[question] = replies.get(question, 0) + 1
    for turn in turns:
        count, answers = copies[turn.client_msg_id], replies.get(turn.client_msg_id, 0)
        figures.doubled += (count > 1) + (answers > 1)
        if turn.error or turn.handed_off:
            continue
        if not count or not answers:
            figures.lost += 1
        elif turn.replied_at is None:
            figures.undelivered += 1


def table(figures: Figures) -> str:
    """Return the figures as text for people."""
    server = figures.server
    rows: list[tuple[str, str]] = [
        ("visitors", f"{figures.visitors}, connected in {figures.connect_seconds:.1f} s"),
        ("questions", f"{figures.turns} in {figures.seconds:g} s, {figures.answered} answered"),
        ("turns per second", f"{figures.turns_per_second} (asked for: {figures.rate:g})"),
        ("question to answer", _spread(figures.reply_ms)),
        ("question to ack", _spread(figures.ack_ms)),
        ("errors", ", ".join(f"{k} x {v}" for k, v in sorted(figures.errors.items())) or "0"),
        ("lost", str(figures.lost)),
        ("undelivered", str(figures.undelivered)),
        ("doubled", f"{figures.doubled} (frames repeated: {figures.repeated_frames})"),
        ("handed to people", str(figures.handoffs)),
        ("reconnects, resyncs", f"{figures.reconnects}, {figures.resyncs}"),
        ("skipped", str(figures.skipped)),
        ("stored, compared", f"{figures.conversations_checked} conversations"),
    ]
    if figures.agents:
        rows.append(("agents", f"{figures.agents}, who heard {figures.agent_frames} frames"))
    if figures.page_ms.p50 is not None:
        rows.append(("page loaded beside it", _spread(figures.page_ms)))
    rows.append(("client", f"{figures.client_cores:.2f} cores"))
    if server is not None:
        per_turn = "-" if server.cpu_ms_per_turn is None else f"{server.cpu_ms_per_turn:.2f} ms"
        rows.append(
            (
                "server",
                f"{server.cores:.2f} cores, {per_turn} CPU a turn, {server.rss_mb:.0f} MB"
                f" (process {server.pid})",
            )
        )
    rows.append(("the rest of the machine", f"{figures.other_cores:.2f} cores"))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def _spread(spread: Spread) -> str:
    if spread.p50 is None:
        return "-"
    return f"p50 {spread.p50} · p95 {spread.p95} · p99 {spread.p99} · max {spread.max} ms"


def _nearest_rank(ordered: Sequence[float], share: float) -> float | None:
    if not ordered:
        return None
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)] * 1000, 2)
