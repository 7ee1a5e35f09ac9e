"""Write contracts and their terms, and tell which terms hold at an instant (R13)."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenants import clock, identifiers, secrets, terms_lists
from tenants.errors import DomainError
from tenants.models import Contract, ContractTerms, PartyKind, Tenant, User
from tenants.scoping import active_tenant_id
from tenants.services import ledger
from tenants.services.calendars import midnight
from tenants.services.ledger import Event
from tenants.terms import DEFAULTS, Terms

# Terms hold at the earliest so long after the second signature, and a process believes what it has
# read for less: so each knows of new terms before they hold, and asks once in a while, not each time.
HOLDS_AFTER = timedelta(seconds=60)
_BELIEVED_SECONDS = 30.0

# What the parties sign of a contract; telephone and e-mail may change without a new signature.
PARTIES = (
    "number",
    "place",
    "signed_on",
    "effective_from",
    "effective_to",
    "party_a_kind",
    "party_a_name",
    "party_a_code",
    "party_a_address",
    "party_a_representative",
    "party_b_name",
    "party_b_code",
    "party_b_address",
    "party_b_representative",
)
_NOT_AGREED = {
    "id",
    "tenant",
    "contract",
    "number",
    "in_force_at",
    "content_hash",
    "created_at",
    "created_by",
}
AGREED = tuple(
    field.name for field in ContractTerms._meta.concrete_fields if field.name not in _NOT_AGREED
)


class SignedTermsError(DomainError):
    """Both parties signed these terms."""

    code = "terms_signed"
    status = 409
    message = _("Both parties signed these terms; agree on the next version instead.")


class SignedContractError(DomainError):
    """Both parties signed terms under this contract."""

    code = "contract_signed"
    status = 409
    message = _("Both parties signed this contract; only telephone and e-mail may still change.")


class PartyNumberError(DomainError):
    """The client's number is missing, wrong, or of the wrong kind."""

    code = "party_number"
    message = _("Give a company's credit code, or a natural person's identity number.")


class OutsideContractError(DomainError):
    """The terms would begin before the contract does, or after its end."""

    code = "outside_contract"
    message = _("The terms begin outside the time in which the contract is in force.")


@dataclass(frozen=True)
class _Holding:
    """Terms and the span they hold in; no end means until the next."""

    begins: datetime
    ends: datetime | None
    terms: Terms


_known: dict[int, tuple[float, tuple[_Holding, ...]]] = {}
_lock = threading.Lock()


def terms_at(instant: datetime) -> Terms:
    """Return the terms in force at `instant` for the tenant in scope; without any, the defaults.

    Costs no query but one each half minute for each tenant and process. Never raises for what the
    rows hold: signed terms were checked when they were written.
    """
    for each in _schedule():
        if each.begins <= instant:
            return each.terms if each.ends is None or instant < each.ends else DEFAULTS
    return DEFAULTS


def contract_in_force(day: date) -> Contract | None:
    """Return the contract with signed terms that covers this day of the tenant's calendar."""
    return (
        Contract.objects.filter(
            Q(effective_to=None) | Q(effective_to__gte=day),
            effective_from__lte=day,
            terms__in_force_at__isnull=False,
            terms__effective_from__lte=day,
        )
        .order_by("-effective_from", "-pk")
        .first()
    )


def save_contract(contract: Contract, *, by: User | None, identity: str | None = None) -> Contract:
    """Write a contract; `identity` replaces the client's identity number, None keeps it.

    The number is kept sealed. Raises PartyNumberError, and SignedContractError where something
    signed would change.
    """
    with transaction.atomic():
        created = contract._state.adding
        if identity is not None:
            if identity and not identifiers.is_identity_number(identity):
                raise PartyNumberError
            contract.sealed_party_a_identity = secrets.seal(identity)
        is_person = contract.party_a_kind == PartyKind.PERSON
        if is_person:
            contract.party_a_code = ""
        else:
            contract.sealed_party_a_identity = ""
        if not (contract.sealed_party_a_identity if is_person else contract.party_a_code):
            raise PartyNumberError
        if not created:
            _refuse_signed_change(contract, identity)
        contract.full_clean(exclude=["tenant"])
        contract.save()
        facts = {
            "by": by.pk if by else None,
            "content_sha256": ledger.content_hash(_parties(contract)),
            "effective_from": contract.effective_from.isoformat(),
            "effective_to": contract.effective_to.isoformat() if contract.effective_to else None,
        }
        kind = "contract.created" if created else "contract.changed"
        ledger.append(Event(kind, contract.pk, facts))
    return contract


def save_terms(row: ContractTerms, *, by: User | None) -> ContractTerms:
    """Write terms that are not signed yet; new ones get the contract's next version number.

    A change voids the signatures that are there, because they stand under another content.
    Raises SignedTermsError, OutsideContractError.
    """
    with transaction.atomic():
        contract = Contract.objects.select_for_update().get(pk=row.contract_id)
        begins, ends = contract.effective_from, contract.effective_to
        if row.effective_from < begins or (ends is not None and row.effective_from > ends):
            raise OutsideContractError
        created = row._state.adding
        if created:
            newest = ContractTerms.objects.filter(contract=contract).order_by("-number").first()
            row.number = newest.number + 1 if newest else 1
            row.created_at, row.created_by = clock.now(), by
        elif ContractTerms.objects.get(pk=row.pk).in_force_at is not None:
            raise SignedTermsError
        row.full_clean(exclude=["tenant"])
        row.save()
        facts = {
            "by": by.pk if by else None,
            "contract": contract.pk,
            "version": row.number,
            "content_sha256": ledger.content_hash(content_of(row)),
        }
        kind = "contract_terms.drafted" if created else "contract_terms.changed"
        ledger.append(Event(kind, row.pk, facts))
    return row


def next_version(row: ContractTerms) -> ContractTerms:
    """Return an unsaved copy of these terms, to be changed and become the next version."""
    return ContractTerms(
        contract_id=row.contract_id, **{name: getattr(row, name) for name in AGREED}
    )


def content_of(row: ContractTerms) -> dict[str, Any]:
    """Return what the parties sign: the contract's parties and all its parameters, as plain data.

    Of an identity number only its fingerprint and its masked form: the content is kept open.
    """
    return {
        "contract": _parties(row.contract),
        "version": row.number,
        "terms": {name: _plain(getattr(row, name)) for name in AGREED},
    }


def bring_into_force(terms_id: Any, content_hash: str, *, at: datetime) -> Event:
    """Note that both parties signed these terms at `at`; return the event for the ledger.

    They hold from 00:00 of their day in the tenant's zone, at the earliest a minute after the
    signature: never for what was before. In the transaction of the second signature.
    """
    row = ContractTerms.objects.select_related("contract").get(pk=terms_id)
    zone = Tenant.objects.get(pk=active_tenant_id()).zone
    in_force_at = max(midnight(row.effective_from, zone), at + HOLDS_AFTER)
    ContractTerms.objects.filter(pk=row.pk, in_force_at=None).update(
        in_force_at=in_force_at, content_hash=content_hash
    )
    transaction.on_commit(forget)
    facts = {"version": row.number, "content_sha256": content_hash, "in_force_at": in_force_at}
    return Event("contract_terms.signed", row.pk, facts, at)


def forget() -> None:
    """Forget which terms hold, so that they are read again."""
    with _lock:
        _known.clear()


def _schedule() -> tuple[_Holding, ...]:
    tenant_id = active_tenant_id()
    found = _known.get(tenant_id)
    asked = time.monotonic()
    if found is not None and asked - found[0] < _BELIEVED_SECONDS:
        return found[1]
    read = tuple(_read())
    with _lock:
        _known[tenant_id] = (asked, read)
    return read


def _read() -> list[_Holding]:
    rows = list(
        ContractTerms.objects.filter(in_force_at__isnull=False)
        .select_related("contract", "tenant")
        # The newest that began wins; of two that begin together the one signed for the later time.
        .order_by("-in_force_at", "-number")
    )
    return [_holding(row) for row in rows]


def _holding(row: ContractTerms) -> _Holding:
    assert row.in_force_at is not None
    last = row.contract.effective_to
    ends = midnight(last + timedelta(days=1), row.tenant.zone) if last else None
    return _Holding(row.in_force_at, ends, as_terms(row))


def as_terms(row: ContractTerms) -> Terms:
    """Return the row's parameters as the rest of the product reads them."""
    same = (
        "auto_answer_target",
        "console_staff",
        "oos_policy",
        "clarifications",
        "year_kind",
        "confirm_working_days",
        "knowledge_working_days",
        "knowledge_lead_working_days",
        "patch_needs_order",
        "order_expiry_days",
        "survey_method",
        "satisfaction_target",
        "sample_size",
        "rectification_working_days",
        "availability_target",
        "availability_rule",
        "downtime_unit",
        "maintenance_excluded",
        "exclusion_working_days",
        "mismatch_working_days",
        "incident_report_working_days",
        "monthly_fee",
        "credit_cap",
        "credit_claim_days",
        "subject_working_days",
        "asks_age",
        "export_days",
        "deletion_days",
    )
    return Terms(
        version=str(row),
        first_reply=timedelta(seconds=row.first_reply_seconds),
        inquiry_idle=timedelta(minutes=row.inquiry_idle_minutes),
        handoff=timedelta(seconds=row.handoff_seconds),
        scores=terms_lists.scores(row.scores),
        wrong_entry_out=timedelta(minutes=row.wrong_entry_out_minutes),
        mismatch_corrected=timedelta(minutes=row.mismatch_corrected_minutes),
        incident_times=terms_lists.incident_times(row.incident_times),
        security_notice=timedelta(minutes=row.security_notice_minutes),
        maintenance_notice=timedelta(hours=row.maintenance_notice_hours),
        credit_tiers=terms_lists.credit_tiers(row.credit_tiers),
        **{name: getattr(row, name) for name in same},
    )


def _refuse_signed_change(contract: Contract, identity: str | None) -> None:
    if not contract.terms.filter(in_force_at__isnull=False).exists():
        return
    before = Contract.objects.get(pk=contract.pk)
    if _parties(before) != _parties(contract):
        raise SignedContractError


def _parties(contract: Contract) -> dict[str, Any]:
    identity = secrets.unseal(contract.sealed_party_a_identity)
    return {
        **{name: _plain(getattr(contract, name)) for name in PARTIES},
        "party_a_identity": identifiers.masked_identity(identity),
        "party_a_identity_sha256": ledger.fingerprint(identity) if identity else "",
    }


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool | int | str | list | Mapping) or value is None:
        return value
    # Decimals as stored and as entered are one figure: 0.95 and 0.95000.
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
