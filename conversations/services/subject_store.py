"""One place where something of a person is kept, and what handing out and erasing do there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import QuerySet

from tenants.scoping import TenantModel

# What stands where words were: the same in every language, and no word of anybody.
ERASED = "\u2587\u2587\u2587"


@dataclass(frozen=True)
class Store:
    """One model that holds something of a person.

    `rows` gives those of the contacts with these ids. `erased` maps columns to what stands there
    afterwards, `kept` names the text columns that may stay, and why; with `removed` the rows
    themselves go. `hidden` columns are handed out to nobody.
    """

    model: type[TenantModel]
    rows: Callable[[Sequence[UUID]], QuerySet[Any]]
    erased: Mapping[str, Any] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    removed: bool = False
    hidden: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The model's name in archives and reports."""
        return str(self.model._meta.model_name)

    @property
    def columns(self) -> list[models.Field[Any, Any]]:
        """The columns that are handed out."""
        hidden = self.hidden | {"tenant"}
        return [each for each in self.model._meta.concrete_fields if each.name not in hidden]

    def erase(self, ids: Sequence[UUID]) -> int:
        """Remove or overwrite the rows of these contacts; return how many there were."""
        rows = self.rows(ids)
        if self.removed:
            keys = list(rows.values_list("pk", flat=True))
            return len(_in_parts(keys, lambda part: self._of(part).delete()))
        if not self.erased:
            return 0
        keys = list(rows.values_list("pk", flat=True))
        return len(_in_parts(keys, lambda part: self._of(part).update(**self.erased)))

    def _of(self, keys: Sequence[Any]) -> QuerySet[Any]:
        return self.model._base_manager.filter(pk__in=keys)


def _in_parts(keys: list[Any], work: Callable[[Sequence[Any]], object]) -> list[Any]:
    for start in range(0, len(keys), 500):
        work(keys[start : start + 500])
    return keys
