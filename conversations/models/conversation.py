"""Dealings with visitors: conversations, their inquiries, and hand-offs to people."""

from datetime import datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.channel import Channel
from conversations.models.contact import Contact
from conversations.states import ConversationStatus, HandoffReason
from tenants.models import Membership
from tenants.scoping import TenantModel
from tenants.terms import INQUIRY_IDLE


class Conversation(TenantModel):
    """One dealing with a contact, from first word to close."""

    channel = models.ForeignKey(
        Channel, on_delete=models.PROTECT, related_name="+", verbose_name=_("channel")
    )
    contact = models.ForeignKey(
        Contact, on_delete=models.PROTECT, related_name="conversations", verbose_name=_("contact")
    )
    status = models.CharField(
        _("status"), max_length=14, choices=ConversationStatus, default=ConversationStatus.BOT
    )
    # Rises with every change of hands; what was decided under an older epoch is not said.
    epoch = models.PositiveIntegerField(default=0, editable=False)
    agent = models.ForeignKey(
        Membership,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("agent"),
    )
    closed_by_contact = models.BooleanField(_("ended by the visitor"), default=False)
    inquiry = models.ForeignKey(
        "conversations.Inquiry",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("latest inquiry"),
    )
    last_seq = models.PositiveIntegerField(_("messages"), default=0)
    last_note = models.PositiveIntegerField(default=0, editable=False)
    last_text = models.CharField(_("last message"), max_length=120, blank=True)
    last_author = models.CharField(max_length=10, blank=True, editable=False)
    contact_read_seq = models.PositiveIntegerField(default=0, editable=False)
    agent_read_seq = models.PositiveIntegerField(default=0, editable=False)
    failed_turns = models.PositiveSmallIntegerField(default=0, editable=False)
    # The visitor's message the assistant still owes a decision, and since when.
    undecided_seq = models.PositiveIntegerField(null=True, editable=False)
    undecided_since = models.DateTimeField(null=True, editable=False)
    waiting_since = models.DateTimeField(_("waiting since"), null=True)
    handoff_reason = models.CharField(
        _("hand-off reason"), max_length=12, choices=HandoffReason, blank=True
    )
    is_demo = models.BooleanField(_("demonstration"), default=False, editable=False)
    created_at = models.DateTimeField(_("created at"))
    last_at = models.DateTimeField(_("last activity"))
    closed_at = models.DateTimeField(_("closed at"), null=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        ordering = ("-last_at",)
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(status="human") | models.Q(agent__isnull=False),
                name="conversation_human_has_agent",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="waiting_human") | models.Q(waiting_since__isnull=False),
                name="conversation_waiting_since",
            ),
        ]
        indexes = [
            models.Index(fields=("tenant", "-last_at"), name="conversation_by_activity"),
            models.Index(fields=("contact", "-created_at"), name="conversation_by_contact"),
            # The console's queue and "mine" lists.
            models.Index(
                fields=("tenant", "waiting_since"),
                condition=models.Q(status="waiting_human"),
                name="conversation_queue",
            ),
            models.Index(
                fields=("tenant", "agent"),
                condition=models.Q(status="human"),
                name="conversation_by_agent",
            ),
            # The sweeper's question each second: which visitor still waits for a decision?
            models.Index(
                fields=("undecided_since",),
                condition=models.Q(undecided_since__isnull=False),
                name="conversation_undecided",
            ),
        ]

    # What the columns held when a service locked the row, by name (services.messages).
    as_locked: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.contact_id} {self.created_at:%Y-%m-%d %H:%M}"


class Inquiry(TenantModel):
    """The unit of the first-reply clock, satisfaction and reports (contract §1)."""

    conversation = models.ForeignKey(
        Conversation,
        on_delete=models.CASCADE,
        related_name="inquiries",
        verbose_name=_("conversation"),
    )
    number = models.PositiveIntegerField(_("number"))
    opened_at = models.DateTimeField(_("opened at"))
    last_at = models.DateTimeField(_("last activity"))
    first_reply_at = models.DateTimeField(_("first reply at"), null=True)
    # When the visitor's device first tried to send, if it could not be accepted at once (R53).
    first_attempt_at = models.DateTimeField(_("first attempt at"), null=True)
    notice_version = models.PositiveIntegerField(_("privacy notice version"), null=True)
    closed_at = models.DateTimeField(_("closed at"), null=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("inquiry")
        verbose_name_plural = _("inquiries")
        ordering = ("-opened_at",)
        constraints = [
            models.UniqueConstraint(
                fields=("conversation", "number"), name="inquiry_number_per_conversation"
            )
        ]
        indexes = [
            models.Index(fields=("tenant", "-opened_at"), name="inquiry_by_opening"),
            models.Index(
                fields=("last_at",),
                condition=models.Q(closed_at__isnull=True),
                name="inquiry_open_idle",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}"

    def is_idle(self, at: datetime) -> bool:
        """Return whether the inquiry has ended by silence at the instant `at`."""
        return at - self.last_at >= INQUIRY_IDLE


class Handoff(TenantModel):
    """One passing from the assistant to people: asked for, delivered, taken, ended (R63-R69)."""

    conversation = models.ForeignKey(
        Conversation,
        on_delete=models.CASCADE,
        related_name="handoffs",
        verbose_name=_("conversation"),
    )
    inquiry = models.ForeignKey(
        Inquiry, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("inquiry")
    )
    trigger_seq = models.PositiveIntegerField(_("triggering message"))
    reason = models.CharField(_("reason"), max_length=12, choices=HandoffReason)
    note = models.CharField(_("note"), max_length=300, blank=True)
    triggered_at = models.DateTimeField(_("triggered at"))
    decided_at = models.DateTimeField(_("decided at"))
    delivered_at = models.DateTimeField(_("delivered at"))
    accepted_at = models.DateTimeField(_("taken at"), null=True)
    accepted_by = models.ForeignKey(
        Membership,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("taken by"),
    )
    ended_at = models.DateTimeField(_("ended at"), null=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("hand-off")
        verbose_name_plural = _("hand-offs")
        ordering = ("-decided_at",)
        constraints = [
            models.UniqueConstraint(
                fields=("conversation",),
                condition=models.Q(ended_at__isnull=True),
                name="handoff_one_open_per_conversation",
            )
        ]
        indexes = [models.Index(fields=("tenant", "-decided_at"), name="handoff_by_decision")]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} {self.decided_at:%Y-%m-%d %H:%M}"
