"""Promises with a deadline, and the ones that were missed."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.ledger import AppendOnlyError
from tenants.scoping import TenantModel


class ObligationKind(models.TextChoices):
    """What was promised."""

    FIRST_REPLY = "first_reply", _("First reply")
    HANDOFF = "handoff", _("Hand-off")
    RECTIFICATION = "rectification", _("Rectification plan")
    REPORT_DUE = "report_due", _("Report")
    LABEL_REVIEW = "label_review", _("Label review")
    INCIDENT_ACK = "incident_ack", _("Incident acknowledged")
    INCIDENT_RESTORE = "incident_restore", _("Incident over")
    KNOWLEDGE_UPDATE = "knowledge_update", _("Knowledge update")


class ObligationState(models.TextChoices):
    """How the promise stands."""

    RUNNING = "running", _("Running")
    WAITING = "waiting", _("Waiting for the holiday notice")
    MET = "met", _("Met")
    BREACHED = "breached", _("Breached")
    VOID = "void", _("Void")


class Obligation(TenantModel):
    """One promise to one subject, with the instant it falls due (R5)."""

    kind = models.CharField(_("promise"), max_length=20, choices=ObligationKind)
    clause = models.CharField(_("clause"), max_length=12)
    subject_id = models.UUIDField(_("subject"))
    conversation_id = models.UUIDField(_("conversation"), null=True)
    started_at = models.DateTimeField(_("started at"))
    # Null while it reaches into a year whose holidays are not announced (R2).
    due_at = models.DateTimeField(_("due at"), null=True)
    # How many working days it has; null where it runs by the clock.
    working_days = models.PositiveSmallIntegerField(_("working days"), null=True)
    met_at = models.DateTimeField(_("met at"), null=True)
    terms_version = models.CharField(_("terms"), max_length=80, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=ObligationState, default=ObligationState.RUNNING
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("obligation")
        verbose_name_plural = _("obligations")
        ordering = ("-started_at",)
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "kind", "subject_id"), name="obligation_once_per_subject"
            ),
            models.CheckConstraint(
                condition=models.Q(due_at__gte=models.F("started_at")), name="obligation_due_later"
            ),
            models.CheckConstraint(
                condition=models.Q(due_at__isnull=False) | models.Q(working_days__isnull=False),
                name="obligation_due_or_counted",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="running") | models.Q(due_at__isnull=False),
                name="obligation_running_is_due",
            ),
        ]
        indexes = [
            # The sweeper's question each second: what is running and late?
            models.Index(
                fields=("due_at",),
                condition=models.Q(state="running"),
                name="obligation_running_due",
            ),
            models.Index(fields=("tenant", "-started_at"), name="obligation_by_start"),
            # Asked whenever a calendar is loaded.
            models.Index(
                fields=("tenant", "started_at"),
                condition=models.Q(working_days__isnull=False, state__in=("running", "waiting")),
                name="obligation_open_working",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.started_at:%Y-%m-%d %H:%M:%S}"


class Breach(TenantModel):
    """One missed promise. Written once; a late success only fills in when it came."""

    obligation = models.OneToOneField(
        Obligation, on_delete=models.PROTECT, related_name="breach", verbose_name=_("obligation")
    )
    clause = models.CharField(_("clause"), max_length=12)
    subject_id = models.UUIDField(_("subject"))
    conversation_id = models.UUIDField(_("conversation"), null=True)
    started_at = models.DateTimeField(_("started at"))
    due_at = models.DateTimeField(_("due at"))
    terms_version = models.CharField(_("terms"), max_length=80, blank=True)
    detected_at = models.DateTimeField(_("detected at"))
    actual_at = models.DateTimeField(_("kept late at"), null=True)
    # People are still to be told: finding what is late does not wait for telling of it (R6).
    is_untold = models.BooleanField(default=False, editable=False)

    class Meta(TenantModel.Meta):
        verbose_name = _("breach")
        verbose_name_plural = _("breaches")
        ordering = ("-detected_at",)
        indexes = [
            models.Index(fields=("tenant", "-detected_at"), name="breach_by_detection"),
            # The sweeper's other question each second.
            models.Index(
                fields=("detected_at",), condition=models.Q(is_untold=True), name="breach_untold"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.clause} {self.due_at:%Y-%m-%d %H:%M:%S}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("a breach is never changed; fill_actual() notes a late success")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("a breach is never removed")
