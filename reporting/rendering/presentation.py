"""A report as it is read: the words of its snapshot, ready for a page, a sheet or a mail.

Every renderer shows these words and no others, so all say the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reporting import charts
from reporting.models import ReportKind, ReportStage
from reporting.rendering import wording
from reporting.sections import Figure, Section, Series, Table, Unit, Verdict, section_from

SUMMARY = "summary"
_TONES = {Verdict.KEPT: "ok", Verdict.MISSED: "breach", Verdict.NEUTRAL: "plain"}
_STAGE_TONES = {"provisional": "warn", "final": "ok", "corrected": "info"}


@dataclass(frozen=True)
class Card:
    """One figure in words; `value` and `unit` are what it was made of."""

    key: str
    title: str
    clause: str
    text: str
    detail: str
    target: str
    margin: str
    arrow: str
    change: str
    before: str
    verdict: str
    tone: str
    mark: str
    value: float | None
    unit: str
    rows: str
    filters: Mapping[str, str]


@dataclass(frozen=True)
class Picture:
    """One chart: its SVG, and the series it was drawn from."""

    title: str
    svg: str
    unit: str
    is_line: bool
    labels: Sequence[str]
    values: Sequence[float | None]
    shown: Sequence[str]
    target: float | None


@dataclass(frozen=True)
class Grid:
    """One table in words; `right` says which columns hold numbers, `raw` holds them."""

    title: str
    heads: Sequence[str]
    right: Sequence[bool]
    rows: Sequence[Sequence[str]]
    empty: str
    raw: Sequence[Sequence[str | float | None]]
    units: Sequence[str]


@dataclass(frozen=True)
class Chapter:
    """One section in words."""

    key: str
    title: str
    clause: str
    cards: Sequence[Card]
    pictures: Sequence[Picture]
    grids: Sequence[Grid]
    notes: Sequence[str]


@dataclass(frozen=True)
class Change:
    """One figure that differs from the version before."""

    section: str
    title: str
    before: str
    after: str


@dataclass(frozen=True)
class Presented:
    """A whole report in words, in one language."""

    language: str
    title: str
    name: str
    period: str
    partial: str
    stage: str
    stage_tone: str
    version: str
    made: str
    sha256: str
    parties: Sequence[tuple[str, str]]
    reason: str
    summary: Chapter
    chapters: Sequence[Chapter]
    changes: Sequence[Change]
    labels: Mapping[str, str]

    def as_data(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        return asdict(self)


def present(snapshot: Mapping[str, Any], sha256: str, language: str) -> Presented:
    """Return the report in words of the language, "zh-hans" or "en"."""
    with translation.override(language):
        return _present(snapshot, sha256, language)


def _present(snapshot: Mapping[str, Any], sha256: str, language: str) -> Presented:
    zone = ZoneInfo(snapshot["period"]["zone"])
    sections = [section_from(each) for each in snapshot["sections"][language]]
    chapters = [chapter(each, zone) for each in sections]
    first, last = snapshot["period"]["first"], snapshot["period"]["last"]
    kind = ReportKind(snapshot["kind"])
    stage = ReportStage(snapshot["stage"])
    span = first if first == last else _("%(first)s to %(last)s") % {"first": first, "last": last}
    summary = next(each for each in chapters if each.key == SUMMARY)
    return Presented(
        language=language,
        title=str(kind.label),
        name=snapshot["tenant"]["name"],
        period=_("%(span)s (%(days)s)") % {"span": span, "days": _days(snapshot["period"]["days"])},
        partial=_partial(snapshot["period"]),
        stage=str(stage.label),
        stage_tone=_STAGE_TONES[stage],
        version=_("Version %(number)s") % {"number": snapshot["version"]},
        made=_moment(snapshot["made_at"], zone),
        sha256=sha256,
        parties=_parties(snapshot),
        reason=snapshot["reason"],
        summary=summary,
        chapters=[each for each in chapters if each.key != SUMMARY],
        changes=_changes(snapshot["changes"], sections),
        labels=_labels(),
    )


def _labels() -> dict[str, str]:
    # One word may stand in a sentence elsewhere; here each of them is a heading.
    return {key: capfirst(words) for key, words in _words().items()}


def _words() -> dict[str, str]:
    return {
        "summary": _("Promises at a glance"),
        "contents": _("Contents"),
        "promise": _("promise"),
        "target": _("promised"),
        "result": _("result"),
        "margin": _("margin"),
        "trend": _("since the period before"),
        "verdict": _("verdict"),
        "figure": _("figure"),
        "made_of": _("counted of"),
        "before": _("before"),
        "after": _("now"),
        "section": _("section"),
        "counted": _("How it is counted"),
        "clause": _("clause"),
        "changes": _("What differs from the version before"),
        "reason": _("Reason for the correction"),
        "appendix": _("Appendix"),
        "hash": _("SHA-256 of the snapshot"),
        "made": _("made at"),
        "version": _("version"),
        "stage": _("stage"),
        "period": _("period"),
        "no_promises": _("The contract promises no figure for this period."),
        "rounding": _(
            "Figures are judged unrounded and shown cut off to two decimals, seconds to three. "
            "A figure of fewer than 30 is marked as a small sample."
        ),
        "stages": _(
            "Provisional figures may still change. Final figures are frozen. A correction is a new "
            "version with its reason and what it changes; earlier versions stay."
        ),
        "verify": _(
            "The hash is that of the snapshot this report was made from. The evidence pack holds "
            "the snapshot, the rows that were counted and the ledger; the command verify_evidence "
            "recomputes them."
        ),
    }


def chapter(section: Section, zone: ZoneInfo) -> Chapter:
    """Return one section in words of the active language."""
    return Chapter(
        key=section.key,
        title=capfirst(section.title),
        clause=section.clause,
        cards=[card(each) for each in section.figures],
        pictures=[picture(each) for each in section.series if each.values],
        grids=[grid(each, zone) for each in section.tables],
        notes=list(section.notes),
    )


def card(figure: Figure) -> Card:
    """Return one figure in words of the active language."""
    arrow, change = wording.trend(figure)
    # Of a share all of which is there, the fraction and its interval say more than the percent.
    details = [wording.fraction(figure)]
    if figure.low is not None:
        details.append(_("95%% interval %(span)s") % {"span": wording.interval(figure)})
    return Card(
        key=figure.key,
        title=capfirst(figure.title),
        clause=figure.clause,
        text=wording.shown(figure.value, figure.unit),
        detail=" · ".join(each for each in details if each),
        target="" if figure.target is None else wording.target(figure.target, figure.unit),
        margin=wording.margin(figure) if figure.target is not None else "",
        arrow=arrow,
        change=change,
        before="" if figure.previous is None else wording.shown(figure.previous, figure.unit),
        verdict=_verdict(figure),
        tone=_TONES[figure.verdict],
        mark=_("Small sample") if figure.is_small_sample else "",
        value=figure.value,
        unit=str(figure.unit),
        rows=figure.rows,
        filters=dict(figure.filters),
    )


def picture(series: Series) -> Picture:
    """Return the chart of one series in words of the active language."""
    shown = [wording.shown(value, series.unit) for value in series.values]
    drawing = charts.Drawing(
        title=capfirst(series.title),
        labels=[_short(label) for label in series.labels],
        values=series.values,
        shown=shown,
        scale=lambda value: wording.scaled(value, series.unit),
        promise=series.target,
        promise_shown=""
        if series.target is None
        else wording.target(series.target, series.unit).replace(" ", "\u00a0", 1),
        is_line=series.kind == "line",
        missing=_("no data"),
        most=1.0 if series.unit is Unit.SHARE else None,
    )
    return Picture(
        title=capfirst(series.title),
        svg=charts.svg(drawing),
        unit=str(series.unit),
        is_line=series.kind == "line",
        labels=list(series.labels),
        values=list(series.values),
        shown=shown,
        target=series.target,
    )


def grid(table: Table, zone: ZoneInfo) -> Grid:
    """Return one table in words of the active language."""
    return Grid(
        title=capfirst(table.title),
        heads=[capfirst(column.title) for column in table.columns],
        right=[column.unit is not None for column in table.columns],
        rows=[
            [
                wording.cell(value, column.unit, zone)
                for value, column in zip(row, table.columns, strict=True)
            ]
            for row in table.rows
        ],
        empty=table.empty or _("Nothing to list in this period."),
        raw=[list(row) for row in table.rows],
        units=["" if column.unit is None else str(column.unit) for column in table.columns],
    )


def _verdict(figure: Figure) -> str:
    if figure.target is None:
        return ""
    return {
        Verdict.KEPT: _("Promise kept"),
        Verdict.MISSED: _("Promise missed"),
        Verdict.NEUTRAL: _("Not judged"),
    }[figure.verdict]


def _changes(rows: Sequence[Mapping[str, Any]], sections: Sequence[Section]) -> list[Change]:
    titles = {section.key: section.title for section in sections}
    figures = {(section.key, each.key): each for section in sections for each in section.figures}
    told = []
    for row in rows:
        found = figures.get((row["section"], row["figure"]))
        unit = Unit(row["unit"])
        told.append(
            Change(
                section=titles.get(row["section"], row["section"]),
                title=found.title if found else row["figure"],
                before=_side(row["before"], unit),
                after=_side(row["after"], unit),
            )
        )
    return told


def _side(side: Mapping[str, Any] | None, unit: Unit) -> str:
    if side is None:
        return _("not there")
    text = wording.shown(side["value"], unit)
    if side["part"] is None or side["whole"] is None:
        return text
    parts = (wording.shown(side[each], Unit.COUNT) for each in ("part", "whole"))
    return f"{text} ({' / '.join(parts)})"


def _parties(snapshot: Mapping[str, Any]) -> list[tuple[str, str]]:
    contract = snapshot["contract"]
    return [
        (_("Party A"), contract["party_a"] or snapshot["tenant"]["name"]),
        (_("Party B"), contract["party_b"] or wording.NOTHING),
        (capfirst(_("contract number")), contract["number"] or _("No contract on record")),
    ]


def _partial(period: Mapping[str, Any]) -> str:
    if not period["is_partial"]:
        return ""
    return _("Part of a period: the service ran from %(first)s to %(last)s, %(days)s.") % {
        "first": period["served_first"],
        "last": period["served_last"],
        "days": _days(period["served_days"]),
    }


def _days(count: int) -> str:
    return ngettext("%(count)s day", "%(count)s days", count) % {"count": count}


def _moment(text: str, zone: ZoneInfo) -> str:
    return datetime.fromisoformat(text).astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _short(label: str) -> str:
    """Return a day without its year: an axis has little room."""
    try:
        date.fromisoformat(label)
    except ValueError:
        return label
    return label[5:]
