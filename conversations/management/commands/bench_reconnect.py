"""Cut the connections of visitors and consoles of a running server at random."""

import asyncio
import json
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from conversations.bench.load import BenchError
from conversations.bench.reconnects import Plan, measure

PASSWORD_VARIABLE = "BENCH_PASSWORD"  # noqa: S105 -- a variable's name


class Command(BaseCommand):
    """Let clients lose their sockets while both sides write, and account for every message."""

    help = (
        "Let half of the clients be visitors and half consoles, all losing their connections at "
        "random for 1 s up to --longest while both sides write; then compare what each holds with "
        "what the server stored. Exits 1 if a message is missing, doubled or out of place."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--clients", type=int, default=300)
        parser.add_argument("--seconds", type=float, default=900.0)
        parser.add_argument("--longest", type=float, default=600.0, help="seconds away at most")
        parser.add_argument("--url", default="http://127.0.0.1:8000")
        parser.add_argument("--channel-key", default="", help="by default the demonstration's")
        parser.add_argument(
            "--login",
            metavar="EMAIL",
            required=True,
            help=f"the agent whose consoles watch; the password is taken from {PASSWORD_VARIABLE}",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        password = os.environ.get(PASSWORD_VARIABLE, "")
        if options["clients"] < 2 or options["seconds"] <= 0 or options["longest"] < 1:
            raise CommandError("--clients at least 2, --seconds above 0, --longest at least 1")
        if not password:
            raise CommandError(f"The agent's password is missing: set {PASSWORD_VARIABLE}")
        plan = Plan(
            url=options["url"],
            clients=options["clients"],
            seconds=options["seconds"],
            longest=options["longest"],
            login=(options["login"], password),
            channel_key=options["channel_key"],
        )
        try:
            found = asyncio.run(measure(plan, self.stderr.write))
        except BenchError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(found.as_dict(), indent=2))
        else:
            for name, value in found.as_dict().items():
                self.stdout.write(f"{name}={value}")
        failures = found.failures()
        if failures:
            raise CommandError("Falls short. " + "; ".join(failures))
