"""What went wrong, who is told what until when, and what was announced beforehand."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.scoping import TenantModel


class IncidentLevel(models.TextChoices):
    """How bad it is (contract I1)."""

    P1 = "p1", _("P1, the service is down")
    P2 = "p2", _("P2, an important part is down")
    P3 = "p3", _("P3, a part works poorly")
    P4 = "p4", _("P4, a blemish")


class IncidentKind(models.TextChoices):
    """What sort of trouble it is."""

    AVAILABILITY = "availability", _("Availability")
    QUALITY = "quality", _("Quality of answers")
    SECURITY = "security", _("Security, personal information")
    OTHER = "other", _("Other")


class OwnerParty(models.TextChoices):
    """Whose it is to settle."""

    PROVIDER = "provider", _("Provider")
    CLIENT = "client", _("Client")
    THIRD = "third", _("Third party")


class AuthorityWay(models.TextChoices):
    """By what an authority was told of a security incident."""

    PHONE = "phone", _("Telephone")
    MAIL = "mail", _("E-mail")
    PORTAL = "portal", _("The authority's online form")
    LETTER = "letter", _("Letter")
    PERSON = "person", _("In person")


class Incident(TenantModel):
    """One trouble from its beginning to its report; how it stands follows from its instants."""

    title = models.CharField(_("title"), max_length=120)
    level = models.CharField(_("level"), max_length=2, choices=IncidentLevel)
    kind = models.CharField(
        _("kind"), max_length=12, choices=IncidentKind, default=IncidentKind.AVAILABILITY
    )
    opened_at = models.DateTimeField(_("since"))
    # By itself, from down time, and so restored by itself.
    is_automatic = models.BooleanField(_("opened by itself"), default=False, editable=False)
    acknowledge_due_at = models.DateTimeField(_("acknowledgement due"), editable=False)
    acknowledged_at = models.DateTimeField(_("acknowledged at"), null=True, editable=False)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("acknowledged by"),
    )
    restore_due_at = models.DateTimeField(_("restoration due"), null=True, editable=False)
    restored_at = models.DateTimeField(_("restored at"), null=True, editable=False)
    update_due_at = models.DateTimeField(_("next update due"), null=True, editable=False)
    owner_party = models.CharField(
        _("responsible"), max_length=8, choices=OwnerParty, default=OwnerParty.PROVIDER
    )
    cause = models.CharField(_("cause"), max_length=500, blank=True)
    report = models.TextField(_("root cause report"), max_length=8000, blank=True)
    report_due_at = models.DateTimeField(_("report due"), null=True, editable=False)
    reported_at = models.DateTimeField(_("reported at"), null=True, editable=False)
    # Of a security incident: until when the authority has to know (contract L14).
    authority_due_at = models.DateTimeField(_("authority to be told by"), null=True, editable=False)
    authority_told_at = models.DateTimeField(_("authority told at"), null=True, editable=False)

    class Meta(TenantModel.Meta):
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering = ("-opened_at",)
        indexes = [models.Index(fields=("tenant", "-opened_at"), name="incident_by_start")]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        """Whether the service is not restored yet."""
        return self.restored_at is None


class IncidentUpdate(TenantModel):
    """What was told about an incident, to be read on the status page too; never changed."""

    incident = models.ForeignKey(
        Incident, on_delete=models.CASCADE, related_name="updates", verbose_name=_("incident")
    )
    text = models.TextField(_("text"), max_length=2000)
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("by"),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("incident update")
        verbose_name_plural = _("incident updates")
        ordering = ("at",)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


class MaintenanceWindow(TenantModel):
    """Planned work, announced at least 72 hours before; it counts as down time (contract I2, Q8)."""

    title = models.CharField(_("what is done"), max_length=120)
    description = models.TextField(
        _("what visitors and agents notice"), max_length=2000, blank=True
    )
    start_at = models.DateTimeField(_("from"))
    end_at = models.DateTimeField(_("until"))
    announced_at = models.DateTimeField(_("announced at"), editable=False)
    announced_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        editable=False,
        related_name="+",
        verbose_name=_("announced by"),
    )
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, editable=False)

    class Meta(TenantModel.Meta):
        verbose_name = _("maintenance window")
        verbose_name_plural = _("maintenance windows")
        ordering = ("-start_at",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(end_at__gt=models.F("start_at")), name="maintenance_in_order"
            )
        ]

    def __str__(self) -> str:
        return self.title
