"""How a survey looks on the wire: to its visitor, who may answer, and to agents, who may look."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import get_language

from conversations.instants import instant
from conversations.models import (
    Contact,
    Message,
    MessageKind,
    Rating,
    Satisfaction,
    SurveyInvite,
)
from conversations.satisfaction import editable_until, is_open
from conversations.survey_links import path_of
from tenants import clock


def is_english(contact: Contact) -> bool:
    """Return whether the contact is spoken to in English."""
    return contact.locale.lower().startswith("en")


def choices() -> list[dict[str, Any]]:
    """Return the five labelled answers as buttons, the best first, in the language in use."""
    return [
        {"id": str(value), "label": str(label), "action": "rate"}
        for value, label in Satisfaction.choices
    ]


def attach(page: Iterable[Message]) -> None:
    """Load the surveys among these messages, with their answers, in two queries at most."""
    cards = {message.pk: message for message in page if message.kind == MessageKind.SURVEY}
    if not cards:
        return
    invites = (
        SurveyInvite.objects.filter(message__in=cards)
        .select_related("month__terms")
        .prefetch_related("ratings")
    )
    for invite in invites:
        cards[invite.message_id].invite = invite


def survey_object(message: Message, *, for_visitor: bool) -> dict[str, Any] | None:
    """Return the survey a message asks for; None where it is none.

    `status` is "open", "answered" or "expired", at this instant. The link is told to the visitor
    alone: whoever holds it may answer.
    """
    if message.kind != MessageKind.SURVEY:
        return None
    invite: SurveyInvite | None = getattr(message, "invite", None)
    if invite is None:
        return None
    english = is_english(message.conversation.contact) if for_visitor else get_language() == "en"
    return shown(invite, english=english) | ({"url": path_of(invite)} if for_visitor else {})


def shown(invite: SurveyInvite, *, english: bool) -> dict[str, Any]:
    """Return an invitation that was sent: its questions, until when, and what was answered."""
    assert invite.opens_at is not None
    at = clock.now()
    given = {rating.part: rating for rating in invite.ratings.all()}
    parts = [_part(invite, part, given.get(part), at=at, english=english) for part in invite.parts]
    opened = is_open(invite.opens_at, at)
    answered = all(part["score"] is not None for part in parts)
    return {
        "id": str(invite.pk),
        "status": "answered" if answered else "open" if opened else "expired",
        "expires_at": instant(invite.expires_at),
        "parts": parts,
        "comment": next((rating.comment for rating in given.values() if rating.comment), ""),
    }


def _part(
    invite: SurveyInvite, part: str, rating: Rating | None, *, at: datetime, english: bool
) -> dict[str, Any]:
    assert invite.opens_at is not None
    last = editable_until(rating.given_at, invite.opens_at) if rating else invite.expires_at
    return {
        "part": part,
        "question": invite.month.terms.question(part, english=english),
        "score": rating.score if rating else None,
        "label": str(Satisfaction(rating.score).label) if rating else None,
        "editable_until": instant(last),
        "editable": last is not None and invite.opens_at <= at <= last,
    }
