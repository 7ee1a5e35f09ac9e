"""The way from a figure to its rows: the list of the admin, filtered to what was counted (R34)."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse

# A report names the days of its rows as `from` and `to`; every list knows them as one period.
_DAYS = ("from", "to")


def rows(name: str, filters: Mapping[str, str | Sequence[str]] | None = None) -> str:
    """Return the list of the model "app_model" with these filters; "" where there is no such list.

    `from` and `to` are the first and the last day. Everything else is a parameter of the list.
    """
    try:
        address = reverse(f"admin:{name}_changelist")
    except NoReverseMatch:
        return ""
    asked = {key: value for key, value in (filters or {}).items() if key not in _DAYS}
    if filters and all(key in filters for key in _DAYS):
        asked["period"] = f"{filters['from']}..{filters['to']}"
    return f"{address}?{urlencode(asked, doseq=True)}" if asked else address
