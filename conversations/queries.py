"""Reading questions about conversations that several doors ask."""

from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from django.db.models import QuerySet

from conversations.models import AuthorKind, Conversation, Handoff, Message, MessageKind, Ticket
from conversations.states import ConversationStatus
from conversations.ticket_states import UNSETTLED
from knowledge.retrieval.text import normalise
from tenants import clock

# How many of the visitor's last messages can make up one question.
LONGEST_RUN = 10
# How far back a repeated question is looked for, in messages of both sides.
_LOOKED_BACK = 20
# Shorter words, such as "why?", may well be said about different things.
_SHORT = 3


# What waiting times are estimated from: the latest pick-ups of the group, not older than this.
_PICKUPS = 20
_PICKUPS_SINCE = timedelta(hours=1)
_FEWEST_PICKUPS = 3


def waiting() -> QuerySet[Conversation]:
    """Return the conversations that wait for an agent of the built-in console, in no order."""
    return Conversation.objects.filter(status=ConversationStatus.WAITING, held_elsewhere=False)


def queue_position(conversation: Conversation) -> int | None:
    """Return the conversation's place among those waiting in its group, from 1; None if it is not.

    What another system has is in no queue of ours.
    """
    if conversation.status != ConversationStatus.WAITING or conversation.held_elsewhere:
        return None
    ahead = waiting().filter(
        group=conversation.group_id, waiting_since__lt=conversation.waiting_since
    )
    return 1 + ahead.count()


def unsettled_ticket(conversation: Conversation) -> Ticket | None:
    """Return the conversation's latest ticket that is not settled yet, or None."""
    unsettled = Ticket.objects.filter(conversation=conversation, status__in=UNSETTLED)
    return unsettled.order_by("-created_at").first()


def pick_ups(group_id: UUID | None) -> list[tuple[datetime, datetime]]:
    """Return when the group's latest hand-offs were asked for and taken, the latest taken last."""
    latest = (
        Handoff.objects.filter(
            decided_at__gt=clock.now() - _PICKUPS_SINCE,
            accepted_at__isnull=False,
            conversation__group=group_id,
        )
        .order_by("-accepted_at")
        .values_list("decided_at", "accepted_at")[:_PICKUPS]
    )
    return list(latest)[::-1]


def wait_estimate(position: int, pick_ups: list[tuple[datetime, datetime]]) -> int | None:
    """Return the seconds until the one at this place is taken; None while too little is known.

    Places are passed as fast as pick-ups followed one another of late; but nobody is told to wait
    longer than the longest of them did for every place before them.
    """
    if len(pick_ups) < _FEWEST_PICKUPS:
        return None
    taken = [accepted for _asked, accepted in pick_ups]
    pace = (taken[-1] - taken[0]).total_seconds() / (len(taken) - 1)
    longest = max((accepted - asked).total_seconds() for asked, accepted in pick_ups)
    return max(1, round(min(pace * position, longest * position)))


def question_of(message: Message) -> str:
    """Return the question that ends with this message: the run of the visitor's words up to it.

    A confirmation of receipt does not end a run.
    """
    latest = (
        Message.objects.filter(conversation=message.conversation_id, seq__lte=message.seq)
        .exclude(kind=MessageKind.CONFIRMATION)
        .order_by("-seq")
        .values_list("author_kind", "text", "stand_in")[:LONGEST_RUN]
    )
    run = []
    for author_kind, text, stand_in in latest:
        if author_kind != AuthorKind.CUSTOMER:
            break
        run.append(f"{text} {stand_in}".strip())
    return "\n".join(reversed(run))


def asked_before(message: Message, question: str) -> int:
    """Return how many earlier questions of the conversation say the same as the one ending here.

    Spelling and politeness make no difference. Of the latest messages only; very short questions
    and those before any reply count as asked for the first time.
    """
    said = normalise(question)
    if message.seq <= 2 or len(said) <= _SHORT:
        return 0
    latest = (
        Message.objects.filter(conversation=message.conversation_id, seq__lte=message.seq)
        .exclude(kind=MessageKind.CONFIRMATION)
        .order_by("-seq")
        .values_list("author_kind", "text", "stand_in")[:_LOOKED_BACK]
    )
    runs = [
        "\n".join(f"{text} {mark}".strip() for _author, text, mark in reversed(list(run)))
        for author_kind, run in groupby(latest, key=lambda row: row[0])
        if author_kind == AuthorKind.CUSTOMER
    ]
    return sum(normalise(run) == said for run in runs[1:])
