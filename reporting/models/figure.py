"""The figures of single days, from which those of weeks, months and years are added up."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.scoping import TenantModel


class DailyFigure(TenantModel):
    """One figure of one day of the tenant's calendar, whole or of one part of it.

    `dimension` is empty or names the part, such as "channel:<id>" or "hour:09". `detail` counts
    how often each value occurred, by which quantiles are found without reading the day again.
    """

    day = models.DateField(_("day"))
    metric = models.CharField(_("figure"), max_length=40)
    dimension = models.CharField(_("of"), max_length=80, blank=True)
    part = models.BigIntegerField(_("part"), default=0)
    whole = models.BigIntegerField(_("whole"), default=0)
    detail = models.JSONField(_("values"), default=dict)
    made_at = models.DateTimeField(_("made at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("daily figure")
        verbose_name_plural = _("daily figures")
        ordering = ("-day", "metric", "dimension")
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "day", "metric", "dimension"), name="daily_figure_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d} {self.metric} {self.dimension}".strip()
