"""Note that a process of ours is alive; one row for each span without a pause."""

import logging
import os
import socket
import threading
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError, connections
from django.db.models import F

from reporting.availability import BEAT_GRACE
from reporting.models import Heartbeat, ProcessKind
from tenants import clock

logger = logging.getLogger(__name__)

BEAT_SECONDS = 10.0
_HOST_LENGTH = 80


def this_host(part: str = "") -> str:
    """Return the name of this process among those of its kind."""
    return f"{socket.gethostname()}:{part or os.getpid()}"[:_HOST_LENGTH]


def beat(*processes: ProcessKind, host: str = "", at: datetime | None = None) -> None:
    """Note that these processes are alive now: an update, after a pause a new row (R80)."""
    at = at or clock.now()
    host = host or this_host()
    for process in processes:
        grown = Heartbeat.objects.filter(
            process=process, host=host, last_at__gte=at - BEAT_GRACE, last_at__lte=at
        ).update(last_at=at, beats=F("beats") + 1)
        if not grown:
            Heartbeat.objects.create(process=process, host=host, first_at=at, last_at=at)


def keep_beating(process: ProcessKind) -> Callable[[], None]:
    """Let a thread of this process beat every 10 seconds; return what ends it."""
    ended = threading.Event()

    def run() -> None:
        while True:
            try:
                beat(process)
            except DatabaseError:
                # No beat is what tells of it.
                logger.warning("Heartbeat not written", exc_info=True)
            finally:
                connections.close_all()
            if ended.wait(BEAT_SECONDS):
                return

    threading.Thread(target=run, name=f"heartbeat-{process}", daemon=True).start()
    return ended.set
