"""The demonstration's contract: drafted, signed by both, in force before its month of history."""

from datetime import timedelta
from typing import Any

from config.demo import PEOPLE
from tenants import clock
from tenants.models import Contract, ContractTerms, Party, Tenant, User
from tenants.services import approvals, contracts

# Signed so long ago, and in force the day after.
SIGNED = timedelta(days=45)
_PROVIDER = {
    "party_b_name": "应答（演示）科技有限公司",
    "party_b_code": "91110105MA00DEM026",
    "party_b_address": "北京市朝阳区示范路 1 号",
    "party_b_representative": "方示例",
    "party_b_phone": "010-0000-0000",
    "party_b_email": "manager@yingda.example",
}
_CLIENTS: dict[str, dict[str, Any]] = {
    "demo": {
        "number": "YD-DEMO-001",
        "place": "北京",
        "party_a_name": "青禾生活（演示）有限公司",
        "party_a_code": "91350100M000100Y43",
        "party_a_address": "福建省福州市示范街 2 号",
        "party_a_representative": "陈示例",
        "party_a_phone": "0591-0000-0000",
        "party_a_email": "admin@demo.example",
    },
    "demo-en": {
        "number": "YD-DEMO-002",
        "place": "London",
        "party_a_name": "Larkfield Home (demonstration)",
        "party_a_code": "91350100M000100Y43",
        "party_a_address": "1 Sample Street, London",
        "party_a_representative": "Alice Larkfield",
        "party_a_email": "admin@demo-en.example",
    },
}


def agree(tenant: Tenant) -> None:
    """Give the tenant in scope a signed contract, where it has none."""
    if Contract.objects.exists():
        return
    people = (_person(tenant, role) for role in ("account_manager", "client_admin"))
    agree_between(tenant, *people)


def agree_between(tenant: Tenant, manager: User, admin: User) -> None:
    """Let the two sign a contract of some time ago for the tenant in scope."""
    with clock.travel(clock.now() - SIGNED):
        today = clock.now().astimezone(tenant.zone).date()
        contract = contracts.save_contract(
            Contract(
                signed_on=today,
                effective_from=today + timedelta(days=1),
                effective_to=today + timedelta(days=2 * 365),
                **_CLIENTS.get(tenant.slug, _CLIENTS["demo"]),
                **_PROVIDER,
            ),
            by=manager,
        )
        terms = contracts.save_terms(
            ContractTerms(contract=contract, effective_from=contract.effective_from), by=manager
        )
        approval = approvals.request_terms(terms)
        approvals.sign(approval, manager, Party.PROVIDER)
        approvals.sign(approval, admin, Party.CLIENT)
    contracts.forget()


def _person(tenant: Tenant, role: str) -> User:
    email = next(email for slug, email, of, _name in PEOPLE if (slug, of) == (tenant.slug, role))
    return User.objects.get(email=email)
