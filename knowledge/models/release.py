"""What visitors hear: immutable versions, bound into releases, one of them active."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from knowledge.models.entry import Entry
from tenants.models.ledger import AppendOnlyError, AppendOnlyManager
from tenants.scoping import TenantModel


class EntryVersion(TenantModel):
    """One state of an entry, as it was released. Never changed (R42)."""

    entry = models.ForeignKey(
        Entry, on_delete=models.PROTECT, related_name="versions", verbose_name=_("entry")
    )
    number = models.PositiveIntegerField(_("version"))
    category_name = models.CharField(_("category"), max_length=60)
    question = models.TextField(_("standard question"))
    phrasings = models.JSONField(_("phrasings"), default=list)
    answer = models.TextField(_("answer"))
    content_hash = models.CharField(_("content hash"), max_length=64)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("created by"),
    )

    objects: ClassVar[AppendOnlyManager] = AppendOnlyManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("entry version")
        verbose_name_plural = _("entry versions")
        ordering = ("entry", "-number")
        constraints = [
            models.UniqueConstraint(fields=("entry", "number"), name="entryversion_number_once")
        ]

    def __str__(self) -> str:
        return f"{self.question} (v{self.number})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("an entry version is never changed")
        super().save(*args, **kwargs)


class Release(TenantModel):
    """A set of entry versions that visitors hear together."""

    number = models.PositiveIntegerField(_("number"))
    note = models.CharField(_("note"), max_length=200, blank=True)
    entry_count = models.PositiveIntegerField(_("entries"), default=0)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("created by"),
    )
    versions = models.ManyToManyField(
        EntryVersion,
        through="ReleaseItem",
        related_name="releases",
        verbose_name=_("entry versions"),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        ordering = ("-number",)
        constraints = [
            models.UniqueConstraint(fields=("tenant", "number"), name="release_number_once")
        ]

    def __str__(self) -> str:
        return f"#{self.number}"


class ReleaseItem(TenantModel):
    """One entry version's place in a release."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="items")
    version = models.ForeignKey(EntryVersion, on_delete=models.PROTECT, related_name="+")

    class Meta(TenantModel.Meta):
        verbose_name = _("release item")
        verbose_name_plural = _("release items")
        constraints = [
            models.UniqueConstraint(fields=("release", "version"), name="releaseitem_once")
        ]

    def __str__(self) -> str:
        return str(self.pk)


class ActiveRelease(TenantModel):
    """The one release a tenant's visitors hear: the pointer that is switched."""

    release = models.ForeignKey(
        Release, on_delete=models.PROTECT, related_name="+", verbose_name=_("release")
    )
    activated_at = models.DateTimeField(_("active since"))
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("activated by"),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("active release")
        verbose_name_plural = _("active releases")
        constraints = [
            models.UniqueConstraint(fields=("tenant",), name="activerelease_one_per_tenant")
        ]

    def __str__(self) -> str:
        return str(self.release_id)


class TextVector(TenantModel):
    """The embedding of one text by one encoder, as little-endian float16, so it is made once."""

    encoder = models.CharField(max_length=80)
    text_key = models.CharField(max_length=40)
    vector = models.BinaryField()

    class Meta(TenantModel.Meta):
        verbose_name = _("text vector")
        verbose_name_plural = _("text vectors")
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "encoder", "text_key"), name="textvector_once_per_text"
            )
        ]

    def __str__(self) -> str:
        return self.text_key
