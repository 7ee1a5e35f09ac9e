"""How sure the assistant must be with this tenant's visitors, and how its certainty is read."""

import math

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.scoping import TenantModel

# A probability of exactly 0 or 1 has no logit.
_EDGE = 1e-6


def adjusted(p: float, *, slope: float, bias: float) -> float:
    """Return the probability corrected by a calibration; slope 1 and bias 0 change nothing."""
    if (slope, bias) == (1.0, 0.0):
        return p
    p = min(max(p, _EDGE), 1 - _EDGE)
    logit = bias + slope * math.log(p / (1 - p))
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    # The other half written so that nothing overflows.
    return math.exp(max(logit, -700.0)) / (1 + math.exp(max(logit, -700.0)))


class MatchingSettings(TenantModel):
    """One tenant's thresholds, and the calibration that its own visitors' outcomes gave."""

    answer_threshold = models.FloatField(
        _("answer threshold"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0.5), MaxValueValidator(0.99)],
        help_text=_(
            "From this certainty on visitors get the answer at once. Higher: fewer wrong answers, "
            "more questions back and hand-offs. Between 0.5 and 0.99; empty: the product's default."
        ),
    )
    clarify_threshold = models.FloatField(
        _("clarify threshold"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0.05), MaxValueValidator(0.99)],
        help_text=_(
            "From this certainty on that one of three questions is meant, visitors choose from "
            "them. Below it a person takes over. Higher: fewer choices, more hand-offs. Between "
            "0.05 and 0.99; empty: the product's default."
        ),
    )
    synonyms = models.JSONField(
        _("synonyms"),
        default=list,
        blank=True,
        help_text=_(
            "Your visitors' words for what your entries call otherwise, one line each: "
            "fridge, cooler = refrigerator. They count from the next question on."
        ),
    )
    model_picks = models.BooleanField(
        _("let the language model choose"),
        default=False,
        help_text=_(
            "Where the assistant would offer a choice of questions, the language model may say "
            "which entry is meant. The answer stays the entry's own."
        ),
    )
    model_words = models.BooleanField(
        _("let the language model word answers"),
        default=False,
        help_text=_(
            "Answers are said in friendlier words. What says more, less or something else than the "
            "entry is thrown away, and the entry is sent word for word."
        ),
    )
    model_drafts = models.BooleanField(
        _("let the language model draft entries"),
        default=False,
        help_text=_(
            "What agents answered becomes drafts of new entries under Proposals, for people to "
            "accept."
        ),
    )
    embedder = models.CharField(
        _("second embedder"),
        max_length=80,
        blank=True,
        help_text=_(
            "Compares meanings beside the assistant's own encoder. It takes part once it has read "
            "the knowledge base and your own phrasings are found no worse with it. There is a "
            "choice once an embeddings service is registered under Subprocessors, or the operator "
            "has put a model on the server."
        ),
    )
    # The one that takes part: {"name", "id", "share", "release": the release it has read}.
    embedder_used = models.JSONField(default=dict, editable=False)
    # How the latest preparation stands or ended: see services.embedding.
    embedder_report = models.JSONField(default=dict, editable=False)
    slope = models.FloatField(
        _("slope of the calibration"),
        default=1.0,
        help_text=_(
            "How strongly the assistant's certainty counts for your visitors. 1: as it comes; "
            "higher: what is likely counts for more and what is unlikely for less."
        ),
    )
    bias = models.FloatField(
        _("shift of the calibration"),
        default=0.0,
        help_text=_(
            "Whether the assistant is too timid or too bold for your visitors. 0: neither; above "
            "0 it answers more often, below 0 less often."
        ),
    )
    outcomes = models.PositiveIntegerField(
        _("outcomes learned from"),
        default=0,
        help_text=_(
            "How many judged answers the calibration comes from. It is made again by itself."
        ),
    )
    calibrated_at = models.DateTimeField(_("calibrated at"), null=True, editable=False)
    updated_at = models.DateTimeField(_("changed at"), auto_now=True)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("changed by"),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("matching settings")
        verbose_name_plural = _("matching settings")
        constraints = [
            models.UniqueConstraint(fields=("tenant",), name="matchingsettings_one_per_tenant"),
            models.CheckConstraint(
                condition=models.Q(slope__gt=0), name="matchingsettings_slope_rises"
            ),
        ]

    def __str__(self) -> str:
        return str(_("matching settings"))

    def adjusted(self, p: float) -> float:
        """Return the probability as this tenant's calibration reads it."""
        return adjusted(p, slope=self.slope, bias=self.bias)
