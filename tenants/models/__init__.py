"""Who is served, who works for them, and what was promised."""

from tenants.models.ledger import LedgerEntry, LedgerHead
from tenants.models.membership import Membership
from tenants.models.obligation import Breach, Obligation, ObligationKind, ObligationState
from tenants.models.subprocessor import (
    Region,
    Subprocessor,
    SubprocessorKind,
    SubprocessorUse,
)
from tenants.models.tenant import Tenant, TenantStatus
from tenants.models.user import User

__all__ = [
    "Breach",
    "LedgerEntry",
    "LedgerHead",
    "Membership",
    "Obligation",
    "ObligationKind",
    "ObligationState",
    "Region",
    "Subprocessor",
    "SubprocessorKind",
    "SubprocessorUse",
    "Tenant",
    "TenantStatus",
    "User",
]
