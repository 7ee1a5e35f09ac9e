"""Give the tenant of an installation an agent who can sign in."""

import json
import sys

import django

EMAIL, PASSWORD = "agent@qinghe.example", "a-long-test-password"


def main() -> None:
    """Make the agent and print how they sign in."""
    django.setup()

    from tenants.models import Membership, Tenant, User  # noqa: PLC0415 -- settings are needed first
    from tenants.roles import Role  # noqa: PLC0415 -- settings are needed first
    from tenants.scoping import tenant_scope  # noqa: PLC0415 -- settings are needed first

    tenant = Tenant.objects.get(slug="qinghe")
    with tenant_scope(tenant):
        user = User.objects.create_user(EMAIL, PASSWORD)
        Membership.objects.create(user=user, role=Role.AGENT, display_name="林晓")
    sys.stdout.write(json.dumps({"email": EMAIL, "password": PASSWORD}) + "\n")


if __name__ == "__main__":
    main()
