"""Limits on how often somebody may do something, counted in the shared cache."""

import hashlib
import json
import math
import time

from django.core.cache import cache

from tenants.errors import RateLimitedError


def spend(bucket: str, *, limit: int, seconds: int, once: str = "") -> None:
    """Count one use of `bucket`; raise RateLimitedError past `limit` uses in `seconds`.

    `once` names the use: the same name within the window is counted a single time, so a client
    that repeats a request until it hears an answer is not punished for it. Fixed windows.
    """
    window = int(time.time() // seconds)
    key = _key(bucket, window)
    once_key = _key(bucket, window, once)
    if once and not cache.add(once_key, 1, seconds):
        return
    cache.add(key, 0, seconds + 1)
    try:
        used = cache.incr(key)
    except ValueError:
        return  # evicted between the two calls: counting starts again
    if used > limit:
        if once:
            cache.delete(once_key)
        raise RateLimitedError(retry_after=max(1, math.ceil((window + 1) * seconds - time.time())))


def _key(*parts: object) -> str:
    # Clients choose part of the name: its length and letters must suit every cache.
    return f"limit:{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}"
