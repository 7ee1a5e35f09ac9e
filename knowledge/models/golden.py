"""Questions whose right outcome people know: what a change of the knowledge base may not break."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from knowledge.models.entry import QUESTION_LENGTH, Entry
from tenants.scoping import TenantModel


class GoldenState(models.TextChoices):
    """How a golden question fared when it was last tried."""

    UNTRIED = "", _("Not tried yet")
    RIGHT = "right", _("Right")
    WRONG = "wrong", _("Wrong")
    UNWANTED = "unwanted", _("Answered, though people should")


class GoldenQuestion(TenantModel):
    """A visitor's words with the entry that answers them; without one they belong to people (R43).

    `state` is how they fare with the entries as editors have them, `heard_state` with what
    visitors hear, both when they were last tried.
    """

    text = models.CharField(_("visitor's words"), max_length=QUESTION_LENGTH)
    entry = models.ForeignKey(
        Entry,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="golden_questions",
        verbose_name=_("entry"),
        help_text=_(
            "The entry that answers this. Empty: people must handle it, no answer may come."
        ),
    )
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=GoldenState,
        default=GoldenState.UNTRIED,
        editable=False,
        blank=True,
    )
    heard_state = models.CharField(
        max_length=10, choices=GoldenState, default=GoldenState.UNTRIED, editable=False, blank=True
    )
    found = models.CharField(_("found"), max_length=QUESTION_LENGTH, blank=True, editable=False)
    tried_at = models.DateTimeField(_("tried at"), null=True, editable=False)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("changed by"),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("golden question")
        verbose_name_plural = _("golden questions")
        # What is wrong first.
        ordering = ("-state", "text")
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "text"),
                name="golden_question_once",
                violation_error_message=_("This question is among the golden ones already."),
            )
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def is_worse(self) -> bool:
        """Whether visitors would fare worse with the entries as editors have them."""
        return self.state != GoldenState.RIGHT and self.heard_state == GoldenState.RIGHT
