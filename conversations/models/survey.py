"""Surveys of satisfaction: on which terms, who was drawn, what they answered (R71-R77)."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Inquiry
from conversations.models.message import Message
from conversations.satisfaction import COMMENT_LENGTH, SCORES
from tenants.models import Membership
from tenants.scoping import TenantModel


class SurveyMethod(models.TextChoices):
    """How satisfaction is measured; what two methods find is never averaged."""

    SURVEY = "survey", _("Survey of visitors")
    SAMPLING = "sampling", _("Sampling by raters")
    BOTH = "both", _("Both, reported apart")


class SurveyPart(models.TextChoices):
    """Whose part of an inquiry an answer is about."""

    BOT = "bot", _("Assistant")
    HUMAN = "human", _("Human agent")


class Satisfaction(models.IntegerChoices):
    """The five labelled answers and what each is worth (Q6)."""

    VERY_SATISFIED = 100, _("Very satisfied")
    SATISFIED = 80, _("Satisfied")
    FAIR = 60, _("Fair")
    DISSATISFIED = 40, _("Dissatisfied")
    VERY_DISSATISFIED = 20, _("Very dissatisfied")


class Exclusion(models.TextChoices):
    """Why an answer is shown but does not count (R77)."""

    STAFF = "staff", _("Given by staff")
    TEST = "test", _("Test or demonstration")
    REPEATED = "repeated", _("Five or more of one visitor on a day")
    STRUCK = "struck", _("Struck out by correction")


class SurveyTerms(TenantModel):
    """One version of what is agreed about surveys; the latest holds from the next month on."""

    version = models.PositiveIntegerField(_("version"), editable=False)
    method = models.CharField(
        _("method"), max_length=8, choices=SurveyMethod, default=SurveyMethod.SURVEY
    )
    rate = models.DecimalField(
        _("share invited"),
        max_digits=4,
        decimal_places=3,
        default=1,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=_("From 0 to 1: 0.250 invites every fourth inquiry, drawn by lot."),
    )
    question_bot_zh = models.CharField(_("question about the assistant, Chinese"), max_length=120)
    question_bot_en = models.CharField(_("question about the assistant, English"), max_length=120)
    question_human_zh = models.CharField(_("question about the agent, Chinese"), max_length=120)
    question_human_en = models.CharField(_("question about the agent, English"), max_length=120)
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
        verbose_name = _("survey terms")
        verbose_name_plural = _("survey terms")
        ordering = ("-version",)
        constraints = [
            models.UniqueConstraint(fields=("tenant", "version"), name="survey_terms_version_once"),
            models.CheckConstraint(
                condition=models.Q(rate__gte=0, rate__lte=1), name="survey_terms_rate_is_share"
            ),
        ]

    def __str__(self) -> str:
        return f"v{self.version}"

    def question(self, part: str, *, english: bool) -> str:
        """Return the question about a part of the inquiry."""
        return str(getattr(self, f"question_{part}_{'en' if english else 'zh'}"))


class SurveyMonth(TenantModel):
    """One calendar month's lot: the seed made before its first draw, and the terms it is under."""

    month = models.DateField(_("month"))
    terms = models.ForeignKey(
        SurveyTerms, on_delete=models.PROTECT, related_name="+", verbose_name=_("terms")
    )
    rate = models.DecimalField(_("share invited"), max_digits=4, decimal_places=3)
    # Told once the month is over: whoever knows it could tell who will be asked.
    seed = models.CharField(_("seed"), max_length=64, editable=False)
    seed_sha256 = models.CharField(_("fingerprint of the seed"), max_length=64, editable=False)
    created_at = models.DateTimeField(_("created at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("survey month")
        verbose_name_plural = _("survey months")
        ordering = ("-month",)
        constraints = [
            models.UniqueConstraint(fields=("tenant", "month"), name="survey_month_once")
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class SurveyInvite(TenantModel):
    """The lot of one inquiry, drawn when it opened; asked when it ends, if it was invited."""

    inquiry = models.OneToOneField(
        Inquiry, on_delete=models.CASCADE, related_name="invite", verbose_name=_("inquiry")
    )
    month = models.ForeignKey(
        SurveyMonth, on_delete=models.PROTECT, related_name="+", verbose_name=_("month")
    )
    is_invited = models.BooleanField(_("invited"))
    drawn_at = models.DateTimeField(_("drawn at"))
    # What the inquiry was when it ended.
    ended_at = models.DateTimeField(_("ended at"), null=True)
    has_bot_part = models.BooleanField(_("answered by the assistant"), default=False)
    has_human_part = models.BooleanField(_("answered by an agent"), default=False)
    is_test = models.BooleanField(_("test or demonstration"), default=False)
    agent = models.ForeignKey(
        Membership,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("agent"),
    )
    # The card in the conversation, and the link, of which only the hash is kept.
    message = models.OneToOneField(
        Message, on_delete=models.SET_NULL, null=True, related_name="invite"
    )
    token_hash = models.CharField(max_length=64, unique=True, null=True)  # noqa: DJ001 -- NULL is never a duplicate
    sent_at = models.DateTimeField(_("sent at"), null=True)
    opens_at = models.DateTimeField(_("opens at"), null=True)
    expires_at = models.DateTimeField(_("open until"), null=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("survey invitation")
        verbose_name_plural = _("survey invitations")
        ordering = ("-drawn_at", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(sent_at__isnull=True)
                | models.Q(is_invited=True, opens_at__isnull=False, expires_at__isnull=False),
                name="survey_sent_to_invited_alone",
            )
        ]
        indexes = [models.Index(fields=("tenant", "ended_at"), name="survey_by_end")]

    def __str__(self) -> str:
        return f"{self.drawn_at:%Y-%m-%d %H:%M}"

    @property
    def parts(self) -> list[str]:
        """The parts of the inquiry that are asked about, in order."""
        having = {SurveyPart.BOT: self.has_bot_part, SurveyPart.HUMAN: self.has_human_part}
        return [part for part, there in having.items() if there]


class Rating(TenantModel):
    """What a visitor answered about one part of an inquiry, on the scale of five labels."""

    invite = models.ForeignKey(
        SurveyInvite,
        on_delete=models.CASCADE,
        related_name="ratings",
        verbose_name=_("survey invitation"),
    )
    part = models.CharField(_("part"), max_length=5, choices=SurveyPart)
    score = models.PositiveSmallIntegerField(_("score"), choices=Satisfaction)
    comment = models.CharField(_("comment"), max_length=COMMENT_LENGTH, blank=True)
    given_at = models.DateTimeField(_("given at"))
    changed_at = models.DateTimeField(_("changed at"), null=True)
    excluded_reason = models.CharField(
        _("does not count"), max_length=8, choices=Exclusion, blank=True
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("rating")
        verbose_name_plural = _("ratings")
        ordering = ("-given_at", "-pk")
        constraints = [
            models.UniqueConstraint(fields=("invite", "part"), name="rating_once_per_part"),
            models.CheckConstraint(
                condition=models.Q(score__in=SCORES), name="rating_score_on_the_scale"
            ),
        ]
        indexes = [models.Index(fields=("tenant", "-given_at"), name="rating_by_time")]

    def __str__(self) -> str:
        return f"{self.get_part_display()}: {self.get_score_display()}"


class RatingCorrection(TenantModel):
    """A wish to correct one rating, with its reason; done once somebody else agrees (R77)."""

    rating = models.ForeignKey(
        Rating, on_delete=models.CASCADE, related_name="corrections", verbose_name=_("rating")
    )
    old_score = models.PositiveSmallIntegerField(_("score before"), choices=Satisfaction)
    new_score = models.PositiveSmallIntegerField(
        _("score after"),
        choices=Satisfaction,
        null=True,
        blank=True,
        help_text=_("Empty: the rating is struck out and does not count any more."),
    )
    reason = models.CharField(_("reason"), max_length=300)
    proposed_at = models.DateTimeField(_("proposed at"))
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("proposed by"),
    )
    is_providers = models.BooleanField(_("proposed by the provider"))
    decided_at = models.DateTimeField(_("decided at"), null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    is_approved = models.BooleanField(_("approved"), default=False)

    class Meta(TenantModel.Meta):
        verbose_name = _("correction of a rating")
        verbose_name_plural = _("corrections of ratings")
        ordering = ("-proposed_at", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=("rating",),
                condition=models.Q(decided_at__isnull=True),
                name="correction_one_open_per_rating",
            ),
            models.CheckConstraint(
                condition=models.Q(is_approved=False)
                | models.Q(decided_by__isnull=False)
                & ~models.Q(decided_by=models.F("proposed_by")),
                name="correction_by_two_people",
            ),
            models.CheckConstraint(
                condition=models.Q(old_score__in=SCORES)
                & (models.Q(new_score__isnull=True) | models.Q(new_score__in=SCORES)),
                name="correction_scores_on_the_scale",
            ),
        ]

    def __str__(self) -> str:
        return str(self.rating)

    @property
    def is_open(self) -> bool:
        """Return whether nobody has decided about it yet."""
        return self.decided_at is None
