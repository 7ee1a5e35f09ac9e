"""Who is not served for a while, and why."""

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.contact import Contact
from conversations.models.profile import REASON_LENGTH
from tenants.models import Membership
from tenants.scoping import TenantModel


class BlockEntry(TenantModel):
    """One contact or network address that gets no service, until an instant or until lifted."""

    contact = models.ForeignKey(
        Contact,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="blocks",
        verbose_name=_("contact"),
    )
    address = models.GenericIPAddressField(
        _("network address"), null=True, blank=True, unpack_ipv4=True
    )
    reason = models.CharField(
        _("reason"),
        max_length=REASON_LENGTH,
        help_text=_("For colleagues; the visitor never reads it."),
    )
    created_at = models.DateTimeField(_("blocked at"))
    created_by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="+", verbose_name=_("blocked by")
    )
    until = models.DateTimeField(_("blocked until"), null=True, blank=True)
    lifted_at = models.DateTimeField(_("lifted at"), null=True)
    lifted_by = models.ForeignKey(
        Membership,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("lifted by"),
    )
    lifted_reason = models.CharField(_("reason for lifting"), max_length=REASON_LENGTH, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("block")
        verbose_name_plural = _("blocks")
        ordering = ("-created_at", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(contact__isnull=True) ^ models.Q(address__isnull=True),
                name="blockentry_contact_or_address",
            ),
            models.UniqueConstraint(
                fields=("contact",),
                condition=models.Q(lifted_at__isnull=True),
                name="blockentry_one_standing_per_contact",
            ),
            models.UniqueConstraint(
                fields=("tenant", "address"),
                condition=models.Q(lifted_at__isnull=True),
                name="blockentry_one_standing_per_address",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M}"

    def holds(self, at: datetime) -> bool:
        """Return whether nobody is served under this entry at the instant `at`."""
        return self.lifted_at is None and (self.until is None or at < self.until)
