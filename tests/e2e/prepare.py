"""Make the tenant of an installation: its tables, a channel, a little knowledge."""

import json
import sys

import django

QUESTIONS = ("多久发货？", "可以换货吗？", "能开发票吗？")


def main() -> None:
    """Prepare the installation and print its channel key."""
    django.setup()

    from django.core.management import call_command  # noqa: PLC0415 -- settings are needed first

    from conversations.models import Channel  # noqa: PLC0415 -- apps must be loaded first
    from knowledge.models import Entry  # noqa: PLC0415 -- apps must be loaded first
    from knowledge.services import entries, releases  # noqa: PLC0415 -- apps must be loaded first
    from tenants import throwaway  # noqa: PLC0415 -- apps must be loaded first
    from tenants.scoping import tenant_scope  # noqa: PLC0415 -- apps must be loaded first
    from tenants.services.onboarding import create_tenant  # noqa: PLC0415 -- apps must be loaded first

    if sys.argv[1] == "migrated":
        call_command("migrate", verbosity=0)
    else:
        throwaway.make_tables()
    tenant = create_tenant(slug="qinghe", name="青禾生活")
    with tenant_scope(tenant):
        for question in QUESTIONS:
            category = entries.category_named("常见问题")
            entries.save_entry(
                Entry(category=category, question=question, answer=f"关于“{question}”：可以的。"),
                by=None,
            )
        releases.publish(by=None)
        channel = Channel.objects.create(
            name="官网",
            assistant_name="小应",
            brand_name="青禾生活",
            greeting="您好",
            notice_text="说明",
        )
    sys.stdout.write(json.dumps({"channel_key": channel.key}) + "\n")


if __name__ == "__main__":
    main()
