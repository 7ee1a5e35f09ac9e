"""What a host page tells about its visitor: anything at all, until it has passed here."""

import math
import re
from collections.abc import Mapping
from typing import Any

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def plain_values(told: Mapping[str, Any], *, keys: int) -> dict[str, Any]:
    """Return at most `keys` of what a page told: scalars of at most 1 KB each (protocols §4.2).

    What a database cannot hold as JSON is left out: NUL, halves of characters, infinite numbers.
    """
    return {
        key[:60]: value
        for key, value in list(told.items())[:keys]
        if is_storable(key) and is_storable(value)
    }


def is_storable(value: object) -> bool:
    """Return whether every database holds the scalar as it is, in at most 1 KB."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return len(value) <= 1024 and not _UNSTORABLE.search(value)
    return isinstance(value, int) and len(str(value)) <= 1024
