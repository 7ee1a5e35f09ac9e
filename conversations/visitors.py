"""What a visitor's device may do: the same behind REST and socket."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from conversations import events, survey_wire, turns, wire
from conversations.models import (
    Attachment,
    AuthorKind,
    BotDecision,
    ContactSession,
    Conversation,
    Feedback,
    Message,
)
from conversations.page_values import plain_values
from conversations.services import attachments as uploads
from conversations.services import blocks, desk, intake, learning
from conversations.services.attachments import Sender, most_bytes
from conversations.services.contacts import has_accepted
from conversations.services.intake import Inbound, Received
from conversations.services.withdrawal import withdrawn_before
from tenants import clock, ratelimit
from tenants.errors import DomainError, NotFoundError
from tenants.net import in_networks
from tenants.services import ledger
from tenants.services.ledger import Event

# T48: a visitor's and a tenant address's messages a minute.
MESSAGES_PER_VISITOR = 20
MESSAGES_PER_ADDRESS = 300
UPLOADS_PER_SESSION = 20
UPLOADS_PER_ADDRESS = 200
# Of the context a page sends with a message, this much is kept.
_CONTEXT_KEYS = 20
# A device that claims to have tried earlier than this is not believed (R53).
_LONGEST_OFFLINE = timedelta(days=7)


class NoticeOutdatedError(DomainError):
    """The channel's privacy notice has changed since the visitor saw it."""

    code = "notice_outdated"
    status = 409
    message = _("The privacy notice has changed. Please read it before you go on.")


def send(
    session: ContactSession,
    *,
    client_msg_id: str,
    text: str,
    context: Mapping[str, Any],
    address: str,
    first_attempt: datetime | None = None,
    conversation_id: uuid.UUID | None = None,
    attachments: Sequence[uuid.UUID] = (),
    quote: uuid.UUID | None = None,
    arrived: float | None = None,
    acknowledge: Callable[[Message], None] | None = None,
) -> Received:
    """Accept a message and let the assistant think about it; return when it is committed.

    `arrived` is the monotonic instant at which it reached this process, if not just now.
    `acknowledge` is called with the committed message before the assistant begins, so that no
    reply overtakes what it sends. A repeat of a stored message gets the first result whatever has
    changed since. Raises NoticeOutdatedError, RateLimitedError, BlockedError and what `intake.receive` raises.
    """
    received = _accept(
        session,
        Inbound(
            client_msg_id=client_msg_id,
            text=text,
            context=plain_values(context, keys=_CONTEXT_KEYS),
            notice_version=session.notice_version,
            first_attempt=_believable(first_attempt),
            received_at=_received_at(arrived),
            attachments=attachments,
            quote=quote,
        ),
        address,
        conversation_id,
    )
    if acknowledge is not None:
        acknowledge(received.message)
    if received.needs_turn:
        turns.start_turn(received)
    return received


def _accept(
    session: ContactSession, inbound: Inbound, address: str, conversation_id: uuid.UUID | None
) -> Received:
    try:
        blocks.refuse_address(address)
        if session.notice_version != session.channel.notice_version:
            raise NoticeOutdatedError(extra={"notice": notice(session)})
        _limit(session, inbound.client_msg_id, address)
    except DomainError:
        stored = intake.find(session.contact, inbound.client_msg_id)
        if stored is None:
            raise
        return Received(stored, created=False)
    return intake.receive(
        session.contact, session.channel, inbound, conversation_id=conversation_id
    )


def own_conversation(session: ContactSession, conversation_id: object) -> Conversation:
    """Return the visitor's own conversation; NotFoundError for anybody else's and for none."""
    try:
        conversation = (
            Conversation.objects.select_related("channel", "contact", "agent")
            .filter(contact=session.contact, pk=uuid.UUID(str(conversation_id)))
            .first()
        )
    except ValueError:
        raise NotFoundError from None
    if conversation is None:
        raise NotFoundError
    return conversation


def history(
    conversation: Conversation,
    *,
    after_seq: int | None = None,
    before_seq: int | None = None,
    limit: int = 50,
) -> dict[str, Any]:
    """Return a page of the conversation's messages, rising by `seq`, with what is left.

    `after_seq` pages forward, `before_seq` back; without either the latest messages come.
    `has_more` says whether the same direction holds more. Forward, `withdrawn` holds the messages
    up to `after_seq` that were taken back.
    """
    rows = Message.objects.filter(conversation=conversation).select_related("agent")
    if after_seq is not None:
        page = list(rows.filter(seq__gt=after_seq).order_by("seq")[: limit + 1])
        more, page = len(page) > limit, page[:limit]
    else:
        if before_seq is not None:
            rows = rows.filter(seq__lt=before_seq)
        page = list(rows.order_by("-seq")[: limit + 1])
        more, page = len(page) > limit, page[:limit][::-1]
    for message in page:
        message.conversation = conversation
    survey_wire.attach(page)
    wire.with_files(page)
    gone = withdrawn_before(conversation, after_seq) if after_seq else []
    return {
        "messages": [wire.message_object(message) for message in page],
        "withdrawn": [wire.message_object(message) for message in gone],
        "has_more": more,
        "last_seq": conversation.last_seq,
    }


def judge(
    session: ContactSession, message_id: uuid.UUID, *, helpful: bool, comment: str, reason: str = ""
) -> None:
    """Keep the visitor's judgement of one of the assistant's messages; the last one counts.

    `reason` says what was wrong (FeedbackReason); of an answer that was of help there is none.
    """
    with transaction.atomic():
        message = (
            Message.objects.select_for_update(of=("self",))
            .select_related("conversation__channel", "conversation__contact", "agent")
            .filter(
                pk=message_id,
                conversation__contact=session.contact,
                author_kind=AuthorKind.BOT,
            )
            .first()
        )
        if message is None:
            raise NotFoundError
        newly_helpful = helpful and message.feedback != Feedback.HELPFUL
        message.feedback = Feedback.HELPFUL if helpful else Feedback.UNHELPFUL
        message.feedback_comment = comment
        message.feedback_reason = "" if helpful else reason
        Message.objects.filter(pk=message.pk).update(
            feedback=message.feedback,
            feedback_comment=comment,
            feedback_reason=message.feedback_reason,
        )
        # A reply follows its question, with at most a confirmation in between.
        decision = (
            BotDecision.objects.filter(
                conversation=message.conversation,
                question__seq__in=(message.seq - 1, message.seq - 2),
            )
            .select_related("question")
            .order_by("-question__seq")
            .first()
        )
        if newly_helpful:
            learning.from_thumb(message, decision)
        ledger.append(
            Event(
                "message.judged",
                message.pk,
                {"feedback": message.feedback, "reason": message.feedback_reason},
                clock.now(),
            )
        )
        events.announce_message(message, decision=decision, updated=True)


def read(session: ContactSession, conversation: Conversation, up_to_seq: int) -> None:
    """Note how far the visitor has read."""
    desk.mark_read(conversation.pk, min(up_to_seq, conversation.last_seq), by="customer")


def delivered(conversation: Conversation, up_to_seq: int) -> None:
    """Note that the visitor's device has really got everything up to `up_to_seq`."""
    desk.mark_delivered(conversation, up_to_seq)


def upload(session: ContactSession, file: BinaryIO, name: str) -> Attachment:
    """Take in a picture or file of the visitor, to be sent with a message.

    `admit_upload` comes before. Raises what `attachments.receive` raises.
    """
    return uploads.receive(file, name, sender=Sender(contact=session.contact))


def admit_upload(session: ContactSession, address: str) -> None:
    """Raise NoticeOutdatedError or RateLimitedError before an upload is even read."""
    if session.notice_version != session.channel.notice_version:
        raise NoticeOutdatedError(extra={"notice": notice(session)})
    ratelimit.spend(f"upload:{session.pk}", limit=UPLOADS_PER_SESSION, seconds=60)
    limit_address(f"upload:{session.tenant_id}", address, UPLOADS_PER_ADDRESS)


def config(session: ContactSession) -> dict[str, Any]:
    """Return what a client needs to look and speak like the channel (protocols §3.3)."""
    channel = session.channel
    locale = "en" if session.locale == "en" else "zh-CN"
    return {
        "brand": {"name": channel.brand_name, "color": channel.colour, "logo_url": None},
        "assistant_name": channel.assistant_name,
        "greeting": channel.greeting,
        "quick_questions": [
            {"id": f"q{number}", "label": label}
            for number, label in enumerate(channel.quick_questions, start=1)
        ],
        "pre_chat_form": [],
        # The assistant answers around the clock; agents' hours are not set yet.
        "business_hours": None,
        "languages": ["zh-CN", "en"],
        "locale": locale,
        "max_upload": most_bytes(),
        "features": {"attachments": True, "feedback": True, "handoff": True, "rating": True},
        "ai_notice": wire.AI_NOTICE[locale],
        "ai_badge": wire.AI_BADGE[locale],
        "notice": {
            "version": str(channel.notice_version),
            "text": channel.notice_text,
            "accepted": has_accepted(session),
        },
        "poll_seconds": 5,
    }


def notice(session: ContactSession) -> dict[str, Any]:
    """Return the channel's privacy notice as it stands now."""
    channel = session.channel
    return {
        "version": str(channel.notice_version),
        "text": channel.notice_text,
        "accepted": False,
    }


def _limit(session: ContactSession, client_msg_id: str, address: str) -> None:
    ratelimit.spend(
        f"message:{session.contact_id}",
        limit=MESSAGES_PER_VISITOR,
        seconds=60,
        once=client_msg_id,
    )
    limit_address(f"message:{session.tenant_id}", address, MESSAGES_PER_ADDRESS, client_msg_id)


def limit_address(bucket: str, address: str, limit: int, once: str = "") -> None:
    """Count one use by a network address, unless the operator exempted it."""
    if not in_networks(address, settings.RATE_LIMIT_EXEMPT):
        ratelimit.spend(f"{bucket}:{address}", limit=limit, seconds=60, once=once)


def _received_at(arrived: float | None) -> datetime | None:
    if arrived is None:
        return None
    return clock.now() - timedelta(seconds=time.monotonic() - arrived)


def _believable(instant: datetime | None) -> datetime | None:
    if instant is None:
        return None
    now = clock.now()
    return instant if now - _LONGEST_OFFLINE <= instant <= now else None
