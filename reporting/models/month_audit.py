"""What every audit of a month is: a random sample that can be drawn again from its seed."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.scoping import TenantModel


class MonthAudit(TenantModel):
    """The audit of one month; its seed is kept before the sample is drawn."""

    month = models.DateField(_("month"))
    seed = models.CharField(_("seed"), max_length=64, editable=False)
    population = models.PositiveIntegerField(_("drawn from"), default=0, editable=False)
    created_at = models.DateTimeField(_("created at"), editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("created by"),
    )
    drawn_at = models.DateTimeField(_("drawn at"), null=True, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, editable=False)

    class Meta(TenantModel.Meta):
        abstract = True

    @property
    def is_finished(self) -> bool:
        """Whether whoever checks the sample is through."""
        return self.finished_at is not None
