"""Give an installation a team: an agent in a group that rings, their supervisor, their tools."""

import json
import sys

import django

AGENT, SUPERVISOR = "林晓", "周敏"
PASSWORD = "a-long-test-password"


def main() -> None:
    """Make them and print the log-ins."""
    django.setup()

    from conversations.models import AgentGroup, CannedReply, GroupMember, WrapUpCategory  # noqa: PLC0415 -- apps must be loaded first
    from tenants.models import Membership, Tenant, User  # noqa: PLC0415 -- apps must be loaded first
    from tenants.roles import Role  # noqa: PLC0415 -- apps must be loaded first
    from tenants.scoping import tenant_scope  # noqa: PLC0415 -- apps must be loaded first

    people = (("agent", Role.AGENT, AGENT), ("supervisor", Role.SUPERVISOR, SUPERVISOR))
    logins = {}
    with tenant_scope(Tenant.objects.get()):
        # On a slow machine nobody is to be sent on a break in the middle of their shift.
        group = AgentGroup.objects.create(name="售后组", is_default=True, accept_seconds=600)
        for key, role, name in people:
            user = User.objects.create_user(f"{key}@qinghe.example", PASSWORD)
            member = Membership.objects.create(user=user, role=role, display_name=name)
            logins[key] = {"email": user.email, "password": PASSWORD}
            if role == Role.AGENT:
                GroupMember.objects.create(group=group, member=member)
        CannedReply.objects.create(
            shortcut="order", title="查订单", text="{{agent}}为您查询 {{order_no}}。"
        )
        WrapUpCategory.objects.create(name="物流")
    sys.stdout.write(json.dumps(logins) + "\n")


if __name__ == "__main__":
    main()
