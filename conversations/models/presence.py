"""Whether an agent is there."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import Membership
from tenants.scoping import TenantModel


class PresenceStatus(models.TextChoices):
    """What an agent says of themselves."""

    ONLINE = "online", _("Online")
    BUSY = "busy", _("Busy")
    REST = "rest", _("On a break")
    OFFLINE = "offline", _("Offline")


class Presence(TenantModel):
    """An agent's presence in the console, as said and as last heard of."""

    member = models.OneToOneField(
        Membership, on_delete=models.CASCADE, related_name="presence", verbose_name=_("member")
    )
    status = models.CharField(
        _("status"), max_length=8, choices=PresenceStatus, default=PresenceStatus.OFFLINE
    )
    seen_at = models.DateTimeField(_("last seen"))
    # Set to rest because an offer was not answered; the agent's next own word clears it.
    rested_by_system = models.BooleanField(default=False, editable=False)
    last_offered_at = models.DateTimeField(null=True, editable=False)

    class Meta(TenantModel.Meta):
        verbose_name = _("presence")
        verbose_name_plural = _("presences")

    def __str__(self) -> str:
        return self.get_status_display()
