"""Measure a running server with real visitors on real sockets."""

import asyncio
import json
import os
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError, CommandParser

from conversations.bench.figures import table
from conversations.bench.load import BenchError, Plan, measure
from conversations.bench.process import listening_pid

RATE_PER_VISITOR = 0.03
PASSWORD_VARIABLE = "BENCH_PASSWORD"  # noqa: S105 -- a variable's name
LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


class Command(BaseCommand):
    """Open sockets, ask questions at random instants, and account for every one of them."""

    help = (
        "Let visitors ask a running server: turns per second, latency from question to answer, "
        "errors, lost and doubled messages. Exits 1 if anything falls short."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--visitors", type=int, default=100)
        parser.add_argument("--seconds", type=float, default=30.0)
        parser.add_argument("--url", default="http://127.0.0.1:8000")
        parser.add_argument(
            "--rate",
            type=float,
            help=f"questions per second of all visitors together ({RATE_PER_VISITOR} a visitor)",
        )
        parser.add_argument(
            "--channel-key", default="", help="by default the one of the demonstration page"
        )
        parser.add_argument("--locale", default="zh-CN", help="language of the visitors")
        parser.add_argument("--agents", type=int, default=0, help="console sockets that watch")
        parser.add_argument(
            "--reload",
            metavar="PATH",
            default="",
            help="a page that somebody loads all the time meanwhile, such as /admin/",
        )
        parser.add_argument(
            "--login",
            metavar="EMAIL",
            default="",
            help=f"whom agents and reader sign in as; the password is taken from {PASSWORD_VARIABLE}",
        )
        parser.add_argument("--p99", type=float, default=500.0, help="goal in milliseconds")
        parser.add_argument(
            "--pid", type=int, help="server process; by default whoever listens on the port"
        )
        parser.add_argument("--json", action="store_true", help="end with one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["visitors"] < 1 or options["seconds"] <= 0:
            raise CommandError("--visitors and --seconds must be positive")
        password = os.environ.get(PASSWORD_VARIABLE, "")
        staff = options["agents"] or options["reload"]
        if staff and not (options["login"] and password):
            raise CommandError(f"--agents and --reload need --login and {PASSWORD_VARIABLE}")
        rate = options["rate"] or options["visitors"] * RATE_PER_VISITOR
        plan = Plan(
            url=options["url"],
            visitors=options["visitors"],
            seconds=options["seconds"],
            rate=rate,
            goal_p99_ms=options["p99"],
            channel_key=options["channel_key"],
            locale=options["locale"],
            pid=options["pid"] or _server_pid(options["url"]),
            agents=options["agents"],
            login=(options["login"], password),
            reload=options["reload"],
        )
        try:
            figures = asyncio.run(measure(plan, self.stdout.write))
        except BenchError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(table(figures))
        failures = figures.failures()
        if options["json"]:
            self.stdout.write(json.dumps(figures.as_dict()))
        if failures:
            raise CommandError("Falls short. " + "; ".join(failures))


def _server_pid(url: str) -> int | None:
    parts = urlsplit(url)
    if parts.hostname not in LOCAL:
        return None
    return listening_pid(parts.port or (443 if parts.scheme == "https" else 80))
