"""Prove that an evidence pack is whole and that its rows give the figures of the report."""

import hashlib
import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reporting.services import proving


class Command(BaseCommand):
    """Recompute hashes, chain and figures of a pack; exit 1 names what differs."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("pack", type=Path)
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with options["pack"].open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                verdict = proving.verify(file)
        except OSError as error:
            raise CommandError(str(error)) from error
        if options["as_json"]:
            self.stdout.write(
                json.dumps({"sha256": sha256, **asdict(verdict), "is_good": verdict.is_good})
            )
        else:
            # To be compared with the one that the report's page and the ledger name.
            self.stdout.write(f"SHA-256 {sha256}")
            for each in verdict.findings:
                row = f", row {each.row}" if each.row else ""
                self.stdout.write(f"{each.file}{row}: {each.reason}")
            self.stdout.write(
                f"{verdict.figures} figures recomputed, {len(verdict.unproven)} without rows in "
                f"the pack, {verdict.ledger_rows} ledger rows: "
                f"{'good' if verdict.is_good else 'NOT good'}"
            )
        if not verdict.is_good:
            sys.exit(1)
