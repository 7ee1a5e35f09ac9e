"""A report on the screen: the same words, with a link from each figure to its rows."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import mark_safe

from reporting.rendering.presentation import Presented

# Where the rows of a figure are listed, by the name that its section gives.
_LISTS = {
    "conversations": "conversations_conversation",
    "obligations": "tenants_obligation",
    "breaches": "tenants_breach",
    "ratings": "conversations_rating",
    "tickets": "conversations_ticket",
    "decisions": "conversations_botdecision",
    "handoffs": "conversations_handoff",
}


def context(report: Presented) -> dict[str, Any]:
    """Return what the template of the report's page shows."""
    data = report.as_data()
    for chapter in data["chapters"]:
        for card in chapter["cards"]:
            card["link"] = link(card["rows"], card["filters"])
        for picture in chapter["pictures"]:
            # Made by reporting.charts, which escapes every word it draws.
            picture["svg"] = mark_safe(picture["svg"])  # noqa: S308 -- see above
        for grid in chapter["grids"]:
            grid["columns"] = list(zip(grid["heads"], grid["right"], strict=True))
            grid["cells"] = [list(zip(row, grid["right"], strict=True)) for row in grid["rows"]]
    return data


def link(rows: str, filters: Mapping[str, str]) -> str:
    """Return the list that shows the rows of a figure, "" where there is none."""
    if rows not in _LISTS:
        return ""
    asked = {key: value for key, value in filters.items() if key not in ("first", "end", "kind")}
    if "kind" in filters:
        asked["kind__exact"] = filters["kind"]
    if "first" in filters and "end" in filters:
        last = date.fromisoformat(filters["end"]) - timedelta(days=1)
        asked["period"] = f"{filters['first']}..{last}"
    address = reverse(f"admin:{_LISTS[rows]}_changelist")
    return f"{address}?{urlencode(asked)}" if asked else address
