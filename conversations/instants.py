"""How instants are written on the wire."""

from datetime import datetime


def instant(value: datetime | None) -> str | None:
    """Return the instant as RFC 3339 in UTC with milliseconds, or None."""
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z") if value else None
