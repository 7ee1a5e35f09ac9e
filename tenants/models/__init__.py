"""Who is served, who works for them, and what was promised."""

from tenants.models.approval import Approval, ApprovalKind, ApprovalState, Party, Signature
from tenants.models.calendar import CalendarDay, CalendarYear
from tenants.models.contract import (
    AvailabilityRule,
    ConsoleStaff,
    Contract,
    ContractTerms,
    DowntimeUnit,
    OosPolicy,
    PartyKind,
    SatisfactionMethod,
    YearKind,
)
from tenants.models.ledger import LedgerEntry, LedgerHead
from tenants.models.membership import Membership
from tenants.models.notification import (
    ROBOT_CHANNELS,
    AlertChannel,
    AlertLevel,
    AlertRobot,
    AlertState,
    Notification,
    NotificationDelivery,
    NotificationRecipient,
    NotificationSettings,
)
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
    "ROBOT_CHANNELS",
    "AlertChannel",
    "AlertLevel",
    "AlertRobot",
    "AlertState",
    "Approval",
    "ApprovalKind",
    "ApprovalState",
    "AvailabilityRule",
    "Breach",
    "CalendarDay",
    "CalendarYear",
    "ConsoleStaff",
    "Contract",
    "ContractTerms",
    "DowntimeUnit",
    "LedgerEntry",
    "LedgerHead",
    "Membership",
    "Notification",
    "NotificationDelivery",
    "NotificationRecipient",
    "NotificationSettings",
    "Obligation",
    "ObligationKind",
    "ObligationState",
    "OosPolicy",
    "Party",
    "PartyKind",
    "Region",
    "SatisfactionMethod",
    "Signature",
    "Subprocessor",
    "SubprocessorKind",
    "SubprocessorUse",
    "Tenant",
    "TenantStatus",
    "User",
    "YearKind",
]
