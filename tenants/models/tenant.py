"""The client company that owns everything else."""

import base64
import os
import zoneinfo

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _


def new_tenant_code() -> str:
    """Return 8 random lower-case letters and digits: the tenant's name inside keys and tokens."""
    return base64.b32encode(os.urandom(5)).decode().lower()


def validate_time_zone(value: str) -> None:
    """Raise ValidationError unless `value` names an IANA time zone."""
    if value not in zoneinfo.available_timezones():
        raise ValidationError(
            _("“%(value)s” is not a time zone; write one such as Asia/Shanghai."),
            code="time_zone",
            params={"value": value},
        )


class TenantStatus(models.TextChoices):
    """Whether the service runs for the tenant."""

    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")


class Tenant(models.Model):
    """One client company (甲方) and the settings that hold for all it owns."""

    code = models.CharField(
        _("code"), max_length=8, unique=True, default=new_tenant_code, editable=False
    )
    slug = models.SlugField(_("short name"), unique=True)
    name = models.CharField(_("name"), max_length=120)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="Asia/Shanghai", validators=[validate_time_zone]
    )
    language = models.CharField(
        _("language"),
        max_length=10,
        default="zh-hans",
        choices=[("zh-hans", _("Simplified Chinese")), ("en", _("English"))],
    )
    status = models.CharField(
        _("status"), max_length=12, choices=TenantStatus, default=TenantStatus.ACTIVE
    )
    is_demo = models.BooleanField(_("demonstration"), default=False, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        """Whether visitors are served."""
        return self.status == TenantStatus.ACTIVE

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The zone in which the tenant's days, weeks and months are cut."""
        return zoneinfo.ZoneInfo(self.time_zone)
