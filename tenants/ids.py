"""Time-ordered identifiers that can be made before the row is written."""

import os
import time
import uuid


def new_id() -> uuid.UUID:
    """Return a UUID version 7: 48 bits of Unix milliseconds, then random bits (RFC 9562).

    Ordered by creation to the millisecond, so indexes grow at their end; never guessable.
    """
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)
