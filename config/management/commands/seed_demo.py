"""Put the demonstration's data into the database."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.demo.seed import seed


class Command(BaseCommand):
    help = (
        "Make the demonstration tenants with their knowledge, people and past; safe to run again."
    )

    def handle(self, *args: Any, **options: Any) -> None:

        if not settings.EMBEDDED:
            raise CommandError(
                "The demonstration's passwords are public: it is only made with EMBEDDED=true."
            )
        seed(self._say)

    def _say(self, line: str) -> None:
        self.stdout.write(f"     {line}")
        self.stdout.flush()
