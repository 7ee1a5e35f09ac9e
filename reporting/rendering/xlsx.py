"""A report as a workbook: a sheet at a glance, one sheet a section with native charts, all conversations."""

import io
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from reporting.rendering import wording
from reporting.rendering.presentation import Chapter, Presented
from reporting.sections import Unit
from reporting.services.conversation_rows import Listed

_HEAD = Font(bold=True, color="FF475467")
_HEAD_FILL = PatternFill("solid", fgColor="FFF6F7F9")
_TITLE = Font(bold=True, size=14)
_BOLD = Font(bold=True)
_FORMATS = {
    Unit.COUNT: "#,##0.00",
    Unit.SHARE: "0.00%",
    Unit.SCORE: "0.00",
    Unit.SECONDS: "0.000",
    Unit.BYTES: "#,##0",
}
_WHOLE = "#,##0"
_MOMENT = "yyyy-mm-dd hh:mm:ss"
# Units whose format shows a number as the report words it; times and sizes have words of their own.
_AS_SHOWN = (Unit.SHARE, Unit.SCORE, Unit.COUNT)
_CHART_ROWS = 16


def xlsx(report: Presented, conversations: Listed | None = None) -> bytes:
    """Return the report as an XLSX workbook. Numbers are numbers, cut off as they are shown.

    With `conversations`, its last sheet has a row for each of them.
    """
    with translation.override(report.language):
        return _workbook(report, conversations)


def _workbook(report: Presented, conversations: Listed | None) -> bytes:
    book = Workbook()
    front = book.active
    names: set[str] = set()
    front.title = _sheet_name(report.labels["summary"], names)
    _front(front, report)
    for chapter in report.chapters:
        _chapter(book.create_sheet(_sheet_name(chapter.title, names)), chapter, report)
    if conversations is not None:
        sheet = book.create_sheet(_sheet_name(_("Conversations"), names))
        _conversations(sheet, conversations)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _front(sheet: Any, report: Presented) -> None:
    row = _title(sheet, f"{report.name} · {report.title}", 1)
    facts = [
        (report.labels["period"], report.period),
        *([("", report.partial)] if report.partial else []),
        (report.labels["stage"], report.stage),
        (report.labels["version"], report.version),
        *report.parties,
        (report.labels["made"], report.made),
        *([(report.labels["reason"], report.reason)] if report.reason else []),
        (report.labels["hash"], report.sha256),
    ]
    for label, words in facts:
        _put(sheet, row, 1, label).font = _HEAD
        _put(sheet, row, 2, words)
        row += 1
    row = _heads(sheet, row + 1, _figure_heads(report))
    for card in report.summary.cards:
        row = _figure(sheet, row, card)
    if report.changes:
        row = _title(sheet, report.labels["changes"], row + 1)
        heads = ("section", "figure", "before", "after")
        row = _heads(sheet, row, [report.labels[each] for each in heads])
        for change in report.changes:
            for place, words in enumerate(
                (change.section, change.title, change.before, change.after), 1
            ):
                _put(sheet, row, place, words)
            row += 1
    _widths(sheet)


def _chapter(sheet: Any, chapter: Chapter, report: Presented) -> None:
    row = _title(sheet, chapter.title, 1)
    if chapter.clause:
        _put(sheet, row, 1, f"{report.labels['clause']} {chapter.clause}")
        row += 1
    for note in chapter.notes:
        _put(sheet, row, 1, note)
        row += 1
    if chapter.cards:
        row = _heads(sheet, row + 1, _figure_heads(report))
        for card in chapter.cards:
            row = _figure(sheet, row, card)
    for grid in chapter.grids:
        row = _title(sheet, grid.title, row + 1)
        if not grid.rows:
            _put(sheet, row, 1, grid.empty)
            row += 1
            continue
        row = _heads(sheet, row, grid.heads)
        for words, raw in zip(grid.rows, grid.raw, strict=True):
            for place, (text, value, unit) in enumerate(
                zip(words, raw, grid.units, strict=True), 1
            ):
                if unit and isinstance(value, int | float):
                    _number(sheet, row, place, value, Unit(unit))
                else:
                    _put(sheet, row, place, text)
            row += 1
    for picture in chapter.pictures:
        row = _picture(sheet, picture, row + 1, report)
    _widths(sheet)


def _conversations(sheet: Any, listed: Listed) -> None:
    row = _title(sheet, _("Conversations"), 1)
    if listed.total > len(listed.rows):
        told = {"shown": len(listed.rows), "total": listed.total}
        words = _("The first %(shown)s of %(total)s; the evidence pack holds all of them.")
        _put(sheet, row, 1, words % told)
        row += 1
    heads = (
        _("Began"),
        _("Channel"),
        _("Inquiries"),
        _("First reply, seconds"),
        _("Messages of the visitor"),
        _("Messages of the assistant"),
        _("Messages of agents"),
        _("Answered"),
        _("Not answered"),
        _("Handed to people"),
        _("Score"),
        _("Key"),
    )
    sheet.freeze_panes = sheet.cell(_heads(sheet, row, heads), 1)
    for each in listed.rows:
        row += 1
        # A cell has no zone: it holds what the clock on the tenant's wall shows.
        began = sheet.cell(row, 1, each.opened_at.astimezone(listed.zone).replace(tzinfo=None))
        began.number_format, began.alignment = _MOMENT, Alignment(horizontal="left")
        _put(sheet, row, 2, each.channel)
        numbers = (
            each.inquiries,
            each.first_reply,
            each.messages["customer"],
            each.messages["bot"],
            each.messages["agent"],
            each.answered,
            each.unanswered,
        )
        for place, value in enumerate(numbers, 3):
            sheet.cell(row, place).value = value
        sheet.cell(row, 4).number_format = _FORMATS[Unit.SECONDS]
        _put(sheet, row, 10, _("yes") if each.is_handed_over else "")
        sheet.cell(row, 11).value = each.score
        _put(sheet, row, 12, each.key)
    _widths(sheet)


def _figure_heads(report: Presented) -> list[str]:
    names = ("figure", "result", "made_of", "target", "margin", "trend", "verdict")
    return [*(report.labels[name] for name in names), _("number"), _("unit")]


def _figure(sheet: Any, row: int, card: Any) -> int:
    words = (
        card.title,
        card.text,
        card.detail,
        card.target,
        card.margin,
        f"{card.arrow} {card.change}".strip(),
        " · ".join(each for each in (card.verdict, card.mark) if each),
    )
    for place, text in enumerate(words, 1):
        if place == 2 and card.value is not None and Unit(card.unit) in _AS_SHOWN:
            cell = _number(sheet, row, place, card.value, Unit(card.unit))
        else:
            cell = _put(sheet, row, place, text)
        if place in (2, 4, 5, 6):
            cell.alignment = Alignment(horizontal="right")
    sheet.cell(row, 2).font = _BOLD
    if card.value is not None:
        _number(sheet, row, 8, card.value, Unit(card.unit))
    _put(sheet, row, 9, _unit_word(Unit(card.unit)))
    return row + 1


def _unit_word(unit: Unit) -> str:
    return {
        Unit.COUNT: _("count"),
        Unit.SHARE: "%",
        Unit.SCORE: _("of 100"),
        Unit.SECONDS: _("seconds"),
        Unit.BYTES: _("bytes"),
    }[unit]


def _picture(sheet: Any, picture: Any, row: int, report: Presented) -> int:
    row = _title(sheet, picture.title, row)
    heads = ["", picture.title]
    if picture.target is not None:
        heads.append(report.labels["target"])
    row = first = _heads(sheet, row, heads)
    unit = Unit(picture.unit)
    for label, value in zip(picture.labels, picture.values, strict=True):
        _put(sheet, row, 1, label)
        if value is not None:
            _number(sheet, row, 2, value, unit)
        if picture.target is not None:
            _number(sheet, row, 3, picture.target, unit)
        row += 1
    chart = LineChart() if picture.is_line else BarChart()
    chart.title, chart.height, chart.width = picture.title, 7, 16
    chart.y_axis.number_format = _WHOLE if unit is Unit.COUNT else _FORMATS[unit]
    chart.y_axis.scaling.min = 0
    chart.x_axis.delete = chart.y_axis.delete = False
    columns = 3 if picture.target is not None else 2
    chart.add_data(
        Reference(sheet, min_col=2, max_col=columns, min_row=first - 1, max_row=row - 1),
        titles_from_data=True,
    )
    chart.set_categories(Reference(sheet, min_col=1, min_row=first, max_row=row - 1))
    chart.dispBlanksAs = "gap"
    chart.legend = None if columns == 2 else chart.legend
    sheet.add_chart(chart, f"E{first - 1}")
    return max(row, first + _CHART_ROWS)


def _title(sheet: Any, words: str, row: int) -> int:
    _put(sheet, row, 1, words).font = _TITLE
    return row + 1


def _heads(sheet: Any, row: int, heads: Sequence[str]) -> int:
    for place, words in enumerate(heads, 1):
        cell = _put(sheet, row, place, words)
        cell.font, cell.fill = _HEAD, _HEAD_FILL
    return row + 1


def _put(sheet: Any, row: int, column: int, words: str) -> Any:
    """Write words as words: what a spreadsheet would take for a formula gets an apostrophe."""
    cell = sheet.cell(row, column)
    cell.value = harmless(words)
    cell.data_type = "s"
    return cell


def harmless(words: str) -> str:
    """Return the words so that no spreadsheet runs them."""
    words = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", words)
    # Our own signs stand before a figure: "+2.31%".
    if words[:1] in "=+-@\t\r" and words and not re.fullmatch(r"[+-][\d,.]+.{0,8}", words):
        return f"'{words}"
    return words


def _number(sheet: Any, row: int, column: int, value: float, unit: Unit) -> Any:
    """Write a number that shows what the report shows: cut off, so no format can round it up."""
    cell = sheet.cell(row, column)
    shown = wording.cut_off(value, unit)
    cell.value = shown / 100 if unit is Unit.SHARE else Decimal(shown)
    whole = unit is Unit.COUNT and float(value).is_integer()
    cell.number_format = _WHOLE if whole else _FORMATS[unit]
    return cell


def _sheet_name(title: str, taken: set[str]) -> str:
    name = re.sub(r"[\[\]:*?/\\]", " ", title)[:28].strip() or "-"
    unique, number = name, 2
    while unique.lower() in taken:
        unique, number = f"{name} {number}", number + 1
    taken.add(unique.lower())
    return unique


def _widths(sheet: Any) -> None:
    for place in range(1, 10):
        sheet.column_dimensions[get_column_letter(place)].width = 34 if place == 1 else 20
    sheet.sheet_view.showGridLines = False
