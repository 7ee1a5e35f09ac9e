"""A report on A4, and its charts as pictures: set by typst, with the fonts that lie here.

Nothing of the machine or the network goes in, so the same snapshot gives the same pages anywhere.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

from reporting.rendering.presentation import Presented

_HERE = Path(__file__).parent
_TEMPLATE = _HERE / "report.typ"
_PICTURE = b"""
#set page(width: auto, height: auto, margin: 4pt, fill: white)
#image(bytes(sys.inputs.svg), format: "svg", width: 480pt)
"""


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(_HERE / "fonts")],
    )


def pdf(report: Presented) -> bytes:
    """Return the report as PDF."""
    made = typst.compile(
        _TEMPLATE,
        font_paths=_fonts(),
        sys_inputs={"data": handed(report)},
        format="pdf",
        timestamp=0,
    )
    assert isinstance(made, bytes)
    return made


def pages(report: Presented, *, ppi: float = 100) -> list[bytes]:
    """Return the report's pages as PNG."""
    made = typst.compile(
        _TEMPLATE,
        font_paths=_fonts(),
        sys_inputs={"data": handed(report)},
        format="png",
        ppi=ppi,
    )
    # One page comes alone.
    every: Any = made
    return list(every) if isinstance(every, list) else [every]


def picture(svg: str) -> bytes:
    """Return a chart as PNG, sharp enough for a phone."""
    made = typst.compile(
        _PICTURE, font_paths=_fonts(), sys_inputs={"svg": svg}, format="png", ppi=160
    )
    assert isinstance(made, bytes)
    return made


def handed(report: Presented) -> str:
    """Return the words that go into the pages, as JSON."""
    return json.dumps(report.as_data(), ensure_ascii=False)
