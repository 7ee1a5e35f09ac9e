"""The one clock: instants of the database, not of the host that happens to ask."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

from django.db import connection

# How long an offset to the database clock is trusted before it is measured again.
RESYNC_SECONDS = 30.0

_travel: ContextVar[datetime | None] = ContextVar("clock_travel", default=None)
_lock = threading.Lock()
_base: tuple[float, datetime] | None = None


def now() -> datetime:
    """Return the present instant, aware, in UTC.

    On PostgreSQL it is the server's `clock_timestamp()`, asked every 30 s and carried on with
    the monotonic clock in between, so a host whose wall clock jumps changes nothing. SQLite lives
    on the host, so there it is the host's clock. Source: contract §1 "Time".
    """
    travelled = _travel.get()
    if travelled is not None:
        return travelled
    if connection.vendor != "postgresql":
        return datetime.now(UTC)
    base = _base
    elapsed = time.monotonic() - base[0] if base else RESYNC_SECONDS
    if base is None or elapsed >= RESYNC_SECONDS:
        return _resync()
    return base[1] + timedelta(seconds=elapsed)


@contextmanager
def travel(to: datetime) -> Iterator[None]:
    """Make `now()` return `to` inside the block, in this context only."""
    if to.tzinfo is None:
        raise ValueError("travel() needs an aware instant")
    token = _travel.set(to.astimezone(UTC))
    try:
        yield
    finally:
        _travel.reset(token)


def _resync() -> datetime:
    global _base
    with _lock, connection.cursor() as cursor:
        before = time.monotonic()
        cursor.execute("SELECT clock_timestamp()")
        instant: datetime = cursor.fetchone()[0].astimezone(UTC)
        after = time.monotonic()
        # The answer was true somewhere inside the round trip; its middle halves the worst error.
        _base = ((before + after) / 2, instant)
    return instant
