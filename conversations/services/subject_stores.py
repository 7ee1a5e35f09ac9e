"""Where something of a person is kept: every model, what is handed out of it, what erasing does.

A test compares this list with all models that lead to a contact, and each store's columns with
those that can hold text: nothing new is forgotten (L4, T55).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q, QuerySet

from conversations.models import (
    Attachment,
    AuthorKind,
    BlockEntry,
    BotDecision,
    Consent,
    Contact,
    ContactMerge,
    ContactNote,
    ContactSession,
    ContactTag,
    Conversation,
    Handoff,
    HandoffDelivery,
    Inquiry,
    Mention,
    Message,
    MismatchReport,
    Note,
    Notice,
    OutboundDelivery,
    QAItem,
    QAMark,
    QAReview,
    Rating,
    RatingCorrection,
    RuleRun,
    ServiceEvent,
    SilenceStep,
    SubjectRequest,
    SurveyInvite,
    Ticket,
    TicketComment,
    TicketNotice,
    WebhookDelivery,
    WrapUp,
)
from conversations.services.subject_store import ERASED, Store
from knowledge.models import Proposal
from tenants.models import Breach, LedgerEntry, Notification, Obligation
from tenants.scoping import TenantModel


def _by(model: type[TenantModel], *paths: str) -> Callable[[Sequence[UUID]], QuerySet[Any]]:
    def rows(ids: Sequence[UUID]) -> QuerySet[Any]:
        where = Q()
        for path in paths:
            where |= Q(**{f"{path}__in": ids})
        return model._base_manager.filter(where)

    return rows


def _conversations(ids: Sequence[UUID]) -> QuerySet[Any]:
    return Conversation.objects.filter(contact__in=ids).order_by().values("pk")


def _of_conversations(model: type[TenantModel]) -> Callable[[Sequence[UUID]], QuerySet[Any]]:
    every: Any = model._base_manager
    return lambda ids: every.filter(conversation_id__in=_conversations(ids))


def _proposals(ids: Sequence[UUID]) -> QuerySet[Any]:
    said = Message.objects.filter(conversation__contact__in=ids).order_by().values("pk")
    return Proposal.objects.filter(message_id__in=said)


def _messages(*, of_people: bool) -> Callable[[Sequence[UUID]], QuerySet[Any]]:
    """Messages that hold somebody's own words; or the assistant's and the system's fixed ones."""
    people = (AuthorKind.CUSTOMER, AuthorKind.AGENT)

    def rows(ids: Sequence[UUID]) -> QuerySet[Any]:
        said = Message.objects.filter(conversation__contact__in=ids)
        return (
            said.filter(author_kind__in=people)
            if of_people
            else said.exclude(author_kind__in=people)
        )

    return rows


def _worded(ids: Sequence[UUID]) -> QuerySet[Any]:
    return Message.objects.filter(conversation__contact__in=ids, is_worded=True)


def _evidence(ids: Sequence[UUID]) -> QuerySet[Any]:
    subjects = [*ids, *(pk for (pk,) in _conversations(ids).values_list("pk"))]
    return LedgerEntry.objects.filter(subject__in=[str(pk) for pk in subjects])


def _told_of(ids: Sequence[UUID]) -> QuerySet[Any]:
    promises = Obligation.objects.filter(conversation_id__in=_conversations(ids))
    subjects = {str(pk) for (pk,) in promises.order_by().values_list("subject_id")}
    return Notification.objects.filter(subject__in=subjects)


_RULE = "a word of our own code"
_OF_PROMISES = {"clause": _RULE, "terms_version": "the number of a contract"}
_KIND_OF_FILE = "a fixed word for the kind of file"
_SAID_BEFORE = "released for everybody, not written for one person"

STORES: list[Store] = [
    Store(
        Contact,
        _by(Contact, "pk"),
        erased={
            "external_id": "",
            "verified": False,
            "name": "",
            "phone": "",
            "email": "",
            "vouched": [],
            "from_ticket": [],
            "noted_name": "",
            "noted_phone": "",
            "noted_email": "",
            "remark": "",
            "attributes": {},
            "fingerprint_key": "",
        },
        kept={"locale": "one of two languages"},
        hidden=frozenset({"fingerprint_key"}),
    ),
    Store(
        ContactSession,
        _by(ContactSession, "contact"),
        removed=True,
        hidden=frozenset({"token_hash", "refresh_hash", "spent_refresh_hashes"}),
    ),
    Store(Consent, _by(Consent, "contact")),
    Store(ContactTag, _by(ContactTag, "contact"), removed=True),
    Store(ContactNote, _by(ContactNote, "contact"), removed=True),
    Store(
        BlockEntry,
        _by(BlockEntry, "contact"),
        erased={"reason": ERASED, "lifted_reason": ""},
        kept={"address": "a block names a contact or an address, never both"},
    ),
    Store(
        ContactMerge,
        _by(ContactMerge, "kept", "merged"),
        erased={"moved": {}},
    ),
    Store(
        SubjectRequest,
        lambda ids: SubjectRequest.objects.filter(contact__in=ids, refused_reason=""),
        erased={"identity_check": ERASED},
        kept={"refused_reason": "empty"},
    ),
    Store(
        SubjectRequest,
        lambda ids: SubjectRequest.objects.filter(contact__in=ids).exclude(refused_reason=""),
        erased={"identity_check": ERASED, "refused_reason": ERASED},
    ),
    Store(
        Conversation,
        _by(Conversation, "contact"),
        erased={"last_text": "", "elsewhere": {}},
        kept={"last_author": _RULE, "passed_over": "ids of colleagues"},
    ),
    Store(Inquiry, _of_conversations(Inquiry)),
    Store(
        Handoff,
        _of_conversations(Handoff),
        erased={"note": "", "external_id": "", "external_url": "", "external_ids": {}},
        kept={
            "external_agent": "a colleague's name",
            "package_hash": "a hash",
            "fallback_cause": _RULE,
        },
    ),
    Store(
        Message,
        _messages(of_people=True),
        erased={
            "text": ERASED,
            "client_msg_id": None,
            "context": {},
            "buttons": [],
            "feedback_comment": "",
            "author_name": "",
        },
        kept={"stand_in": _KIND_OF_FILE},
    ),
    Store(
        Message,
        _messages(of_people=False),
        erased={"client_msg_id": None, "context": {}, "feedback_comment": ""},
        kept={
            "text": f"{_SAID_BEFORE}; what a language model worded is put back to its source",
            "buttons": _SAID_BEFORE,
            "author_name": "empty, or a colleague's name",
            "stand_in": _KIND_OF_FILE,
        },
    ),
    Store(
        Note,
        _of_conversations(Note),
        erased={"text": ERASED},
        kept={"client_msg_id": "made up by the agent's console"},
    ),
    Store(
        BotDecision,
        _of_conversations(BotDecision),
        kept={
            "rule": _RULE,
            "candidates": "entries of the knowledge base and how well they fit",
            "topics": "likelihoods",
            "advice": "how the language model was reached, and hashes",
        },
    ),
    Store(
        MismatchReport,
        _by(MismatchReport, "message__conversation__contact"),
        erased={"note": ERASED, "fix": "", "message": None},
    ),
    Store(Proposal, _proposals, removed=True),
    Store(Obligation, _of_conversations(Obligation), kept=_OF_PROMISES),
    Store(Breach, _of_conversations(Breach), kept=_OF_PROMISES),
    Store(
        Notification,
        _told_of,
        kept={
            "kind": _RULE,
            "title": "the name of a promise",
            "body": "a clause, instants and a number",
            "subject": "an id",
            "link": "a path with an id",
            "dedupe": "a word and an id",
        },
    ),
    Store(
        LedgerEntry,
        _evidence,
        kept={
            "kind": _RULE,
            "subject": "an id",
            "data": "ids, codes and hashes",
            "previous_hash": "a hash",
            "hash": "a hash",
        },
    ),
    # What goes to colleagues and to the client's own systems.
    Store(Mention, _of_conversations(Mention)),
    Store(SilenceStep, _of_conversations(SilenceStep)),
    Store(ServiceEvent, _of_conversations(ServiceEvent), kept={"key": "a kind and ids"}),
    Store(RuleRun, _of_conversations(RuleRun), erased={"checks": [], "outcomes": []}),
    Store(Notice, _of_conversations(Notice), erased={"text": ERASED}),
    Store(WrapUp, _of_conversations(WrapUp), erased={"summary": ERASED}),
    Store(WebhookDelivery, _of_conversations(WebhookDelivery), removed=True),
    Store(
        OutboundDelivery,
        _by(OutboundDelivery, "handoff__conversation__contact"),
        erased={"body": ""},
        kept={"idempotency_key": "an id", "payload_hash": "a hash"},
    ),
    Store(
        HandoffDelivery,
        _by(HandoffDelivery, "handoff__conversation__contact"),
        erased={"response_excerpt": ""},
        kept={"error_class": _RULE, "request_id": "an id"},
    ),
    Store(
        Ticket,
        _by(Ticket, "contact"),
        erased={"subject": ERASED, "description": ERASED, "name": "", "phone": "", "email": ""},
        kept={"number": "a number of ours", "client_id": "made up by the agent's console"},
    ),
    Store(
        TicketComment,
        _by(TicketComment, "ticket__contact"),
        erased={"text": ERASED},
        kept={"merged_from": "a number of ours", "client_id": "made up by the agent's console"},
    ),
    Store(TicketNotice, _by(TicketNotice, "ticket__contact"), removed=True),
    # The files themselves are deleted by their own service (subjects.erase).
    Store(
        Attachment,
        _by(Attachment, "contact", "conversation__contact"),
        erased={"name": ""},
        kept={
            "mime": "a kind of file",
            "sha256": "a hash",
            "path": "a random name, emptied with the file",
        },
        hidden=frozenset({"path"}),
    ),
    Store(
        SurveyInvite,
        _by(SurveyInvite, "inquiry__conversation__contact"),
        erased={"token_hash": None},
        hidden=frozenset({"token_hash"}),
    ),
    Store(
        Rating,
        _by(Rating, "invite__inquiry__conversation__contact"),
        erased={"comment": ""},
    ),
    Store(
        RatingCorrection,
        _by(RatingCorrection, "rating__invite__inquiry__conversation__contact"),
        erased={"reason": ERASED},
    ),
    Store(QAItem, _by(QAItem, "inquiry__conversation__contact")),
    Store(
        QAReview,
        _by(QAReview, "item__inquiry__conversation__contact"),
        erased={"comment": ERASED},
    ),
    Store(QAMark, _by(QAMark, "review__item__inquiry__conversation__contact")),
]


def add(stores: Iterable[Store]) -> None:
    """Add what an app above this one keeps of a person; each model once."""
    STORES.extend(store for store in stores if not stores_of(store.model))


def put_back_wordings(ids: Sequence[UUID]) -> int:
    """Let the assistant's worded answers say what their source says; return how many there were.

    A wording may take up the visitor's own words. The comparison with the source stays true.
    """
    rows = list(_worded(ids).select_related("entry_version"))
    for message in rows:
        message.text = message.entry_version.answer if message.entry_version else ERASED
    Message.objects.bulk_update(rows, ["text"], batch_size=200)
    return len(rows)


def stores_of(model: type[TenantModel]) -> list[Store]:
    """Return the stores that hold rows of a model."""
    return [store for store in STORES if store.model is model]


def text_columns(model: type[models.Model]) -> set[str]:
    """Return the names of the columns that can hold somebody's words."""
    return {
        column.name
        for column in model._meta.concrete_fields
        if isinstance(
            column,
            models.CharField | models.TextField | models.JSONField | models.GenericIPAddressField,
        )
        and not column.choices
    }


def reached_models(every: Iterable[type[models.Model]]) -> set[type[models.Model]]:
    """Return the models of `every` from which foreign keys lead to a contact."""
    reached: set[type[models.Model]] = {Contact}
    grown = True
    while grown:
        grown = False
        for model in every:
            if model in reached:
                continue
            if any(column.related_model in reached for column in model._meta.concrete_fields):
                reached.add(model)
                grown = True
    return reached
