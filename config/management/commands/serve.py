"""Serve the product; with a broker in memory, its jobs run in the same process."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand

from config import warmup
from config.asgi import application
from config.celery import app
from config.demo import logins
from config.embedded import PortUnavailableError, exit_on_signal, is_in_memory, serve
from reporting.models import ProcessKind
from reporting.services import heartbeats
from reporting.tasks import judge_all
from tenants.models import Tenant

PAGES = (
    ("/demo/", "a shop's page with the chat widget on it"),
    ("/console/", "agents and supervisors"),
    ("/admin/", "administration"),
)


def port_number(text: str) -> int:
    """Return the TCP port that `text` names; raise ArgumentTypeError where it names none."""
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is not a port: give a number from 1 to 65535")


class Command(BaseCommand):
    """Run the web server, and with a broker in memory also a job worker and beat."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare where to listen and whether jobs run here."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=port_number, default=8000)
        parser.add_argument(
            "--with-worker",
            action="store_true",
            help="run jobs and their schedule here though other processes could",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until interrupted; exit 1 with one sentence where the port cannot be had."""
        exit_on_signal()
        host, port = options["host"], options["port"]
        # What happened while nothing ran is written before anybody is served again (R83).
        judge_all(starting=True)
        with_jobs = options["with_worker"] or is_in_memory(app)
        try:
            serve(
                application,
                host=host,
                port=port,
                celery=app if with_jobs else None,
                announce=lambda: self.ready(host, port),
            )
        except PortUnavailableError as error:
            self.stderr.write(str(error))
            sys.exit(1)

    def ready(self, host: str, port: int) -> None:
        """Make ready for the first visitor beside serving, and say where the product is."""
        warmup.start()
        heartbeats.keep_beating(ProcessKind.WEB)
        self.announce(host, port)

    def announce(self, host: str, port: int) -> None:
        """Print where the product is and how to log in to the demonstration."""
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 -- compared
        base = f"http://{shown}:{port}"
        lines = [f"Yingda is running at {base}/", ""]
        lines += [f"  {base + path:<32}  {purpose}" for path, purpose in PAGES]
        # Made-up people of a demonstration that this database may not have.
        people = logins() if Tenant.objects.filter(slug="demo").exists() else []
        if people:
            width = max(len(email) for _, email, _ in people)
            lines += ["", "Demo log-ins (e-mail, password)"]
            lines += [f"  {email:<{width}}  {word}  {role}" for role, email, word in people]
        self.stdout.write("\n".join([*lines, "", "Ctrl-C stops it."]))
        # A reader of a pipe or a log file waits for this line to know that it can connect.
        self.stdout.flush()
