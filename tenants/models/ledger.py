"""The evidence ledger: every event, in order, each row sealed with the one before it."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.scoping import ScopedManager, TenantModel, TenantQuerySet


class AppendOnlyError(RuntimeError):
    """Evidence was to be changed or removed: a bug."""


class AppendOnlyQuerySet(TenantQuerySet):
    """Refuses to change or remove rows."""

    def update(self, **kwargs: Any) -> int:
        raise AppendOnlyError(f"{self.model.__name__} rows are never changed")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError(f"{self.model.__name__} rows are never removed")


class AppendOnlyManager(ScopedManager.from_queryset(AppendOnlyQuerySet)):  # type: ignore[misc]
    """The manager of rows that are written once."""


class LedgerHead(TenantModel):
    """Where a tenant's chain ends now: the row that is locked to append."""

    position = models.PositiveBigIntegerField(_("position"), default=0)
    hash = models.CharField(_("hash"), max_length=64, default="0" * 64)

    class Meta(TenantModel.Meta):
        verbose_name = _("ledger head")
        verbose_name_plural = _("ledger heads")
        constraints = [
            models.UniqueConstraint(fields=("tenant",), name="ledgerhead_one_per_tenant")
        ]

    def __str__(self) -> str:
        return str(self.position)


class LedgerEntry(TenantModel):
    """One event of a tenant, hashed together with its predecessor (R12)."""

    position = models.PositiveBigIntegerField(_("position"))
    at = models.DateTimeField(_("at"))
    kind = models.CharField(_("event"), max_length=40)
    subject = models.CharField(_("subject"), max_length=64)
    data = models.JSONField(_("facts"), default=dict)
    previous_hash = models.CharField(_("previous hash"), max_length=64)
    hash = models.CharField(_("hash"), max_length=64)

    objects: ClassVar[AppendOnlyManager] = AppendOnlyManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering = ("-position",)
        constraints = [
            models.UniqueConstraint(fields=("tenant", "position"), name="ledger_gapless_position")
        ]
        indexes = [models.Index(fields=("tenant", "subject"), name="ledger_by_subject")]

    def __str__(self) -> str:
        return f"{self.position} {self.kind}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("ledger entries are never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("ledger entries are never removed")
