"""What reports keep of a person, for handing out and erasing; added to the list when apps are ready."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from conversations.models import Message
from conversations.services.subject_store import Store
from reporting.models import AccuracyAuditItem, Question


def _questions(ids: Sequence[UUID]) -> QuerySet[Any]:
    return Question.objects.filter(contact_id__in=ids)


def _audited(ids: Sequence[UUID]) -> QuerySet[Any]:
    said = Message.objects.filter(conversation__contact__in=ids).order_by().values("pk")
    return AccuracyAuditItem.objects.filter(message_id__in=said)


STORES = (
    # The words lie with the messages; their fingerprint could be guessed from a list of questions.
    Store(
        Question,
        _questions,
        erased={"text_key": ""},
        kept={"demand": "a category of the knowledge base"},
    ),
    Store(AccuracyAuditItem, _audited),
)
