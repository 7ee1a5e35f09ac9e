"""Both parties sign one content: two people, one of each, or nothing holds (R46, R47)."""

import uuid
from collections.abc import Callable

import pytest
from django.db import IntegrityError

from tenants.errors import RateLimitedError
from tenants.models import (
    Approval,
    ApprovalState,
    ContractTerms,
    LedgerEntry,
    Membership,
    Party,
    Signature,
    Tenant,
    User,
)
from tenants.models.ledger import AppendOnlyError
from tenants.roles import Role
from tenants.services import approvals, contracts
from tenants.services.approvals import (
    AlreadySignedError,
    ContentChangedError,
    NotASignatoryError,
    RefusalReasonNeededError,
    SettledApprovalError,
    WrongPasswordError,
)
from tests.conftest import PASSWORD
from tests.tenants.agreements import Parties, draft_contract, draft_terms

CATALOGUE = "question_catalogue"
SUBJECT = uuid.UUID(int=7)
CONTENT = {"questions": ["多久发货？"], "version": 1}


# What the one subject of these tests says now.
standing: dict[str, object] = {}


@pytest.fixture(autouse=True)
def _subject(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = approvals.Subject(lambda _id: standing, lambda _id, _hash, _at: None)
    monkeypatch.setitem(approvals._SUBJECTS, CATALOGUE, subject)


@pytest.fixture
def parties(in_tenant: Tenant, make_member: Callable[..., User]) -> Parties:
    return Parties(make_member, in_tenant)


def ask(content: dict[str, object] = CONTENT) -> Approval:
    standing.clear()
    standing.update(content)
    return approvals.request(CATALOGUE, SUBJECT, content, title="清单")


def test_two_people_of_both_parties_confirm_one_content(parties: Parties) -> None:
    approval = ask()

    approvals.sign(approval, parties.client, Party.CLIENT, ip="203.0.113.5")
    assert approval.state == ApprovalState.OPEN
    approvals.sign(approval, parties.provider, Party.PROVIDER)

    assert approval.state == ApprovalState.CONFIRMED
    first = Signature.objects.get(party=Party.CLIENT)
    assert (first.signer, first.ip, first.content_hash) == (
        parties.client,
        "203.0.113.5",
        approval.content_hash,
    )
    kinds = list(LedgerEntry.objects.order_by("position").values_list("kind", flat=True))
    assert kinds[-4:] == [
        "approval.requested",
        "approval.signed",
        "approval.signed",
        "approval.confirmed",
    ]


def test_the_same_content_is_asked_once_and_another_one_voids_it(parties: Parties) -> None:
    approval = ask()
    approvals.sign(approval, parties.client, Party.CLIENT)
    assert ask({"version": 1, "questions": ["多久发货？"]}) == approval

    changed = ask({**CONTENT, "version": 2})

    approval.refresh_from_db()
    assert approval.state == ApprovalState.VOID
    assert changed.signatures.count() == 0
    with pytest.raises(SettledApprovalError):
        approvals.sign(approval, parties.provider, Party.PROVIDER)


def test_nobody_signs_twice_or_for_the_other_party(
    parties: Parties, make_member: Callable[..., User], in_tenant: Tenant
) -> None:
    approval = ask()
    approvals.sign(approval, parties.client, Party.CLIENT)

    with pytest.raises(AlreadySignedError):
        approvals.sign(approval, make_member(in_tenant, Role.CLIENT_ADMIN), Party.CLIENT)
    for person in (parties.client, make_member(in_tenant, Role.SUPERVISOR)):
        with pytest.raises(NotASignatoryError):
            approvals.sign(approval, person, Party.PROVIDER)
    # Who changes sides in between is still the same person.
    Membership.objects.filter(user=parties.client).update(role=Role.ACCOUNT_MANAGER)
    with pytest.raises(AlreadySignedError):
        approvals.sign(approval, parties.client, Party.PROVIDER)
    assert Approval.objects.get().state == ApprovalState.OPEN


def test_an_operator_signs_for_the_provider(parties: Parties, operator: User) -> None:
    approval = ask()

    approvals.sign(approval, operator, Party.PROVIDER)
    with pytest.raises(NotASignatoryError):
        approvals.sign(approval, operator, Party.CLIENT)


def test_signing_asks_for_the_password_and_bears_five_slips(parties: Parties) -> None:
    approval = ask()

    for _slip in range(4):
        with pytest.raises(WrongPasswordError):
            approvals.sign_with_password(approval, parties.client, Party.CLIENT, password="wrong")
    assert not Signature.objects.exists()
    approvals.sign_with_password(approval, parties.client, Party.CLIENT, password=PASSWORD)
    with pytest.raises(RateLimitedError):
        approvals.sign_with_password(approval, parties.client, Party.CLIENT, password=PASSWORD)


def test_refusal_needs_a_reason_and_settles(parties: Parties) -> None:
    approval = ask()

    with pytest.raises(RefusalReasonNeededError):
        approvals.refuse(approval, parties.client, Party.CLIENT, reason=" ")
    approvals.refuse(approval, parties.client, Party.CLIENT, reason="价格有误")

    assert (approval.state, approval.refused_reason) == (ApprovalState.REFUSED, "价格有误")
    assert not LedgerEntry.objects.filter(data__icontains="价格").exists()
    with pytest.raises(SettledApprovalError):
        approvals.sign(approval, parties.provider, Party.PROVIDER)
    assert ask() != approval


def test_changed_terms_void_what_was_signed(parties: Parties) -> None:
    terms = draft_terms(draft_contract())
    approval = approvals.request_terms(terms)
    approvals.sign(approval, parties.provider, Party.PROVIDER)
    terms.first_reply_seconds = 60
    contracts.save_terms(terms, by=None)

    with pytest.raises(ContentChangedError):
        approvals.sign(approval, parties.client, Party.CLIENT)

    approval.refresh_from_db()
    assert approval.state == ApprovalState.VOID
    assert ContractTerms.objects.get().in_force_at is None
    assert parties.sign(terms).in_force_at is not None


def test_changed_parties_void_what_was_signed(parties: Parties) -> None:
    contract = draft_contract()
    approval = approvals.request_terms(draft_terms(contract))
    contract.party_b_name = "他人"
    contracts.save_contract(contract, by=None)

    with pytest.raises(ContentChangedError):
        approvals.sign(approval, parties.client, Party.CLIENT)


def test_one_signature_brings_no_terms_into_force(parties: Parties) -> None:
    terms = draft_terms(draft_contract())

    approvals.sign(approvals.request_terms(terms), parties.provider, Party.PROVIDER)

    assert ContractTerms.objects.get().in_force_at is None


def test_signatures_are_evidence(parties: Parties) -> None:
    approval = ask()
    approvals.sign(approval, parties.client, Party.CLIENT)
    signature = Signature.objects.get()

    with pytest.raises(AppendOnlyError):
        signature.save()
    with pytest.raises(AppendOnlyError):
        signature.delete()
    with pytest.raises(IntegrityError):
        Signature.objects.create(
            approval=approval,
            party=Party.PROVIDER,
            signer=parties.client,
            signer_name="x",
            content_hash=approval.content_hash,
            signed_at=signature.signed_at,
        )
