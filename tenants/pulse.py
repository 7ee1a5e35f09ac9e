"""Whether the schedule runs: each chore leaves its time in the cache that all processes share."""

from datetime import timedelta

from django.core.cache import cache

from tenants import clock

# The sweeper of broken promises runs every second; after this long without it nobody sweeps.
SILENT_AFTER = timedelta(seconds=30)
SWEEPER = "find_breaches"
_KEPT_SECONDS = 7 * 24 * 3600


def beat(chore: str) -> None:
    """Note that this chore has just come to its end."""
    cache.set(_key(chore), clock.now().timestamp(), _KEPT_SECONDS)


def age(chore: str = SWEEPER) -> timedelta | None:
    """Return how long ago the chore last came to its end; None where it never did."""
    at: float | None = cache.get(_key(chore))
    return None if at is None else timedelta(seconds=clock.now().timestamp() - at)


def is_alive() -> bool:
    """Return whether broken promises are looked for, as far as this process can see."""
    since = age()
    return since is not None and since <= SILENT_AFTER


def _key(chore: str) -> str:
    return f"pulse:{chore}"
