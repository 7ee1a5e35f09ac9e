"""What happened in conversations, as rules and webhooks are told of it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Conversation
from conversations.models.message import Message
from conversations.models.survey import Rating
from tenants.scoping import TenantModel


class EventKind(models.TextChoices):
    """What rules may begin with, and what receivers of webhooks hear of."""

    OPENED = "conversation.opened", _("Conversation opened")
    MESSAGE = "message.received", _("Message of a visitor received")
    HANDED_OFF = "conversation.handed_off", _("Conversation handed to people")
    WAITING = "conversation.waiting", _("Visitor waits longer than …")
    TAKEN = "conversation.taken", _("Conversation taken by an agent")
    CLOSED = "conversation.closed", _("Conversation closed")
    RATED = "survey.rated", _("Survey answered by a visitor")
    RATED_LOW = "answer.rated_low", _("Answer found not helpful")


class EventCursor(TenantModel):
    """How far the tenant's ledger was read for events; there is one once somebody wants them."""

    position = models.PositiveBigIntegerField(_("position"))

    class Meta(TenantModel.Meta):
        verbose_name = _("event cursor")
        verbose_name_plural = _("event cursors")
        constraints = [
            models.UniqueConstraint(fields=("tenant",), name="eventcursor_one_per_tenant")
        ]

    def __str__(self) -> str:
        return str(self.position)


class ServiceEvent(TenantModel):
    """One thing that happened, once, on its way to rules and webhooks."""

    # What it was made of: a row of the ledger, or one wait under one rule.
    key = models.CharField(max_length=120, editable=False)
    kind = models.CharField(_("event"), max_length=24, choices=EventKind)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="+", verbose_name=_("conversation")
    )
    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, null=True, related_name="+", verbose_name=_("message")
    )
    rating = models.ForeignKey(
        Rating, on_delete=models.CASCADE, null=True, related_name="+", verbose_name=_("rating")
    )
    # A wait is long by the measure of one rule, and an event for that one alone.
    rule = models.ForeignKey(
        "conversations.Rule", on_delete=models.CASCADE, null=True, related_name="+"
    )
    # 0: done by people or by the assistant; each action of a rule makes events one level higher.
    level = models.PositiveSmallIntegerField(default=0, editable=False)
    at = models.DateTimeField(_("at"))
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    done_at = models.DateTimeField(null=True, editable=False)

    class Meta(TenantModel.Meta):
        verbose_name = _("service event")
        verbose_name_plural = _("service events")
        ordering = ("at",)
        constraints = [
            models.UniqueConstraint(fields=("tenant", "key"), name="serviceevent_once"),
        ]
        indexes = [
            models.Index(
                fields=("at",),
                condition=models.Q(done_at__isnull=True),
                name="serviceevent_undone",
            ),
            models.Index(fields=("tenant", "at"), name="serviceevent_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d %H:%M}"
