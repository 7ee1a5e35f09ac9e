"""What visitors said and nobody wrote down yet: words that may become a phrasing."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from knowledge.models.entry import ANSWER_LENGTH, QUESTION_LENGTH, Entry
from tenants.scoping import TenantModel


class ProposalSource(models.TextChoices):
    """How it became known which entry the words ask for, or that none is known."""

    BUTTON = "button", _("Chosen from a list")
    AGENT = "agent", _("Answered by an agent")
    THUMB = "thumb", _("Found helpful")
    UNANSWERED = "unanswered", _("Not answered")
    DRAFT = "draft", _("Drafted from a conversation")


class ProposalState(models.TextChoices):
    """What people decided about a proposal."""

    PENDING = "pending", _("To be decided")
    ACCEPTED = "accepted", _("Accepted")
    DISMISSED = "dismissed", _("Dismissed")


class Proposal(TenantModel):
    """Words of visitors that may become a phrasing of an entry, once somebody says so.

    Without an entry nobody knows yet which one they ask for. A draft is a new entry that a language
    model made of what an agent answered.
    """

    text = models.CharField(_("visitor's words"), max_length=QUESTION_LENGTH)
    text_key = models.CharField(max_length=40, editable=False)
    entry = models.ForeignKey(
        Entry,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="proposals",
        verbose_name=_("entry"),
    )
    # Of drafts: what the new entry may say, once people have read it.
    answer = models.TextField(_("drafted answer"), max_length=ANSWER_LENGTH, blank=True)
    source = models.CharField(_("source"), max_length=12, choices=ProposalSource)
    times = models.PositiveIntegerField(_("times asked"), default=1)
    p = models.FloatField(_("certainty"), null=True)
    message_id = models.UUIDField(null=True, editable=False)
    first_seen = models.DateTimeField(_("first asked at"))
    last_seen = models.DateTimeField(_("last asked at"))
    state = models.CharField(
        _("state"), max_length=12, choices=ProposalState, default=ProposalState.PENDING
    )
    decided_at = models.DateTimeField(_("decided at"), null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("decided by"),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("proposal")
        verbose_name_plural = _("proposals")
        ordering = ("-times", "-last_seen", "id")
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "text_key", "entry"),
                condition=models.Q(entry__isnull=False),
                name="proposal_once_per_entry",
            ),
            models.UniqueConstraint(
                fields=("tenant", "text_key"),
                condition=models.Q(entry__isnull=True),
                name="proposal_once_without_entry",
            ),
        ]
        indexes = [
            # The queue: what is to be decided, most often asked first.
            models.Index("tenant", "state", models.F("times").desc(), name="proposal_queue"),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def is_pending(self) -> bool:
        """Return whether nobody has decided yet."""
        return self.state == ProposalState.PENDING
