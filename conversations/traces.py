"""Look for words in every column of every table: what erasing must leave none of (T55)."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models

_TEXTS = (
    models.CharField,
    models.TextField,
    models.JSONField,
    models.GenericIPAddressField,
    models.BinaryField,
)


@dataclass(frozen=True)
class Trace:
    """Where one of the words was found."""

    table: str
    column: str
    pk: str
    word: str


def find_traces(words: Sequence[str]) -> Iterator[Trace]:
    """Yield every place of the database that holds one of the words; needs a scope.

    Reads every row of every table the scope shows, the framework's own tables included, so it is
    for tests and throw-away databases.
    """
    for model in apps.get_models(include_auto_created=True):
        if model._meta.proxy or not model._meta.managed:
            continue
        columns = [each for each in model._meta.concrete_fields if isinstance(each, _TEXTS)]
        if not columns:
            continue
        names = [column.attname for column in columns]
        rows = model._base_manager.order_by().values_list("pk", *names)
        for pk, *values in rows.iterator(chunk_size=500):
            for name, value in zip(names, values, strict=True):
                text = _plain(value)
                for word in words:
                    if word in text:
                        yield Trace(model._meta.db_table, name, str(pk), word)


def find_files(words: Sequence[str]) -> Iterator[Path]:
    """Yield every file kept for people, under MEDIA_ROOT, that has one of the words in it."""
    for path in sorted(Path(settings.MEDIA_ROOT).rglob("*")):
        if path.is_file() and any(word.encode() in path.read_bytes() for word in words):
            yield path


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return json.dumps(value, ensure_ascii=False) if value else ""
