"""Publish what may be published, a little at a time: no page waits for all phrasings."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from knowledge.models import Release
from knowledge.services import golden, releases
from tenants.models import User


@dataclass(frozen=True)
class Learning:
    """Publishing that stopped while phrasings were learned: `left` texts are still to do."""

    left: int


class _PausedError(Exception):
    def __init__(self, left: int) -> None:
        super().__init__(left)
        self.left = left


def publish(
    *, by: User | None, note: str = "", progress: Callable[[int, int], None] | None = None
) -> Release:
    """Publish what the golden questions do not speak against; see releases.publish.

    Raises NothingToPublishError, GoldenWorseError.
    """
    releases.learn(progress=progress)
    golden.check()
    return releases.publish(by=by, note=note)


def publish_for(seconds: float, *, by: User | None, note: str = "") -> Release | Learning:
    """Publish, or learn phrasings for about so long and return how many are left.

    What was learned is kept: the next call goes on from there, and nothing is published before
    all of it is. Raises NothingToPublishError, GoldenWorseError.
    """
    began = time.monotonic()

    def pause(done: int, total: int) -> None:
        if done < total and time.monotonic() - began >= seconds:
            raise _PausedError(total - done)

    try:
        return publish(by=by, note=note, progress=pause)
    except _PausedError as paused:
        return Learning(paused.left)
