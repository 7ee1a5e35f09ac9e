"""`manage.py serve` as a process of its own, as `make run` starts it."""

import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from argparse import ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from config.management.commands.serve import port_number

START_SECONDS = 60
STOP_SECONDS = 15


def environment(folder: Path) -> dict[str, str]:
    """The environment of a machine with nothing configured."""
    ours = {"DATABASE_URL", "PLATFORM_DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"DATA_DIR": str(folder), "PYTHONUNBUFFERED": "1"}


def manage(*words: str) -> list[str]:
    return [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *words]


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    words = [sys.executable, "-m", "tests.e2e.prepare", "at_once"]
    subprocess.run(words, env=environment(folder), cwd=settings.BASE_DIR, check=True)
    return folder


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Running:
    """A server process and all it has printed."""

    def __init__(self, port: int, folder: Path) -> None:
        self.process = subprocess.Popen(
            manage("serve", "--port", str(port)),
            env=environment(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self.ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if line.startswith("Yingda is running at"):
                self.ready.set()
        self.ready.set()

    def stop(self, number: int) -> int:
        self.process.send_signal(number)
        status = self.process.wait(STOP_SECONDS)
        self._reader.join()
        assert self.process.stdout
        self.process.stdout.close()
        return status


@pytest.fixture
def running(port: int, data_folder: Path) -> Iterator[Running]:
    server = Running(port, data_folder)
    assert server.ready.wait(START_SECONDS)
    yield server
    if server.process.poll() is None:
        server.process.kill()
        server.process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["terminate", "interrupt"])
def test_serve_answers_when_it_says_so_and_stops_cleanly(
    running: Running, port: int, number: int
) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as response:
        answered = response.status

    status = running.stop(number)

    assert answered == 200
    assert f"Yingda is running at http://127.0.0.1:{port}/" in running.lines
    assert not [line for line in running.lines if "Traceback" in line or "ERROR" in line]
    assert status == 0


def test_serve_says_that_its_port_is_taken(data_folder: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]

        result = subprocess.run(
            manage("serve", "--port", str(port)),
            env=environment(data_folder),
            capture_output=True,
            text=True,
            check=False,
            timeout=START_SECONDS,
        )

    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        f"Port {port} is already in use: stop what uses it, or choose another,"
        f" for example PORT={port + 1}."
    ]


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "８０００"])
def test_port_is_a_number_a_server_can_have(text: str) -> None:
    with pytest.raises(ArgumentTypeError) as refused:
        port_number(text)

    assert str(refused.value) == f"{text!r} is not a port: give a number from 1 to 65535"


def test_port_is_read_from_its_digits() -> None:
    assert [port_number("1"), port_number("65535")] == [1, 65535]
