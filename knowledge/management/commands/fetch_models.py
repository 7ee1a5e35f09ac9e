"""manage.py fetch_models: installs the sentence encoder."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from knowledge.retrieval.fetching import ModelUnavailableError, fetch_model
from knowledge.retrieval.models import ENCODER_ID


class Command(BaseCommand):
    """Download, check, convert and install the encoder, once; exit 1 when that fails."""

    help = "Install the sentence encoder. Without it, questions are matched by words alone."
    # Models are files: neither the database nor the settings matter.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --json and --wheels."""
        parser.add_argument(
            "--json", action="store_true", help="Print the outcome as one JSON object."
        )
        parser.add_argument(
            "--wheels", type=Path, help="Take the packages from this folder, not the registry."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Report each step on a line of its own; with --json, on standard error."""
        output = self.stderr if options["json"] else self.stdout

        def report(line: str) -> None:
            output.write(line, style_func=str)
            # Seen at once, even through a pipe: a download takes its time.
            output.flush()

        outcome: dict[str, object] = {"encoder": ENCODER_ID, "available": True}
        try:
            folder = fetch_model(report, wheels=options["wheels"])
            outcome["folder"] = str(folder)
        except ModelUnavailableError as error:
            outcome |= {"available": False, "error": str(error)}
        if options["json"]:
            self.stdout.write(json.dumps(outcome))
        if not outcome["available"]:
            raise CommandError(
                f"{outcome['error']}. Questions are matched by words alone until it is installed."
            )
