"""Which pages a pattern means: `*` stands for anything. static/widget/invite.js reads them alike."""

import re
from urllib.parse import urlsplit

MAX_LENGTH = 300
MAX_STARS = 5
_HEAD = re.compile(r"(/|\*|https?://)")


def is_pattern(value: object) -> bool:
    """Return whether `value` is a pattern: a path or a whole address, with at most five stars."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_LENGTH:
        return False
    return (
        bool(_HEAD.match(value)) and value.count("*") <= MAX_STARS and not re.search(r"\s", value)
    )


def matches(pattern: str, address: str) -> bool:
    """Return whether the page's address fits the pattern.

    A pattern that begins with / is compared with path and query, any other one with the whole
    address; what follows # counts in neither.
    """
    address = address.partition("#")[0]
    if pattern.startswith("/"):
        parts = urlsplit(address)
        address = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _fits(pattern.split("*"), address)


def _fits(parts: list[str], text: str) -> bool:
    # Each part is taken where it comes first, which never goes back: no pattern costs much.
    first, *between = parts
    if not between:
        return text == first
    last = between.pop()
    if not text.startswith(first):
        return False
    at = len(first)
    for part in between:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(text) - at >= len(last) and text.endswith(last)
