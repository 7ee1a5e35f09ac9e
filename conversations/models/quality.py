"""Sampling of finished inquiries by raters, after a rubric of a hundred points (R75)."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Inquiry
from conversations.satisfaction import RUBRIC_TOTAL
from tenants.scoping import TenantModel


class QAMethod(models.TextChoices):
    """How the inquiries of a sample are drawn."""

    SIMPLE = "simple", _("Simple random sample")


class QARubric(TenantModel):
    """One version of the criteria after which raters give points; a used one never changes."""

    version = models.PositiveIntegerField(_("version"), editable=False)
    created_at = models.DateTimeField(_("created at"), editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("created by"),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("rubric")
        verbose_name_plural = _("rubrics")
        ordering = ("-version",)
        constraints = [
            models.UniqueConstraint(fields=("tenant", "version"), name="qa_rubric_version_once")
        ]

    def __str__(self) -> str:
        return f"v{self.version}"


class QACriterion(TenantModel):
    """One thing that raters look at, with the points it is worth."""

    rubric = models.ForeignKey(
        QARubric, on_delete=models.CASCADE, related_name="criteria", verbose_name=_("rubric")
    )
    position = models.PositiveSmallIntegerField(_("position"))
    name = models.CharField(_("name"), max_length=120)
    points = models.PositiveSmallIntegerField(_("points"))

    class Meta(TenantModel.Meta):
        verbose_name = _("criterion")
        verbose_name_plural = _("criteria")
        ordering = ("rubric", "position")
        constraints = [
            models.UniqueConstraint(fields=("rubric", "position"), name="qa_criterion_place_once"),
            models.CheckConstraint(
                condition=models.Q(points__gte=1, points__lte=RUBRIC_TOTAL),
                name="qa_criterion_points",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class QASample(TenantModel):
    """A random sample of a month's inquiries; its seed is kept before it is drawn."""

    month = models.DateField(_("month"))
    method = models.CharField(
        _("method"), max_length=8, choices=QAMethod, default=QAMethod.SIMPLE, editable=False
    )
    size = models.PositiveIntegerField(_("inquiries"))
    rubric = models.ForeignKey(
        QARubric,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        verbose_name=_("rubric"),
    )
    seed = models.CharField(_("seed"), max_length=64, editable=False)
    # How many there were to draw from, and the fingerprint of their ids in order.
    population = models.PositiveIntegerField(_("drawn from"), null=True, editable=False)
    population_sha256 = models.CharField(
        _("fingerprint of those drawn from"), max_length=64, blank=True, editable=False
    )
    drawn_at = models.DateTimeField(_("drawn at"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("created by"),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("quality sample")
        verbose_name_plural = _("quality samples")
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class QAItem(TenantModel):
    """One inquiry of a sample; its result is known once all its raters have spoken."""

    sample = models.ForeignKey(
        QASample, on_delete=models.CASCADE, related_name="items", verbose_name=_("sample")
    )
    position = models.PositiveIntegerField(_("number"))
    inquiry = models.ForeignKey(
        Inquiry, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("inquiry")
    )
    rated_twice = models.BooleanField(_("two raters"))
    result = models.DecimalField(_("result"), max_digits=4, decimal_places=1, null=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("sampled inquiry")
        verbose_name_plural = _("sampled inquiries")
        ordering = ("sample", "position")
        constraints = [
            models.UniqueConstraint(fields=("sample", "position"), name="qa_item_place_once"),
            models.UniqueConstraint(fields=("sample", "inquiry"), name="qa_item_inquiry_once"),
        ]

    def __str__(self) -> str:
        return f"{self.sample} #{self.position}"


class QAReview(TenantModel):
    """What one rater found about a sampled inquiry: their points come to `total`."""

    item = models.ForeignKey(
        QAItem, on_delete=models.CASCADE, related_name="reviews", verbose_name=_("sampled inquiry")
    )
    number = models.PositiveSmallIntegerField(_("which rater"))
    rater = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("rater"),
    )
    total = models.PositiveSmallIntegerField(_("points"))
    comment = models.CharField(_("comment"), max_length=500, blank=True)
    given_at = models.DateTimeField(_("given at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        ordering = ("item", "number")
        constraints = [
            models.UniqueConstraint(fields=("item", "rater"), name="qa_review_once_per_rater"),
            models.UniqueConstraint(fields=("item", "number"), name="qa_review_number_once"),
            models.CheckConstraint(
                condition=models.Q(total__lte=RUBRIC_TOTAL, number__gte=1, number__lte=3),
                name="qa_review_within_bounds",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.total}"


class QAMark(TenantModel):
    """The points that one rater gave under one criterion."""

    review = models.ForeignKey(
        QAReview, on_delete=models.CASCADE, related_name="marks", verbose_name=_("review")
    )
    criterion = models.ForeignKey(
        QACriterion, on_delete=models.PROTECT, related_name="+", verbose_name=_("criterion")
    )
    points = models.PositiveSmallIntegerField(_("points"))

    class Meta(TenantModel.Meta):
        verbose_name = _("mark")
        verbose_name_plural = _("marks")
        constraints = [models.UniqueConstraint(fields=("review", "criterion"), name="qa_mark_once")]

    def __str__(self) -> str:
        return f"{self.points}"
