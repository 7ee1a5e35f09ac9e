"""Entries as rows of a file: one shape for import, export and the command line."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import translation
from django.utils.translation import gettext as _
from import_export.fields import Field
from import_export.resources import ModelResource
from import_export.results import RowResult
from tablib import Dataset

from knowledge.models import ANSWER_LENGTH, QUESTION_LENGTH, Category, Entry, Phrasing
from knowledge.services import imports
from knowledge.services.entries import PHRASING_SEPARATOR, clean_phrasings
from knowledge.services.imports import Draft, FileRefusedError, Table
from tenants.models import User

COLUMNS = ("category", "question", "phrasings", "answer")
REQUIRED = ("question", "answer")
# The phrasings of a cell are measured one by one.
LIMITS: dict[str, int] = {
    "category": Category._meta.get_field("name").max_length or 0,
    "question": QUESTION_LENGTH,
    "answer": ANSWER_LENGTH,
}
PHRASING_LENGTH: int = Phrasing._meta.get_field("text").max_length or 0
# A spreadsheet takes a cell that begins so for a formula; with an apostrophe before it, for text.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NEUTRAL = re.compile(r"'+[=+\-@\t\r]")


@dataclass(frozen=True)
class Problem:
    """Why a row cannot be taken in; `row` is its number in the file, the header being 1."""

    row: int
    message: str


@dataclass(frozen=True)
class Change:
    """What a row does: `kind` is "new", "changed" or "unchanged"."""

    row: int
    kind: str
    question: str
    category: str
    phrasings: int


@dataclass(frozen=True)
class Outcome:
    """What a file does to the knowledge base, or would do; with problems it does nothing."""

    new: int
    changed: int
    unchanged: int
    problems: list[Problem] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.new + self.changed + self.unchanged


def check(table: Table) -> Outcome:
    """Return what importing the table would do, or why it cannot be; writes nothing.

    Raises FileRefusedError if its columns are not those of entries.
    """
    return _outcome(EntryResource(table))


def run(table: Table, *, by: User | None) -> Outcome:
    """Import the table; if any row has a problem, nothing is written and the problems returned."""
    resource = EntryResource(table)
    outcome = _outcome(resource)
    if not outcome.problems and resource.drafts:
        imports.write(resource.drafts, by=by)
    return outcome


def neutralise(text: str) -> str:
    """Return the text so that no spreadsheet takes it for a formula; `restore` takes it back."""
    return f"'{text}" if _FORMULA.match(text) else text


def restore(text: str) -> str:
    """Return the text as it was before `neutralise`."""
    return text[1:] if _NEUTRAL.match(text) else text


def join_phrasings(phrasings: Iterable[str]) -> str:
    """Return the phrasings as one cell; a separator inside one is written with a backslash."""
    escaped = (
        text.replace("\\", "\\\\").replace(PHRASING_SEPARATOR, f"\\{PHRASING_SEPARATOR}")
        for text in phrasings
    )
    return PHRASING_SEPARATOR.join(escaped)


def split_phrasings(cell: str) -> list[str]:
    """Return the phrasings of one cell, as `join_phrasings` or a person wrote it."""
    parts, current, characters = [], "", iter(cell)
    for character in characters:
        if character == "\\":
            following = next(characters, "")
            known = following in ("\\", PHRASING_SEPARATOR)
            current += following if known else f"\\{following}"
        elif character == PHRASING_SEPARATOR:
            parts.append(current)
            current = ""
        else:
            current += character
    return [*parts, current]


class EntryResource(ModelResource):
    """Entries by their standard question.

    Reading a table collects `drafts` and writes nothing: the caller does, once all rows are good.
    """

    category = Field(attribute="category__name", column_name="category")
    question = Field(attribute="question", column_name="question")
    phrasings = Field(column_name="phrasings")
    answer = Field(attribute="answer", column_name="answer")

    class Meta:
        model = Entry
        fields = COLUMNS
        export_order = COLUMNS
        import_id_fields = ("question",)
        use_transactions = False
        skip_diff = True
        report_skipped = True

    def __init__(self, table: Table | None = None) -> None:
        super().__init__()
        self.drafts: list[Draft] = []
        self._table = table
        self._known: dict[str, Entry] = {}
        self._first: dict[str, int] = {}
        self._has: frozenset[str] = frozenset()

    def dataset(self) -> Dataset:
        """Return the table under the names of the columns. Raises FileRefusedError."""
        assert self._table is not None
        header = _columns(self._table.header)
        self._has = frozenset(header)
        dataset = Dataset(headers=header)
        for cells in self._table.rows:
            dataset.append((cells + [""] * len(header))[: len(header)])
        return dataset

    def row_of(self, index: int) -> int:
        """Return the number in the file of the table's row `index`, counted from 1."""
        assert self._table is not None
        return self._table.numbers[index - 1]

    def before_import(self, dataset: Dataset, **kwargs: Any) -> None:
        standing = Entry.objects.select_related("category").prefetch_related("phrasings")
        self._known = {entry.question: entry for entry in standing}

    def before_import_row(self, row: dict[str, str], **kwargs: Any) -> None:
        for name in row:
            row[name] = restore(row[name]).strip()
        row["row"] = str(self.row_of(kwargs["row_number"]))

    def get_instance(self, instance_loader: Any, row: dict[str, str]) -> Entry | None:
        return self._known.get(row["question"])

    def import_instance(self, instance: Entry, row: dict[str, str], **kwargs: Any) -> None:
        phrasings = self._phrasings(row)
        self._validate(row, phrasings)
        draft = Draft(instance, self._category(instance, row), phrasings)
        unchanged = not draft.is_new and not self._changes(draft, row["answer"])
        row["kind"] = "unchanged" if unchanged else "new" if draft.is_new else "changed"
        if not unchanged:
            instance.question, instance.answer = row["question"], row["answer"]
            self.drafts.append(draft)

    def skip_row(self, instance: Any, original: Any, row: dict[str, str], errors: Any) -> bool:
        return not errors and row["kind"] == "unchanged"

    def validate_instance(self, instance: Any, errors: Any = None, **kwargs: Any) -> None:
        if errors:
            raise ValidationError(errors)

    def save_instance(self, instance: Any, is_create: bool, row: Any, **kwargs: Any) -> None:
        """The drafts are written together, when every row is good."""

    def save_m2m(self, instance: Any, row: Any, **kwargs: Any) -> None:
        """The drafts hold the phrasings."""

    def after_import_row(self, row: dict[str, str], row_result: RowResult, **kwargs: Any) -> None:
        row_result.row_values = dict(row)

    def after_import(self, dataset: Dataset, result: Any, **kwargs: Any) -> None:
        """Keys are not numbered by the database: no sequence to set right."""

    def dehydrate_phrasings(self, entry: Entry) -> str:
        return join_phrasings(phrasing.text for phrasing in entry.phrasings.all())

    def export_resource(self, instance: Entry, **kwargs: Any) -> list[str]:
        return [neutralise(str(cell)) for cell in super().export_resource(instance, **kwargs)]

    def _phrasings(self, row: dict[str, str]) -> list[str] | None:
        if "phrasings" not in self._has:
            return None
        return clean_phrasings(split_phrasings(row["phrasings"]), question=row["question"])

    def _category(self, entry: Entry, row: dict[str, str]) -> str:
        if row.get("category"):
            return row["category"]
        return _("General") if entry._state.adding else entry.category.name

    def _changes(self, draft: Draft, answer: str) -> bool:
        entry = draft.entry
        standing = [phrasing.text for phrasing in entry.phrasings.all()]
        return (
            draft.category != entry.category.name
            or answer != entry.answer.replace("\r\n", "\n").strip()
            or draft.phrasings not in (None, standing)
        )

    def _validate(self, row: dict[str, str], phrasings: list[str] | None) -> None:
        found = [
            _("The %(column)s is missing.") % {"column": _label(name)}
            for name in REQUIRED
            if not row[name]
        ]
        found += [
            _too_long(_label(name), row[name], limit)
            for name, limit in LIMITS.items()
            if len(row.get(name, "")) > limit
        ]
        found += [
            _too_long(_("phrasing “%(text)s…”") % {"text": text[:20]}, text, PHRASING_LENGTH)
            for text in phrasings or ()
            if len(text) > PHRASING_LENGTH
        ]
        if row["question"]:
            first = self._first.setdefault(row["question"], int(row["row"]))
            if first != int(row["row"]):
                found.append(
                    _("The same question stands in row %(first)s already.") % {"first": first}
                )
        if found:
            raise ValidationError(found)


def _outcome(resource: EntryResource) -> Outcome:
    result = resource.import_data(resource.dataset(), dry_run=False, use_transactions=False)
    for fault in (*result.base_errors, *(e for row in result.error_rows for e in row.errors)):
        raise fault.error
    problems = [
        Problem(resource.row_of(row.number), message)
        for row in result.invalid_rows
        for message in row.error.messages
    ]
    totals = result.totals
    return Outcome(
        new=totals[RowResult.IMPORT_TYPE_NEW],
        changed=totals[RowResult.IMPORT_TYPE_UPDATE],
        unchanged=totals[RowResult.IMPORT_TYPE_SKIP],
        problems=problems,
        changes=[_change(row.row_values) for row in result.valid_rows()],
    )


def _change(row: dict[str, str]) -> Change:
    return Change(
        row=int(row["row"]),
        kind=row["kind"],
        question=row["question"],
        category=row.get("category", ""),
        phrasings=sum(1 for text in split_phrasings(row.get("phrasings", "")) if text.strip()),
    )


def _columns(header: list[str]) -> list[str]:
    names = _names()
    while header and not header[-1]:
        header = header[:-1]
    unknown = [title for title in header if title.strip().casefold() not in names]
    expected = ", ".join(COLUMNS)
    if unknown:
        raise FileRefusedError(
            _("Unknown column: %(unknown)s. The columns are %(expected)s."),
            unknown=", ".join(f"“{title}”" for title in unknown),
            expected=expected,
        )
    columns = [names[title.strip().casefold()] for title in header]
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise FileRefusedError(
            _("The column “%(missing)s” is missing. The columns are %(expected)s."),
            missing=missing[0],
            expected=expected,
        )
    repeated = [name for name in columns if columns.count(name) > 1]
    if repeated:
        raise FileRefusedError(_("The column “%(name)s” stands there twice."), name=repeated[0])
    return columns


def _names() -> dict[str, str]:
    """Every title of a column: its name, and its label in each language of the product."""
    names = {name: name for name in COLUMNS}
    for code, _language in settings.LANGUAGES:
        with translation.override(code):
            names |= {_label(name).casefold(): name for name in COLUMNS}
    return names


def _label(name: str) -> str:
    labels = {
        "category": _("category"),
        "question": _("standard question"),
        "phrasings": _("phrasings"),
        "answer": _("answer"),
    }
    return labels[name]


def _too_long(label: str, text: str, limit: int) -> str:
    return _("The %(column)s is too long: %(length)s characters, %(limit)s at most.") % {
        "column": label,
        "length": len(text),
        "limit": limit,
    }
