"""A person's place in a tenant."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.roles import CAPABILITIES, Role
from tenants.scoping import TenantModel


class Membership(TenantModel):
    """One person with one role in one tenant."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("person"),
    )
    role = models.CharField(_("role"), max_length=20, choices=Role)
    display_name = models.CharField(
        _("display name"),
        max_length=60,
        help_text=_("What visitors and colleagues see."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("member")
        verbose_name_plural = _("members")
        ordering = ("display_name",)
        constraints = [
            models.UniqueConstraint(fields=("tenant", "user"), name="membership_one_per_person")
        ]

    def __str__(self) -> str:
        return self.display_name

    def can(self, capability: str) -> bool:
        """Return whether the member's role holds `capability`, e.g. "knowledge.publish"."""
        return self.is_active and capability in CAPABILITIES[self.role]
