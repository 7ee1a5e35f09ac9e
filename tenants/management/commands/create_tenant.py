"""Take a client company on from the command line."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.models import Tenant
from tenants.services import onboarding


class Command(BaseCommand):
    help = "Create a tenant, the client company that owns knowledge, channels and conversations."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="short name for commands, such as acme")
        parser.add_argument("--name", required=True, help="the company's name as people read it")
        languages = [code for code, _label in Tenant._meta.get_field("language").flatchoices]
        parser.add_argument("--language", choices=languages, default="zh-hans")
        parser.add_argument("--time-zone", default="Asia/Shanghai", metavar="ZONE")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            tenant = onboarding.create_tenant(
                slug=options["slug"],
                name=options["name"],
                language=options["language"],
                time_zone=options["time_zone"],
            )
        except ValidationError as error:
            lines = [f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items()]
            raise CommandError("\n".join(["Not created.", *lines])) from error
        self.stdout.write(f"Created {tenant.slug} ({tenant.name}).")
