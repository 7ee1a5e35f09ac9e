"""What a tenant wants done by itself: when something happens, under conditions, do this."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.channel import Channel
from conversations.models.conversation import Conversation
from conversations.models.group import AgentGroup
from conversations.models.profile import Tag
from conversations.models.service_event import EventKind, ServiceEvent
from conversations.models.webhook import WebhookEndpoint
from conversations.states import HandoffReason
from tenants.models import Membership
from tenants.scoping import TenantModel


class Rule(TenantModel):
    """One rule: an event, conditions that must all hold, and actions taken in their order."""

    name = models.CharField(_("name"), max_length=80)
    is_active = models.BooleanField(_("in use"), default=True)
    event = models.CharField(_("event"), max_length=24, choices=EventKind)
    waiting_seconds = models.PositiveIntegerField(
        _("waits longer than (seconds)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(5), MaxValueValidator(86_400)],
        help_text=_("For the event “Visitor waits longer than …” only."),
    )
    position = models.PositiveIntegerField(
        _("order"), default=10, help_text=_("Rules of one event are tried in rising order.")
    )
    stops = models.BooleanField(
        _("stop after this rule"),
        default=False,
        help_text=_("Where it applies, the rules after it are not tried."),
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
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        ordering = ("event", "position", "name")
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "name"),
                name="rule_name_once",
                violation_error_message=_("A rule with this name exists already."),
            ),
            models.CheckConstraint(
                condition=~models.Q(event=EventKind.WAITING)
                | models.Q(waiting_seconds__isnull=False),
                name="rule_of_waiting_has_seconds",
                violation_error_message=_("Say how many seconds the visitor waits."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ConditionField(models.TextChoices):
    """What a condition looks at."""

    CHANNEL = "channel", _("Channel")
    LANGUAGE = "language", _("Language of the visitor")
    REASON = "reason", _("Hand-off reason")
    WORDS = "words", _("Words of the visitor")
    VERIFIED = "verified", _("Visitor vouched for by your system")
    HOURS = "hours", _("Time of day")
    WEEKDAY = "weekday", _("Day of the week")
    PAGE = "page", _("Page address")
    TAG = "tag", _("Tag of the visitor")
    SCORE = "score", _("Rating in the survey")


class ConditionOperator(models.TextChoices):
    """How it is looked at."""

    IS = "is", _("is / contains")
    IS_NOT = "is_not", _("is not / does not contain")


# The choices of a condition, under the field each belongs to.
CONDITION_CHOICES = (
    (
        ConditionField.LANGUAGE.label,
        (("language:zh-CN", _("Chinese")), ("language:en", _("English"))),
    ),
    (
        ConditionField.REASON.label,
        tuple((f"reason:{reason.value}", reason.label) for reason in HandoffReason),
    ),
    (ConditionField.VERIFIED.label, (("verified:yes", _("Yes")), ("verified:no", _("No")))),
    (
        ConditionField.SCORE.label,
        (
            ("score:low", _("Dissatisfied or worse")),
            ("score:fair", _("Fair")),
            ("score:high", _("Satisfied or better")),
        ),
    ),
    (
        ConditionField.WEEKDAY.label,
        (
            ("weekday:0", _("Monday")),
            ("weekday:1", _("Tuesday")),
            ("weekday:2", _("Wednesday")),
            ("weekday:3", _("Thursday")),
            ("weekday:4", _("Friday")),
            ("weekday:5", _("Saturday")),
            ("weekday:6", _("Sunday")),
        ),
    ),
)


class RuleCondition(TenantModel):
    """One thing that must hold for a rule to apply."""

    rule = models.ForeignKey(
        Rule, on_delete=models.CASCADE, related_name="conditions", verbose_name=_("rule")
    )
    field = models.CharField(_("field"), max_length=10, choices=ConditionField)
    operator = models.CharField(
        _("operator"), max_length=8, choices=ConditionOperator, default=ConditionOperator.IS
    )
    channel = models.ForeignKey(
        Channel,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("channel"),
    )
    tag = models.ForeignKey(
        Tag,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("tag"),
    )
    choice = models.CharField(_("choice"), max_length=24, blank=True, choices=CONDITION_CHOICES)
    value = models.CharField(
        _("words, hours or page"),
        max_length=500,
        blank=True,
        help_text=_(
            "Words: any of them, parted by commas. Time of day: 18:00-09:00. Page address: "
            "/cart*, where * stands for anything."
        ),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("condition")
        verbose_name_plural = _("conditions")
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.get_field_display()} {self.get_operator_display()}"


class ActionKind(models.TextChoices):
    """What a rule may do."""

    ASSIGN = "assign", _("Assign to an agent")
    NOTE = "note", _("Leave a note")
    NOTIFY = "notify", _("Notify people")
    WEBHOOK = "webhook", _("Call a webhook")
    REPLY = "reply", _("Send a prepared reply")
    CLOSE = "close", _("Close the conversation")
    TAG = "tag", _("Add a tag")
    GROUP = "group", _("Send to a group")


class Audience(models.TextChoices):
    """Whom a notice is for."""

    EVERYONE = "everyone", _("Everybody at the console")
    SUPERVISORS = "supervisors", _("Supervisors")
    MEMBER = "member", _("The member chosen here")


class RuleAction(TenantModel):
    """One thing that a rule does."""

    rule = models.ForeignKey(
        Rule, on_delete=models.CASCADE, related_name="actions", verbose_name=_("rule")
    )
    position = models.PositiveIntegerField(_("order"), default=10)
    kind = models.CharField(_("action"), max_length=10, choices=ActionKind)
    member = models.ForeignKey(
        Membership,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("member"),
        help_text=_("Who gets it, in whose name the note stands, or who is notified."),
    )
    audience = models.CharField(_("whom to notify"), max_length=12, choices=Audience, blank=True)
    by_mail = models.BooleanField(_("by e-mail, too"), default=False)
    endpoint = models.ForeignKey(
        WebhookEndpoint,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("webhook"),
    )
    tag = models.ForeignKey(
        Tag,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("tag"),
        help_text=_("Never given to visitors who opted out of profiling."),
    )
    group = models.ForeignKey(
        AgentGroup,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("agent group"),
        help_text=_("Where a conversation that waits for an agent goes."),
    )
    text = models.CharField(
        _("text"),
        max_length=1000,
        blank=True,
        help_text=_(
            "Of the note, the notice or the reply. {visitor}, {channel}, {brand} and {agent} are "
            "filled in."
        ),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("action")
        verbose_name_plural = _("actions")
        ordering = ("position", "id")

    def __str__(self) -> str:
        return self.get_kind_display()


class RuleRun(TenantModel):
    """One rule tried on one event: whether it applied, why, and what came of its actions."""

    rule = models.ForeignKey(
        Rule, on_delete=models.CASCADE, related_name="runs", verbose_name=_("rule")
    )
    event = models.ForeignKey(
        ServiceEvent, on_delete=models.CASCADE, related_name="runs", verbose_name=_("event")
    )
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="+", verbose_name=_("conversation")
    )
    matched = models.BooleanField(_("applied"))
    # Of each condition looked at: {"field", "operator", "wanted", "held"}.
    checks = models.JSONField(_("conditions"), default=list)
    # Of each action: {"kind", "went": "done" or an error's code}.
    outcomes = models.JSONField(_("actions"), default=list)
    at = models.DateTimeField(_("at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("rule run")
        verbose_name_plural = _("rule runs")
        ordering = ("-at",)
        constraints = [
            models.UniqueConstraint(fields=("rule", "event"), name="rulerun_once_per_event")
        ]
        indexes = [models.Index(fields=("tenant", "-at"), name="rulerun_by_time")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}"
