"""The admin pages about the organisation: tenants, people, members, evidence."""

from tenants.admin import ledger, memberships, subprocessors, tenants, users

__all__ = ["ledger", "memberships", "subprocessors", "tenants", "users"]
