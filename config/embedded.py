"""One process that serves: the web server with, on demand, a job worker and the schedule's beat."""

import asyncio
import errno
import logging
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

from celery import Celery
from celery.beat import Service as Beat
from celery.worker import state as worker_state
from daphne import server as daphne_server
from daphne.server import Server
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from config.bodies import BoundedFactory
from conversations.hub import get_hub

logger = logging.getLogger(__name__)

WORKER_THREADS = 2
# Beat sleeps between ticks and cannot be woken, so this also bounds how long stopping waits.
BEAT_SECONDS = 1
STOP_SECONDS = 10
SWITCH_SECONDS = 0.0005


class PortUnavailableError(Exception):
    """The address cannot be listened on; the text says why in one sentence."""


class EmbeddedJobs:
    """A Celery worker and beat as threads of this process.

    Queued jobs of a memory broker end with the process: every job must be derivable from a row.
    One instance at a time, because Celery keeps a worker's stop flag in a module.
    """

    def __init__(self, app: Celery) -> None:
        worker_state.should_stop = None
        self._worker = app.WorkController(
            pool="threads",
            concurrency=WORKER_THREADS,
            without_mingle=True,
            without_gossip=True,
            without_heartbeat=True,
        )
        self._beat = Beat(app, max_interval=BEAT_SECONDS, scheduler_cls="celery.beat:Scheduler")
        self._threads = (
            threading.Thread(target=self._worker.start, name="celery-worker", daemon=True),
            threading.Thread(target=self._beat.start, name="celery-beat", daemon=True),
        )

    def start(self) -> None:
        """Start both threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End both threads after the jobs in hand; an idle pair takes up to four seconds."""
        self._beat.stop()
        worker_state.should_stop = os.EX_OK
        for thread in self._threads:
            thread.join()


def is_in_memory(app: Celery) -> bool:
    """Return whether the jobs of `app` stay in this process, so that no other can work on them."""
    return str(app.conf.broker_url or "").startswith("memory:")


def require_free_port(host: str, port: int) -> None:
    """Raise PortUnavailableError where `host`:`port` cannot be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                reason = f"Port {port} is already in use: stop what uses it, or choose another"
            elif error.errno == errno.EACCES:
                reason = f"Port {port} needs more rights than this account has: choose another"
            else:
                reason = f"{host}:{port} cannot be listened on ({error.strerror}): choose another"
            raise PortUnavailableError(f"{reason}, for example PORT={port + 1}.") from error


class YingdaServer(Server):
    """Daphne, stopping without a traceback."""

    def kill_all_applications(self) -> Any:
        """Cancel what runs behind the connections, of which some have nothing behind them now."""
        for protocol, details in list(self.connections.items()):
            # Daphne's own version takes it for granted.
            if "application_instance" not in details:
                del self.connections[protocol]
        return super().kill_all_applications()


def serve(
    application: Callable[..., object],
    *,
    host: str,
    port: int,
    celery: Celery | None,
    announce: Callable[[], None],
) -> None:
    """Serve `application` until SIGINT or SIGTERM, with the jobs of `celery` where one is given.

    `announce` is called once the port accepts connections. A process that has not stopped
    10 seconds after the signal ends itself with status 1.
    Raises PortUnavailableError where the port cannot be had.
    """
    require_free_port(host, port)
    # A thread that comes back from the database waits this long for one that is thinking; a
    # transaction comes back a dozen times, and the next writer waits for all of them.
    sys.setswitchinterval(SWITCH_SECONDS)
    jobs = EmbeddedJobs(celery) if celery else None
    # Everything below a warning is Twisted telling of its own start and stop.
    logging.getLogger("daphne").setLevel(logging.WARNING)
    # WhiteNoise hands over small files whole, which is what Django warns of.
    warnings.filterwarnings("ignore", "StreamingHttpResponse must consume synchronous iterators")
    listening = threading.Event()

    def ready() -> None:
        listening.set()
        if jobs:
            jobs.start()
        announce()

    # Daphne has no way to be given one.
    daphne_server.HTTPFactory = BoundedFactory
    quoted_host = host.replace(":", r"\:")
    server = YingdaServer(
        application,
        endpoints=[f"tcp:port={port}:interface={quoted_host}"],
        signal_handlers=False,
        # Daphne's default closes every socket after 24 hours; a console stays open for a week.
        websocket_timeout=-1,
        ready_callable=ready,
        verbosity=2,
        server_name="yingda",
    )
    _stop_on_signal(server)
    # Sockets hear 4503 and come back by themselves, to another process or to the next one.
    reactor.addSystemEventTrigger("before", "shutdown", _drain)  # type: ignore[arg-type]  # stub
    server.run()
    if not listening.is_set():
        raise PortUnavailableError(f"{host}:{port} cannot be listened on.")
    if jobs:
        jobs.stop()


def _drain() -> Deferred[None]:
    return Deferred.fromFuture(asyncio.ensure_future(get_hub().drain()))


def exit_on_signal() -> None:
    """Let SIGINT and SIGTERM end the process quietly, until `serve` takes them over."""
    signal.signal(signal.SIGINT, _exit)
    signal.signal(signal.SIGTERM, _exit)


def _exit(signum: int, frame: FrameType | None) -> None:
    sys.exit(os.EX_OK)


def _stop_on_signal(server: Server) -> None:
    stopping = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        # `make` passes on a signal that the whole group has had already: the second says nothing.
        if stopping.is_set():
            return
        stopping.set()
        watchdog = threading.Timer(STOP_SECONDS, _abandon)
        watchdog.daemon = True
        watchdog.start()
        reactor.callFromThread(server.stop)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _abandon() -> None:
    logger.warning("Not stopped after %s seconds: jobs in hand are abandoned", STOP_SECONDS)
    os._exit(1)
