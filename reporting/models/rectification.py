"""Plans for rectification: what the provider will do after two months of low satisfaction (R76)."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.scoping import TenantModel


class PlanState(models.TextChoices):
    """How far a plan is."""

    TRIGGERED = "triggered", _("To be written")
    SUBMITTED = "submitted", _("Waits for the client")
    RETURNED = "returned", _("Returned by the client")
    EXECUTING = "executing", _("Accepted, being carried out")
    CLOSED = "closed", _("Closed")


class RectificationPlan(TenantModel):
    """One plan, opened by itself by two adjacent months below the target; a third one amends it.

    `months` are the first days of the low months in order, `scores` what each came to, as shown.
    """

    months = models.JSONField(_("low months"), editable=False)
    scores = models.JSONField(_("scores"), editable=False)
    target = models.DecimalField(_("target"), max_digits=5, decimal_places=2, editable=False)
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=PlanState,
        default=PlanState.TRIGGERED,
        editable=False,
    )
    triggered_at = models.DateTimeField(_("triggered at"), editable=False)
    measures = models.TextField(_("measures"), max_length=8000, blank=True)
    owner = models.CharField(_("person in charge"), max_length=80, blank=True)
    target_date = models.DateField(_("to be done by"), null=True, blank=True)
    submitted_at = models.DateTimeField(_("submitted at"), null=True, editable=False)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("submitted by"),
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("decided by"),
    )
    remark = models.CharField(_("client's remark"), max_length=1000, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, editable=False)

    class Meta(TenantModel.Meta):
        verbose_name = _("rectification plan")
        verbose_name_plural = _("rectification plans")
        ordering = ("-triggered_at", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=("tenant",),
                condition=~models.Q(state="closed"),
                name="one_open_rectification_plan",
            )
        ]

    def __str__(self) -> str:
        return " · ".join(month[:7] for month in self.months)
