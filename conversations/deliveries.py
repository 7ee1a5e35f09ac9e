"""Send hand-offs from this process, in threads of their own, and watch that each arrives in time.

The rows are the truth: whatever a dead process leaves, the sweepers of `tasks` take up. The watchdog
has threads of its own, so that no slow system of a client's can hold it up.
"""

import heapq
import itertools
import logging
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from conversations.services import delivery, failover
from tenants import clock
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

# Attempts under way at once in this process, and of one target among them: a system that does not
# answer must not take the threads of all others.
THREADS = 48
SEATS = 24
WATCHERS = 4
# What is due later than this is left to the sweepers.
_HORIZON_SECONDS = 90.0
_BUSY_SECONDS = 0.25

_lock = threading.Condition()
_due: list[tuple[float, int, Callable[[], None]]] = []
_numbers = itertools.count()
_seated: Counter[object] = Counter()
_pools: dict[str, ThreadPoolExecutor] = {}
_timer: threading.Thread | None = None
_under_way = 0


def start(tenant_id: int, handoff_id: uuid.UUID, target_id: object) -> None:
    """Send what the hand-off's target is to hear; returns at once.

    Its time is watched as well: what is not acknowledged goes to our console after 45 s.
    """
    _at(0, lambda: _begin(tenant_id, handoff_id, target_id))


def watch(tenant_id: int, handoff_id: uuid.UUID, seconds: float) -> None:
    """See after so many seconds whether the hand-off has arrived."""
    _at(seconds, lambda: _submit("watchdog", lambda: _look(tenant_id, handoff_id)))


def settle(seconds: float = 10.0) -> bool:
    """Wait until nothing is under way or due at once; return whether that came to be."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with _lock:
            soon = _due and _due[0][0] <= time.monotonic() + 0.05
            if not _under_way and not soon:
                return True
        time.sleep(0.02)
    return False


def forget() -> None:
    """Let go of what is planned, and wait for what is under way. For tests."""
    with _lock:
        _due.clear()
        pools = list(_pools.values())
        _pools.clear()
    for pool in pools:
        pool.shutdown()
    with _lock:
        _due.clear()


def _begin(tenant_id: int, handoff_id: uuid.UUID, target_id: object) -> None:
    with _lock:
        free = _seated[target_id] < SEATS
        if free:
            _seated[target_id] += 1
    if not free:
        _at(_BUSY_SECONDS, lambda: _begin(tenant_id, handoff_id, target_id))
        return
    _submit("delivery", lambda: _send(tenant_id, handoff_id, target_id))


def _send(tenant_id: int, handoff_id: uuid.UUID, target_id: object) -> None:
    again = None
    try:
        with tenant_scope(tenant_id):
            again = delivery.drain(handoff_id)
            seconds = (again - clock.now()).total_seconds() if again else None
    except Exception:
        logger.exception("Not delivered: hand-off %s", handoff_id)
        seconds = None
    finally:
        connections.close_all()
        with _lock:
            _seated[target_id] -= 1
    if seconds is not None and seconds <= _HORIZON_SECONDS:
        _at(max(0.0, seconds), lambda: _begin(tenant_id, handoff_id, target_id))


def _look(tenant_id: int, handoff_id: uuid.UUID) -> None:
    try:
        with tenant_scope(tenant_id):
            failover.fail_over(handoff_id, cause="no_ack")
    except Exception:
        logger.exception("Not taken over: hand-off %s", handoff_id)
    finally:
        connections.close_all()


def _submit(name: str, work: Callable[[], None]) -> None:
    global _under_way
    with _lock:
        pool = _pools.get(name)
        if pool is None:
            size = WATCHERS if name == "watchdog" else THREADS
            pool = _pools[name] = ThreadPoolExecutor(size, thread_name_prefix=name)
        _under_way += 1
    try:
        pool.submit(_counted, work)
    except RuntimeError:
        # The process ends; the sweepers of others take it up.
        with _lock:
            _under_way -= 1


def _counted(work: Callable[[], None]) -> None:
    global _under_way
    try:
        work()
    finally:
        with _lock:
            _under_way -= 1


def _at(seconds: float, work: Callable[[], None]) -> None:
    global _timer
    with _lock:
        heapq.heappush(_due, (time.monotonic() + seconds, next(_numbers), work))
        if _timer is None or not _timer.is_alive():
            _timer = threading.Thread(target=_tick, name="deliveries", daemon=True)
            _timer.start()
        _lock.notify()


def _tick() -> None:
    while True:
        with _lock:
            while not _due or _due[0][0] > time.monotonic():
                _lock.wait(_due[0][0] - time.monotonic() if _due else None)
            work = heapq.heappop(_due)[2]
        try:
            work()
        except Exception:
            logger.exception("A delivery was not begun")
