"""The threads in which sockets do their database work."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import connections

P = ParamSpec("P")
R = TypeVar("R")

_pool: ThreadPoolExecutor | None = None
_pool_size = 0
_pool_lock = threading.Lock()


async def in_pool(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run database work in the executor of the sockets, with the caller's context.

    The executor has `settings.TURN_THREADS` threads (4); a slow query holds up at most one of
    them, never the loop, and never asgiref's shared thread.
    """
    return await asyncio.wrap_future(submit(function, *args, **kwargs))


def submit(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
    """Queue database work for the same executor from any thread, with the caller's context.

    Nobody hears of an exception who does not ask the future.
    """
    call = functools.partial(function, *args, **kwargs)
    return _executor().submit(contextvars.copy_context().run, _with_fresh_connections, call)


def close_pool() -> None:
    """Wait for running database work and end its threads with their connections. For tests."""
    global _pool
    with _pool_lock:
        pool, _pool = _pool, None
    if pool is None:
        return
    # The barrier holds each thread until all have one of these, so that none gets two.
    barrier = threading.Barrier(_pool_size)
    closing = [pool.submit(_close_thread_connections, barrier) for _ in range(_pool_size)]
    for future in closing:
        future.result()
    pool.shutdown()


def _executor() -> ThreadPoolExecutor:
    global _pool, _pool_size
    if _pool is None:
        with _pool_lock:
            if _pool is None:
                _pool_size = getattr(settings, "TURN_THREADS", 4)
                _pool = ThreadPoolExecutor(_pool_size, thread_name_prefix="turn")
    return _pool


def _with_fresh_connections(call: Callable[[], R]) -> R:
    _drop_broken_connections()
    try:
        return call()
    finally:
        _drop_broken_connections()


def _drop_broken_connections() -> None:
    # Not Django's own closing by age: with a pool it would hand back, check and set up a connection
    # for each of these short jobs, which costs a turn more than its queries.
    for connection in connections.all(initialized_only=True):
        if connection.errors_occurred and not connection.in_atomic_block:
            if connection.is_usable():
                connection.errors_occurred = False
            else:
                connection.close()


def _close_thread_connections(barrier: threading.Barrier) -> None:
    barrier.wait()
    connections.close_all()
