"""The client's own systems that conversations are handed to."""

import secrets

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants import secrets as sealing
from tenants.models import Tenant
from tenants.scoping import TenantModel, active_tenant_id


def new_target_key() -> str:
    """Return the unguessable part of a target's address here: `ht_`, tenant code, 128 random bits.

    The code lets a request find its tenant without looking through all of them.
    """
    code = Tenant.objects.values_list("code", flat=True).get(pk=active_tenant_id())
    return f"ht_{code}_{secrets.token_hex(16)}"


class TargetKind(models.TextChoices):
    """What the client's system speaks."""

    WEBHOOK = "webhook", _("Webhook (Standard Webhooks)")
    CHATWOOT = "chatwoot", _("Chatwoot")
    ZENDESK = "zendesk", _("Zendesk")


class TargetStatus(models.TextChoices):
    """Whether hand-offs go there."""

    ACTIVE = "active", _("Active")
    DISABLED = "disabled", _("Disabled")


class DisabledReason(models.TextChoices):
    """Why a target gets nothing any more."""

    PERSON = "person", _("Switched off by a person")
    GONE = "gone", _("It said that its address is gone for good (410)")


class HandoffTarget(TenantModel):
    """A system of the client's own that conversations are handed to (R65); one at a time."""

    kind = models.CharField(_("kind"), max_length=10, choices=TargetKind)
    name = models.CharField(
        _("name"), max_length=60, help_text=_("Agents see it beside the conversations it has.")
    )
    key = models.CharField(
        _("key"), max_length=60, unique=True, default=new_target_key, editable=False
    )
    base_url = models.CharField(
        _("address"),
        max_length=400,
        help_text=_(
            "Webhook: where events are sent to. Chatwoot and Zendesk: the root of the "
            "installation, such as https://example.zendesk.com."
        ),
    )
    status = models.CharField(
        _("status"), max_length=10, choices=TargetStatus, default=TargetStatus.ACTIVE
    )
    disabled_reason = models.CharField(
        _("why disabled"), max_length=10, choices=DisabledReason, blank=True, editable=False
    )
    disabled_at = models.DateTimeField(_("disabled at"), null=True, editable=False)
    masks_contact = models.BooleanField(
        _("mask phone and e-mail"),
        default=False,
        help_text=_("Only the last characters of phone number and e-mail address are sent."),
    )
    chatwoot_account = models.PositiveIntegerField(
        _("Chatwoot account"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    chatwoot_inbox = models.PositiveIntegerField(
        _("Chatwoot inbox"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("The number of an inbox of the kind API."),
    )
    chatwoot_team = models.PositiveIntegerField(
        _("Chatwoot team"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Conversations are assigned to it. Empty: to nobody."),
    )
    zendesk_email = models.EmailField(
        _("Zendesk user"), blank=True, help_text=_("The e-mail address the API token belongs to.")
    )
    # Write-only: a secret that signs what we send, those that sign what comes back (newest first,
    # one a line), and the token of the other system's API.
    sealed_signing_secret = models.TextField(blank=True, editable=False)
    sealed_inbound_secrets = models.TextField(blank=True, editable=False)
    sealed_token = models.TextField(blank=True, editable=False)
    # The circuit, here so that all processes agree: hand-offs failed in a row, and until when new
    # ones go to the console at once.
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    rests_until = models.DateTimeField(_("left alone until"), null=True, editable=False)
    # What it asked for by Retry-After: before that nothing is sent.
    throttled_until = models.DateTimeField(null=True, editable=False)
    last_success_at = models.DateTimeField(_("last success"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("hand-off target")
        verbose_name_plural = _("hand-off targets")
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "name"),
                name="target_name_once",
                violation_error_message=_("A target with this name exists already."),
            ),
            models.UniqueConstraint(
                fields=("tenant",),
                condition=models.Q(status="active"),
                name="target_one_active",
                violation_error_message=_(
                    "Another target is active. Disable it first: hand-offs go to one system."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        """Whether hand-offs may go there."""
        return self.status == TargetStatus.ACTIVE

    @property
    def signing_secret(self) -> str:
        """What signs our events, to be shown to nobody. Raises SecretUnreadableError."""
        return sealing.unseal(self.sealed_signing_secret)

    @property
    def inbound_secrets(self) -> list[str]:
        """What may sign their calls, newest first. Raises SecretUnreadableError."""
        return sealing.unseal(self.sealed_inbound_secrets).split()

    @property
    def token(self) -> str:
        """The token of their API. Raises SecretUnreadableError."""
        return sealing.unseal(self.sealed_token)
