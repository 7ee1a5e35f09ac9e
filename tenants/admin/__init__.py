"""The admin pages about the organisation: tenants, people, members, evidence."""

from tenants.admin import ledger, memberships, tenants, users

__all__ = ["ledger", "memberships", "tenants", "users"]
