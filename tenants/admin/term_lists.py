"""The lists within contract terms as small tables: to read, and to fill in."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants import terms_lists
from tenants.durations import in_words


@dataclass(frozen=True)
class Column:
    """One column of a list: `kind` is "minutes", "share" or "flag"."""

    key: str
    title: Any
    kind: str


INCIDENT_COLUMNS = (
    Column("acknowledge", gettext_lazy("acknowledged within, minutes"), "minutes"),
    Column("restore", gettext_lazy("restored within, minutes"), "minutes"),
    Column("update", gettext_lazy("told every, minutes"), "minutes"),
    Column("working", gettext_lazy("in working hours only"), "flag"),
)
TIER_COLUMNS = (
    Column("at_least", gettext_lazy("availability from, of 1"), "share"),
    Column("share", gettext_lazy("credited of the month's fee, of 1"), "share"),
)
_SPARE = 2
_HOUR = 60


def incident_times(stored: Any) -> SafeString:
    """Return the times of each level as a table to read."""
    rows = [
        (
            level,
            _span(each.acknowledge, working=each.working),
            _span(each.restore, working=each.working) if each.restore else _("as planned"),
            _span(each.update, working=each.working) if each.update else "–",
            _("working hours") if each.working else _("day and night"),
        )
        for level, each in terms_lists.incident_times(stored).items()
    ]
    heads = (
        _("level"),
        _("acknowledged within"),
        _("restored within"),
        _("told every"),
        _("the clock runs in"),
    )
    return _table(heads, rows)


def credit_tiers(stored: Any) -> SafeString:
    """Return the tiers as a table to read, in percent."""
    rows = [
        (_percent(tier.at_least), _percent(tier.share)) for tier in terms_lists.credit_tiers(stored)
    ]
    return _table((_("availability from"), _("credited of the month's fee")), rows)


class GridWidget(forms.Widget):
    """A JSON list as a table of inputs; what was sent whole under its own name is taken as it is.

    With `rows` the value is an object with those keys; without, a list that may grow by two rows
    at a time, and from which emptied ones fall out.
    """

    def __init__(self, columns: Sequence[Column], rows: Sequence[str] = ()) -> None:
        super().__init__()
        self.columns = columns
        self.rows = rows

    def render(
        self, name: str, value: Any, attrs: Mapping[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        known = _read(value)
        if self.rows:
            found = known if isinstance(known, dict) else {}
            lines = [(key, key, found.get(key)) for key in self.rows]
        else:
            given = known if isinstance(known, list) else []
            lines = [(str(place), str(place + 1), row) for place, row in enumerate(given)]
            lines += [(str(len(given) + each), "", None) for each in range(_SPARE)]
        heads = ["", *(column.title for column in self.columns)]
        return _table(
            heads,
            [
                (
                    title,
                    *(
                        _input(f"{name}-{key}-{column.key}", f"{title} {column.title}", column, row)
                        for column in self.columns
                    ),
                )
                for key, title, row in lines
            ],
        )

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        if name in data:
            return data[name]
        if self.rows:
            return json.dumps({key: self._row(data, f"{name}-{key}") for key in self.rows})
        found = []
        for place in range(sum(key.startswith(f"{name}-") for key in data)):
            row = self._row(data, f"{name}-{place}")
            if any(value not in ("", None) for value in row.values()):
                found.append(row)
        return json.dumps(found)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data and not any(key.startswith(f"{name}-") for key in data)

    def id_for_label(self, id_: str) -> str:
        return ""

    def _row(self, data: Any, prefix: str) -> dict[str, Any]:
        return {
            column.key: _value(data.get(f"{prefix}-{column.key}", ""), column)
            for column in self.columns
        }


def _value(text: str, column: Column) -> Any:
    text = text.strip()
    if column.kind == "flag":
        return bool(text)
    if column.kind == "share":
        return text
    # What is no whole number stays as it is: the check of the list says what is wrong.
    return int(text) if text.isdecimal() else text or None


def _input(name: str, label: str, column: Column, row: Any) -> SafeString:
    value = row.get(column.key) if isinstance(row, dict) else None
    if column.kind == "flag":
        return format_html(
            '<input type="checkbox" name="{}" value="1" aria-label="{}"{}>',
            name,
            label,
            SafeString(" checked") if value else "",
        )
    return format_html(
        '<input type="text" class="y-input y-input-short" inputmode="{}" name="{}" value="{}" '
        'aria-label="{}" autocomplete="off">',
        "decimal" if column.kind == "share" else "numeric",
        name,
        "" if value is None else value,
        label,
    )


def _read(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


def _table(heads: Iterable[Any], rows: Iterable[Sequence[Any]]) -> SafeString:
    body = format_html_join(
        "",
        "<tr>{}</tr>",
        (
            (format_html('<th scope="row">{}</th>{}', row[0], _cells("td", row[1:])),)
            for row in rows
        ),
    )
    return format_html(
        '<div class="y-scroll"><table class="y-table y-small-table"><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>",
        _cells("th", heads),
        body,
    )


def _cells(tag: str, values: Iterable[Any]) -> SafeString:
    pattern = '<th scope="col">{}</th>' if tag == "th" else "<td>{}</td>"
    return format_html_join("", pattern, ((value,) for value in values))


def _span(minutes: int, *, working: bool) -> str:
    if not working or minutes % _HOUR:
        return in_words(timedelta(minutes=minutes))
    # A day of working hours is no day: hours stay hours.
    return _("%(count)s h") % {"count": minutes // _HOUR}


def _percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f}%"
