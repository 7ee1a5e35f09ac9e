"""Figures in words: one way to write each, for every page, sheet and mail of a report.

Words are those of the active language. Values are cut off, never rounded up, so no promise is kept
by the way it is written (contract, Rounding).
"""

import math
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from reporting.sections import Figure, Unit
from tenants.durations import in_words

NOTHING = "–"
_HUNDREDTH = Decimal("0.01")
_THOUSANDTH = Decimal("0.001")
_BYTE_UNITS = ("B", "KB", "MB", "GB", "TB")


def cut_off(value: float, unit: Unit) -> Decimal:
    """Return the value with the digits that are shown; of a share, those of its percent."""
    # The shortest decimal that is this float: a share of 0.29 is 29 %, not 28.99….
    exact = Decimal(str(value))
    if unit is Unit.SHARE:
        return (exact * 100).quantize(_HUNDREDTH, ROUND_FLOOR)
    if unit is Unit.SECONDS:
        return exact.quantize(_THOUSANDTH, ROUND_FLOOR)
    return exact.quantize(_HUNDREDTH, ROUND_FLOOR)


def shown(value: float | None, unit: Unit) -> str:
    """Return the value in words: 94.99%, 1,234, 10.004 s, 2 min 5 s, 1.50 MB; a dash for none."""
    if value is None:
        return NOTHING
    if unit is Unit.SHARE:
        return f"{cut_off(value, unit)}%"
    if unit is Unit.SECONDS:
        if abs(value) >= 60:
            return in_words(timedelta(seconds=value))
        return _("%(count)s s") % {"count": cut_off(value, unit)}
    if unit is Unit.BYTES:
        return _bytes(value)
    if unit is Unit.COUNT and float(value).is_integer():
        return f"{int(value):,}"
    return f"{cut_off(value, unit):,}"


def scaled(value: float, unit: Unit) -> str:
    """Return a round figure of an axis, with no more digits than it has."""
    if unit is Unit.SHARE:
        return f"{value * 100:g}%"
    if unit is Unit.SECONDS and abs(value) < 60:
        return _("%(count)s s") % {"count": f"{value:g}"}
    if unit in (Unit.SECONDS, Unit.BYTES):
        return shown(value, unit)
    return f"{value:,g}"


def target(value: float, unit: Unit) -> str:
    """Return what was promised: at most so many seconds, at least so much of anything else."""
    return f"{'≤' if unit is Unit.SECONDS else '≥'} {shown(value, unit)}"


def fraction(figure: Figure) -> str:
    """Return what the figure is made of: "19 / 20", of a mean "n = 20", or ""."""
    if figure.part is None or figure.whole is None:
        return ""
    if figure.unit is not Unit.SHARE:
        return f"n = {shown(figure.whole, Unit.COUNT)}"
    return f"{shown(figure.part, Unit.COUNT)} / {shown(figure.whole, Unit.COUNT)}"


def interval(figure: Figure) -> str:
    """Return the 95 % interval of the figure, or ""."""
    if figure.low is None or figure.high is None:
        return ""
    return f"{shown(figure.low, figure.unit)}–{shown(figure.high, figure.unit)}"


def change(value: float, unit: Unit) -> str:
    """Return a difference with its sign; of shares it is in points of percent."""
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    if unit is Unit.SHARE:
        exact = abs(Decimal(str(value)) * 100)
        # Away from zero where something is missing: a miss is never written as none.
        cut = exact.quantize(_HUNDREDTH, ROUND_FLOOR)
        if value < 0 and cut != exact:
            cut += _HUNDREDTH
        return _("%(count)s points") % {"count": f"{sign}{cut}"}
    return f"{sign}{shown(abs(value), unit)}"


def margin(figure: Figure) -> str:
    """Return by how much the promise was kept (+) or missed (−), or a dash."""
    if figure.value is None or figure.target is None:
        return NOTHING
    exact = Decimal(str(figure.value)) - Decimal(str(figure.target))
    if figure.unit is Unit.SECONDS:
        exact = -exact
    return change(float(exact), figure.unit)


def trend(figure: Figure) -> tuple[str, str]:
    """Return the arrow and the change since the period before, ("", "") if there was none."""
    if figure.value is None or figure.previous is None:
        return "", ""
    exact = Decimal(str(figure.value)) - Decimal(str(figure.previous))
    arrow = "▲" if exact > 0 else "▼" if exact < 0 else "＝"
    return arrow, change(float(exact), figure.unit) if exact else ""


def cell(value: str | float | None, unit: Unit | None, zone: ZoneInfo) -> str:
    """Return a cell of a table: words as they are, instants in the tenant's zone."""
    if value is None or value == "":
        return NOTHING
    if unit is not None and not isinstance(value, str):
        return shown(value, unit)
    return _instant(str(value), zone)


def _instant(text: str, zone: ZoneInfo) -> str:
    if len(text) < 20 or text[10:11] != "T":
        return text
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S") if at.tzinfo else text


def _bytes(value: float) -> str:
    step = min(int(math.log(value, 1024)), len(_BYTE_UNITS) - 1) if value >= 1 else 0
    size = cut_off(value / 1024**step, Unit.BYTES)
    return f"{int(value)} B" if step == 0 else f"{size} {_BYTE_UNITS[step]}"
