"""Print how often the installation's invitations were shown, followed and put away, by name."""

import json
import sys

import django


def main() -> None:
    """Print {name: [shown, clicked, dismissed]}."""
    django.setup()

    from conversations.models import Invitation  # noqa: PLC0415 -- apps must be loaded first
    from tenants.models import Tenant  # noqa: PLC0415 -- apps must be loaded first
    from tenants.scoping import tenant_scope  # noqa: PLC0415 -- apps must be loaded first

    with tenant_scope(Tenant.objects.get(slug="demo")):
        rows = Invitation.objects.values_list(
            "name", "shown_count", "clicked_count", "dismissed_count"
        )
        sys.stdout.write(json.dumps({name: counts for name, *counts in rows}) + "\n")


if __name__ == "__main__":
    main()
