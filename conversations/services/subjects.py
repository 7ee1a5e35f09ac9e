"""Answer what a person asks about their own data: find, hand out, correct, erase, refuse (L4)."""

from collections import Counter
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from conversations.models import (
    Attachment,
    Contact,
    ContactTag,
    Conversation,
    SubjectRequest,
    SubjectRequestKind,
    TagSource,
)
from conversations.persons import contact_ids_of, person_of
from conversations.services import attachments, endings
from conversations.services.messages import lock_conversation
from conversations.services.subject_stores import STORES, put_back_wordings
from conversations.states import ConversationStatus
from tenants import clock
from tenants.errors import DomainError, NotFoundError
from tenants.models import Membership, Tenant
from tenants.scoping import active_tenant_id, as_uuid
from tenants.services import calendars, contracts, ledger
from tenants.services.ledger import Event
from tenants.workdays import YearNotPublishedError

_FOUND = 50


class SettledRequestError(DomainError):
    """The request was met or refused before."""

    code = "request_settled"
    status = 409
    message = _("This request was settled already.")


class IdentityCheckNeededError(DomainError):
    """Nobody wrote down how the person proved who they are."""

    code = "invalid"
    message = _("Please write down how the identity was checked.")


class RefusalReasonNeededError(DomainError):
    """A refusal without a reason."""

    code = "invalid"
    message = _("A refusal needs a reason, which the person is told.")


class WrongNameError(DomainError):
    """What was typed is not the name on the request."""

    code = "wrong_name"
    message = _("What you typed is not “%(name)s”. Nothing was erased.")


class RunningConversationError(DomainError):
    """People talk with the person right now."""

    code = "conversation_running"
    status = 409
    message = _("This person is waiting for an agent or talking to one. Close that first.")


def find_contacts(term: str) -> list[Contact]:
    """Return the contacts with this id, customer number, telephone number or e-mail address.

    Whole values only, blanks and dashes of numbers aside; at most 50, who was here last first. A
    contact merged into another one is found as that one. Several may be one person or not: an
    unverified number is only what a page told.
    """
    term = term.replace("\x00", "").strip()
    if not term:
        return []
    digits = "".join(sign for sign in term if sign.isdigit() or sign == "+")
    numbers = {term, digits} if digits else {term}
    where = (
        Q(external_id=term)
        | Q(phone__in=numbers)
        | Q(noted_phone__in=numbers)
        | Q(email__iexact=term)
        | Q(noted_email__iexact=term)
    )
    contact_id = as_uuid(term)
    if contact_id is not None:
        where |= Q(pk=contact_id)
    found = Contact.objects.filter(where).select_related("channel").order_by("-last_seen_at", "pk")
    persons = (person_of(contact) for contact in found[:_FOUND])
    return list({person.pk: person for person in persons}.values())


def open_request(
    contact: Contact, kind: SubjectRequestKind, *, identity_check: str, by: Membership
) -> SubjectRequest:
    """Take down what a person wants, with the proof of who they are; its clock starts now.

    It is due at 24:00 of the 15th working day, or as the contract says (L4); without a deadline
    where that lies in a year whose holidays are not announced, until they are.
    """
    identity_check = identity_check.replace("\x00", "").strip()[:300]
    if not identity_check:
        raise IdentityCheckNeededError
    with transaction.atomic():
        at = clock.now()
        days = contracts.terms_at(at).subject_working_days
        request = SubjectRequest.objects.create(
            contact=person_of(Contact.objects.get(pk=contact.pk)),
            kind=kind,
            identity_check=identity_check,
            requested_at=at,
            due_at=_due(at, days),
            working_days=days,
            created_by=by,
        )
        facts = {"by": by.pk, "kind": kind, "contact": request.contact_id, "due": request.due_at}
        ledger.append(Event("subject.requested", request.pk, facts, at))
    return request


def note_export(request: SubjectRequest, *, by: Membership, sha256: str) -> None:
    """Record that the person's archive was handed out, by the hash of the file."""
    with transaction.atomic():
        at = clock.now()
        SubjectRequest.objects.filter(pk=request.pk).update(exported_at=at)
        facts = {"by": by.pk, "contact": request.contact_id, "sha256": sha256}
        ledger.append(Event("subject.exported", request.pk, facts, at))


def complete_request(request: SubjectRequest, *, by: Membership) -> SubjectRequest:
    """Say that a request other than erasure is met; a withdrawal ends profiling and sessions.

    Raises SettledRequestError, NotFoundError for a request for erasure, which `erase` meets.
    """
    with transaction.atomic():
        standing = _open(request)
        if standing.kind == SubjectRequestKind.DELETE:
            raise NotFoundError
        if standing.kind == SubjectRequestKind.WITHDRAW:
            _withdraw(contact_ids_of(standing.contact))
        _settle(standing, by, {})
    return standing


def refuse_request(request: SubjectRequest, *, reason: str, by: Membership) -> SubjectRequest:
    """Refuse a request with the reason that the person is told."""
    reason = reason.replace("\x00", "").strip()[:300]
    if not reason:
        raise RefusalReasonNeededError
    with transaction.atomic():
        standing = _open(request)
        standing.refused_reason = reason
        _settle(standing, by, {"refused": True})
    return standing


def erase(request: SubjectRequest, *, typed: str, by: Membership) -> dict[str, int]:
    """Erase everything of the request's person for good; return how many rows of what.

    `typed` must be the name the page shows, as the second step of confirming. One transaction
    over all stores: words, names, numbers, files, tags, notes and tokens go; counts, times, outcomes and
    the ledger, which holds fingerprints only, stay without a person. Raises WrongNameError,
    SettledRequestError, RunningConversationError, NotFoundError for another kind of request.
    Source: L4, T55.
    """
    with transaction.atomic():
        standing = _open(request)
        if standing.kind != SubjectRequestKind.DELETE:
            raise NotFoundError
        if typed.strip() != standing.contact.display_name:
            raise WrongNameError(name=standing.contact.display_name)
        ids = contact_ids_of(standing.contact)
        _lock(ids, by)
        _remove_files(ids, by)
        erased = _erase_stores(ids)
        Contact.objects.filter(pk__in=ids).update(erased_at=clock.now(), opted_out_of_profile=True)
        _settle(standing, by, {"erased": erased})
    return erased


def _remove_files(ids: list[UUID], by: Membership) -> None:
    sent = Attachment.objects.filter(Q(contact__in=ids) | Q(conversation__contact__in=ids))
    for attachment in sent.filter(removed_at=None):
        attachments.remove(attachment, by=by, reason="erasure")


def _erase_stores(ids: list[UUID]) -> dict[str, int]:
    erased: Counter[str] = Counter()
    # While the messages still say which conversation they are of, and before their text goes.
    for store in sorted(STORES, key=lambda store: not store.removed):
        erased[store.name] += store.erase(ids)
    put_back_wordings(ids)
    return {name: count for name, count in sorted(erased.items()) if count}


def _lock(ids: list[UUID], by: Membership) -> None:
    list(Contact.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk"))
    rows = Conversation.objects.filter(contact__in=ids).order_by("pk")
    for conversation_id in rows.values_list("pk", flat=True):
        if lock_conversation(conversation_id).status in (
            ConversationStatus.WAITING,
            ConversationStatus.HUMAN,
        ):
            raise RunningConversationError
        endings.end(conversation_id, by=by)


def _withdraw(ids: list[UUID]) -> None:
    at = clock.now()
    Contact.objects.filter(pk__in=ids).update(opted_out_of_profile=True)
    ContactTag.objects.filter(contact__in=ids).exclude(source=TagSource.AGENT).delete()
    for store in STORES:
        if store.name == "contactsession":
            store.rows(ids).filter(revoked_at=None).update(revoked_at=at)


def _open(request: SubjectRequest) -> SubjectRequest:
    standing: SubjectRequest | None = (
        SubjectRequest.objects.select_for_update(of=("self",))
        .select_related("contact")
        .filter(pk=request.pk)
        .first()
    )
    if standing is None:
        raise NotFoundError
    if not standing.is_open:
        raise SettledRequestError
    return standing


def _settle(request: SubjectRequest, by: Membership, facts: dict[str, object]) -> None:
    request.done_at = clock.now()
    request.done_by = by
    request.save(update_fields=["done_at", "done_by", "refused_reason"])
    known = {"by": by.pk, "kind": request.kind, "contact": request.contact_id}
    ledger.append(Event("subject.settled", request.pk, {**known, **facts}, request.done_at))


def recount_deadline(request_id: UUID) -> bool:
    """Count an open request's deadline anew by the calendar as it is now; return if it changed."""
    with transaction.atomic():
        row = SubjectRequest.objects.select_for_update().get(pk=request_id)
        due = _due(row.requested_at, row.working_days)
        if not row.is_open or due == row.due_at:
            return False
        facts = {"old": row.due_at, "new": due}
        SubjectRequest.objects.filter(pk=row.pk).update(due_at=due)
        ledger.append(Event("subject.due_changed", row.pk, facts))
    return True


def _due(at: datetime, days: int) -> datetime | None:
    zone = Tenant.objects.get(pk=active_tenant_id()).zone
    try:
        return calendars.due_at(at, days, zone)
    except YearNotPublishedError:
        return None
