"""What a report says, as data: figures with their sums, tables, lines over time.

A section is complete in itself: every page, sheet, mail and check of a report is made from its
sections alone, so none of them can say anything else than the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo


class Unit(StrEnum):
    """How a figure is written: shares are of 1, scores of 100, times in seconds."""

    COUNT = "count"
    SHARE = "share"
    SCORE = "score"
    SECONDS = "seconds"
    BYTES = "bytes"


class Verdict(StrEnum):
    """Whether a promise was kept; NEUTRAL where there is nothing to judge."""

    KEPT = "kept"
    MISSED = "missed"
    NEUTRAL = "neutral"


@dataclass(frozen=True)
class Period:
    """Days from `first` to before `end`, cut in `zone`."""

    first: date
    end: date
    zone: ZoneInfo

    @property
    def start_at(self) -> datetime:
        """The instant at which the period begins."""
        return datetime.combine(self.first, datetime.min.time(), self.zone)

    @property
    def end_at(self) -> datetime:
        """The first instant after the period."""
        return datetime.combine(self.end, datetime.min.time(), self.zone)

    @property
    def days(self) -> int:
        return (self.end - self.first).days


@dataclass(frozen=True)
class Figure:
    """One number: `value` is None where nothing was there to count.

    `part` and `whole` are the fraction behind a share or a mean, `low` and `high` its 95 % interval.
    `metric` names the definition in `reporting.metrics`; `target` and `verdict` stand where the
    contract promises it. `rows` names the drill-down, `filters` what it takes.
    """

    key: str
    title: str
    unit: Unit
    value: float | None
    metric: str = ""
    clause: str = ""
    part: float | None = None
    whole: float | None = None
    low: float | None = None
    high: float | None = None
    target: float | None = None
    verdict: Verdict = Verdict.NEUTRAL
    previous: float | None = None
    is_small_sample: bool = False
    rows: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """A column of a table: `unit` None holds words, instants as ISO 8601 with offset."""

    key: str
    title: str
    unit: Unit | None = None


@dataclass(frozen=True)
class Table:
    """Rows in order; every row has one cell for each column."""

    key: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str | float | None]]
    empty: str = ""


@dataclass(frozen=True)
class Series:
    """One line or row of bars: None is a day without data, shown as a gap."""

    key: str
    title: str
    unit: Unit
    labels: Sequence[str]
    values: Sequence[float | None]
    target: float | None = None
    kind: str = "line"


@dataclass(frozen=True)
class Section:
    """A promise, or one subject of the report, with everything said about it."""

    key: str
    title: str
    clause: str = ""
    figures: Sequence[Figure] = ()
    series: Sequence[Series] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()

    def as_data(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        return asdict(self)


def section_from(data: Mapping[str, Any]) -> Section:
    """Return the section that `Section.as_data` made into plain data."""
    return Section(
        key=data["key"],
        title=data["title"],
        clause=data["clause"],
        figures=[
            Figure(**{**each, "unit": Unit(each["unit"]), "verdict": Verdict(each["verdict"])})
            for each in data["figures"]
        ],
        series=[Series(**{**each, "unit": Unit(each["unit"])}) for each in data["series"]],
        tables=[
            Table(
                key=each["key"],
                title=each["title"],
                columns=[
                    Column(
                        column["key"],
                        column["title"],
                        Unit(column["unit"]) if column["unit"] is not None else None,
                    )
                    for column in each["columns"]
                ],
                rows=each["rows"],
                empty=each["empty"],
            )
            for each in data["tables"]
        ],
        notes=data["notes"],
    )
