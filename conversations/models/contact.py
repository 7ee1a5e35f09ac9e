"""The people who write in, and the keys they hold."""

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.channel import Channel
from tenants.scoping import TenantModel


class Contact(TenantModel):
    """One visitor, anonymous or known; never shared between tenants."""

    channel = models.ForeignKey(
        Channel, on_delete=models.PROTECT, related_name="+", verbose_name=_("first channel")
    )
    external_id = models.CharField(_("customer number"), max_length=120, blank=True)
    verified = models.BooleanField(
        _("verified"),
        default=False,
        help_text=_("Whether the client's own system vouched for this person."),
    )
    name = models.CharField(_("name"), max_length=60, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    email = models.CharField(_("e-mail address"), max_length=254, blank=True)
    locale = models.CharField(_("language"), max_length=10, default="zh-CN")
    attributes = models.JSONField(
        _("attributes"), default=dict, blank=True, help_text=_("Told by the page; not checked.")
    )
    # Which of name, phone and e-mail address the client's own system signed.
    vouched = models.JSONField(default=list, editable=False)
    # Which of them the visitor gave with a ticket: nobody checked them.
    from_ticket = models.JSONField(default=list, editable=False)
    # What colleagues were told and wrote down stays apart from what came in by itself.
    noted_name = models.CharField(_("name by colleagues"), max_length=60, blank=True)
    noted_phone = models.CharField(_("phone by colleagues"), max_length=40, blank=True)
    noted_email = models.CharField(_("e-mail address by colleagues"), max_length=254, blank=True)
    remark = models.CharField(_("remark"), max_length=500, blank=True)
    opted_out_of_profile = models.BooleanField(
        _("opted out of profiling"),
        default=False,
        help_text=_("No tags by rule or assistant, and no demand types."),
    )
    # Of a contact that colleagues found to be somebody known already (services.merging).
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="merged_contacts",
        verbose_name=_("merged into"),
    )
    # The end of the block that stands, so that every door sees it without another query.
    blocked_until = models.DateTimeField(null=True, editable=False)
    erased_at = models.DateTimeField(_("erased at"), null=True, editable=False)
    # Keys the fingerprints of this person's values in the ledger; without it they say nothing.
    fingerprint_key = models.CharField(max_length=64, blank=True, editable=False)
    is_demo = models.BooleanField(_("demonstration"), default=False, editable=False)
    # A program that watches whether the service works: in no figure, and never with an agent.
    is_probe = models.BooleanField(_("probe"), default=False, editable=False)
    created_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))

    class Meta(TenantModel.Meta):
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        ordering = ("-last_seen_at",)
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "external_id"),
                condition=models.Q(verified=True),
                name="contact_one_per_verified_id",
            )
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """The name, or the last characters of the id for somebody who gave none."""
        return self.known("name") or f"#{self.pk.hex[-6:].upper()}"

    def known(self, field: str) -> str:
        """Return the "name", "phone" or "email" to use: signed, else noted, else told; or ""."""
        told: str = getattr(self, field)
        return told if field in self.vouched and told else getattr(self, f"noted_{field}") or told

    def is_blocked(self, at: datetime) -> bool:
        """Return whether the contact gets no service at the instant `at`."""
        return self.blocked_until is not None and at < self.blocked_until


class ContactSession(TenantModel):
    """One device's right to speak as a contact: hashes of its tokens, never the tokens."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="sessions")
    device_id = models.CharField(max_length=64)
    token_hash = models.CharField(max_length=64, unique=True)
    refresh_hash = models.CharField(max_length=64, unique=True)
    # The refresh tokens this family has used up: one of them seen again means theft.
    spent_refresh_hashes = models.JSONField(default=list)
    notice_version = models.PositiveIntegerField(null=True)
    locale = models.CharField(max_length=10, default="zh-CN")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    refresh_expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("contact session")
        verbose_name_plural = _("contact sessions")

    def __str__(self) -> str:
        return str(self.pk)


class Consent(TenantModel):
    """Which version of a channel's privacy notice a contact was shown, and how they took it."""

    channel = models.ForeignKey(
        Channel, on_delete=models.PROTECT, related_name="+", verbose_name=_("channel")
    )
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="consents")
    version = models.PositiveIntegerField(_("version"))
    basis = models.CharField(
        _("how"),
        max_length=10,
        choices=[("accepted", _("Accepted by the visitor")), ("delivered", _("Sent to the app"))],
    )
    at = models.DateTimeField(_("at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.UniqueConstraint(
                fields=("contact", "channel", "version", "basis"), name="consent_once_per_version"
            )
        ]

    def __str__(self) -> str:
        return f"v{self.version}"
