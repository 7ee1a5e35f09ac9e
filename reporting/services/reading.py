"""Read one day of dealings once: who said what, what was decided, where people took over."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from conversations.models import (
    AuthorKind,
    BotDecision,
    Conversation,
    DecisionOutcome,
    Handoff,
    Message,
    MessageKind,
)

_CHUNK = 300
# What belongs to a question of the day lies no further away than this.
_AROUND = timedelta(days=1)
# A row is written by the time this has passed since the instant it bears.
_WRITTEN = timedelta(hours=1)


@dataclass(frozen=True)
class Line:
    """One message, as far as counting needs it."""

    id: uuid.UUID
    seq: int
    author: str
    kind: str
    words: str
    received_at: datetime
    inquiry_id: uuid.UUID | None
    version_id: uuid.UUID | None
    feedback: str


@dataclass
class Dealing:
    """One conversation around the day: its lines in order, decisions by message, hand-offs."""

    id: uuid.UUID
    channel_id: uuid.UUID
    contact_id: uuid.UUID
    is_demo: bool
    lines: list[Line] = field(default_factory=list)
    decisions: dict[uuid.UUID, Mapping[str, Any]] = field(default_factory=dict)
    handoffs: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass
class Asked:
    """One question: its runs of words from the first to the last, and what came of it."""

    dealing: Dealing
    runs: list[list[Line]]
    outcome: str
    decision: Mapping[str, Any] | None
    answer: Line | None = None
    ends_before: int | None = None

    @property
    def asked_at(self) -> datetime:
        return self.runs[0][0].received_at

    @property
    def inquiry_id(self) -> uuid.UUID | None:
        return self.runs[0][0].inquiry_id

    @property
    def first_seq(self) -> int:
        return self.runs[0][0].seq

    @property
    def last_seq(self) -> int:
        return self.runs[-1][-1].seq

    @property
    def text(self) -> str:
        """The words of the first run: what is labelled, without what was asked back."""
        return "\n".join(line.words for line in self.runs[0])

    @property
    def topics(self) -> Mapping[str, float]:
        """How the first run sounds to the topic model."""
        decided = self.dealing.decisions.get(self.runs[0][-1].id)
        return decided["topics"] if decided else {}

    @property
    def is_handed_over(self) -> bool:
        """Whether this very question went to people, or the choice it was offered did."""
        beyond = self.outcome == DecisionOutcome.CLARIFY
        until = self.ends_before if beyond else self.last_seq + 1
        return self.outcome == DecisionOutcome.HANDOFF or any(
            self.first_seq <= row["trigger_seq"] and (until is None or row["trigger_seq"] < until)
            for row in self.dealing.handoffs
        )

    @property
    def is_handed_over_later(self) -> bool:
        """Whether people got the inquiry after this question."""
        return any(
            row["trigger_seq"] > self.last_seq and row["inquiry_id"] == self.inquiry_id
            for row in self.dealing.handoffs
        )


def bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the instants at which the day and the next one begin."""
    return tuple(  # type: ignore[return-value]
        datetime.combine(each, time.min, zone) for each in (day, day + timedelta(days=1))
    )


def dealings(start: datetime, end: datetime) -> Iterator[Dealing]:
    """Yield the conversations in which a visitor wrote from `start` to before `end`.

    Some hundred at a time: memory does not grow with the day.
    """
    ids = sorted(
        Message.objects.filter(
            author_kind=AuthorKind.CUSTOMER,
            created_at__gte=start - _WRITTEN,
            created_at__lt=end + _WRITTEN,
            received_at__gte=start,
            received_at__lt=end,
            conversation__is_probe=False,
        )
        .order_by()
        .values_list("conversation", flat=True)
        .distinct()
    )
    for place in range(0, len(ids), _CHUNK):
        yield from _chunk(ids[place : place + _CHUNK], start - _AROUND, end + _AROUND)


def questions_in(dealing: Dealing, now: datetime) -> list[Asked]:
    """Return the questions put to the assistant in a conversation, in order.

    A run of visitor messages is one; what people hold is none of them. A choice the assistant
    offers and what the visitor says to it belong to the question (R60). A run that nobody decided
    about and nobody answered met a silent assistant.
    """
    found: list[Asked] = []
    blocks = [
        (is_visitors, list(lines))
        for is_visitors, lines in groupby(
            dealing.lines, key=lambda line: line.author == AuthorKind.CUSTOMER
        )
    ]
    for place, (is_visitors, run) in enumerate(blocks):
        if not is_visitors:
            continue
        replies = blocks[place + 1][1] if place + 1 < len(blocks) else []
        decision = next(
            (dealing.decisions[line.id] for line in reversed(run) if line.id in dealing.decisions),
            None,
        )
        before = found[-1] if found else None
        if before is not None and before.ends_before is None:
            before.ends_before = run[0].seq
        if decision is None and (_is_peoples(dealing, run, replies) or _is_fresh(run, now)):
            continue
        outcome = _outcome(dealing, run, decision)
        answer = next(
            (
                line
                for line in replies
                if line.kind == MessageKind.ANSWER and line.version_id is not None
            ),
            None,
        )
        if (
            before is not None
            and before.outcome == DecisionOutcome.CLARIFY
            and before.inquiry_id == run[0].inquiry_id
            and outcome not in ("", DecisionOutcome.SMALLTALK)
        ):
            before.runs.append(run)
            before.outcome, before.decision, before.answer = outcome, decision, answer
            before.ends_before = None
            continue
        found.append(Asked(dealing, [run], outcome, decision, answer))
    return found


def _outcome(dealing: Dealing, run: list[Line], decision: Mapping[str, Any] | None) -> str:
    if decision is not None:
        return str(decision["outcome"])
    seqs = {line.seq for line in run}
    handed = any(row["trigger_seq"] in seqs for row in dealing.handoffs)
    return DecisionOutcome.HANDOFF if handed else ""


def _is_peoples(dealing: Dealing, run: list[Line], replies: Sequence[Line]) -> bool:
    if replies and replies[0].author == AuthorKind.AGENT:
        return True
    return any(
        row["decided_at"] <= run[-1].received_at
        and (row["ended_at"] is None or run[0].received_at < row["ended_at"])
        for row in dealing.handoffs
    )


def _is_fresh(run: list[Line], now: datetime) -> bool:
    return now - run[-1].received_at < timedelta(minutes=1)


def _chunk(ids: Sequence[uuid.UUID], start: datetime, end: datetime) -> Iterator[Dealing]:
    found = {
        row["pk"]: Dealing(row["pk"], row["channel_id"], row["contact_id"], row["is_demo"])
        for row in Conversation.objects.filter(pk__in=ids)
        .order_by()
        .values("pk", "channel_id", "contact_id", "is_demo")
    }
    messages = (
        Message.objects.filter(conversation__in=ids, created_at__gte=start, created_at__lt=end)
        .exclude(kind=MessageKind.CONFIRMATION)
        .order_by("conversation", "seq")
        .values_list(
            "conversation_id",
            "pk",
            "seq",
            "author_kind",
            "kind",
            "text",
            "stand_in",
            "received_at",
            "inquiry_id",
            "entry_version_id",
            "feedback",
        )
    )
    for key, pk, seq, author, kind, text, stand_in, at, inquiry, version, feedback in messages:
        words = f"{text} {stand_in}".strip()
        found[key].lines.append(Line(pk, seq, author, kind, words, at, inquiry, version, feedback))
    decisions = BotDecision.objects.filter(
        conversation__in=ids, decided_at__gte=start, decided_at__lt=end + _WRITTEN
    ).order_by()
    for row in decisions.values(
        "conversation_id", "question_id", "outcome", "topics", "candidates"
    ):
        found[row["conversation_id"]].decisions[row["question_id"]] = row
    handoffs = Handoff.objects.filter(conversation__in=ids).order_by()
    by_conversation: dict[uuid.UUID, list[Mapping[str, Any]]] = defaultdict(list)
    for row in handoffs.values(
        "conversation_id", "inquiry_id", "trigger_seq", "decided_at", "ended_at"
    ):
        by_conversation[row["conversation_id"]].append(row)
    for key, rows in by_conversation.items():
        found[key].handoffs = rows
    yield from found.values()
