"""Auditing answers by hand: a random sample of the month's, checked against their entries (R90)."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models import Channel, MismatchReport
from knowledge.models import EntryVersion
from reporting.models.month_audit import MonthAudit
from tenants.scoping import TenantModel


class AuditFinding(models.TextChoices):
    """What a checker found."""

    RIGHT = "right", _("Right")
    WRONG = "wrong", _("Wrong")
    GONE = "gone", _("Erased before it was checked")


class AccuracyAudit(MonthAudit):
    """A sample of one month's answers; its seed is kept before it is drawn."""

    size = models.PositiveIntegerField(_("answers"), default=0, editable=False)
    # How many of how many of each channel: {channel id: [drawn, all]}.
    strata = models.JSONField(_("by channel"), default=dict, editable=False)

    class Meta(MonthAudit.Meta):
        verbose_name = _("accuracy audit")
        verbose_name_plural = _("accuracy audits")
        ordering = ("-month",)
        constraints = [
            models.UniqueConstraint(fields=("tenant", "month"), name="accuracy_audit_once")
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class AccuracyAuditItem(TenantModel):
    """One sampled answer and what was found; who wrote its entry is shown to nobody."""

    audit = models.ForeignKey(
        AccuracyAudit,
        on_delete=models.PROTECT,
        related_name="items",
        verbose_name=_("accuracy audit"),
    )
    position = models.PositiveIntegerField(_("number"))
    # The key of the answer; its words may be erased, the finding stays.
    message_id = models.UUIDField(_("answer"))
    version = models.ForeignKey(
        EntryVersion, on_delete=models.PROTECT, related_name="+", verbose_name=_("entry version")
    )
    channel = models.ForeignKey(
        Channel, on_delete=models.PROTECT, related_name="+", verbose_name=_("channel")
    )
    finding = models.CharField(_("found"), max_length=5, choices=AuditFinding, blank=True)
    found_at = models.DateTimeField(_("checked at"), null=True)
    found_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("checked by"),
    )
    # The report that a wrong one is named in; it lists every other reply of the version (R91).
    report = models.ForeignKey(
        MismatchReport,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("mismatch report"),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("audited answer")
        verbose_name_plural = _("audited answers")
        ordering = ("audit", "position")
        constraints = [
            models.UniqueConstraint(fields=("audit", "position"), name="audit_item_place_once"),
            models.UniqueConstraint(fields=("audit", "message_id"), name="audit_item_once"),
        ]

    def __str__(self) -> str:
        return f"{self.audit} #{self.position}"
