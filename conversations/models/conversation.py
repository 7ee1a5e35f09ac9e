"""Dealings with visitors: conversations, their inquiries, and hand-offs to people."""

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.channel import Channel
from conversations.models.contact import Contact
from conversations.models.group import AgentGroup
from conversations.models.target import HandoffTarget
from conversations.states import CloseReason, ConversationStatus, HandoffReason, HandoffState
from tenants.models import Membership
from tenants.scoping import TenantModel


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
    # Up to where the visitor's device has really got what was said.
    contact_delivered_seq = models.PositiveIntegerField(default=0, editable=False)
    contact_read_seq = models.PositiveIntegerField(default=0, editable=False)
    agent_read_seq = models.PositiveIntegerField(default=0, editable=False)
    failed_turns = models.PositiveSmallIntegerField(default=0, editable=False)
    # The visitor's message the assistant still owes a decision, and since when.
    undecided_seq = models.PositiveIntegerField(null=True, editable=False)
    undecided_since = models.DateTimeField(null=True, editable=False)
    # Until when a process waits for a language model's advice about it; the sweeper waits as well.
    advice_until = models.DateTimeField(null=True, editable=False)
    waiting_since = models.DateTimeField(_("waiting since"), null=True)
    handoff_reason = models.CharField(
        _("hand-off reason"), max_length=12, choices=HandoffReason, blank=True
    )
    group = models.ForeignKey(
        AgentGroup,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("agent group"),
    )
    # Whom it rings at, until when, and who let it pass when, by the member's id.
    offered_to = models.ForeignKey(
        Membership,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("offered to"),
    )
    offered_until = models.DateTimeField(_("offered until"), null=True)
    passed_over = models.JSONField(default=dict, editable=False)
    # True while a system of the client's has it, or may still get it: no row of our own queue.
    held_elsewhere = models.BooleanField(_("in another system"), default=False, editable=False)
    # What agents are told of it: {"system", "state", "agent"}; empty where none was involved.
    elsewhere = models.JSONField(default=dict, editable=False)
    # Put aside by its agent until then, or until the visitor writes.
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True)
    is_demo = models.BooleanField(_("demonstration"), default=False, editable=False)
    is_probe = models.BooleanField(_("probe"), default=False, editable=False)
    created_at = models.DateTimeField(_("created at"))
    last_at = models.DateTimeField(_("last activity"))
    closed_at = models.DateTimeField(_("closed at"), null=True)
    close_reason = models.CharField(
        _("closed because"), max_length=10, choices=CloseReason, blank=True, editable=False
    )
    # While an agent has it: since when the visitor owes a word, and since when the agent does.
    visitor_silent_since = models.DateTimeField(null=True, editable=False)
    unanswered_since = models.DateTimeField(null=True, editable=False)

    class Meta(TenantModel.Meta):
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        ordering = ("-last_at",)
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(status="human")
                | models.Q(agent__isnull=False)
                | models.Q(held_elsewhere=True),
                name="conversation_human_has_agent",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="waiting_human") | models.Q(waiting_since__isnull=False),
                name="conversation_waiting_since",
            ),
            models.CheckConstraint(
                condition=models.Q(offered_to__isnull=True, offered_until__isnull=True)
                | models.Q(
                    status="waiting_human", offered_to__isnull=False, offered_until__isnull=False
                ),
                name="conversation_offer_while_waiting",
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
            models.Index(
                fields=("snoozed_until",),
                condition=models.Q(snoozed_until__isnull=False),
                name="conversation_snoozed",
            ),
            # The sweeper's question each second: which visitor still waits for a decision?
            models.Index(
                fields=("undecided_since",),
                condition=models.Q(undecided_since__isnull=False),
                name="conversation_undecided",
            ),
            # The sweepers of the service times.
            models.Index(
                fields=("tenant", "visitor_silent_since"),
                condition=models.Q(visitor_silent_since__isnull=False),
                name="conversation_visitor_silent",
            ),
            models.Index(
                fields=("tenant", "unanswered_since"),
                condition=models.Q(unanswered_since__isnull=False),
                name="conversation_unanswered",
            ),
            models.Index(
                fields=("tenant", "last_at"),
                condition=models.Q(status="bot"),
                name="conversation_bot_idle",
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

    def is_idle(self, at: datetime, after: timedelta) -> bool:
        """Return whether the inquiry has ended at the instant `at`, by silence for so long."""
        return at - self.last_at >= after


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
    # The client's system it goes to; none: our own console.
    target = models.ForeignKey(
        HandoffTarget,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("target"),
    )
    state = models.CharField(
        _("state"), max_length=16, choices=HandoffState, default=HandoffState.DELIVERED
    )
    # Until when it must have been delivered; null on rows from before there were targets.
    deadline_at = models.DateTimeField(_("to be delivered by"), null=True)
    delivered_at = models.DateTimeField(_("delivered at"), null=True)
    # The last message of the package; what the visitor writes later follows by itself.
    package_seq = models.PositiveIntegerField(default=0, editable=False)
    package_hash = models.CharField(_("SHA-256 of the package"), max_length=64, blank=True)
    fell_back_at = models.DateTimeField(_("passed to our console at"), null=True)
    fallback_cause = models.CharField(_("cause"), max_length=20, blank=True)
    # An acknowledgement that came after our console had it: stored, and taken back (R66).
    late_ack_at = models.DateTimeField(_("acknowledged too late at"), null=True)
    external_id = models.CharField(_("number there"), max_length=120, blank=True)
    external_url = models.CharField(_("link there"), max_length=400, blank=True)
    external_agent = models.CharField(_("agent there"), max_length=60, blank=True)
    # What an adapter of several steps has made there so far, by step.
    external_ids = models.JSONField(default=dict, editable=False)
    accepted_at = models.DateTimeField(_("taken at"), null=True)
    accepted_by = models.ForeignKey(
        Membership,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("taken by"),
    )
    ended_at = models.DateTimeField(_("ended at"), null=True)
    # When a language model read what the agent answered, to draft an entry of it.
    read_at = models.DateTimeField(null=True, editable=False)

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
        indexes = [
            models.Index(fields=("tenant", "-decided_at"), name="handoff_by_decision"),
            models.Index(fields=("target", "external_id"), name="handoff_by_external_id"),
            # The watchdog's question each second: what was not acknowledged in time?
            models.Index(
                fields=("deadline_at",),
                condition=models.Q(delivered_at__isnull=True),
                name="handoff_undelivered",
            ),
            models.Index(
                fields=("tenant", "ended_at"),
                condition=models.Q(read_at__isnull=True),
                name="handoff_unread",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} {self.decided_at:%Y-%m-%d %H:%M}"
