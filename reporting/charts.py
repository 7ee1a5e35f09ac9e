"""Bar charts as plain geometry, drawn by a template on the server: pure."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 640
HEIGHT = 190
TOP, BOTTOM, GAP = 22, 24, 6


@dataclass(frozen=True)
class Value:
    """One bar: `part` of `whole` is drawn solid; `link` leads to its rows."""

    label: str
    part: int
    whole: int
    title: str
    link: str = ""


@dataclass(frozen=True)
class Bar:
    """A value with its place in the drawing."""

    value: Value
    x: float
    width: float
    y: float
    height: float
    part_y: float
    part_height: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


@dataclass(frozen=True)
class Chart:
    """A drawing of bars on a zero base line."""

    bars: list[Bar]
    width: int
    height: int
    base: int


def bars(values: Sequence[Value]) -> Chart:
    """Return the drawing of the values, side by side, the largest filling the height."""
    base = HEIGHT - BOTTOM
    room = base - TOP
    largest = max((value.whole for value in values), default=0) or 1
    step = WIDTH / (len(values) or 1)
    drawn = []
    for number, value in enumerate(values):
        height = room * value.whole / largest
        part = room * value.part / largest
        drawn.append(
            Bar(
                value=value,
                x=round(number * step + GAP / 2, 1),
                width=round(step - GAP, 1),
                y=round(base - height, 1),
                height=round(height, 1),
                part_y=round(base - part, 1),
                part_height=round(part, 1),
            )
        )
    return Chart(drawn, WIDTH, HEIGHT, base)


def percent(part: int, whole: int) -> str:
    """Return the share in percent with two decimals, rounded down: a promise is not kept by rounding."""
    hundredths = part * 10_000 // whole
    return f"{hundredths // 100}.{hundredths % 100:02}%"
