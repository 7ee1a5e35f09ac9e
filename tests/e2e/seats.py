"""Give an installation an agent, a canned reply, and a heading for wrap-ups."""

import json
import sys

import django

EMAIL, PASSWORD = "agent@qinghe.example", "a-long-test-password"


def main() -> None:
    """Make them and print the log-in."""
    django.setup()

    from conversations.models import CannedReply, WrapUpCategory  # noqa: PLC0415 -- apps must be loaded first
    from tenants.models import Membership, Tenant, User  # noqa: PLC0415 -- apps must be loaded first
    from tenants.roles import Role  # noqa: PLC0415 -- apps must be loaded first
    from tenants.scoping import tenant_scope  # noqa: PLC0415 -- apps must be loaded first

    user = User.objects.create_user(EMAIL, PASSWORD)
    with tenant_scope(Tenant.objects.get()):
        Membership.objects.create(user=user, role=Role.AGENT, display_name="林晓")
        CannedReply.objects.create(
            shortcut="order", title="查订单", text="{{agent}}为您查询 {{order_no}}。"
        )
        WrapUpCategory.objects.create(name="物流")
    sys.stdout.write(json.dumps({"email": EMAIL, "password": PASSWORD}) + "\n")


if __name__ == "__main__":
    main()
