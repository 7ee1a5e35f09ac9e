"""The entrances through which visitors reach a tenant."""

import re
import secrets

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import Tenant
from tenants.net import is_origin
from tenants.scoping import TenantModel, active_tenant_id


def new_channel_key() -> str:
    """Return a public channel key: `ck_`, the tenant's code, and 128 random bits.

    The code lets a request find its tenant without looking through all of them.
    """
    code = Tenant.objects.values_list("code", flat=True).get(pk=active_tenant_id())
    return f"ck_{code}_{secrets.token_hex(16)}"


def validate_origins(value: object) -> None:
    """Raise ValidationError unless `value` is a list of origins such as https://shop.example.com."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValidationError(_("Write one origin per line."), code="origins")
    for item in value:
        if not is_origin(item):
            raise ValidationError(
                _("“%(value)s” is not an origin; write one such as https://www.example.com."),
                code="origin",
                params={"value": item},
            )


def validate_colour(value: str) -> None:
    """Raise ValidationError unless `value` is a colour such as #0f766e."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise ValidationError(_("Write a colour such as #0f766e."), code="colour")


class ChannelKind(models.TextChoices):
    """What sort of entrance it is."""

    WEB = "web", _("Website")
    APP = "app", _("Mobile app")


class ChannelStatus(models.TextChoices):
    """Whether visitors may come in."""

    ACTIVE = "active", _("Active")
    DISABLED = "disabled", _("Disabled")


class Channel(TenantModel):
    """One entrance of a tenant, with its looks, words and rules."""

    kind = models.CharField(_("kind"), max_length=10, choices=ChannelKind, default=ChannelKind.WEB)
    name = models.CharField(_("name"), max_length=60)
    key = models.CharField(
        _("channel key"), max_length=60, unique=True, default=new_channel_key, editable=False
    )
    status = models.CharField(
        _("status"), max_length=10, choices=ChannelStatus, default=ChannelStatus.ACTIVE
    )
    allowed_origins = models.JSONField(
        _("allowed origins"),
        default=list,
        blank=True,
        validators=[validate_origins],
        help_text=_(
            "Websites that may show the widget, one per line, such as https://www.example.com or "
            "https://*.example.com. Empty: none but this server's own pages."
        ),
    )
    identity_secret = models.CharField(
        _("identity secret"),
        max_length=64,
        blank=True,
        default=secrets.token_urlsafe,
        editable=False,
    )
    accepts_user_hash = models.BooleanField(
        _("accept HMAC user hashes"),
        default=False,
        help_text=_("For older apps that cannot send an identity token."),
    )
    language = models.CharField(
        _("language"),
        max_length=10,
        default="zh-hans",
        choices=[("zh-hans", _("Simplified Chinese")), ("en", _("English"))],
    )
    assistant_name = models.CharField(_("assistant's name"), max_length=40)
    brand_name = models.CharField(_("brand"), max_length=60)
    colour = models.CharField(
        _("colour"), max_length=7, default="#0f766e", validators=[validate_colour]
    )
    greeting = models.TextField(_("greeting"), max_length=500)
    quick_questions = models.JSONField(
        _("quick questions"),
        default=list,
        blank=True,
        help_text=_("Shown as buttons before the first message, one per line."),
    )
    notice_version = models.PositiveIntegerField(
        _("version of the privacy notice"), default=1, editable=False
    )
    notice_text = models.TextField(
        _("privacy notice"),
        max_length=4000,
        help_text=_(
            "Who processes what, why, for how long, and which rights visitors have. "
            "A changed text is a new version, and every visitor is asked again."
        ),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("channel")
        verbose_name_plural = _("channels")
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "name"),
                name="channel_name_once",
                violation_error_message=_("A channel with this name exists already."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        """Whether visitors may come in."""
        return self.status == ChannelStatus.ACTIVE
