"""The admin pages about the organisation: tenants, people, contracts, calendar, evidence."""

from tenants.admin import (
    alerting,
    approvals,
    calendars,
    contracts,
    ledger,
    memberships,
    notifications,
    subprocessors,
    tenants,
    users,
)

__all__ = [
    "alerting",
    "approvals",
    "calendars",
    "contracts",
    "ledger",
    "memberships",
    "notifications",
    "subprocessors",
    "tenants",
    "users",
]
