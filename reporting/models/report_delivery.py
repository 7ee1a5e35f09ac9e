"""Who gets the reports, and how each one reached them."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from reporting.models.report import Report, ReportKind
from tenants.scoping import TenantModel


def every_kind() -> list[str]:
    """Return all kinds of reports: what a new recipient gets."""
    return [str(kind) for kind in ReportKind]


def validate_kinds(value: object) -> None:
    """Raise ValidationError unless `value` is a list of kinds of reports."""
    if not isinstance(value, list) or not set(value) <= set(ReportKind.values):
        raise ValidationError(_("Choose from weekly, monthly and annual reports."), code="kinds")


class ReportRecipient(TenantModel):
    """One person named to get the reports by e-mail."""

    name = models.CharField(_("name of the person"), max_length=60)
    email = models.EmailField(_("e-mail address"))
    kinds = models.JSONField(
        _("reports"), default=every_kind, validators=[validate_kinds], blank=True
    )
    language = models.CharField(
        _("language"),
        max_length=10,
        default="zh-hans",
        choices=[("zh-hans", _("Simplified Chinese")), ("en", _("English"))],
    )
    is_active = models.BooleanField(_("gets reports"), default=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("report recipient")
        verbose_name_plural = _("report recipients")
        ordering = ("name", "email")
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "email"),
                name="report_recipient_once",
                violation_error_message=_("This address gets reports already."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class DeliveryChannel(models.TextChoices):
    """By what way a report reaches its reader."""

    APP = "app", _("In the product")
    MAIL = "mail", _("E-mail")


class ReportDelivery(TenantModel):
    """One sending of one report to one recipient, with its receipt; `due_at` leads the sender."""

    report = models.ForeignKey(
        Report, on_delete=models.PROTECT, related_name="deliveries", verbose_name=_("report")
    )
    channel = models.CharField(_("way"), max_length=4, choices=DeliveryChannel)
    recipient = models.ForeignKey(
        ReportRecipient,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("recipient"),
    )
    # As they were when the report was sent: evidence of who got it.
    name = models.CharField(_("name of the person"), max_length=120)
    email = models.EmailField(_("e-mail address"), blank=True)
    language = models.CharField(_("language"), max_length=10)
    # Which sending of this report to this recipient: resending makes the next one.
    round = models.PositiveIntegerField(_("sending"), default=1)
    created_at = models.DateTimeField(_("created at"))
    # When it is to be tried (again); None once it was sent, or given up.
    due_at = models.DateTimeField(_("due"), null=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    mail_id = models.CharField(_("message id"), max_length=120, blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True)
    opened_at = models.DateTimeField(_("read at"), null=True)
    confirmed_at = models.DateTimeField(_("answered at"), null=True)
    error = models.CharField(_("fault"), max_length=80, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("report delivery")
        verbose_name_plural = _("report deliveries")
        ordering = ("-created_at", "name")
        constraints = [
            models.UniqueConstraint(
                fields=("report", "channel", "email", "round"), name="report_delivery_once"
            )
        ]
        indexes = [
            models.Index(
                fields=("due_at",),
                condition=models.Q(due_at__isnull=False),
                name="report_delivery_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def is_given_up(self) -> bool:
        """Whether nobody will try it again by themselves."""
        return self.sent_at is None and self.due_at is None
