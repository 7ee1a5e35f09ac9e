"""Have both parties sign one content: two people, one of each, under one fingerprint (R46, R47)."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from tenants import clock, ratelimit
from tenants.errors import DomainError
from tenants.models import (
    Approval,
    ApprovalKind,
    ApprovalState,
    ContractTerms,
    Membership,
    Party,
    Signature,
    User,
)
from tenants.roles import Role
from tenants.services import contract_alerts, contracts, ledger
from tenants.services.ledger import Event


@dataclass(frozen=True)
class Subject:
    """What can be signed: its content as it stands now, and what the second signature does.

    `take_effect` gets the subject's id, the fingerprint and the instant, in the transaction of the
    signature, and returns the event for the ledger where it has not written it.
    """

    content_of: Callable[[uuid.UUID], Mapping[str, Any]]
    take_effect: Callable[[uuid.UUID, str, datetime], Event | None]


_SUBJECTS: dict[str, Subject] = {}


def add_subject(kind: str, subject: Subject) -> None:
    """Let contents of this kind be signed; called once by the app that owns them."""
    _SUBJECTS[kind] = subject


class SettledApprovalError(DomainError):
    """Signed by both, refused or void already."""

    code = "approval_settled"
    status = 409
    message = _("There is nothing to be signed here any more.")


class ContentChangedError(DomainError):
    """What stands there now is not what was to be signed."""

    code = "content_changed"
    status = 409
    message = _("The content changed meanwhile, so no signature holds. Ask for new signatures.")


class NotASignatoryError(DomainError):
    """The person does not sign for this party."""

    code = "not_a_signatory"
    status = 403
    message = _(
        "For the provider an account manager or a platform operator signs, for the client a client "
        "administrator."
    )


class AlreadySignedError(DomainError):
    """This party, or this person, signed before."""

    code = "already_signed"
    status = 409
    message = _("Two different people sign, one for each party; this signature is there already.")


class WrongPasswordError(DomainError):
    """The password given at signing is not the signer's."""

    code = "wrong_password"
    message = _("This is not your password. Nothing was signed.")


class RefusalReasonNeededError(DomainError):
    """A refusal without a reason."""

    code = "invalid"
    message = _("Please say why you refuse; the other party reads it.")


def request(
    kind: str, subject_id: uuid.UUID, content: Mapping[str, Any], *, title: str = ""
) -> Approval:
    """Ask both parties to sign this content of this subject; return what they are asked.

    Asked again for the same content, it is the same row, signatures and all. Another content of
    the same subject voids what was open.
    """
    with transaction.atomic():
        sha256 = ledger.content_hash(content)
        rows = Approval.objects.select_for_update().filter(kind=kind, about_id=subject_id)
        standing = rows.filter(
            content_hash=sha256, state__in=(ApprovalState.OPEN, ApprovalState.CONFIRMED)
        ).first()
        if standing is not None:
            return standing
        recorded = [_void(row) for row in rows.filter(state=ApprovalState.OPEN)]
        at = clock.now()
        approval = Approval.objects.create(
            kind=kind,
            about_id=subject_id,
            title=title[:120],
            content=dict(content),
            content_hash=sha256,
            requested_at=at,
        )
        facts = {"kind": kind, "subject": subject_id, "content_sha256": sha256}
        ledger.append(*recorded, Event("approval.requested", approval.pk, facts, at))
        contract_alerts.approval_requested(approval)
    return approval


def request_terms(row: ContractTerms) -> Approval:
    """Ask both parties to sign these contract terms as they stand."""
    return request(ApprovalKind.CONTRACT_TERMS, row.pk, contracts.content_of(row), title=str(row))


def sign(approval: Approval, by: User, party: str, *, ip: str | None = None) -> Approval:
    """Write one party's signature; the second one confirms, and what was signed takes effect.

    The door has asked for the signer's password again; `sign_with_password` does both. Raises
    NotASignatoryError, AlreadySignedError, SettledApprovalError, and ContentChangedError, which
    voids the approval.
    """
    name = _signatory(by, party)
    with transaction.atomic():
        row = Approval.objects.select_for_update().get(pk=approval.pk)
        if row.state != ApprovalState.OPEN:
            raise SettledApprovalError
        changed = _has_changed(row)
        if changed:
            ledger.append(_void(row))
        else:
            _write_signature(row, by, party, name, ip)
    approval.refresh_from_db()
    if changed:
        raise ContentChangedError
    return approval


def sign_with_password(
    approval: Approval, by: User, party: str, *, password: str, ip: str | None = None
) -> Approval:
    """Check that it is the signer who signs, then `sign`; five tries in five minutes.

    Raises WrongPasswordError, RateLimitedError, and what `sign` raises.
    """
    ratelimit.spend(f"sign:{by.pk}", limit=5, seconds=300)
    if not by.check_password(password):
        raise WrongPasswordError
    return sign(approval, by, party, ip=ip)


def refuse(approval: Approval, by: User, party: str, *, reason: str) -> Approval:
    """Write that a party does not sign this content; it can be asked again with another one.

    Raises NotASignatoryError, SettledApprovalError, RefusalReasonNeededError.
    """
    _signatory(by, party)
    reason = reason.replace("\x00", "").strip()[:300]
    if not reason:
        raise RefusalReasonNeededError
    with transaction.atomic():
        row = Approval.objects.select_for_update().get(pk=approval.pk)
        if row.state != ApprovalState.OPEN:
            raise SettledApprovalError
        at = clock.now()
        row.state = ApprovalState.REFUSED
        row.settled_at, row.refused_reason = at, reason
        row.save()
        facts = {
            "by": by.pk,
            "party": party,
            "content_sha256": row.content_hash,
            "reason_sha256": ledger.fingerprint(reason),
        }
        ledger.append(Event("approval.refused", row.pk, facts, at))
        contract_alerts.approval_settled(row)
    approval.refresh_from_db()
    return approval


def party_of(by: User) -> Party | None:
    """Return the party that this person signs for in the tenant in scope, or None."""
    member = Membership.objects.filter(user_id=by.pk, is_active=True).first()
    if member is not None and member.role == Role.CLIENT_ADMIN:
        return Party.CLIENT
    if by.is_operator or (member is not None and member.role == Role.ACCOUNT_MANAGER):
        return Party.PROVIDER
    return None


def _signatory(by: User, party: str) -> str:
    if not by.is_active or party_of(by) != party:
        raise NotASignatoryError
    member = Membership.objects.filter(user_id=by.pk, is_active=True).first()
    return member.display_name if member else str(by)


def _has_changed(row: Approval) -> bool:
    if ledger.content_hash(row.content) != row.content_hash:
        return True
    now = _SUBJECTS[row.kind].content_of(row.about_id)
    return ledger.content_hash(now) != row.content_hash


def _write_signature(row: Approval, by: User, party: str, name: str, ip: str | None) -> None:
    there = list(row.signatures.all())
    if any(each.party == party or each.signer_id == by.pk for each in there):
        raise AlreadySignedError
    at = clock.now()
    Signature.objects.create(
        approval=row,
        party=party,
        signer=by,
        signer_name=name,
        content_hash=row.content_hash,
        signed_at=at,
        ip=ip,
    )
    facts = {"by": by.pk, "party": party, "content_sha256": row.content_hash}
    recorded = [Event("approval.signed", row.pk, facts, at)]
    if there:
        row.state = ApprovalState.CONFIRMED
        row.settled_at = at
        row.save()
        facts = {"kind": row.kind, "subject": row.about_id, "content_sha256": row.content_hash}
        recorded.append(Event("approval.confirmed", row.pk, facts, at))
        effect = _SUBJECTS[row.kind].take_effect(row.about_id, row.content_hash, at)
        if effect is not None:
            recorded.append(effect)
        contract_alerts.approval_settled(row)
    ledger.append(*recorded)


def _void(row: Approval) -> Event:
    at = clock.now()
    row.state = ApprovalState.VOID
    row.settled_at = at
    row.save()
    return Event("approval.voided", row.pk, {"content_sha256": row.content_hash}, at)


def _terms_content(terms_id: uuid.UUID) -> Mapping[str, Any]:
    return contracts.content_of(ContractTerms.objects.select_related("contract").get(pk=terms_id))


def _terms_in_force(terms_id: uuid.UUID, content_hash: str, at: datetime) -> Event:
    return contracts.bring_into_force(terms_id, content_hash, at=at)


add_subject(ApprovalKind.CONTRACT_TERMS, Subject(_terms_content, _terms_in_force))
