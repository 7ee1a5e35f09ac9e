"""Register a prober and print its secret, once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reporting.models import Prober
from reporting.services import probers


class Command(BaseCommand):
    """Register a prober; availability is measured from then on."""

    help = "Registers a prober under a name and prints the secret it signs with, this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the secret alone, so that it can be piped into a file."""
        if Prober.objects.filter(name=options["name"]).exists():
            raise CommandError("There is a prober of this name already.")
        _prober, secret = probers.register(options["name"])
        self.stdout.write(secret)
