"""Ask visitors how satisfied they are: drawn when an inquiry opens, sent when it ends (R72)."""

import uuid
from datetime import datetime

from django.db import transaction

from conversations import events, satisfaction, survey_links, survey_wire
from conversations.models import (
    AuthorKind,
    Conversation,
    Inquiry,
    Message,
    MessageKind,
    SurveyInvite,
    SurveyMethod,
    SurveyPart,
)
from conversations.services import messages, phrases, survey_terms
from tenants import clock
from tenants.models import Tenant
from tenants.services import ledger
from tenants.services.ledger import Event


def draw(inquiry: Inquiry, *, at: datetime) -> tuple[SurveyInvite, list[Event]]:
    """Draw whether the inquiry just opened will be asked; return its lot and ledger events.

    By the hash of its id under the month's seed, and for good: nothing that happens later moves
    it. Within the transaction that opens the inquiry. Source: R72.
    """
    month, recorded = survey_terms.month_at(at)
    invite = SurveyInvite.objects.create(
        inquiry=inquiry,
        month=month,
        is_invited=satisfaction.is_drawn(inquiry.pk, month.seed, month.rate),
        drawn_at=at,
    )
    return invite, recorded


def end_inquiry(conversation: Conversation, at: datetime) -> list[Event]:
    """End the latest inquiry of a locked conversation, and ask if it was drawn; return the events.

    The question comes as one more message, whatever the inquiry came to: asked are those drawn in
    which the assistant answered or an agent wrote. An inquiry that has ended already changes
    nothing. The caller stores the conversation and appends the events. Source: R72.
    """
    inquiry_id = conversation.inquiry_id
    if inquiry_id is None:
        return []
    if not Inquiry.objects.filter(pk=inquiry_id, closed_at=None).update(closed_at=at):
        return []
    invite = (
        SurveyInvite.objects.select_related("month__terms").filter(inquiry_id=inquiry_id).first()
    )
    if invite is None:
        # Opened before surveys were drawn.
        return []
    _note_parts(invite, conversation, at)
    recorded: list[Event] = []
    asks = invite.is_invited and invite.parts and not conversation.is_probe
    if asks and _surveys(invite):
        recorded = _ask(invite, conversation, at)
    invite.save()
    return recorded


def end_idle(inquiry_id: uuid.UUID, *, idle_since: datetime) -> None:
    """End an inquiry in which the visitor has been silent since `idle_since`, unless they wrote."""
    with transaction.atomic():
        conversation_id = Inquiry.objects.values_list("conversation", flat=True).get(pk=inquiry_id)
        conversation = messages.lock_conversation(conversation_id)
        at = clock.now()
        idle = Inquiry.objects.filter(pk=inquiry_id, closed_at=None, last_at__lte=idle_since)
        if conversation.inquiry_id != inquiry_id:
            idle.update(closed_at=at)
            return
        if not idle.exists():
            return
        recorded = end_inquiry(conversation, at)
        messages.store(conversation)
        if recorded:
            ledger.append(*recorded)


def _surveys(invite: SurveyInvite) -> bool:
    return invite.month.terms.method != SurveyMethod.SAMPLING


def _note_parts(invite: SurveyInvite, conversation: Conversation, at: datetime) -> None:
    said = Message.objects.filter(inquiry=invite.inquiry_id)
    invite.ended_at = at
    # A demonstration's own tenant counts what it plays, as in all its figures.
    pretended = conversation.is_demo and not Tenant.objects.get(pk=invite.tenant_id).is_demo
    invite.is_test = pretended or conversation.is_probe
    invite.has_bot_part = said.filter(author_kind=AuthorKind.BOT, kind=MessageKind.ANSWER).exists()
    by_agent = (
        said.filter(author_kind=AuthorKind.AGENT).select_related("agent").order_by("-seq").first()
    )
    invite.has_human_part = by_agent is not None
    invite.agent = by_agent.agent if by_agent else None


def _ask(invite: SurveyInvite, conversation: Conversation, at: datetime) -> list[Event]:
    shown = conversation.last_text, conversation.last_author, conversation.last_at
    had_read = conversation.agent_read_seq == conversation.last_seq
    english = survey_wire.is_english(conversation.contact)
    with phrases.language_of(conversation.contact):
        buttons = survey_wire.choices()
    message, event = messages.say(
        conversation,
        invite.month.terms.question(invite.parts[0], english=english),
        author_kind=AuthorKind.SYSTEM,
        kind=MessageKind.SURVEY,
        at=at,
        buttons=buttons,
    )
    # Lists show and sort by what people said, and nobody has to read the question to an other.
    conversation.last_text, conversation.last_author, conversation.last_at = shown
    if had_read:
        conversation.agent_read_seq = conversation.last_seq
    invite.message = message
    invite.token_hash = survey_links.digest(survey_links.token_of(invite))
    invite.sent_at = invite.opens_at = at
    invite.expires_at = at + satisfaction.WINDOW
    message.invite = invite
    events.announce_message(message)
    facts = {
        "inquiry": invite.inquiry_id,
        "parts": invite.parts,
        "expires_at": invite.expires_at,
        "human": invite.agent_id if SurveyPart.HUMAN in invite.parts else None,
    }
    return [event, Event("survey.sent", invite.pk, facts, at)]
