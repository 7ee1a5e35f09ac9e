"""Which questions are common: what both parties agreed on, version by version (R55)."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.scoping import TenantModel

EXAMPLE_LENGTH = 300


class CatalogueState(models.TextChoices):
    """How far a version is."""

    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("To be signed")
    SIGNED = "signed", _("Signed")


def validate_categories(value: object) -> None:
    """Raise ValidationError unless `value` is a list of {"name", "examples"} with words in each."""
    rows = value if isinstance(value, list) else []
    for row in rows or [None]:
        if (
            not isinstance(row, dict)
            or not str(row.get("name", "")).strip()
            or not isinstance(row.get("examples"), list)
            or not row["examples"]
            or not all(isinstance(each, str) and each.strip() for each in row["examples"])
        ):
            raise ValidationError(
                _("Each category needs a name and at least one example question."),
                code="categories",
            )


class CommonQuestionCatalogue(TenantModel):
    """One version of the catalogue of common questions; a submitted one never changes.

    Signed by both parties it is in force from the next day of the tenant's calendar on, until a
    later version is. It never changes the label of an earlier question.
    """

    version = models.PositiveIntegerField(_("version"), editable=False)
    categories = models.JSONField(_("categories"), validators=[validate_categories])
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=CatalogueState,
        default=CatalogueState.DRAFT,
        editable=False,
    )
    content_hash = models.CharField(_("fingerprint"), max_length=64, blank=True, editable=False)
    in_force_from = models.DateField(_("in force from"), null=True, editable=False)
    signed_at = models.DateTimeField(_("signed at"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("created by"),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("catalogue of common questions")
        verbose_name_plural = _("catalogues of common questions")
        ordering = ("-version",)
        constraints = [
            models.UniqueConstraint(fields=("tenant", "version"), name="catalogue_version_once"),
            models.CheckConstraint(
                condition=models.Q(state="signed", in_force_from__isnull=False)
                | (~models.Q(state="signed") & models.Q(in_force_from__isnull=True)),
                name="catalogue_in_force_once_signed",
            ),
        ]

    def __str__(self) -> str:
        return f"v{self.version}"

    @property
    def examples(self) -> list[str]:
        """All example questions, in order."""
        return [each for row in self.categories for each in row["examples"]]

    @property
    def content(self) -> dict[str, Any]:
        """What both parties sign."""
        return {"version": self.version, "categories": self.categories}
