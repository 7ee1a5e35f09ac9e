"""Row-level tenancy that fails closed: no tenant in scope, no row.

The tenant condition is a node of the WHERE tree that is compiled with the SQL, not when a
queryset is built. Class-level querysets (views, form fields, admin) therefore follow the tenant
of the moment, and every kind of query raises outside a scope.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Self

from django.core.exceptions import FullResultSet
from django.db import models
from django.db.models.expressions import Col

from tenants.ids import new_id
from tenants.scope import (
    PLATFORM,
    TenantScopeError,
    active_scope,
    active_tenant_id,
    platform_scope,
    tenant_scope,
)

__all__ = [
    "ScopedManager",
    "TenantModel",
    "TenantQuerySet",
    "TenantScopeError",
    "active_scope",
    "active_tenant_id",
    "as_uuid",
    "platform_scope",
    "tenant_scope",
]


class _TenantGuard:
    """A WHERE node: raises without a scope, vanishes in platform scope, else pins the tenant."""

    contains_aggregate = contains_over_clause = contains_column_references = False
    conditional = filterable = True

    def __init__(self, column: Col) -> None:
        self.column = column

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        scope = active_scope()
        if scope is None:
            model = self.column.target.model.__name__
            raise TenantScopeError(f"{model}: no tenant scope active")
        if scope is PLATFORM:
            raise FullResultSet
        sql, params = compiler.compile(self.column)
        return f"{sql} = %s", [*params, scope]

    def resolve_expression(self, *args: Any, **kwargs: Any) -> Self:
        return self

    def relabeled_clone(self, change_map: dict[str, str]) -> _TenantGuard:
        return _TenantGuard(self.column.relabeled_clone(change_map))

    def replace_expressions(self, replacements: Any) -> Self:
        return self

    def clone(self) -> _TenantGuard:
        return _TenantGuard(self.column)

    def get_group_by_cols(self) -> list[Col]:
        # Asked where the node ends up in HAVING: of two query sets joined by "or".
        return [self.column]

    def get_source_expressions(self) -> list[Col]:
        return [self.column]

    def set_source_expressions(self, expressions: Sequence[Col]) -> None:
        (self.column,) = expressions

    def get_refs(self) -> set[str]:
        return set()

    def leaves(self) -> Iterator[_TenantGuard]:
        yield self


class TenantQuerySet(models.QuerySet[Any, Any]):
    """A queryset whose writes are stamped and checked like single saves."""

    # Set on the query set whose rows bulk_update() has checked one by one.
    _stamped = False

    def bulk_create(
        self,
        objs: Iterable[Any],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Collection[str] | None = None,
        unique_fields: Collection[str] | None = None,
    ) -> Any:
        objs = list(objs)
        for obj in objs:
            obj.stamp()
        unique_fields = None if unique_fields is None else list(unique_fields)
        if update_conflicts and "tenant" not in (unique_fields or ()):
            # The row in conflict is found by these fields alone: it may be another tenant's.
            raise TenantScopeError("rows are only replaced under a rule that includes the tenant")
        return super().bulk_create(
            objs, batch_size, ignore_conflicts, update_conflicts, update_fields, unique_fields
        )

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], *args: Any, **kw: Any) -> int:
        objs = list(objs)
        for obj in objs:
            obj.stamp()
        checked = self.all()
        checked._stamped = True
        return super(TenantQuerySet, checked).bulk_update(objs, fields, *args, **kw)

    def update(self, **kwargs: Any) -> int:
        for name, value in kwargs.items():
            self._check_update(name, value)
        return super().update(**kwargs)

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]
        clone._stamped = self._stamped
        return clone

    def _check_update(self, name: str, value: Any) -> None:
        field = self.model._meta.get_field(name)
        if field.name == "tenant":
            raise TenantScopeError("a row's tenant cannot be changed")
        target = getattr(field, "related_model", None)
        if value is None or target is None or not issubclass(target, TenantModel):
            return
        if self._stamped or active_scope() is PLATFORM:
            return
        if hasattr(value, "resolve_expression"):
            raise TenantScopeError(f"{field.name}: set by value, not by expression")
        if isinstance(value, models.Model):
            if value.tenant_id != active_tenant_id():  # type: ignore[attr-defined]
                raise TenantScopeError(f"{field.name} belongs to another tenant")
        elif not _owns(active_tenant_id(), target, value):
            raise TenantScopeError(f"{field.name} belongs to another tenant")

    def raw(self, *args: Any, **kwargs: Any) -> Any:
        raise TenantScopeError("raw() would bypass the tenant guard")


class ScopedManager(models.Manager.from_queryset(TenantQuerySet)):  # type: ignore[misc]
    """The default manager of tenant-owned models: guards every query it starts."""

    def get_queryset(self) -> Any:
        queryset = super().get_queryset()
        column = Col(queryset.query.get_initial_alias(), self.model._meta.get_field("tenant"))
        queryset.query.where.add(_TenantGuard(column), "AND")
        return queryset


# Rows whose owner was looked up, by model and id. A row never changes its tenant, so what was true
# once stays true; a row that is gone meets the database's own constraint.
_owners: dict[tuple[type[models.Model], object], int] = {}
_OWNERS_KEPT = 20_000


class TenantModel(models.Model):
    """A row owned by one tenant, stamped on save and checked with all it points to."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(
        "tenants.Tenant", on_delete=models.PROTECT, editable=False, related_name="+"
    )

    objects = ScopedManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.stamp()
        super().save(*args, **kwargs)
        _remember_owner(type(self), self.pk, self.tenant_id)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        self.stamp()
        return super().delete(*args, **kwargs)

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any) -> Self:  # type: ignore[override]
        row = super().from_db(db, field_names, values)
        scope = active_scope()
        if scope is None:
            raise TenantScopeError(f"{cls.__name__}: no tenant scope active")
        if scope is not PLATFORM and row.__dict__.get("tenant_id", scope) != scope:
            raise TenantScopeError(f"{cls.__name__}: loaded a row of another tenant")
        return row

    def stamp(self) -> None:
        """Take the tenant in scope and check every foreign key against it.

        Raises TenantScopeError without a scope, for another tenant's row, or for a foreign key
        into another tenant. A related object that is already loaded costs no query.
        """
        scope = active_scope()
        if scope is None:
            raise TenantScopeError("no tenant scope active")
        tenant_id: int | None = self.tenant_id
        if tenant_id is None and isinstance(scope, int):
            self.tenant_id = tenant_id = scope
        if tenant_id is None or scope not in (PLATFORM, tenant_id):
            raise TenantScopeError(f"{type(self).__name__} belongs to another tenant, or to none")
        for field in self._meta.concrete_fields:
            self._check_foreign_key(field)

    def _check_foreign_key(self, field: models.Field[Any, Any]) -> None:
        target = field.related_model
        if not isinstance(target, type) or not issubclass(target, TenantModel):
            return
        value = getattr(self, field.attname)
        if value is None:
            return
        related = field.get_cached_value(self, default=None)  # type: ignore[attr-defined]
        if isinstance(related, TenantModel) and related.pk == value:
            owned = related.tenant_id == self.tenant_id
        else:
            owned = _owns(self.tenant_id, target, value)
        if not owned:
            raise TenantScopeError(f"{field.name} belongs to another tenant")


def _owns(tenant_id: int, model: type[TenantModel], pk: uuid.UUID) -> bool:
    if _owners.get((model, pk)) == tenant_id:
        return True
    found = bool(model._base_manager.filter(pk=pk, tenant_id=tenant_id).exists())
    if found:
        _remember_owner(model, pk, tenant_id)
    return found


def _remember_owner(model: type[models.Model], pk: object, tenant_id: int) -> None:
    if len(_owners) >= _OWNERS_KEPT:
        _owners.clear()
    _owners[model, pk] = tenant_id


def as_uuid(value: object) -> uuid.UUID | None:
    """Return `value` as a UUID, or None where it is none: a malformed id is a missing row."""
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return None
