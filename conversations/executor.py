"""The threads in which sockets do their database work, and those that wait for other companies."""

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

# How many turns wait for another company's service at once; nobody waits for a seat here.
WAITING_THREADS = 8

_pools: dict[str, ThreadPoolExecutor] = {}
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
    return _submit("turn", functools.partial(function, *args, **kwargs))


def submit_waiting(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
    """Queue work that mostly waits for another company's service, apart from all other work.

    Of WAITING_THREADS; the caller sees to it that no more are under way.
    """
    return _submit("waiting", functools.partial(function, *args, **kwargs))


def close_pool() -> None:
    """Wait for running work and end its threads with their connections. For tests."""
    # Again until there is none: what ran in one may have begun another.
    while True:
        with _pool_lock:
            pools = list(_pools.items())
            _pools.clear()
        if not pools:
            return
        for name, pool in pools:
            # The barrier holds each thread until all have one of these, so that none gets two.
            barrier = threading.Barrier(_size(name))
            closing = [pool.submit(_close_thread_connections, barrier) for _ in range(_size(name))]
            for future in closing:
                future.result()
            pool.shutdown()


def _submit(name: str, call: Callable[[], R]) -> Future[R]:
    pool = _pools.get(name)
    if pool is None:
        with _pool_lock:
            pool = _pools.get(name)
            if pool is None:
                pool = _pools[name] = ThreadPoolExecutor(_size(name), thread_name_prefix=name)
    return pool.submit(contextvars.copy_context().run, _with_fresh_connections, call)


def _size(name: str) -> int:
    return WAITING_THREADS if name == "waiting" else getattr(settings, "TURN_THREADS", 4)


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
