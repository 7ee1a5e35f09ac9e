"""Who watches from outside, what they saw, and which of our own processes were alive."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants import secrets
from tenants.ids import new_id


class ProcessKind(models.TextChoices):
    """What beats."""

    WEB = "web", _("Web server")
    WORKER = "worker", _("Job worker")
    BEAT = "beat", _("Schedule")
    DATABASE = "database", _("Writing to the database")


class Heartbeat(models.Model):
    """A span in which one process beat without a pause: one row grows with each beat (R80)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    process = models.CharField(_("process"), max_length=10, choices=ProcessKind)
    host = models.CharField(_("host"), max_length=80)
    first_at = models.DateTimeField(_("from"))
    last_at = models.DateTimeField(_("until"))
    beats = models.PositiveIntegerField(_("beats"), default=1)

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")
        ordering = ("-last_at",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(last_at__gte=models.F("first_at")), name="heartbeat_in_order"
            )
        ]
        indexes = [models.Index(fields=("process", "host", "-last_at"), name="heartbeat_latest")]

    def __str__(self) -> str:
        return f"{self.get_process_display()} {self.host}"


class Prober(models.Model):
    """A program on a host of its own that asks as a visitor would and keeps a signed log (R80)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.SlugField(
        _("name"),
        max_length=40,
        unique=True,
        help_text=_("Where it stands, for example beijing-1. It is started with this name."),
    )
    sealed_secret = models.TextField(editable=False)
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("What an inactive prober reports is refused.")
    )
    created_at = models.DateTimeField(_("registered at"), editable=False)
    # The end of its log as it stands here: the next line has to continue it.
    sequence = models.PositiveBigIntegerField(_("lines received"), default=0, editable=False)
    chain_hash = models.CharField(max_length=64, default="0" * 64, editable=False)
    last_seen_at = models.DateTimeField(_("last heard at"), null=True, editable=False)
    # The ways in that it has ever reported on.
    targets = models.JSONField(_("ways in"), default=list, editable=False)

    class Meta:
        verbose_name = _("prober")
        verbose_name_plural = _("probers")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def secret(self) -> str:
        """The key that signs its lines. Raises SecretUnreadableError."""
        return secrets.unseal(self.sealed_secret)


class ProbeResult(models.Model):
    """One line of a prober's log, as signed there; never changed.

    `told_at` is what the prober's clock said. `at` is the instant by this server's clock, worked
    out from the prober's steady clock where its wall clock jumped.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    prober = models.ForeignKey(
        Prober, on_delete=models.PROTECT, related_name="results", verbose_name=_("prober")
    )
    sequence = models.PositiveBigIntegerField(_("line"))
    # A kind of channel, which stands for all tenants, or "own" for one tenant's own key.
    target = models.CharField(_("way in"), max_length=40)
    tenant_code = models.CharField(_("tenant's code"), max_length=8, blank=True)
    at = models.DateTimeField(_("at"))
    told_at = models.DateTimeField(_("by the prober's clock"))
    ok = models.BooleanField(_("answered"))
    ms = models.PositiveIntegerField(_("milliseconds"))
    error = models.CharField(_("error"), max_length=200, blank=True)
    line_hash = models.CharField(_("hash"), max_length=64)
    received_at = models.DateTimeField(_("received at"))

    class Meta:
        verbose_name = _("probe")
        verbose_name_plural = _("probes")
        ordering = ("-at",)
        constraints = [
            models.UniqueConstraint(fields=("prober", "sequence"), name="probe_result_once")
        ]
        indexes = [
            models.Index(fields=("at",), name="probe_result_by_time"),
            models.Index(fields=("received_at",), name="probe_result_by_arrival"),
        ]

    def __str__(self) -> str:
        return f"{self.prober} {self.sequence}"
