"""Checking a month's labels: a random sample, two reviewers, how far they agree (R61)."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from reporting.audit_arithmetic import KAPPA
from reporting.models.month_audit import MonthAudit
from reporting.models.question import Question, QuestionLabels
from tenants.scoping import TenantModel

_PARTS = 10_000


class LabelReview(MonthAudit):
    """The audit of one month's labels; its seed is kept before the sample is drawn.

    Two people take a seat each and label the whole sample, so that their agreement is theirs. A
    month whose labels had to be given again has another audit with the next number.
    """

    number = models.PositiveSmallIntegerField(_("audit of the month"), default=1, editable=False)
    size = models.PositiveIntegerField(_("questions"), default=0, editable=False)
    # In ten thousandths, exact to what is shown; null until both reviewers are through.
    kappa = models.IntegerField(_("agreement"), null=True, editable=False)
    first_reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("first reviewer"),
    )
    second_reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("second reviewer"),
    )
    # What it came to; null until both reviewers are through.
    agreed = models.PositiveIntegerField(_("labelled alike"), null=True, editable=False)
    relabelled = models.PositiveIntegerField(_("relabelled"), null=True, editable=False)
    disputed = models.PositiveIntegerField(_("disputed"), null=True, editable=False)
    # The month's auto-answer rate, [numerator, denominator], "before" the audit and "after" it.
    change = models.JSONField(_("change of the rate"), default=dict, editable=False)

    class Meta(MonthAudit.Meta):
        verbose_name = _("label audit")
        verbose_name_plural = _("label audits")
        ordering = ("-month", "-number")
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "month", "number"), name="label_review_number_once"
            ),
            models.CheckConstraint(
                condition=models.Q(first_reviewer__isnull=True)
                | models.Q(second_reviewer__isnull=True)
                | ~models.Q(first_reviewer=models.F("second_reviewer")),
                name="label_review_two_reviewers",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}" if self.number == 1 else f"{self.month:%Y-%m} ({self.number})"

    @property
    def is_failed(self) -> bool:
        """Whether the two agreed too little, so that all labels of the month are given again (R61).

        Kappa is stored cut off, which changes nothing about being below the line.
        """
        return self.kappa is not None and self.kappa < KAPPA * _PARTS

    @property
    def kappa_shown(self) -> str:
        """The agreement with four decimals, a dash while there is none."""
        return "–" if self.kappa is None else f"{self.kappa / _PARTS:.4f}"


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
