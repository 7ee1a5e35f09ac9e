"""Checking a month's labels: a random sample, two reviewers, how far they agree (R61)."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from reporting.models.question import Question, QuestionLabels
from tenants.scoping import TenantModel


class LabelReview(TenantModel):
    """The audit of one month's labels; its seed is kept before the sample is drawn."""

    month = models.DateField(_("month"))
    seed = models.CharField(_("seed"), max_length=64, editable=False)
    size = models.PositiveIntegerField(_("questions"), default=0, editable=False)
    population = models.PositiveIntegerField(_("drawn from"), default=0, editable=False)
    # In ten thousandths, exact to what is shown; null until both reviewers are through.
    kappa = models.IntegerField(_("agreement"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("created by"),
    )
    finished_at = models.DateTimeField(_("finished at"), null=True, editable=False)

    class Meta(TenantModel.Meta):
        verbose_name = _("label audit")
        verbose_name_plural = _("label audits")
        ordering = ("-month", "-created_at")

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class LabelReviewItem(TenantModel):
    """One sampled question and what each of the two reviewers calls it."""

    review = models.ForeignKey(
        LabelReview, on_delete=models.PROTECT, related_name="items", verbose_name=_("label audit")
    )
    position = models.PositiveIntegerField(_("number"))
    question = models.ForeignKey(
        Question, on_delete=models.PROTECT, related_name="+", verbose_name=_("question")
    )
    first_label = models.CharField(
        _("first reviewer"), max_length=10, choices=QuestionLabels, blank=True
    )
    first_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    second_label = models.CharField(
        _("second reviewer"), max_length=10, choices=QuestionLabels, blank=True
    )
    second_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("audited label")
        verbose_name_plural = _("audited labels")
        ordering = ("review", "position")
        constraints = [
            models.UniqueConstraint(fields=("review", "position"), name="label_item_place_once"),
            models.UniqueConstraint(fields=("review", "question"), name="label_item_once"),
            models.CheckConstraint(
                condition=models.Q(first_by__isnull=True)
                | models.Q(second_by__isnull=True)
                | ~models.Q(first_by=models.F("second_by")),
                name="label_item_two_reviewers",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.review} #{self.position}"
