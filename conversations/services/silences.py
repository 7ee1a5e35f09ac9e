"""What is done about silence: reminders to visitors and agents, and the end of idle conversations."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from conversations import events
from conversations.models import (
    AuthorKind,
    Conversation,
    MessageKind,
    NoticeKind,
    ServiceTimes,
    SilenceStep,
    SilenceStepKind,
)
from conversations.services import endings, messages, notices, phrases, service_times
from conversations.states import CloseReason, ConversationStatus
from tenants import clock
from tenants.services import ledger
from tenants.services.ledger import Event

logger = logging.getLogger(__name__)

_BATCH = 200
_Work = Callable[[Conversation, datetime, datetime], bool]


def keep() -> int:
    """Do what the tenant's service times ask at this instant; return how many times it did.

    Each at most once per silence, however many processes call this at once: every conversation is
    locked and looked at again. What fails is logged, and the rest goes on.
    """
    times = service_times.current()
    steps = (
        (times.agent_reminder_seconds, "seconds", _remind_agent, SilenceStepKind.AGENT_REMINDED),
        (
            times.agent_escalation_seconds,
            "seconds",
            _escalate,
            SilenceStepKind.AGENT_ESCALATED,
        ),
        (
            times.visitor_reminder_minutes,
            "minutes",
            _visitor_reminder(times),
            SilenceStepKind.VISITOR_REMINDED,
        ),
        (
            times.idle_close_minutes and times.idle_close_minutes - times.idle_warning_minutes,
            "minutes",
            _warning(times),
            SilenceStepKind.VISITOR_WARNED,
        ),
    )
    done = 0
    for limit, unit, work, kind in steps:
        if limit is not None:
            span = timedelta(**{unit: limit})
            done += sum(_step(pk, since, kind, span, work) for pk, since in _silent(kind, span))
    return done + _close_idle(times) + _close_forgotten(times)


def _column(kind: SilenceStepKind) -> str:
    of_agent = (SilenceStepKind.AGENT_REMINDED, SilenceStepKind.AGENT_ESCALATED)
    return "unanswered_since" if kind in of_agent else "visitor_silent_since"


def _silent(kind: SilenceStepKind, span: timedelta) -> list[tuple[UUID, datetime]]:
    column = _column(kind)
    done = SilenceStep.objects.filter(
        conversation=OuterRef("pk"), kind=kind, since=OuterRef(column)
    )
    return list(
        Conversation.objects.filter(
            ~Exists(done),
            status=ConversationStatus.HUMAN,
            # Another system looks after its own agents.
            agent__isnull=False,
            **{f"{column}__lte": clock.now() - span},
        )
        .order_by(column)
        .values_list("pk", column)[:_BATCH]
    )


def _step(
    conversation_id: UUID, since: datetime, kind: SilenceStepKind, span: timedelta, work: _Work
) -> bool:
    try:
        with transaction.atomic():
            conversation = messages.lock_conversation(conversation_id)
            at = clock.now()
            same = getattr(conversation, _column(kind)) == since
            if not same or conversation.status != ConversationStatus.HUMAN or at - since < span:
                return False
            _row, created = SilenceStep.objects.get_or_create(
                conversation=conversation, kind=kind, since=since, defaults={"at": at}
            )
            return created and work(conversation, since, at)
    except Exception:
        logger.exception("Silence not handled: %s, %s", conversation_id, kind)
        return False


def _remind_agent(conversation: Conversation, since: datetime, at: datetime) -> bool:
    notices.tell(conversation, NoticeKind.SILENT_AGENT, at=at, member=conversation.agent)
    facts = {"by": None, "agent": conversation.agent_id, "since": since}
    ledger.append(Event("agent.reminded", conversation.pk, facts, at))
    return True


def _escalate(conversation: Conversation, since: datetime, at: datetime) -> bool:
    notices.tell(conversation, NoticeKind.ESCALATION, at=at, for_supervisors=True)
    facts = {"by": None, "agent": conversation.agent_id, "since": since}
    ledger.append(Event("agent.escalated", conversation.pk, facts, at))
    return True


def _visitor_reminder(times: ServiceTimes) -> _Work:
    def remind(conversation: Conversation, _since: datetime, at: datetime) -> bool:
        own = {"zh-CN": times.visitor_words_zh, "en": times.visitor_words_en}
        locale = "en" if conversation.contact.locale.lower().startswith("en") else "zh-CN"
        _tell_visitor(conversation, lambda: own[locale] or phrases.still_there(), at)
        return True

    return remind


def _warning(times: ServiceTimes) -> _Work:
    def warn(conversation: Conversation, _since: datetime, at: datetime) -> bool:
        _tell_visitor(conversation, lambda: phrases.about_to_close(times.idle_warning_minutes), at)
        return True

    return warn


def _tell_visitor(conversation: Conversation, words: Callable[[], str], at: datetime) -> None:
    with phrases.language_of(conversation.contact):
        text = words()
    message, event = messages.say(
        conversation, text, author_kind=AuthorKind.SYSTEM, kind=MessageKind.NOTICE, at=at
    )
    messages.store(conversation)
    ledger.append(event)
    events.announce_conversation(conversation, to_visitor=False)
    events.announce_message(message)


def _close_idle(times: ServiceTimes) -> int:
    if times.idle_close_minutes is None:
        return 0
    at = clock.now()
    limit = timedelta(minutes=times.idle_close_minutes)
    notice = timedelta(minutes=times.idle_warning_minutes)
    # Nobody is cut off who was not told in time, even where the telling came late.
    warned = SilenceStep.objects.filter(
        conversation=OuterRef("pk"),
        kind=SilenceStepKind.VISITOR_WARNED,
        since=OuterRef("visitor_silent_since"),
        at__lte=at - notice,
    )
    rows = Conversation.objects.filter(
        Exists(warned),
        status=ConversationStatus.HUMAN,
        agent__isnull=False,
        visitor_silent_since__lte=at - limit,
    )

    def is_due(conversation: Conversation, since: datetime) -> bool:
        return (
            conversation.status == ConversationStatus.HUMAN
            and conversation.visitor_silent_since == since
        )

    return sum(_close(pk, since, is_due) for pk, since in _first(rows, "visitor_silent_since"))


def _close_forgotten(times: ServiceTimes) -> int:
    if times.bot_close_hours is None:
        return 0
    limit = timedelta(hours=times.bot_close_hours)
    rows = Conversation.objects.filter(
        status=ConversationStatus.BOT,
        last_at__lte=clock.now() - limit,
        last_seq__gt=0,
        undecided_seq=None,
    )

    def is_due(conversation: Conversation, since: datetime) -> bool:
        return (
            conversation.status == ConversationStatus.BOT
            and conversation.undecided_seq is None
            and conversation.last_at == since
        )

    return sum(_close(pk, since, is_due) for pk, since in _first(rows, "last_at"))


def _first(rows: QuerySet[Conversation], column: str) -> list[tuple[UUID, datetime]]:
    return list(rows.order_by(column).values_list("pk", column)[:_BATCH])


def _close(
    conversation_id: UUID, since: datetime, is_due: Callable[[Conversation, datetime], bool]
) -> bool:
    try:
        with transaction.atomic():
            conversation = messages.lock_conversation(conversation_id)
            if not is_due(conversation, since):
                return False
            endings.close_unattended(
                conversation,
                reason=CloseReason.IDLE,
                sentence=lambda: _(
                    "The conversation was closed because nothing was written for a while. Write "
                    "again at any time."
                ),
                at=clock.now(),
            )
    except Exception:
        logger.exception("Idle conversation not closed: %s", conversation_id)
        return False
    return True
