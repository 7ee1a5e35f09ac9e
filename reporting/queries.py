"""What happened, in figures: reads across the apps, returns dataclasses.

Days are cut in the current time zone, which inside a request is the tenant's.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Count, Max, Min, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from conversations.models import BotDecision, Conversation, DecisionOutcome, Feedback, Message
from conversations.states import ConversationStatus, HandoffReason
from knowledge.services import releases
from knowledge.services.releases import Changes
from tenants import clock
from tenants.models import Breach, Obligation, ObligationKind, ObligationState

UNANSWERED_DAYS = 7
UNANSWERED_SHOWN = 10
TREND_DAYS = 14
# A question counts as unanswered where the knowledge base had nothing good enough to say.
UNANSWERED_REASONS = (HandoffReason.UNKNOWN, HandoffReason.UNCLEAR)


@dataclass(frozen=True)
class Queue:
    """Who waits for an agent now; `longest` is None where nobody does."""

    waiting: int
    longest: timedelta | None

    def is_over(self, limit: timedelta) -> bool:
        """Return whether somebody waits longer than this."""
        return self.longest is not None and self.longest > limit


@dataclass(frozen=True)
class Kept:
    """How a promise was kept: `judged` are met or breached, `running` not due yet."""

    kind: ObligationKind
    met: int
    breached: int
    running: int

    @property
    def judged(self) -> int:
        return self.met + self.breached


@dataclass(frozen=True)
class Share:
    """A part of a whole."""

    part: int
    whole: int


@dataclass(frozen=True)
class UnansweredQuestion:
    """Words the knowledge base had no answer to, and how often they came."""

    text: str
    count: int
    last_at: datetime


@dataclass(frozen=True)
class Unanswered:
    """The unanswered questions of the last days: how many, and the most frequent ones."""

    total: int
    top: list[UnansweredQuestion]


@dataclass(frozen=True)
class Day:
    """One day: questions decided, how many of them answered, and promises found broken."""

    date: date
    questions: int
    answered: int
    breaches: int


def queue() -> Queue:
    """Return who waits for an agent now."""
    waiting = Conversation.objects.filter(
        status=ConversationStatus.WAITING, held_elsewhere=False
    ).aggregate(count=Count("pk"), since=Min("waiting_since"))
    since = waiting["since"]
    return Queue(waiting["count"], clock.now() - since if since else None)


def breaches_today() -> int:
    """Return how many promises were found broken today."""
    return Breach.objects.filter(detected_at__gte=_start_of(_today())).count()


def pending_changes() -> Changes:
    """Return what the next release would change."""
    return releases.pending_changes()


def unanswered() -> Unanswered:
    """Return the questions of the last 7 days that went to people for want of an answer."""
    missed = BotDecision.objects.filter(
        conversation__is_probe=False,
        outcome=DecisionOutcome.HANDOFF,
        reason__in=UNANSWERED_REASONS,
        decided_at__gte=_start_of(_today() - timedelta(days=UNANSWERED_DAYS - 1)),
    )
    top = (
        missed.order_by()
        .values("question__text")
        .annotate(count=Count("pk"), last_at=Max("decided_at"))
        .order_by("-count", "-last_at")[:UNANSWERED_SHOWN]
    )
    return Unanswered(
        total=missed.count(),
        top=[
            UnansweredQuestion(row["question__text"], row["count"], row["last_at"]) for row in top
        ],
    )


def kept_today(kind: ObligationKind) -> Kept:
    """Return how the promises of this kind that started today were kept."""
    counts = Obligation.objects.filter(kind=kind, started_at__gte=_start_of(_today())).aggregate(
        met=Count("pk", filter=Q(state=ObligationState.MET)),
        breached=Count("pk", filter=Q(state=ObligationState.BREACHED)),
        running=Count("pk", filter=Q(state=ObligationState.RUNNING)),
    )
    return Kept(kind, **counts)


def answered_today() -> Share:
    """Return how many of today's questions the assistant answered; small talk is no question."""
    counts = (
        BotDecision.objects.filter(
            decided_at__gte=_start_of(_today()), conversation__is_probe=False
        )
        .exclude(outcome=DecisionOutcome.SMALLTALK)
        .aggregate(part=Count("pk", filter=Q(outcome=DecisionOutcome.ANSWERED)), whole=Count("pk"))
    )
    return Share(**counts)


def helpful_today() -> Share:
    """Return how many of the judgements on today's messages were good ones."""
    counts = (
        Message.objects.filter(created_at__gte=_start_of(_today()))
        .exclude(feedback="")
        .aggregate(part=Count("pk", filter=Q(feedback=Feedback.HELPFUL)), whole=Count("pk"))
    )
    return Share(**counts)


def trend() -> list[Day]:
    """Return the last 14 days, today last; a day without a question is a day of zeros."""
    first = _today() - timedelta(days=TREND_DAYS - 1)
    start = _start_of(first)
    questions = {
        row["day"]: row
        for row in BotDecision.objects.filter(decided_at__gte=start, conversation__is_probe=False)
        .exclude(outcome=DecisionOutcome.SMALLTALK)
        .order_by()
        .values(day=TruncDate("decided_at"))
        .annotate(
            questions=Count("pk"), answered=Count("pk", filter=Q(outcome=DecisionOutcome.ANSWERED))
        )
    }
    breaches = dict(
        Breach.objects.filter(detected_at__gte=start)
        .order_by()
        .values_list(TruncDate("detected_at"))
        .annotate(Count("pk"))
    )
    days = [first + timedelta(days=number) for number in range(TREND_DAYS)]
    return [
        Day(
            date=day,
            questions=questions[day]["questions"] if day in questions else 0,
            answered=questions[day]["answered"] if day in questions else 0,
            breaches=breaches.get(day, 0),
        )
        for day in days
    ]


def _today() -> date:
    return timezone.localdate(clock.now())


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time.min, timezone.get_current_timezone())
