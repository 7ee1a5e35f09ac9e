"""Contracts: sealed numbers, versions that never change, and terms by the instant they held."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from tenants import clock
from tenants.models import Contract, ContractTerms, LedgerEntry, Tenant, User
from tenants.models.ledger import AppendOnlyError
from tenants.scoping import tenant_scope
from tenants.services import contracts, ledger
from tenants.services.contracts import (
    HOLDS_AFTER,
    OutsideContractError,
    PartyNumberError,
    SignedContractError,
    SignedTermsError,
)
from tenants.terms import DEFAULTS
from tests.tenants.agreements import Parties, draft_contract, draft_terms

# 20 October 2026, 10:00 in Shanghai.
BEFORE = datetime(2026, 10, 20, 2, tzinfo=UTC)
# Midnight of 1 November 2026 in Shanghai.
FIRST = datetime(2026, 10, 31, 16, tzinfo=UTC)
IDENTITY = "11010519491231002X"


@pytest.fixture
def parties(in_tenant: Tenant, make_member: Callable[..., User]) -> Parties:
    return Parties(make_member, in_tenant)


def signed(parties: Parties, at: datetime = BEFORE, **fields: Any) -> ContractTerms:
    with clock.travel(at):
        contract = Contract.objects.first() or draft_contract()
        return parties.sign(draft_terms(contract, **fields))


def test_without_a_contract_the_defaults_hold(in_tenant: Tenant) -> None:
    assert contracts.terms_at(BEFORE) is DEFAULTS
    assert contracts.contract_in_force(date(2026, 11, 1)) is None
    assert DEFAULTS.version == "default"


def test_a_drafts_defaults_are_those_of_the_product(in_tenant: Tenant) -> None:
    terms = contracts.as_terms(draft_terms(draft_contract()))

    assert {**vars(terms), "version": ""} == {**vars(DEFAULTS), "version": ""}


def test_terms_hold_from_midnight_of_their_day_and_not_before(parties: Parties) -> None:
    terms = signed(parties, first_reply_seconds=8, availability_target=Decimal("0.999"))

    assert terms.in_force_at == FIRST
    assert contracts.terms_at(FIRST - timedelta(microseconds=1)) is DEFAULTS
    held = contracts.terms_at(FIRST)
    assert held.first_reply == timedelta(seconds=8)
    assert held.availability_target == Decimal("0.999")
    assert held.version == "HT-1 v1"


def test_terms_signed_late_hold_a_minute_after_the_signature_never_backwards(
    parties: Parties,
) -> None:
    at = FIRST + timedelta(days=10)
    terms = signed(parties, at, handoff_seconds=30)

    assert terms.in_force_at == at + HOLDS_AFTER
    assert contracts.terms_at(at) is DEFAULTS
    assert contracts.terms_at(at + HOLDS_AFTER).handoff == timedelta(seconds=30)


def test_a_later_version_replaces_the_earlier_one_for_its_own_time_alone(
    parties: Parties,
) -> None:
    first = signed(parties, first_reply_seconds=8)
    with clock.travel(FIRST):
        draft = contracts.next_version(first)
        draft.effective_from, draft.first_reply_seconds = date(2026, 12, 1), 6
        second = parties.sign(contracts.save_terms(draft, by=None))

    december = datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert (second.number, second.in_force_at) == (2, december)
    assert contracts.terms_at(december - timedelta(seconds=1)).version == "HT-1 v1"
    assert contracts.terms_at(december).first_reply == timedelta(seconds=6)


def test_terms_end_with_the_contract(parties: Parties) -> None:
    with clock.travel(BEFORE):
        contract = draft_contract(effective_to=date(2026, 11, 30))
        parties.sign(draft_terms(contract, first_reply_seconds=8))

    end = datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert contracts.terms_at(end - timedelta(seconds=1)).version == "HT-1 v1"
    assert contracts.terms_at(end) is DEFAULTS
    assert contracts.contract_in_force(date(2026, 11, 30)) == contract
    assert contracts.contract_in_force(date(2026, 12, 1)) is None
    assert contracts.contract_in_force(date(2026, 10, 31)) is None


def test_terms_cost_no_query_in_the_common_case(
    parties: Parties, django_assert_num_queries: Callable[[int], Any]
) -> None:
    signed(parties)
    with django_assert_num_queries(1):
        contracts.terms_at(FIRST)

    with django_assert_num_queries(0):
        for hour in range(50):
            contracts.terms_at(FIRST + timedelta(hours=hour))


def test_terms_of_another_tenant_do_not_hold(parties: Parties, other_tenant: Tenant) -> None:
    signed(parties, first_reply_seconds=8)
    assert contracts.terms_at(FIRST).version == "HT-1 v1"

    with tenant_scope(other_tenant):
        assert contracts.terms_at(FIRST) is DEFAULTS


def test_signed_terms_never_change(parties: Parties) -> None:
    terms = signed(parties)
    terms.first_reply_seconds = 60

    with pytest.raises(SignedTermsError):
        contracts.save_terms(terms, by=None)
    with pytest.raises(AppendOnlyError):
        terms.save()
    with pytest.raises(AppendOnlyError):
        terms.delete()
    assert ContractTerms.objects.get().first_reply_seconds == 10


def test_a_signed_contract_keeps_its_parties_but_not_its_telephone(parties: Parties) -> None:
    signed(parties)
    contract = Contract.objects.get()
    contract.party_a_phone = "0591-1"
    contracts.save_contract(contract, by=None)
    contract.party_a_name = "他人"

    with pytest.raises(SignedContractError):
        contracts.save_contract(contract, by=None)
    kept = Contract.objects.get()
    assert (kept.party_a_phone, kept.party_a_name) == ("0591-1", "青禾")


def test_terms_begin_within_the_contract(in_tenant: Tenant) -> None:
    contract = draft_contract(effective_to=date(2026, 12, 31))

    for day in (date(2026, 10, 31), date(2027, 1, 1)):
        with pytest.raises(OutsideContractError):
            draft_terms(contract, effective_from=day)


def test_a_natural_persons_number_is_sealed_and_shown_masked(in_tenant: Tenant) -> None:
    contract = draft_contract(party_a_kind="person", identity=IDENTITY)

    assert IDENTITY not in contract.sealed_party_a_identity
    assert contract.party_a_identity == "110105********002X"
    assert contract.party_a_code == ""
    content = ledger.content_hash(contracts.content_of(draft_terms(contract)))
    assert IDENTITY not in str(contracts.content_of(ContractTerms.objects.get()))
    assert len(content) == 64
    assert not LedgerEntry.objects.filter(data__icontains=IDENTITY).exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"party_a_code": ""},
        {"party_a_kind": "person"},
        {"party_a_kind": "person", "identity": "110105194912310021"},
    ],
    ids=str,
)
def test_a_party_without_a_right_number_is_refused(
    in_tenant: Tenant, fields: dict[str, Any]
) -> None:
    with pytest.raises(PartyNumberError):
        draft_contract(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"scores": [100, 80, 60, 40]},
        {"scores": [100, 80, 80, 40, 20]},
        {"scores": [100, 80, 60, 40, "20"]},
        {"credit_tiers": []},
        {"credit_tiers": [{"at_least": "0.9", "share": "0.1"}]},
        {"credit_tiers": [{"at_least": "0.9", "share": "x"}]},
        {
            "credit_tiers": [
                {"at_least": "0.9", "share": "0.5"},
                {"at_least": "0", "share": "0.1"},
            ]
        },
        {"credit_tiers": [{"at_least": "0", "share": "1.5"}]},
        {"incident_times": {"P1": {"acknowledge": 15, "restore": 60}}},
        {"incident_times": {key: {"acknowledge": 0} for key in ("P1", "P2", "P3", "P4")}},
        {
            "incident_times": {
                key: {"acknowledge": None, "restore": 5} for key in ("P1", "P2", "P3", "P4")
            }
        },
        {
            "incident_times": {
                key: {"acknowledge": 0, "restore": 5} for key in ("P1", "P2", "P3", "P4")
            }
        },
        {"first_reply_seconds": 0},
        {"auto_answer_target": Decimal("1.1")},
    ],
    ids=str,
)
def test_terms_that_make_no_sense_are_refused(in_tenant: Tenant, fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        draft_terms(draft_contract(), **fields)


def test_failover_stays_inside_a_shorter_promise(parties: Parties) -> None:
    signed(parties, handoff_seconds=20)

    assert DEFAULTS.failover == timedelta(seconds=45)
    assert contracts.terms_at(FIRST).failover == timedelta(seconds=18)
