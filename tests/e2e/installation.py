"""A server process on a database of its own, which can be killed and started again."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg
from django.conf import settings

START_SECONDS = 120.0
STOP_SECONDS = 20.0

# Of each failure that the server prints, this much is shown.
TRACEBACK_LINES = 60


class Installation:
    """The product in `folder`, on PostgreSQL where DATABASE_URL names one, else on SQLite."""

    def __init__(self, folder: Path, *, is_migrated: bool = False) -> None:
        self.folder = folder
        self._tables = "migrated" if is_migrated else "at_once"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.channel_key = ""
        self._process: subprocess.Popen[str] | None = None
        self._lines: list[str] = []
        self._database = ""
        self._environment = {
            **os.environ,
            "DATA_DIR": str(folder),
            # Without models: a start takes no longer than on a machine that has fetched none.
            "YINGDA_MODEL_DIR": str(folder / "models"),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }

    def __enter__(self) -> Self:
        server = os.environ.get("DATABASE_URL", "")
        if server.startswith("postgresql"):
            self._database = f"e2e_{secrets.token_hex(4)}"
            self._on_server(f'CREATE DATABASE "{self._database}"')
            self._environment["DATABASE_URL"] = (
                urlsplit(server)._replace(path=f"/{self._database}", query="").geturl()
            )
        self.channel_key = self.ask("prepare", self._tables)["channel_key"]
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._process is not None:
            self.kill()
        if self._database:
            self._on_server(f'DROP DATABASE "{self._database}" WITH (FORCE)')

    def start(self) -> None:
        """Start the server with its jobs; return once it accepts connections."""
        self._process = subprocess.Popen(
            [
                sys.executable,
                str(settings.BASE_DIR / "manage.py"),
                "serve",
                "--port",
                str(self.port),
                "--with-worker",
            ],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        ready = threading.Event()
        threading.Thread(target=self._read, args=(self._process, ready), daemon=True).start()
        assert ready.wait(START_SECONDS), "\n".join(self._lines[-20:])
        assert self._process.poll() is None, "\n".join(self._lines[-20:])

    def kill(self) -> None:
        """End the server as a power cut would: no signal it could handle."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """End the server as an operator would."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(STOP_SECONDS)
        self._process = None

    def ask(self, module: str, *words: str) -> Any:
        """Run one of this package's programs on the installation; return the JSON it prints."""
        done = subprocess.run(
            [sys.executable, "-m", f"tests.e2e.{module}", *words],
            env=self._environment,
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    @property
    def tracebacks(self) -> list[str]:
        """What the server printed of failures, each with the lines after it."""
        return [
            "\n".join(self._lines[number : number + TRACEBACK_LINES])
            for number, line in enumerate(self._lines)
            if "Traceback" in line or " ERROR " in line
        ]

    def _read(self, process: "subprocess.Popen[str]", ready: threading.Event) -> None:
        assert process.stdout
        with process.stdout:
            for line in process.stdout:
                self._lines.append(line.rstrip())
                if line.startswith("Yingda is running at"):
                    ready.set()
        ready.set()

    def _on_server(self, statement: str) -> None:
        parts = urlsplit(os.environ["DATABASE_URL"])
        url = parts._replace(path="/postgres", query="").geturl()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)
