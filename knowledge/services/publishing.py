"""Publish a little at a time, so that no page waits for all phrasings to be learned."""

import time
from dataclasses import dataclass

from knowledge.models import Release
from knowledge.services import releases
from tenants.models import User


@dataclass(frozen=True)
class Learning:
    """Publishing that stopped while phrasings were learned: `left` texts are still to do."""

    left: int


class _PausedError(Exception):
    def __init__(self, left: int) -> None:
        super().__init__(left)
        self.left = left


def publish_for(seconds: float, *, by: User | None, note: str = "") -> Release | Learning:
    """Publish, or learn phrasings for about so long and return how many are left.

    What was learned is kept: the next call goes on from there, and nothing is published before
    all of it is. Raises NothingToPublishError.
    """
    began = time.monotonic()

    def pause(done: int, total: int) -> None:
        if done < total and time.monotonic() - began >= seconds:
            raise _PausedError(total - done)

    try:
        return releases.publish(by=by, note=note, progress=pause)
    except _PausedError as paused:
        return Learning(paused.left)
