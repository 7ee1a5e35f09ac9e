"""A tenant's own words about what only people may handle."""

import unicodedata

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.scoping import TenantModel

PHRASE_LENGTH = 60
_FEWEST_LETTERS = 2


def validate_phrase(value: str) -> None:
    """Raise ValidationError unless the phrase has two letters, characters or digits at least.

    A single one would stand in nearly every message.
    """
    plain = unicodedata.normalize("NFKC", value)
    if sum(sign.isalnum() for sign in plain) < _FEWEST_LETTERS:
        raise ValidationError(_("Write two letters or characters at least."), code="too_short")


class PhraseKind(models.TextChoices):
    """What a phrase does."""

    TRIGGER = "trigger", _("Trigger")
    EXCEPTION = "exception", _("Exception")


class PhraseTopic(models.TextChoices):
    """What a message with a trigger is about, and so why it goes to people."""

    COMPLAINT = "complaint", _("Major complaint")
    LEGAL = "legal", _("Legal dispute")
    PRIVACY = "privacy", _("Privacy or trade secret")
    FAULT = "fault", _("Technical fault to be examined")
    OFFTOPIC = "offtopic", _("Not our business")


class TopicPhrase(TenantModel):
    """One phrase that sends every message holding it to people, or one that alarms nobody."""

    kind = models.CharField(
        _("kind"),
        max_length=10,
        choices=PhraseKind,
        default=PhraseKind.TRIGGER,
        help_text=_(
            "A trigger sends every message that contains it to people, whatever the knowledge base "
            "holds. An exception keeps a phrase from alarming: its words are disregarded, and "
            "likelihood sends no message that contains it to people as a complaint, a legal "
            "dispute or a matter of privacy."
        ),
    )
    topic = models.CharField(
        _("topic"),
        max_length=10,
        choices=PhraseTopic,
        blank=True,
        help_text=_(
            "Of a trigger: the reason people read with the hand-off. Exceptions have none."
        ),
    )
    phrase = models.CharField(
        _("phrase"),
        max_length=PHRASE_LENGTH,
        validators=[validate_phrase],
        help_text=_(
            "Found anywhere in a message. Upper or lower case and full or half width do not matter."
        ),
    )
    note = models.CharField(
        _("note"),
        max_length=200,
        blank=True,
        help_text=_("Why it stands here, for colleagues."),
    )
    is_active = models.BooleanField(
        _("in use"),
        default=True,
        help_text=_("Counts from the next message on; switched off, it is kept without effect."),
    )
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
        verbose_name = _("sensitive phrase")
        verbose_name_plural = _("sensitive phrases")
        ordering = ("kind", "topic", "phrase")
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "kind", "phrase"),
                name="topic_phrase_once_per_kind",
                violation_error_message=_("This phrase stands in the list already."),
            ),
            models.CheckConstraint(
                condition=models.Q(kind="exception", topic="")
                | models.Q(kind="trigger") & ~models.Q(topic=""),
                name="topic_phrase_trigger_has_topic",
                violation_error_message=_("A trigger needs a topic, an exception has none."),
            ),
        ]

    def __str__(self) -> str:
        return self.phrase

    def clean(self) -> None:
        self.phrase = self.phrase.strip()
        if self.kind == PhraseKind.EXCEPTION:
            self.topic = ""
        elif not self.topic:
            raise ValidationError({"topic": _("Choose what the trigger is about.")})
