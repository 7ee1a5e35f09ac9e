"""Runs a command again in a database of its own, thrown away with its folder afterwards."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection

# Set for the run inside; holds the folder its database lies in.
INSIDE = "YINGDA_THROW_AWAY"


def enter() -> None:
    """Go on in an empty database of the command's own, or end the process with that run's code.

    The installation's tenants, locks and visitors are left alone.
    """
    if os.environ.get(INSIDE) != str(settings.DATA_DIR):
        sys.exit(_run_apart())
    make_tables()


@contextmanager
def own_database() -> Iterator[None]:
    """Go on in an empty database of the command's own: on PostgreSQL another one on its server."""
    if connection.vendor != "postgresql":
        enter()
        yield
        return
    name = connection.settings_dict["NAME"]
    settings.MIGRATION_MODULES = _without_history()
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def make_tables() -> None:
    """Make all tables of an empty database as the models are now, without their history.

    Replaying the migrations takes ten times as long. A database that is to be kept, migrates.
    """
    settings.MIGRATION_MODULES = _without_history()
    call_command("migrate", run_syncdb=True, verbosity=0)


def _without_history() -> dict[str, None]:
    return {each.label: None for each in apps.get_app_configs()}


def rss_mb() -> float | None:
    """Return the memory this process holds, in MiB; None where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return None
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def _run_apart() -> int:
    with tempfile.TemporaryDirectory(prefix="yingda-throw-away-") as folder:
        environment = {
            **os.environ,
            INSIDE: folder,
            "DATA_DIR": folder,
            "DATABASE_URL": f"sqlite:///{folder}/throw-away.sqlite3",
            "PLATFORM_DATABASE_URL": "",
            "DATABASE_APP_ROLE": "",
            "REDIS_URL": "",
            "CELERY_BROKER_URL": "",
            "EMBEDDED": "true",
            "LOG_LEVEL": "WARNING",
        }
        command = [sys.executable, *sys.argv]
        return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 -- itself
