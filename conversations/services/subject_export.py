"""One archive with everything that is kept of a person: for machines, for spreadsheets, to read."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import logging
import mimetypes
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from conversations import files as stored
from conversations import wire
from conversations.models import Attachment, AuthorKind, Message, SubjectRequest
from conversations.persons import contact_ids_of
from conversations.services.subject_store import Store
from conversations.services.subject_stores import STORES
from conversations.services.subjects import note_export
from knowledge.resources import neutralise
from tenants import clock
from tenants.models import Membership
from tenants.scoping import TenantModel

logger = logging.getLogger(__name__)

PRODUCER = "Yingda"


@dataclass(frozen=True)
class Sheet:
    """What one model holds of the person: names, labels and rows of its columns, as JSON values."""

    name: str
    title: str
    columns: tuple[str, ...]
    labels: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    shown: tuple[tuple[str, ...], ...]


def collect(request: SubjectRequest) -> list[Sheet]:
    """Return all that is kept of the request's person, a sheet for each model that holds any."""
    ids = contact_ids_of(request.contact)
    sheets: dict[str, Sheet] = {}
    for store in STORES:
        rows = list(store.rows(ids).select_related(*_named(store)).order_by("pk"))
        if not rows:
            continue
        sheet = _sheet(store, rows)
        before = sheets.get(store.name)
        if before is not None:
            pairs = sorted(
                zip([*before.rows, *sheet.rows], [*before.shown, *sheet.shown], strict=True),
                key=lambda pair: str(pair[0]["id"]),
            )
            sheet = Sheet(
                sheet.name,
                sheet.title,
                sheet.columns,
                sheet.labels,
                tuple(row for row, _shown in pairs),
                tuple(shown for _row, shown in pairs),
            )
        sheets[store.name] = sheet
    return list(sheets.values())


def archive(request: SubjectRequest, *, by: Membership) -> bytes:
    """Return the ZIP that the person gets, and record that it was made.

    `data.json` holds every value, `csv/` the same for spreadsheets (UTF-8 with BOM, formulas
    neutralised), `index.html` the same to read, `files/` what was sent as
    files, `files.csv` the list of all of these with their hashes.
    What the assistant wrote is labelled as such in all of them (L9). Times in the HTML and CSV are
    in the active time zone, in the JSON in UTC.
    """
    sheets = collect(request)
    made_at = clock.now()
    aigc = {
        "Label": "1",
        "ContentProducer": PRODUCER,
        "ProduceID": str(request.pk),
        "ContentPropagator": PRODUCER,
        "PropagateID": str(request.pk),
    }
    notice = wire.AI_NOTICE[_locale()]
    files: dict[str, bytes] = {
        "data.json": _json(
            {
                "AIGC": aigc,
                "ai_notice": notice,
                "made_at": made_at,
                "request": str(request.pk),
                **{sheet.name: sheet.rows for sheet in sheets},
            }
        ),
        "index.html": render_to_string(
            "conversations/subject_archive.html",
            {
                "sheets": sheets,
                "made_at": _shown_time(made_at),
                "notice": notice,
                "aigc": json.dumps(aigc),
                "person": request.contact.display_name,
                "language": get_language(),
            },
        ).encode(),
    }
    for sheet in sheets:
        files[f"csv/{sheet.name}.csv"] = _csv(sheet.labels, sheet.shown)
    files.update(_sent_files(request))
    listed = [
        (name, str(len(data)), hashlib.sha256(data).hexdigest()) for name, data in files.items()
    ]
    files["files.csv"] = _csv((_("file"), _("bytes"), "SHA-256"), listed)
    packed = _zip(files, made_at)
    note_export(request, by=by, sha256=hashlib.sha256(packed).hexdigest())
    return packed


def _sent_files(request: SubjectRequest) -> dict[str, bytes]:
    """What was sent as files, under their ids: names of people's own may do anything to a disk."""
    ids = contact_ids_of(request.contact)
    sent = Attachment.objects.filter(Q(contact__in=ids) | Q(conversation__contact__in=ids))
    found = {}
    for attachment in sent.filter(removed_at=None).exclude(path="").order_by("pk"):
        try:
            with stored.open_file(attachment.path) as file:
                ending = mimetypes.guess_extension(attachment.mime) or ""
                found[f"files/{attachment.pk}{ending}"] = file.read()
        except FileNotFoundError:
            logger.warning("File of an attachment is gone: %s", attachment.pk)
    return found


def _named(store: Store) -> list[str]:
    """The columns whose rows have a name to show: channels, colleagues, tags."""
    return [
        column.name
        for column in store.columns
        if column.is_relation
        and column.related_model is not None
        and column.related_model._meta.model_name
        in ("channel", "membership", "tag", "entryversion")
    ]


def _sheet(store: Store, rows: list[TenantModel]) -> Sheet:
    columns, named = store.columns, set(_named(store))
    names = [column.name for column in columns]
    labels = [str(column.verbose_name) for column in columns]
    data = [{column.name: _value(column, row) for column in columns} for row in rows]
    shown = [[_shown(column, row, named) for column in columns] for row in rows]
    if store.model is Message:
        badge = wire.AI_BADGE[_locale()]
        names.append("ai")
        labels.append("AI")
        for row, values, texts in zip(rows, data, shown, strict=True):
            written_by_ai = getattr(row, "author_kind", "") == AuthorKind.BOT
            values["ai"] = written_by_ai
            texts.append(badge if written_by_ai else "")
    return Sheet(
        store.name,
        str(store.model._meta.verbose_name_plural),
        tuple(names),
        tuple(labels),
        tuple(data),
        tuple(tuple(texts) for texts in shown),
    )


def _value(column: models.Field[Any, Any], row: models.Model) -> Any:
    return getattr(row, column.attname)


def _shown(column: models.Field[Any, Any], row: models.Model, named: set[str]) -> str:
    value = getattr(row, column.attname)
    if value is None:
        return ""
    if column.name in named:
        return str(getattr(row, column.name))
    if column.choices:
        return str(getattr(row, f"get_{column.name}_display")())
    if isinstance(value, datetime):
        return _shown_time(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return str(value)


def _shown_time(value: datetime) -> str:
    return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S %z")


def _locale() -> str:
    return "en" if get_language() == "en" else "zh-CN"


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, default=_plain).encode()


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _csv(labels: tuple[str, ...], rows: Any) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([neutralise(label) for label in labels])
    writer.writerows([neutralise(text) for text in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _zip(files: Mapping[str, bytes], at: datetime) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archived:
        for name, data in files.items():
            archived.writestr(
                zipfile.ZipInfo(name, timezone.localtime(at).timetuple()[:6]),
                data,
                zipfile.ZIP_DEFLATED,
            )
    return packed.getvalue()
