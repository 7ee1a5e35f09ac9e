"""Addresses of the client's systems that are told what happens, and what was sent to them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Conversation
from tenants.scoping import TenantModel


class WebhookEndpoint(TenantModel):
    """One address that hears of events, signed with a secret of its own (Standard Webhooks)."""

    name = models.CharField(_("name"), max_length=80)
    description = models.CharField(_("description"), max_length=300, blank=True)
    url = models.CharField(_("address"), max_length=500)
    kinds = models.JSONField(
        _("events"),
        default=list,
        blank=True,
        help_text=_("What it is told of. Rules may call it besides."),
    )
    with_contents = models.BooleanField(
        _("with contents"),
        default=False,
        help_text=_(
            "Send what visitors wrote, with numbers and addresses masked, and their names. "
            "Otherwise only ids and states are sent."
        ),
    )
    is_active = models.BooleanField(_("in use"), default=True)
    disabled_at = models.DateTimeField(_("switched off at"), null=True, editable=False)
    # A code of services.deliveries: "gone" or "failing"; empty where people did it.
    disabled_reason = models.CharField(max_length=12, blank=True, editable=False)
    # Failed attempts in a row, and since when.
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, editable=False)
    sealed_secret = models.TextField(editable=False)
    sealed_previous = models.TextField(blank=True, editable=False)
    # Until when the secret before the present one signs, too.
    previous_until = models.DateTimeField(_("old secret signs until"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "name"),
                name="webhookendpoint_name_once",
                violation_error_message=_("A webhook with this name exists already."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class DeliveryState(models.TextChoices):
    """How far a delivery is."""

    PENDING = "pending", _("To be sent")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Given up")


class WebhookDelivery(TenantModel):
    """One message to one address, with how its latest attempt went."""

    endpoint = models.ForeignKey(
        WebhookEndpoint,
        on_delete=models.CASCADE,
        related_name="deliveries",
        verbose_name=_("webhook"),
    )
    conversation = models.ForeignKey(
        Conversation,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("conversation"),
    )
    kind = models.CharField(_("event"), max_length=24)
    # The same over all attempts, so that the receiver can tell repeats.
    message_id = models.CharField(_("message id"), max_length=80)
    body = models.TextField(_("body"))
    state = models.CharField(
        _("state"), max_length=10, choices=DeliveryState, default=DeliveryState.PENDING
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    # When the next attempt is due, or an attempt under way counts as lost.
    next_at = models.DateTimeField(_("next attempt"), null=True)
    last_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True)
    last_excerpt = models.CharField(_("answer"), max_length=500, blank=True)
    last_error = models.CharField(_("error"), max_length=40, blank=True)
    attempted_at = models.DateTimeField(_("latest attempt"), null=True)
    delivered_at = models.DateTimeField(_("delivered at"), null=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(
                fields=("endpoint", "message_id"), name="webhookdelivery_message_once"
            )
        ]
        indexes = [
            models.Index(
                fields=("next_at",),
                condition=models.Q(state="pending"),
                name="webhookdelivery_due",
            ),
            models.Index(fields=("tenant", "-created_at"), name="webhookdelivery_by_time"),
        ]

    def __str__(self) -> str:
        return self.message_id
