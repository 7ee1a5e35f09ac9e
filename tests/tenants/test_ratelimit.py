"""Limits counted in the shared cache."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenants.errors import RateLimitedError
from tenants.ratelimit import spend

# 12:00:10: fifty seconds before the window of a minute ends.
NOW = datetime.fromtimestamp(2_000_000_000 // 60 * 60 + 10, UTC)


@pytest.fixture(autouse=True)
def _standing_clock(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


def passes(times: int, **options: Any) -> int:
    """How many of so many uses get through."""
    through = 0
    for _use in range(times):
        try:
            spend(**{"bucket": "door", "limit": 3, "seconds": 60, **options})
        except RateLimitedError:
            continue
        through += 1
    return through


def test_uses_beyond_the_limit_are_refused_until_the_window_ends() -> None:
    assert passes(3) == 3

    with pytest.raises(RateLimitedError) as refused:
        spend("door", limit=3, seconds=60)

    error = refused.value
    assert (error.code, error.status, error.retry_after) == ("rate_limited", 429, 50)


def test_next_window_counts_anew(time_machine: Any) -> None:
    assert passes(5) == 3

    time_machine.move_to(NOW + timedelta(seconds=49.9), tick=False)
    assert passes(1) == 0
    time_machine.move_to(NOW + timedelta(seconds=50), tick=False)
    assert passes(5) == 3


def test_last_moment_of_a_window_still_asks_to_wait(time_machine: Any) -> None:
    time_machine.move_to(NOW + timedelta(seconds=49.999), tick=False)
    passes(3)

    with pytest.raises(RateLimitedError) as refused:
        spend("door", limit=3, seconds=60)

    assert refused.value.retry_after == 1


def test_buckets_are_counted_apart() -> None:
    assert [passes(5, bucket=bucket) for bucket in ("a", "b", "a:b", "a", "")] == [3, 3, 3, 0, 3]


def test_named_use_counts_once() -> None:
    assert passes(50, once="m1") == 50
    assert passes(50, once="m2") == 50
    assert passes(5) == 1
    assert passes(50, once="m1") == 50


def test_refused_name_is_not_remembered(time_machine: Any) -> None:
    assert passes(3) == 3
    assert passes(2, once="m1") == 0

    time_machine.move_to(NOW + timedelta(seconds=50), tick=False)
    assert passes(2, once="m1") == 2
    assert passes(5) == 2


@pytest.mark.parametrize("name", ["a b", "订单\n1", "\x00", "x" * 1000, "a:b", "🙂"], ids=ascii)
def test_clients_may_name_uses_as_they_like(name: str) -> None:
    assert passes(5, bucket=name) == 3
    assert passes(5, bucket=f"once {name}", once=name) == 5


def test_names_do_not_run_into_buckets() -> None:
    assert passes(3, bucket="a", once="b:c") == 3

    assert passes(5, bucket="a:b", once="c") == 5
    assert passes(5, bucket="a:b") == 2


def test_uses_at_the_same_time_are_all_counted() -> None:
    with ThreadPoolExecutor(8) as pool:
        # The cache's connection belongs to the context.
        counting = [pool.submit(copy_context().run, passes, 25, limit=50) for _thread in range(8)]

    assert sum(each.result() for each in counting) == 50
