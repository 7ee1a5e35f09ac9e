"""How long silence may last, and what was done about it."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Conversation
from tenants.scoping import TenantModel


def _span(least: int, most: int) -> list[MinValueValidator | MaxValueValidator]:
    return [MinValueValidator(least), MaxValueValidator(most)]


class ServiceTimes(TenantModel):
    """One tenant's times: after which silence visitors and agents are reminded, and all ends."""

    visitor_reminder_minutes = models.PositiveIntegerField(
        _("remind a silent visitor after (minutes)"),
        null=True,
        blank=True,
        validators=_span(1, 1440),
        help_text=_("Counted from the agent's last words. Empty: never."),
    )
    visitor_words_zh = models.CharField(
        _("reminder in Chinese"),
        max_length=300,
        blank=True,
        help_text=_("Empty: the product's words."),
    )
    visitor_words_en = models.CharField(
        _("reminder in English"),
        max_length=300,
        blank=True,
        help_text=_("Empty: the product's words."),
    )
    agent_reminder_seconds = models.PositiveIntegerField(
        _("remind a silent agent after (seconds)"),
        null=True,
        blank=True,
        validators=_span(10, 86_400),
        help_text=_(
            "Counted from the visitor's first unanswered words, or from taking. Empty: never."
        ),
    )
    agent_escalation_seconds = models.PositiveIntegerField(
        _("tell supervisors after (seconds)"),
        null=True,
        blank=True,
        validators=_span(10, 86_400),
        help_text=_("Counted from the same moment. Empty: never."),
    )
    idle_close_minutes = models.PositiveIntegerField(
        _("close when the visitor is silent for (minutes)"),
        null=True,
        blank=True,
        validators=_span(2, 10_080),
        help_text=_("While an agent has the conversation. Empty: never."),
    )
    idle_warning_minutes = models.PositiveIntegerField(
        _("say so before (minutes)"),
        default=5,
        validators=_span(1, 1440),
        help_text=_("So long before it is closed, the visitor is told."),
    )
    bot_close_hours = models.PositiveIntegerField(
        _("close with the assistant after (hours)"),
        null=True,
        blank=True,
        validators=_span(1, 720),
        help_text=_("When nobody has written for so long. Empty: never."),
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
        verbose_name = _("service times")
        verbose_name_plural = _("service times")
        constraints = [
            models.UniqueConstraint(fields=("tenant",), name="servicetimes_one_per_tenant"),
            models.CheckConstraint(
                condition=models.Q(idle_close_minutes__isnull=True)
                | models.Q(idle_warning_minutes__lt=models.F("idle_close_minutes")),
                name="servicetimes_warning_before_close",
                violation_error_message=_(
                    "The warning comes before the end: choose fewer minutes."
                ),
            ),
        ]

    def __str__(self) -> str:
        return str(_("service times"))


class SilenceStepKind(models.TextChoices):
    """What is done about a silence, each at most once."""

    VISITOR_REMINDED = "reminded", _("Visitor reminded")
    VISITOR_WARNED = "warned", _("Visitor told of the end")
    AGENT_REMINDED = "agent", _("Agent reminded")
    AGENT_ESCALATED = "escalated", _("Supervisors told")


class SilenceStep(TenantModel):
    """One thing done about one silence of a conversation."""

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="+", verbose_name=_("conversation")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=SilenceStepKind)
    # The instant at which that silence began, which tells it from the next one.
    since = models.DateTimeField(_("silent since"))
    at = models.DateTimeField(_("at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("silence step")
        verbose_name_plural = _("silence steps")
        constraints = [
            models.UniqueConstraint(
                fields=("conversation", "kind", "since"), name="silencestep_once_per_silence"
            )
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
