"""A report on the screen: the same words, with a link from each figure to its rows."""

from typing import Any

from django.utils.safestring import mark_safe

from reporting import links
from reporting.rendering.presentation import Presented


def context(report: Presented) -> dict[str, Any]:
    """Return what the template of the report's page shows."""
    data = report.as_data()
    for chapter in (data["summary"], *data["chapters"]):
        for card in chapter["cards"]:
            card["link"] = links.rows(card["rows"], card["filters"])
        for picture in chapter["pictures"]:
            # Made by reporting.charts, which escapes every word it draws.
            picture["svg"] = mark_safe(picture["svg"])  # noqa: S308 -- see above
        for grid in chapter["grids"]:
            grid["columns"] = list(zip(grid["heads"], grid["right"], strict=True))
            grid["cells"] = [list(zip(row, grid["right"], strict=True)) for row in grid["rows"]]
    return data
