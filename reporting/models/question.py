"""Questions as the auto-answer rate counts them, and what people and machines call them."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models import Channel, DecisionOutcome
from knowledge.models import EntryVersion
from reporting.models.catalogue import CommonQuestionCatalogue
from tenants.models.ledger import AppendOnlyError, AppendOnlyManager
from tenants.scoping import TenantModel


class QuestionLabels(models.TextChoices):
    """What a question is; who labels it sees the question alone (R56)."""

    COMMON = "common", _("Common question")
    PRIVATE = "e1", _("E1 Trade secret or privacy")
    JUDGEMENT = "e2", _("E2 Professional judgement")
    FOREIGN = "e3", _("E3 Not the client's business")
    UNCOMMON = "uncommon", _("Business, not common")
    FLOW = "flow", _("Guided task")
    CHITCHAT = "chitchat", _("Small talk")
    UNCLEAR = "unclear", _("Not understandable")
    PERSON = "person", _("Wish for a person")


class QuestionStanding(models.TextChoices):
    """Where a question counts."""

    ANSWERED = "answered", _("Counted, answered")
    FAILED = "failed", _("Counted, not answered")
    DEFAULT = "default", _("Counted until it is reviewed")
    OUT = "out", _("Not counted")


class QuestionWhy(models.TextChoices):
    """Why a question counts as it does."""

    ANSWER = "answer", _("Answered from the knowledge base")
    NO_ANSWER = "no_answer", _("No answer was given")
    SILENT = "silent", _("The assistant said nothing")
    HANDED_OVER = "handed_over", _("Handed to people")
    WRONG = "wrong", _("The answer was found wrong")
    NOT_REVIEWED = "not_reviewed", _("Without an answer and not reviewed yet")
    LABEL = "label", _("Not a common question by its label")
    SAME_AGAIN = "same_again", _("The same text again within 10 minutes")
    TEST = "test", _("Test or demonstration")


class LabelSource(models.TextChoices):
    """Who gave a label."""

    MACHINE = "machine", _("Machine")
    PERSON = "person", _("Person")


class Question(TenantModel):
    """One question put to the assistant: a run of visitor messages, with its clarification.

    Made by the roll-up of its day and judged again whenever a label changes. Keys of what it is
    about are kept without foreign keys, as with promises: figures outlive the rows they count.
    """

    day = models.DateField(_("day"))
    asked_at = models.DateTimeField(_("asked at"))
    conversation_id = models.UUIDField(_("conversation"))
    inquiry_id = models.UUIDField(_("inquiry"), null=True)
    contact_id = models.UUIDField(_("contact"))
    # The message that ends its first run of words.
    message_id = models.UUIDField(_("message"))
    channel = models.ForeignKey(
        Channel, on_delete=models.PROTECT, related_name="+", verbose_name=_("channel")
    )
    first_seq = models.PositiveIntegerField(_("first message"))
    last_seq = models.PositiveIntegerField(_("last message"))
    # A fingerprint of the words, spelling and politeness aside.
    text_key = models.CharField(max_length=64, editable=False)
    outcome = models.CharField(_("outcome"), max_length=10, choices=DecisionOutcome, blank=True)
    version = models.ForeignKey(
        EntryVersion,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("answered with"),
    )
    demand = models.CharField(_("type of demand"), max_length=80, blank=True)
    is_handed_over = models.BooleanField(_("handed to people"), default=False)
    is_wrong = models.BooleanField(_("found wrong"), default=False)
    is_unsolved = models.BooleanField(_("not solved"), default=False)
    is_same_again = models.BooleanField(_("the same again"), default=False)
    is_test = models.BooleanField(_("test or demonstration"), default=False)
    label = models.CharField(_("label"), max_length=10, choices=QuestionLabels)
    machine_label = models.CharField(_("machine's label"), max_length=10, choices=QuestionLabels)
    catalogue = models.ForeignKey(
        CommonQuestionCatalogue,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("catalogue"),
    )
    is_reviewed = models.BooleanField(_("reviewed by a person"), default=False)
    is_disputed = models.BooleanField(_("disputed"), default=False)
    standing = models.CharField(_("counts as"), max_length=10, choices=QuestionStanding)
    why = models.CharField(_("because"), max_length=12, choices=QuestionWhy)

    class Meta(TenantModel.Meta):
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        ordering = ("-asked_at", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "conversation_id", "first_seq"), name="question_once"
            )
        ]
        indexes = [
            models.Index(fields=("tenant", "day", "standing"), name="question_by_day"),
            models.Index(fields=("tenant", "contact_id", "asked_at"), name="question_by_contact"),
        ]

    def __str__(self) -> str:
        return f"{self.asked_at:%Y-%m-%d %H:%M:%S}"


class QuestionLabel(TenantModel):
    """One label that a question got, from whom and when; the history of labels is never changed."""

    question = models.ForeignKey(
        Question, on_delete=models.PROTECT, related_name="labels", verbose_name=_("question")
    )
    label = models.CharField(_("label"), max_length=10, choices=QuestionLabels)
    previous = models.CharField(
        _("label before"), max_length=10, choices=QuestionLabels, blank=True
    )
    source = models.CharField(_("given by"), max_length=7, choices=LabelSource)
    is_disputed = models.BooleanField(_("disputed"), default=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("person"),
    )
    at = models.DateTimeField(_("at"))

    objects: ClassVar[AppendOnlyManager] = AppendOnlyManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("label of a question")
        verbose_name_plural = _("labels of questions")
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return self.get_label_display()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("labels are never changed; a new one is written")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("labels are never removed")
