"""The State Council's holidays as entered by hand: the same for all tenants (R1)."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, URLValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class CalendarYear(models.Model):
    """One year's notice about holidays and make-up days, with its proof."""

    year = models.PositiveSmallIntegerField(
        _("year"), unique=True, validators=[MinValueValidator(2008), MaxValueValidator(2100)]
    )
    notice_number = models.CharField(
        _("notice number"),
        max_length=60,
        help_text=_("As it stands in the head of the State Council's notice."),
    )
    source_url = models.CharField(
        _("source"),
        max_length=400,
        validators=[URLValidator(["https", "http"])],
        help_text=_("Where the notice can be read at gov.cn."),
    )
    loaded_at = models.DateTimeField(_("loaded at"))
    loaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("loaded by"),
    )

    class Meta:
        verbose_name = _("calendar year")
        verbose_name_plural = _("calendar years")
        ordering = ("-year",)
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(notice_number="") & ~models.Q(source_url=""),
                name="calendar_year_has_proof",
            )
        ]

    def __str__(self) -> str:
        return str(self.year)


class CalendarDay(models.Model):
    """One day that is not what its weekday says: off, or made up for."""

    year = models.ForeignKey(
        CalendarYear, on_delete=models.CASCADE, related_name="days", verbose_name=_("year")
    )
    date = models.DateField(_("date"), unique=True)
    is_off = models.BooleanField(_("day off"))
    name = models.CharField(_("occasion"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("calendar day")
        verbose_name_plural = _("calendar days")
        ordering = ("date",)

    def __str__(self) -> str:
        return f"{self.date:%Y-%m-%d}"
