"""Watch the service from another host, as a visitor would meet it."""

import os
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reporting.prober import OWN_SECONDS, Door, ProbeError, Prober, next_due


class Command(BaseCommand):
    """Ask every 30 seconds, keep a signed log, and send it to the platform."""

    help = (
        "Runs on a host outside the platform and needs no database. Asks a question in the given "
        "channels, waits up to 10 seconds for a visible reply, and appends what happened to a "
        "signed log, which is sent to the platform as soon as it can be reached."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", required=True, help="such as https://chat.example.com")
        parser.add_argument("--name", required=True, help="as the prober is registered")
        parser.add_argument(
            "--channel-key",
            action="append",
            default=[],
            metavar="[KIND=]KEY",
            help="asked every 30 seconds; stands for all channels of its kind (default: web)",
        )
        parser.add_argument(
            "--own-key", action="append", default=[], help="a tenant's key, every 5 minutes"
        )
        parser.add_argument("--log", required=True, type=Path)
        parser.add_argument(
            "--secret-file", type=Path, help="holds the secret; else PROBE_SECRET does"
        )
        parser.add_argument("--question", default="Hello")
        parser.add_argument("--once", action="store_true", help="ask once; exit 1 on failure")

    def handle(self, *args: Any, **options: Any) -> None:
        """Probe until interrupted."""
        file = options["secret_file"]
        secret = file.read_text().strip() if file else os.environ.get("PROBE_SECRET", "")
        doors = [_door(text) for text in options["channel_key"]]
        own = [Door(key, "own") for key in options["own_key"]]
        if not secret or not (doors or own):
            raise CommandError("Give a secret and at least one channel key.")
        try:
            prober = Prober(
                options["name"], secret, options["url"], options["log"], options["question"]
            )
        except (ProbeError, ValueError, KeyError) as error:
            raise CommandError(f"The log cannot be continued: {error}") from error
        if options["once"]:
            failures = sum(not prober.probe(door) for door in (*doors, *own))
            self._report(prober)
            if failures:
                sys.exit(1)
            return
        own_due = dict.fromkeys((door.key for door in own), 0.0)
        failed = False
        while True:
            # The wall clock places the question in its slot; a jump moves at most one of them.
            time.sleep(min(60.0, max(0.0, next_due(time.time(), failed=failed) - time.time())))
            failed = sum(not prober.probe(door) for door in doors) > 0
            for door in own:
                if time.monotonic() >= own_due[door.key]:
                    sound = prober.probe(door)
                    own_due[door.key] = time.monotonic() + (OWN_SECONDS - 15 if sound else 0)
            self._report(prober)

    def _report(self, prober: Prober) -> None:
        try:
            prober.report()
        except (ProbeError, OSError) as error:
            self.stderr.write(f"Not reported: {error}")


def _door(text: str) -> Door:
    kind, equals, key = text.rpartition("=")
    return Door(key, kind if equals else "web")
