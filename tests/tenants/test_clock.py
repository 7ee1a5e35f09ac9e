"""The one clock."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants import clock

MIDNIGHT = datetime(2027, 1, 1, tzinfo=UTC)


def test_now_is_aware_and_in_utc(db: None) -> None:
    instant = clock.now()

    assert instant.tzinfo is UTC
    assert abs(instant - datetime.now(UTC)) < timedelta(seconds=5)


def test_now_goes_forward(db: None) -> None:
    instants = [clock.now() for _look in range(100)]

    assert instants == sorted(instants)


def test_database_is_asked_once_a_while(db: None) -> None:
    clock.now()

    with CaptureQueriesContext(connection) as queries:
        for _look in range(100):
            clock.now()

    assert len(queries) <= 1


def test_clock_of_the_host_has_no_part_in_it(db: None, time_machine: Any) -> None:
    """Source: contract T28. SQLite lives on the host, so there the host's clock is the clock."""
    before = clock.now()
    time_machine.move_to(MIDNIGHT + timedelta(days=1000), tick=True)
    after = clock.now()

    if connection.vendor == "postgresql":
        assert timedelta(0) <= after - before < timedelta(minutes=5)
    else:
        assert after.year == 2029


def test_travel_sets_the_present_and_comes_back(db: None) -> None:
    with clock.travel(MIDNIGHT):
        first = clock.now()
        with clock.travel(MIDNIGHT + timedelta(hours=1)):
            second = clock.now()
        third = clock.now()

    assert (first, second, third) == (MIDNIGHT, MIDNIGHT + timedelta(hours=1), MIDNIGHT)
    assert clock.now() != MIDNIGHT


def test_travelled_instant_is_told_in_utc() -> None:
    with clock.travel(datetime(2027, 1, 1, 8, tzinfo=timezone(timedelta(hours=8)))):
        assert clock.now() == MIDNIGHT
        assert clock.now().tzinfo is UTC


def test_travel_refuses_an_instant_without_a_zone() -> None:
    naive = MIDNIGHT.replace(tzinfo=None)

    with pytest.raises(ValueError, match="needs an aware instant"), clock.travel(naive):
        pass


def test_travel_stays_in_its_context() -> None:
    seen: list[bool] = []

    with clock.travel(MIDNIGHT):
        thread = threading.Thread(target=lambda: seen.append(clock._travel.get() is None))
        thread.start()
        thread.join()
        seen.append(asyncio.run(_now()) == MIDNIGHT)

    assert seen == [True, True]


async def _now() -> datetime:
    return clock.now()
