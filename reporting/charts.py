"""Charts, drawn on the server: bars as plain geometry for a template, series as SVG. Pure."""

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

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


# The drawing of a series as SVG text: the same on screen, on paper and in a mail, so it brings its
# colours along, and every mark differs by shape as well.
FONTS = "'PingFang SC','Microsoft YaHei','Noto Sans SC','Noto Sans CJK SC',system-ui,sans-serif"
INK, MUTED, LINE, ACCENT, PROMISE, EMPTY = (
    "#1f2430",
    "#667085",
    "#e4e7ec",
    "#0f766e",
    "#b45309",
    "#f2f4f7",
)
_LEFT, _RIGHT, _HEAD, _FOOT = 62, 76, 18, 34
_PLOT_HEIGHT = 150
_ROW = 26
# So many labels fit side by side under a drawing, or over its bars.
_MOST_LABELS = 10
_MOST_FIGURES = 16


@dataclass(frozen=True)
class Drawing:
    """What is drawn: `shown` are the values in words, beside `values`; None is a gap.

    `promise` is drawn as a dashed line with `promise_shown`; `scale` gives an axis figure its words;
    `missing` names a gap.
    """

    title: str
    labels: Sequence[str]
    values: Sequence[float | None]
    shown: Sequence[str]
    scale: Callable[[float], str]
    promise: float | None = None
    promise_shown: str = ""
    is_line: bool = True
    missing: str = ""
    most: float | None = None


def svg(drawing: Drawing) -> str:
    """Return the drawing as SVG: lines for time, bars for comparison, always from zero."""
    if drawing.is_line:
        return _upright(drawing, _lines)
    if any(_width(label) > 10 for label in drawing.labels):
        return _lying(drawing)
    return _upright(drawing, _columns)


def _upright(drawing: Drawing, marks: "Callable[[Drawing, _Plot], list[str]]") -> str:
    plot = _Plot(drawing)
    parts = [plot.rule(part) for part in (0.0, 0.5, 1.0)]
    for place, (label, value) in enumerate(zip(drawing.labels, drawing.values, strict=True)):
        if value is None:
            x, width = plot.slot(place)
            parts.append(
                f'<rect x="{x:.1f}" y="{_HEAD}" width="{width:.1f}" height="{_PLOT_HEIGHT}" '
                f'fill="{EMPTY}"/>'
            )
        if place % plot.every == 0:
            parts.append(_text(plot.x(place), plot.base + 18, label, MUTED, "middle"))
    if drawing.promise is not None:
        y = plot.y(drawing.promise)
        parts.append(
            f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
            f'stroke="{PROMISE}" stroke-width="1.5" stroke-dasharray="6 4"/>'
        )
        parts.append(
            _text(WIDTH - _RIGHT + 6, y - 2, drawing.promise_shown, PROMISE, "start", bold=True)
        )
    parts += marks(drawing, plot)
    if drawing.missing and any(value is None for value in drawing.values):
        parts.append(
            f'<rect x="{_LEFT}" y="{plot.base + 25}" width="10" height="10" fill="{EMPTY}" '
            f'stroke="{LINE}"/>'
        )
        parts.append(_text(_LEFT + 16, plot.base + 34, drawing.missing, MUTED, "start"))
        return _document(drawing.title, plot.height + 8, parts)
    return _document(drawing.title, plot.height, parts)


class _Plot:
    """The square of an upright drawing: where values lie in it."""

    def __init__(self, drawing: Drawing) -> None:
        values = [value for value in drawing.values if value is not None]
        largest = max([*values, drawing.promise or 0.0, 0.0])
        self.drawing = drawing
        self.top = drawing.most if drawing.most and largest <= drawing.most else _above(largest)
        self.base = _HEAD + _PLOT_HEIGHT
        self.height = self.base + _FOOT
        self.count = max(len(drawing.values), 1)
        widest = max([_width(label) for label in drawing.labels] or [1])
        fitting = min(_MOST_LABELS, int((WIDTH - _LEFT - _RIGHT) / (widest * 6.5 + 10))) or 1
        self.every = -(-self.count // fitting)

    def slot(self, place: int) -> tuple[float, float]:
        """Return the left edge and the width of a place."""
        width = (WIDTH - _LEFT - _RIGHT) / self.count
        return _LEFT + place * width, width

    def x(self, place: int) -> float:
        """Return the middle of a place."""
        left, width = self.slot(place)
        return left + width / 2

    def y(self, value: float) -> float:
        """Return the height at which a value lies."""
        return self.base - _PLOT_HEIGHT * min(value / self.top, 1)

    def rule(self, part: float) -> str:
        """Return a horizontal line with its figure."""
        y = self.base - _PLOT_HEIGHT * part
        words = _text(_LEFT - 8, y + 4, self.drawing.scale(self.top * part), MUTED, "end")
        return (
            f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
            f'stroke="{LINE}" stroke-width="1"/>{words}'
        )


def _lines(drawing: Drawing, plot: _Plot) -> list[str]:
    parts, run = [], []
    for place, value in [*enumerate(drawing.values), (plot.count, None)]:
        if value is not None:
            run.append((plot.x(place), plot.y(value)))
            continue
        if len(run) > 1:
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in run)
            parts.append(
                f'<polyline points="{points}" fill="none" stroke="{ACCENT}" stroke-width="2" '
                'stroke-linejoin="round"/>'
            )
        # Few points are marked each; of many only those that stand alone.
        if len(run) == 1 or plot.count <= _MOST_FIGURES * 2:
            parts += [
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{ACCENT}"/>' for x, y in run
            ]
        run = []
    there = [(place, value) for place, value in enumerate(drawing.values) if value is not None]
    if there:
        place, value = there[-1]
        x, y = plot.x(place), plot.y(value)
        # Beside the point, out of the promise's way.
        near = drawing.promise is not None and abs(plot.y(drawing.promise) - y) < 14
        parts.append(
            _text(x + 7, y + (16 if near else 4), drawing.shown[place], ACCENT, "start", bold=True)
        )
    return parts


def _columns(drawing: Drawing, plot: _Plot) -> list[str]:
    parts = []
    values = [value for value in drawing.values if value is not None]
    largest = max(values, default=0.0)
    labelled = plot.count <= _MOST_FIGURES
    for place, value in enumerate(drawing.values):
        if value is None:
            continue
        left, width = plot.slot(place)
        gap = min(width * 0.2, 8)
        bar = min(width - gap, 44)
        y = plot.y(value)
        parts.append(
            f'<rect x="{left + (width - bar) / 2:.1f}" y="{y:.1f}" width="{bar:.1f}" '
            f'height="{plot.base - y:.1f}" fill="{ACCENT}"/>'
        )
        if labelled or value == largest:
            parts.append(
                _text(plot.x(place), y - 5, drawing.shown[place], INK, "middle", bold=True)
            )
            # Of many bars the first of the highest is enough.
            largest = math.inf
    return parts


def _lying(drawing: Drawing) -> str:
    names = min(max(_width(label) for label in drawing.labels) * 6.8 + 12, 260)
    room = WIDTH - names - 90
    values = [value for value in drawing.values if value is not None]
    top = max([*values, drawing.promise or 0.0]) or 1
    height = len(drawing.labels) * _ROW + 12
    parts = [f'<line x1="{names:.1f}" x2="{names:.1f}" y1="4" y2="{height - 6}" stroke="{LINE}"/>']
    for place, (label, value) in enumerate(zip(drawing.labels, drawing.values, strict=True)):
        y = 6 + place * _ROW
        parts.append(_text(names - 8, y + 15, _cut(label, 38), INK, "end"))
        if value is None:
            parts.append(_text(names + 6, y + 15, drawing.missing or "–", MUTED, "start"))
            continue
        length = room * value / top
        parts.append(
            f'<rect x="{names:.1f}" y="{y + 2}" width="{length:.1f}" height="{_ROW - 8}" '
            f'fill="{ACCENT}"/>'
        )
        parts.append(
            _text(names + length + 6, y + 15, drawing.shown[place], INK, "start", bold=True)
        )
    if drawing.promise is not None:
        x = names + room * drawing.promise / top
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - 6}" stroke="{PROMISE}" '
            'stroke-width="1.5" stroke-dasharray="6 4"/>'
        )
        parts.append(_text(x, height + 8, drawing.promise_shown, PROMISE, "middle", bold=True))
        height += 14
    return _document(drawing.title, height, parts)


def _above(largest: float) -> float:
    """Return a round figure at or above the largest value."""
    if largest <= 0:
        return 1.0
    step = 10.0 ** math.floor(math.log10(largest))
    for factor in (1, 2, 4, 5, 6, 8, 10):
        if largest <= step * factor * (1 + 1e-9):
            return max(step * factor, 1e-9)
    return step * 10


def _width(text: str) -> int:
    """Return how wide the text is, a Chinese character counting for two."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def _cut(text: str, most: int) -> str:
    if _width(text) <= most:
        return text
    while text and _width(text) > most - 1:
        text = text[:-1]
    return f"{text}…"


def _text(x: float, y: float, words: str, colour: str, anchor: str, *, bold: bool = False) -> str:
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="11.5" font-family="{FONTS}" fill="{colour}" '
        f'text-anchor="{anchor}"{weight}>{escape(words)}</text>'
    )


def _document(title: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}" role="img"><title>{escape(title)}</title>'
        f"{''.join(parts)}</svg>"
    )
