"""Make the demonstration's channel of an installation, with an invitation on its page."""

import json
import sys

import django


def main() -> None:
    """Prepare the invitation and print its id."""
    django.setup()

    from conversations.models import Channel, Invitation  # noqa: PLC0415 -- apps must be loaded first
    from conversations.services import invitations  # noqa: PLC0415 -- apps must be loaded first
    from tenants.models import Tenant  # noqa: PLC0415 -- apps must be loaded first
    from tenants.scoping import tenant_scope  # noqa: PLC0415 -- apps must be loaded first
    from tenants.services.onboarding import create_tenant  # noqa: PLC0415 -- apps must be loaded first

    tenant = create_tenant(slug="demo", name="青禾生活")
    Tenant.objects.filter(pk=tenant.pk).update(is_demo=True)
    with tenant_scope(tenant):
        channel = Channel.objects.create(
            name="官网",
            assistant_name="小应",
            brand_name="青禾生活",
            greeting="您好",
            notice_text="说明",
        )
        for name, patterns in (("别处", ["/elsewhere*"]), ("演示", ["/demo/*"])):
            row = invitations.save_invitation(
                Invitation(
                    channel=channel,
                    name=name,
                    patterns=patterns,
                    seconds=1,
                    words_zh=f"{name}：需要帮忙吗？<b>",
                ),
                by=None,
            )
    sys.stdout.write(json.dumps({"id": str(row.pk)}) + "\n")


if __name__ == "__main__":
    main()
