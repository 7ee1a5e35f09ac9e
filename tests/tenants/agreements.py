"""Contracts for the tests, through the services' own doors."""

from collections.abc import Callable
from datetime import date
from typing import Any

from tenants.models import Contract, ContractTerms, Party, User
from tenants.roles import Role
from tenants.services import approvals, contracts

CODE = "91350100M000100Y43"


def draft_contract(**fields: Any) -> Contract:
    """Write a contract from November 2026 on."""
    identity = fields.pop("identity", None)
    given = {
        "number": "HT-1",
        "effective_from": date(2026, 11, 1),
        "party_a_name": "青禾",
        "party_a_code": CODE,
        "party_b_name": "应答",
        "party_b_code": CODE,
        **fields,
    }
    return contracts.save_contract(Contract(**given), by=None, identity=identity)


def draft_terms(contract: Contract, **fields: Any) -> ContractTerms:
    """Write a draft under the contract, from its first day on."""
    given = {"effective_from": contract.effective_from, **fields}
    return contracts.save_terms(ContractTerms(contract=contract, **given), by=None)


class Parties:
    """One person of each party in the tenant in scope."""

    def __init__(self, make_member: Callable[..., User], tenant: Any) -> None:
        self.provider = make_member(tenant, Role.ACCOUNT_MANAGER)
        self.client = make_member(tenant, Role.CLIENT_ADMIN)

    def sign(self, terms: ContractTerms) -> ContractTerms:
        """Let both sign; return the terms as they are then."""
        approval = approvals.request_terms(terms)
        approvals.sign(approval, self.provider, Party.PROVIDER)
        approvals.sign(approval, self.client, Party.CLIENT)
        contracts.forget()
        return ContractTerms.objects.get(pk=terms.pk)
