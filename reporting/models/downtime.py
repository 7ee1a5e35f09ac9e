"""When the service was down for a tenant, and what of it the contract leaves out."""

from datetime import datetime
from fractions import Fraction

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from reporting.availability import Share, Span
from reporting.models.incident import Incident
from tenants.scoping import TenantModel


class AvailabilitySettings(TenantModel):
    """What is shown to the public, and how far the tenant's time was judged."""

    has_status_page = models.BooleanField(
        _("public status page"),
        default=False,
        help_text=_(
            "Shows whether the service works, the last 90 days, incidents and planned maintenance "
            "to everybody who has the address. No figures of visitors, no names."
        ),
    )
    judged_until = models.DateTimeField(_("judged until"), null=True, editable=False)
    judged_at = models.DateTimeField(_("judged at"), null=True, editable=False)

    class Meta(TenantModel.Meta):
        verbose_name = _("availability settings")
        verbose_name_plural = _("availability settings")
        constraints = [
            models.UniqueConstraint(fields=("tenant",), name="availability_settings_once")
        ]

    def __str__(self) -> str:
        return str(_("Availability settings"))


class IntervalKind(models.TextChoices):
    """What the time was."""

    DOWN = "down", _("Down")
    PROBER_GAP = "prober_gap", _("Probers away, service up")


class DownInterval(TenantModel):
    """Time in which the service was down for the tenant, or in which only the probers were away.

    Follows the evidence: what comes late may move its ends or withdraw it, in months that are not
    final yet; the ledger tells each step.
    """

    kind = models.CharField(
        _("what"), max_length=12, choices=IntervalKind, default=IntervalKind.DOWN
    )
    start_at = models.DateTimeField(_("from"))
    end_at = models.DateTimeField(_("until"))
    is_open = models.BooleanField(_("still going on"), default=False)
    # Of "probes", "own_probes", "no_evidence", "traffic".
    sources = models.JSONField(_("evidence"), default=list)
    # Where terms weigh channels, the time in which only some were down: {"start", "end", "ways",
    # "weight"}, the weight as an exact fraction.
    parts = models.JSONField(_("channels apart"), default=list)
    cause = models.CharField(_("cause"), max_length=500, blank=True)
    found_at = models.DateTimeField(_("found at"))
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True)
    incident = models.ForeignKey(
        Incident,
        on_delete=models.PROTECT,
        null=True,
        related_name="intervals",
        verbose_name=_("incident"),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("down interval")
        verbose_name_plural = _("down intervals")
        ordering = ("-start_at",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(end_at__gt=models.F("start_at")), name="down_interval_in_order"
            )
        ]
        indexes = [models.Index(fields=("tenant", "start_at"), name="down_interval_by_start")]

    def __str__(self) -> str:
        return f"{self.start_at:%Y-%m-%d %H:%M:%S}"

    @property
    def shares(self) -> list[Share]:
        """The time in it that counts in part only."""
        return [
            Share(
                Span(datetime.fromisoformat(part["start"]), datetime.fromisoformat(part["end"])),
                Fraction(part["weight"]),
            )
            for part in self.parts
        ]

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return (self.end_at - self.start_at).total_seconds()


class ExclusionKind(models.TextChoices):
    """Why time may be left out (contract 2.2(2))."""

    CLIENT = "client", _("The client's own doing")
    FORCE_MAJEURE = "force_majeure", _("Force majeure")
    MAINTENANCE = "maintenance", _("Maintenance as annexed to the contract")


class ClaimDecision(models.TextChoices):
    """What the client said."""

    PENDING = "pending", _("Waits for the client")
    ACCEPTED = "accepted", _("Accepted")
    REJECTED = "rejected", _("Rejected")


class ExclusionClaim(TenantModel):
    """The provider's wish to leave down time out; only the client decides (R85)."""

    interval = models.ForeignKey(
        DownInterval,
        on_delete=models.PROTECT,
        related_name="claims",
        verbose_name=_("down interval"),
    )
    kind = models.CharField(_("reason"), max_length=14, choices=ExclusionKind)
    start_at = models.DateTimeField(_("from"))
    end_at = models.DateTimeField(_("until"))
    evidence = models.TextField(
        _("evidence"),
        max_length=4000,
        help_text=_("What happened and what proves it: notices, mails, records, with their dates."),
    )
    claimed_at = models.DateTimeField(_("claimed at"), editable=False)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        editable=False,
        related_name="+",
        verbose_name=_("claimed by"),
    )
    decision = models.CharField(
        _("decision"),
        max_length=8,
        choices=ClaimDecision,
        default=ClaimDecision.PENDING,
        editable=False,
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("decided by"),
    )
    remark = models.CharField(_("client's remark"), max_length=500, blank=True, editable=False)

    class Meta(TenantModel.Meta):
        verbose_name = _("exclusion claim")
        verbose_name_plural = _("exclusion claims")
        ordering = ("-claimed_at",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(end_at__gt=models.F("start_at")), name="exclusion_claim_in_order"
            ),
            models.CheckConstraint(
                condition=models.Q(decision="pending") | models.Q(decided_by__isnull=False),
                name="exclusion_claim_decided_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.start_at:%Y-%m-%d %H:%M}"


class ClaimFile(TenantModel):
    """One file that proves a claim, as it was sent; never changed and never taken away.

    It lies under MEDIA_ROOT at `path`, whose name is random; `name` is what people see.
    """

    claim = models.ForeignKey(
        ExclusionClaim,
        on_delete=models.PROTECT,
        related_name="files",
        verbose_name=_("exclusion claim"),
    )
    name = models.CharField(_("name"), max_length=100)
    mime = models.CharField(_("kind of file"), max_length=80)
    size = models.PositiveIntegerField(_("size in bytes"))
    sha256 = models.CharField(_("fingerprint"), max_length=64)
    path = models.CharField(max_length=120)
    # Order among those of one claim.
    place = models.PositiveSmallIntegerField(default=0)

    class Meta(TenantModel.Meta):
        verbose_name = _("file of a claim")
        verbose_name_plural = _("files of claims")
        ordering = ("claim", "place")

    def __str__(self) -> str:
        return self.name
