"""Let agents say what the knowledge base says, with its source."""

import uuid
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from conversations.models import AuthorKind, Conversation, Message
from conversations.queries import question_of
from knowledge import search
from knowledge.models import EntryVersion, ProposalSource
from knowledge.queries import heard_saying
from knowledge.services import proposals
from tenants.errors import NotFoundError
from tenants.models import Membership
from tenants.services import ledger
from tenants.services.ledger import Event

_FOUND = 12
_SUGGESTED = 3
# A person judges it, so less certainty is enough than for the assistant's own answer.
_WORTH_A_LOOK = 0.3
# What would be shown as "0 %" is no find.
_NOT_NOTHING = 0.005


@dataclass(frozen=True)
class Found:
    """One entry version of the active release, and how likely it is what was asked.

    `p` is None where it was found by its words alone.
    """

    version: EntryVersion
    p: float | None


@dataclass(frozen=True)
class Suggestion:
    """What may answer the visitor's latest question, the likeliest first."""

    question: Message
    text: str
    found: tuple[Found, ...]


def find(words: str) -> list[Found]:
    """Return the entries of the active release that may be meant, the likeliest first.

    What means the words as the assistant would take them comes before what merely contains them.
    """
    likely = _likely(words, _FOUND, floor=_NOT_NOTHING) if words.strip() else []
    known = {each.version.pk for each in likely}
    rest: QuerySet[EntryVersion] = heard_saying(words).exclude(pk__in=known)
    return [*likely, *(Found(version, None) for version in rest[: _FOUND - len(likely)])]


def suggest(conversation: Conversation) -> Suggestion | None:
    """Return what may answer the visitor's latest question; None where nothing was asked.

    Only what is likely enough to be worth a person's look, which may be less than an answer needs.
    """
    latest = _latest_question(conversation)
    if latest is None:
        return None
    text = question_of(latest)
    return Suggestion(latest, text, tuple(_likely(text, _SUGGESTED, floor=_WORTH_A_LOOK)))


def refuse(
    conversation: Conversation, message_id: uuid.UUID, version_id: uuid.UUID, *, by: Membership
) -> None:
    """Note that the agent found a suggestion no help, and propose the question to the editors.

    It stands among the questions without an answer, once, unless it holds personal data. Raises
    NotFoundError unless the message is the visitor's and the version the tenant's.
    """
    question = Message.objects.filter(
        pk=message_id, conversation=conversation, author_kind=AuthorKind.CUSTOMER
    ).first()
    if question is None or not EntryVersion.objects.filter(pk=version_id).exists():
        raise NotFoundError
    with transaction.atomic():
        proposals.propose(
            question_of(question), source=ProposalSource.UNANSWERED, message_id=question.pk
        )
        facts = {"by": by.pk, "entry_version": version_id}
        ledger.append(Event("suggestion.refused", question.pk, facts))


def cited(version_id: uuid.UUID, text: str) -> uuid.UUID | None:
    """Return the version if visitors hear it now and `text` is its answer word for word."""
    released = search.released_answer(version_id)
    return version_id if released and released.answer.strip() == text.strip() else None


def _latest_question(conversation: Conversation) -> Message | None:
    return (
        Message.objects.filter(conversation=conversation, author_kind=AuthorKind.CUSTOMER)
        .order_by("-seq")
        .first()
    )


def _likely(text: str, limit: int, *, floor: float) -> list[Found]:
    answers = search.answer_candidates(text, limit=limit)
    likely = {each.version_id: each.p for each in answers.candidates if each.p >= floor}
    versions = EntryVersion.objects.in_bulk(list(likely))
    return [Found(versions[key], p) for key, p in likely.items() if key in versions]
