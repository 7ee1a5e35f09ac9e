"""Run a command with a throw-away PostgreSQL and Redis: DATABASE_URL and REDIS_URL name them.

TEST_DATABASE_URL and TEST_REDIS_URL name servers to use instead of starting one.
`--missing` prints what is neither installed nor named, and runs nothing.
"""

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import redis

START_SECONDS = 60
# Nothing here outlives the tests, so nothing needs to reach the disk.
POSTGRES_OPTIONS = (
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    # A test has a hundred at once; 100 are the default, of all processes together.
    "max_connections=250",
)


def postgres_program(name: str) -> str | None:
    """Return the path of one of PostgreSQL's programs; Debian keeps them off the PATH."""
    packaged = sorted(
        glob.glob(f"/usr/lib/postgresql/*/bin/{name}"),
        key=lambda path: int(Path(path).parts[-3]),
    )
    return packaged[-1] if packaged else shutil.which(name)


def missing() -> list[str]:
    """Return the services that can neither be started nor are named by the environment."""
    found = {
        "PostgreSQL": os.environ.get("TEST_DATABASE_URL") or postgres_program("initdb"),
        "Redis": os.environ.get("TEST_REDIS_URL") or shutil.which("redis-server"),
    }
    return [name for name, path in found.items() if not path]


def free_port() -> int:
    """Return a TCP port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: list[str], *, user: str | None, log: Path, stop: int, answers: Callable[[], object]
) -> Iterator[None]:
    """Keep `command` running; enter once `answers` raises nothing more."""
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 -- a server's own program
            command,
            user=user,
            cwd=log.parent,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                answers()
                break
            except (psycopg.OperationalError, redis.ConnectionError):
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(
                        f"{command[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}"
                    )
                time.sleep(0.1)
        yield
    finally:
        process.send_signal(stop)
        process.wait()


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Start a PostgreSQL in `folder` and give its URL."""
    # PostgreSQL refuses to run as root; the account that its package makes is there with it.
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    initdb, server = postgres_program("initdb"), postgres_program("postgres")
    assert initdb
    assert server
    data, port = folder / "data", free_port()
    made = subprocess.run(  # noqa: S603 -- PostgreSQL's own program
        [initdb, "-D", data, "-U", "yingda", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
        user=user,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        sys.exit(f"initdb failed:\n{made.stderr}")
    command = [server, "-D", str(data), "-p", str(port), "-k", "", "-h", "127.0.0.1"]
    for option in POSTGRES_OPTIONS:
        command += ["-c", option]
    url = f"postgresql://yingda@127.0.0.1:{port}"

    def create_database() -> None:
        with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE yingda")

    log = folder / "postgres.log"
    with running(command, user=user, log=log, stop=signal.SIGINT, answers=create_database):
        # Without a pool: its threads would outlive the tests that open them.
        yield f"{url}/yingda?pool=0"


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Start a Redis in `folder` and give its URL."""
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    program = shutil.which("redis-server")
    assert program
    command = [
        program,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        str(folder),
    ]
    client = redis.Redis.from_url(url)
    log = folder / "redis.log"
    with running(command, user=None, log=log, stop=signal.SIGTERM, answers=client.ping):
        client.close()
        yield url


def main(command: list[str]) -> int:
    """Run `command` between the start and the stop of the services; return its status."""
    # Without a handler the servers would outlive a terminated run.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with ExitStack() as stack:
        environment = dict(os.environ)
        for name, start in (("DATABASE_URL", postgres), ("REDIS_URL", redis_server)):
            url = os.environ.get(f"TEST_{name}")
            if not url:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="yingda-")))
                url = stack.enter_context(start(folder))
            environment[name] = url
        return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 -- ours


if __name__ == "__main__":
    if sys.argv[1:] == ["--missing"]:
        sys.stdout.write(" and ".join(missing()) + "\n")
    else:
        sys.exit(main(sys.argv[1:]))
