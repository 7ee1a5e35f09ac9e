"""Other companies' services that see what visitors write, and how much they were used."""

from django.conf import settings as django_settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants import secrets
from tenants.scoping import TenantModel


class SubprocessorKind(models.TextChoices):
    """What a service does for us."""

    LANGUAGE_MODEL = "language_model", _("Language model")
    EMBEDDINGS = "embeddings", _("Text embeddings")


class Region(models.TextChoices):
    """Where a service works, as data protection law asks (contract L3, L13)."""

    OWN = "own", _("On our own or the client's machines")
    MAINLAND = "mainland", _("In mainland China")
    ABROAD = "abroad", _("Outside mainland China")


class Subprocessor(TenantModel):
    """A service of another company, with the client's consent to it (PIPL 21; contract L3).

    The consent covers what stands here; changing who gets the data, and where, ends it.
    """

    kind = models.CharField(_("purpose"), max_length=20, choices=SubprocessorKind)
    name = models.CharField(
        _("company"), max_length=120, help_text=_("Who gets what visitors write.")
    )
    region = models.CharField(_("place"), max_length=10, choices=Region, default=Region.MAINLAND)
    filing = models.CharField(
        _("filing number"),
        max_length=120,
        blank=True,
        help_text=_("Of a generative model, as the Cyberspace Administration registered it."),
    )
    base_url = models.CharField(
        _("address of the service"),
        max_length=400,
        help_text=_("An OpenAI-compatible interface, up to and with its version: https://…/v1"),
    )
    model = models.CharField(_("model"), max_length=120)
    sealed_key = models.TextField(_("key of the service"), blank=True, editable=False)
    monthly_tokens = models.PositiveBigIntegerField(
        _("tokens a month"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_(
            "The service is not asked any more once the month's tokens are spent. Empty: no limit."
        ),
    )
    approved_at = models.DateTimeField(_("approved at"), null=True, editable=False)
    approved_by = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("approved by"),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("subprocessor")
        verbose_name_plural = _("subprocessors")
        ordering = ("kind",)
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "kind"),
                name="subprocessor_one_per_kind",
                violation_error_message=_("There is a service for this purpose already."),
            ),
            models.CheckConstraint(
                condition=models.Q(approved_at=None) | models.Q(approved_by__isnull=False),
                name="subprocessor_approved_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.get_kind_display()})"

    @property
    def is_approved(self) -> bool:
        """Whether the client agreed to what stands here."""
        return self.approved_at is not None

    @property
    def key(self) -> str:
        """The service's key, to be shown to nobody. Raises SecretUnreadableError."""
        return secrets.unseal(self.sealed_key)


class SubprocessorUse(TenantModel):
    """How much a service was used in one month of the tenant's calendar."""

    subprocessor = models.ForeignKey(
        Subprocessor, on_delete=models.PROTECT, related_name="uses", verbose_name=_("subprocessor")
    )
    month = models.DateField(_("month"))
    calls = models.PositiveIntegerField(_("calls"), default=0)
    failures = models.PositiveIntegerField(_("failures"), default=0)
    tokens = models.PositiveBigIntegerField(_("tokens"), default=0)

    class Meta(TenantModel.Meta):
        verbose_name = _("use of a subprocessor")
        verbose_name_plural = _("uses of subprocessors")
        ordering = ("-month",)
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "subprocessor", "month"), name="subprocessor_use_once_a_month"
            )
        ]

    def __str__(self) -> str:
        return f"{self.subprocessor} {self.month:%Y-%m}"
