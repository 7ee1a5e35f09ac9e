"""What was said, and why the assistant said it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.contact import Contact
from conversations.models.conversation import Conversation, Inquiry
from conversations.states import HandoffReason
from knowledge.models import EntryVersion, Release
from tenants.models import Membership
from tenants.scoping import TenantModel

TEXT_LENGTH = 4000


class AuthorKind(models.TextChoices):
    """Who speaks."""

    CUSTOMER = "customer", _("Visitor")
    BOT = "bot", _("Assistant")
    AGENT = "agent", _("Agent")
    SYSTEM = "system", _("System")


class MessageKind(models.TextChoices):
    """What a message is for."""

    TEXT = "text", _("Text")
    ANSWER = "answer", _("Answer")
    CLARIFY = "clarify", _("Choice of questions")
    SMALLTALK = "smalltalk", _("Small talk")
    CONFIRMATION = "confirmation", _("Confirmation of receipt")
    NOTICE = "notice", _("Notice")
    SURVEY = "survey", _("Survey")


class Feedback(models.TextChoices):
    """A visitor's judgement of one answer."""

    HELPFUL = "helpful", _("Helpful")
    UNHELPFUL = "unhelpful", _("Not helpful")


class FeedbackReason(models.TextChoices):
    """What was wrong with an answer that was of no help."""

    WRONG = "wrong", _("Wrong")
    OUTDATED = "outdated", _("Outdated")
    OFF_QUESTION = "off_question", _("Not what was asked")
    UNCLEAR = "unclear", _("Unclear")


class Message(TenantModel):
    """One utterance that the visitor can see; `seq` counts them without a gap."""

    conversation = models.ForeignKey(
        Conversation,
        on_delete=models.CASCADE,
        related_name="messages",
        verbose_name=_("conversation"),
    )
    inquiry = models.ForeignKey(
        Inquiry, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("inquiry")
    )
    seq = models.PositiveIntegerField(_("number"))
    author_kind = models.CharField(_("author"), max_length=10, choices=AuthorKind)
    kind = models.CharField(_("kind"), max_length=12, choices=MessageKind, default=MessageKind.TEXT)
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, null=True, related_name="+")
    agent = models.ForeignKey(
        Membership,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("agent"),
    )
    # Who speaks where an agent of the client's own system does.
    author_name = models.CharField(_("author's name"), max_length=60, blank=True)
    client_msg_id = models.CharField(max_length=64, null=True)  # noqa: DJ001 -- NULL is never a duplicate
    text = models.TextField(_("text"), max_length=TEXT_LENGTH)
    # What stands for its attachments where only words count; empty where it has none.
    stand_in = models.CharField(max_length=120, blank=True, editable=False)
    quote = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("quotes")
    )
    buttons = models.JSONField(_("buttons"), default=list)
    context = models.JSONField(_("context"), default=dict)
    entry_version = models.ForeignKey(
        EntryVersion,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("entry version"),
    )
    # Said in other words than its entry's, which were found to say the same (R89).
    is_worded = models.BooleanField(_("in the language model's words"), default=False)
    feedback = models.CharField(_("feedback"), max_length=10, choices=Feedback, blank=True)
    feedback_reason = models.CharField(
        _("what was wrong"), max_length=12, choices=FeedbackReason, blank=True
    )
    feedback_comment = models.CharField(_("comment"), max_length=500, blank=True)
    # Of the visitor's messages: when the edge received it; of others: when it was decided.
    received_at = models.DateTimeField(_("received at"))
    created_at = models.DateTimeField(_("created at"))
    # The agent took it back: the text stays here and is shown to nobody in the conversation.
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ("conversation", "seq")
        constraints = [
            models.UniqueConstraint(
                fields=("conversation", "seq"), name="message_seq_once_per_conversation"
            ),
            models.UniqueConstraint(
                fields=("contact", "client_msg_id"), name="message_once_per_contact_client_id"
            ),
            models.UniqueConstraint(
                fields=("agent", "client_msg_id"), name="message_once_per_agent_client_id"
            ),
            models.UniqueConstraint(
                fields=("conversation", "client_msg_id"),
                condition=models.Q(author_kind="agent", agent__isnull=True),
                name="message_once_per_id_elsewhere",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="answer") | models.Q(entry_version__isnull=False),
                name="message_answer_has_source",
            ),
        ]
        indexes = [
            # What is compared with its source, in the order of time.
            models.Index(
                fields=("tenant", "id"),
                condition=models.Q(entry_version__isnull=False),
                name="message_with_source",
            ),
            # Whoever was away asks for those they still show.
            models.Index(
                fields=("conversation", "seq"),
                condition=models.Q(withdrawn_at__isnull=False),
                name="message_withdrawn",
            ),
            # The search over history reads the tenant's latest first, and no further than asked.
            models.Index(fields=("tenant", "-created_at"), name="message_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.get_author_kind_display()}"

    @property
    def words(self) -> str:
        """The text and what stands for the attachments: all that can be told in words."""
        return f"{self.text} {self.stand_in}".strip()


class Note(TenantModel):
    """One private remark among colleagues; the visitor never sees it."""

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="notes", verbose_name=_("conversation")
    )
    number = models.PositiveIntegerField(_("number"))
    after_seq = models.PositiveIntegerField(_("after message"))
    author = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="+", verbose_name=_("author")
    )
    client_msg_id = models.CharField(max_length=64)
    text = models.TextField(_("text"), max_length=TEXT_LENGTH)
    created_at = models.DateTimeField(_("created at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering = ("conversation", "number")
        constraints = [
            models.UniqueConstraint(fields=("conversation", "number"), name="note_number_once"),
            models.UniqueConstraint(fields=("author", "client_msg_id"), name="note_once"),
        ]
        indexes = [models.Index(fields=("tenant", "-created_at"), name="note_by_time")]

    def __str__(self) -> str:
        return f"{self.number}"


class DecisionOutcome(models.TextChoices):
    """What the assistant did about a question."""

    ANSWERED = "answered", _("Answered")
    CLARIFY = "clarify", _("Offered a choice")
    HANDOFF = "handoff", _("Handed to people")
    SMALLTALK = "smalltalk", _("Small talk")


class BotDecision(TenantModel):
    """The one decision about one question, with everything it was made from (R21)."""

    conversation = models.ForeignKey(
        Conversation,
        on_delete=models.CASCADE,
        related_name="decisions",
        verbose_name=_("conversation"),
    )
    inquiry = models.ForeignKey(
        Inquiry, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("inquiry")
    )
    question = models.OneToOneField(
        Message, on_delete=models.CASCADE, related_name="decision", verbose_name=_("question")
    )
    outcome = models.CharField(_("outcome"), max_length=10, choices=DecisionOutcome)
    rule = models.CharField(_("rule"), max_length=40)
    reason = models.CharField(_("reason"), max_length=12, choices=HandoffReason, blank=True)
    candidates = models.JSONField(_("candidates"), default=list)
    answer_threshold = models.FloatField(_("answer threshold"), null=True)
    clarify_threshold = models.FloatField(_("clarify threshold"), null=True)
    # The likelier topics of the question: code -> probability; empty where a rule decided before.
    topics = models.JSONField(_("sounds like"), default=dict)
    in_scope = models.FloatField(_("probability that an entry fits"), null=True)
    release = models.ForeignKey(
        Release, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("release")
    )
    # What a language model was asked, and how that went; empty where none was.
    advice = models.JSONField(_("advice of the language model"), default=dict)
    latency_ms = models.PositiveIntegerField(_("latency in ms"))
    decided_at = models.DateTimeField(_("decided at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ("-decided_at",)
        indexes = [models.Index(fields=("tenant", "-decided_at"), name="decision_by_time")]

    def __str__(self) -> str:
        return self.get_outcome_display()
