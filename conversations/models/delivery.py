"""What is to be sent to a client's system, and each attempt to send it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Handoff
from conversations.models.target import HandoffTarget
from tenants.scoping import TenantModel


class OutboundKind(models.TextChoices):
    """What a client's system is told."""

    CREATED = "created", _("Hand-off")
    MESSAGE = "message", _("Message")
    WITHDRAWN = "withdrawn", _("Withdrawal")
    CLOSED = "closed", _("End")
    PING = "ping", _("Test")


class OutboundState(models.TextChoices):
    """How far a thing to send is."""

    PENDING = "pending", _("To be sent")
    DONE = "done", _("Delivered")
    DROPPED = "dropped", _("No longer to be sent")
    FAILED = "failed", _("Given up")


class OutboundDelivery(TenantModel):
    """One thing a client's system is to hear; those of a hand-off go in order (R69)."""

    handoff = models.ForeignKey(
        Handoff, on_delete=models.CASCADE, related_name="outbound", verbose_name=_("hand-off")
    )
    target = models.ForeignKey(
        HandoffTarget, on_delete=models.PROTECT, related_name="+", verbose_name=_("target")
    )
    number = models.PositiveIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=10, choices=OutboundKind)
    # Of a message, its `seq`.
    seq = models.PositiveIntegerField(_("message"), null=True)
    # Stays the same over all attempts: what arrives twice under it is one thing.
    idempotency_key = models.CharField(max_length=80)
    state = models.CharField(
        _("state"), max_length=10, choices=OutboundState, default=OutboundState.PENDING
    )
    # Made at the first attempt, kept until it is delivered: every attempt sends the same bytes.
    body = models.TextField(blank=True, editable=False)
    payload_hash = models.CharField(_("SHA-256"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("created at"))
    due_at = models.DateTimeField(_("due at"))
    # A process that is sending it holds it until then.
    claimed_until = models.DateTimeField(null=True, editable=False)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    done_at = models.DateTimeField(_("done at"), null=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("thing to deliver")
        verbose_name_plural = _("things to deliver")
        ordering = ("handoff", "number")
        constraints = [
            models.UniqueConstraint(fields=("handoff", "number"), name="outbound_number_once"),
            models.UniqueConstraint(fields=("tenant", "idempotency_key"), name="outbound_key_once"),
            models.UniqueConstraint(
                fields=("handoff", "seq"),
                condition=models.Q(kind="message"),
                name="outbound_message_once",
            ),
        ]
        indexes = [
            # The sweeper's question each second: what is to be sent now?
            models.Index(
                fields=("due_at",), condition=models.Q(state="pending"), name="outbound_pending"
            )
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.get_kind_display()}"


class HandoffDelivery(TenantModel):
    """One attempt to tell a client's system something; the log that nobody changes."""

    handoff = models.ForeignKey(
        Handoff,
        on_delete=models.CASCADE,
        null=True,
        related_name="deliveries",
        verbose_name=_("hand-off"),
    )
    outbound = models.ForeignKey(
        OutboundDelivery, on_delete=models.CASCADE, null=True, related_name="log"
    )
    target = models.ForeignKey(
        HandoffTarget, on_delete=models.PROTECT, related_name="+", verbose_name=_("target")
    )
    what = models.CharField(_("what"), max_length=10, choices=OutboundKind)
    attempt = models.PositiveIntegerField(_("attempt"))
    request_id = models.CharField(_("request id"), max_length=80)
    started_at = models.DateTimeField(_("started at"))
    duration_ms = models.PositiveIntegerField(_("duration in ms"))
    http_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True)
    # "" went well; else the name of what went wrong (adapters.base.CAUSES).
    error_class = models.CharField(_("error"), max_length=20, blank=True)
    response_excerpt = models.CharField(_("answer"), max_length=1024, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("delivery attempt")
        verbose_name_plural = _("delivery attempts")
        ordering = ("-started_at",)
        indexes = [models.Index(fields=("tenant", "-started_at"), name="delivery_by_start")]

    def __str__(self) -> str:
        return f"{self.get_what_display()} {self.started_at:%Y-%m-%d %H:%M:%S}"
