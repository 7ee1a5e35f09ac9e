"""Take entries in from files that may be anything: guard, read, and write all rows or none."""

import csv
import io
import json
import re
import subprocess
import sys
import uuid
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from knowledge import xlsx_reader
from knowledge.models import Category, Entry, Phrasing
from knowledge.services.entries import category_named
from tenants.errors import DomainError
from tenants.models import User
from tenants.services import ledger
from tenants.services.ledger import Event

# R94. The reader's own limits on memory, time and output stand in xlsx_reader.
MAX_BYTES = 5 * 1024 * 1024
MAX_UNPACKED_BYTES = 100 * 1024 * 1024
MAX_PARTS = 200
MAX_ROWS = 50_000
READ_SECONDS = 90
_BATCH = 500
_CHUNK = 64 * 1024
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
# The number of a row in its file, and its cells.
Record = tuple[int, list[str]]
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class FileRefusedError(DomainError):
    """The file cannot be taken in; says why and what to do."""

    code = "file_refused"
    status = 422

    def __init__(self, message: str | Promise, **params: Any) -> None:
        self.message = message
        super().__init__(**params)


@dataclass(frozen=True)
class Table:
    """What a file says: its header, its rows without the blank ones, and their numbers in it."""

    header: list[str]
    rows: list[list[str]]
    numbers: list[int]


@dataclass
class Draft:
    """One entry as a file wants it; `phrasings` None leaves those that stand."""

    entry: Entry
    category: str
    phrasings: list[str] | None

    @property
    def is_new(self) -> bool:
        return self.entry._state.adding


def read_table(data: bytes) -> Table:
    """Return what a CSV or XLSX file says, told apart by content. Raises FileRefusedError."""
    if len(data) > MAX_BYTES:
        raise FileRefusedError(_("The file is larger than %(limit)s MB."), limit=MAX_BYTES >> 20)
    if data.startswith(b"PK"):
        _check_workbook(data)
        records = _workbook_rows(data)
    elif data.startswith(_OLD_EXCEL):
        raise FileRefusedError(
            _("This is an old or password-protected Excel file. Save it as .xlsx without password.")
        )
    else:
        records = _csv_rows(_decode(data))
    if not records:
        raise FileRefusedError(_("The file is empty."))
    if len(records) - 1 > MAX_ROWS:
        raise FileRefusedError(_("The file has more than %(limit)s rows."), limit=MAX_ROWS)
    (_number, header), *rest = records
    return Table(
        header=header,
        rows=[cells for _number, cells in rest],
        numbers=[number for number, _cells in rest],
    )


def write(drafts: Iterable[Draft], *, by: User | None) -> int:
    """Write all drafts in one transaction and return how many; visitors hear none of them yet.

    Rows go in in bulk and the ledger last, because its head stays locked until the commit and
    every turn of the tenant's visitors needs it.
    """
    drafts = list(drafts)
    with transaction.atomic():
        categories = {category.name: category for category in Category.objects.all()}
        for draft in drafts:
            if draft.category not in categories:
                categories[draft.category] = category_named(draft.category)
            draft.entry.category = categories[draft.category]
            draft.entry.updated_by = by
            draft.entry.updated_at = timezone.now()
        created = [draft for draft in drafts if draft.is_new]
        changed = [draft for draft in drafts if not draft.is_new]
        Entry.objects.bulk_create([draft.entry for draft in created], batch_size=_BATCH)
        Entry.objects.bulk_update(
            [draft.entry for draft in changed],
            ["category", "answer", "updated_by", "updated_at"],
            batch_size=_BATCH,
        )
        _write_phrasings(drafts, standing=[draft.entry.pk for draft in changed])
        facts = {"by": by.pk if by else None, "import": True}
        ledger.append(
            *[Event("entry.created", draft.entry.pk, facts) for draft in created],
            *[Event("entry.changed", draft.entry.pk, facts) for draft in changed],
        )
    return len(drafts)


def _write_phrasings(drafts: list[Draft], *, standing: list[uuid.UUID]) -> None:
    replaced = {draft.entry.pk for draft in drafts if draft.phrasings is not None} & set(standing)
    for batch in _batches(sorted(replaced)):
        Phrasing.objects.filter(entry__in=batch).delete()
    Phrasing.objects.bulk_create(
        [
            Phrasing(entry=draft.entry, text=text, position=position)
            for draft in drafts
            for position, text in enumerate(draft.phrasings or ())
        ],
        batch_size=_BATCH,
    )


def _batches(values: list[uuid.UUID]) -> Iterable[list[uuid.UUID]]:
    return (values[start : start + _BATCH] for start in range(0, len(values), _BATCH))


def _check_workbook(data: bytes) -> None:
    refused = FileRefusedError(_("The workbook is damaged or not an .xlsx file. Save it again."))
    too_large = FileRefusedError(
        _("The workbook unfolds to more than %(limit)s MB. Split it, or save it as CSV."),
        limit=MAX_UNPACKED_BYTES >> 20,
    )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if len(parts) > MAX_PARTS:
                raise FileRefusedError(
                    _("The workbook has more than %(limit)s parts. Copy its table into a new one."),
                    limit=MAX_PARTS,
                )
            if "xl/workbook.xml" not in archive.namelist():
                raise refused
            if sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
                raise too_large
            # The directory is the file's own word: what really comes out is counted, too.
            if sum(_inflated(archive, part) for part in parts) > MAX_UNPACKED_BYTES:
                raise too_large
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise refused from error


def _inflated(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> int:
    size = 0
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > MAX_UNPACKED_BYTES:
                break
    return size


def _workbook_rows(data: bytes) -> list[Record]:
    unreadable = FileRefusedError(_("The workbook cannot be read. Save it again, or as CSV."))
    try:
        done = subprocess.run(  # noqa: S603 -- our own module; the file is its stdin, not an argument
            [sys.executable, "-m", xlsx_reader.__name__],
            input=data,
            capture_output=True,
            timeout=READ_SECONDS,
            cwd=settings.BASE_DIR,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise unreadable from error
    if done.returncode == xlsx_reader.EXIT_UNREADABLE:
        raise unreadable
    if done.returncode != 0:
        raise FileRefusedError(
            _("The workbook needs too much memory or time. Split it, or save it as CSV.")
        )
    # Not splitlines(): JSON leaves the separators of Unicode as they are.
    lines = done.stdout.decode().split("\n")
    rows = (json.loads(line) for line in lines if line)
    return [_record(number, cells) for number, *cells in rows]


def _decode(data: bytes) -> str:
    encodings = ["utf-16"] if data.startswith((b"\xff\xfe", b"\xfe\xff")) else []
    for encoding in (*encodings, "utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text.removeprefix("\ufeff")
    raise FileRefusedError(_("The file is neither a workbook nor a text in UTF-8 or GB 18030."))


def _csv_rows(text: str) -> list[Record]:
    first = text.lstrip().partition("\n")[0]
    delimiter = next((mark for mark in ",;\t" if mark in first), ",")
    rows = []
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=delimiter), 1):
            if any(cell.strip() for cell in row):
                rows.append(_record(number, row[: xlsx_reader.MAX_COLUMNS]))
            if len(rows) > MAX_ROWS + 1:
                break
    except csv.Error as error:
        raise FileRefusedError(
            _("The CSV cannot be read from row %(row)s on: check its quotes."),
            row=len(rows) + 1,
        ) from error
    return rows


def _record(number: int, cells: Iterable[str]) -> Record:
    return number, [_clean_cell(cell) for cell in cells]


def _clean_cell(text: str) -> str:
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
