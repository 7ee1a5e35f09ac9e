"""Leave a service that fails alone for a while, so that nobody waits for it in vain."""

import threading
import time
from collections.abc import Callable


class CircuitBreaker:
    """Closed while calls succeed; open after several failures in a row; then one call tries.

    Safe to use from several threads. Counts in this process only.
    """

    def __init__(
        self,
        *,
        failures: int = 3,
        rest_seconds: float = 30.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = failures
        self._rest = rest_seconds
        self._now = now
        self._lock = threading.Lock()
        self._failed = 0
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the service is left alone now."""
        with self._lock:
            return self._failed >= self._limit and self._now() < self._open_until

    def admit(self) -> bool:
        """Return whether a call may be made; whoever may must report how it went.

        After the rest a single call is admitted, and the rest begins anew for all others.
        """
        with self._lock:
            if self._failed < self._limit:
                return True
            if self._now() < self._open_until:
                return False
            self._open_until = self._now() + self._rest
            return True

    def succeeded(self) -> None:
        """Report that a call went well: the circuit closes."""
        with self._lock:
            self._failed = 0

    def failed(self) -> None:
        """Report that a call failed."""
        with self._lock:
            self._failed += 1
            if self._failed >= self._limit:
                self._open_until = self._now() + self._rest
