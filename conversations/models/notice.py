"""What people at the console are told by the system."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Conversation
from tenants.models import Membership
from tenants.scoping import TenantModel


class NoticeKind(models.TextChoices):
    """What a notice is about."""

    SILENT_AGENT = "silent_agent", _("Visitor without a reply")
    ESCALATION = "escalation", _("Agent silent for too long")
    RULE = "rule", _("Rule applied")


class Notice(TenantModel):
    """One notice about one conversation: to a member, to supervisors, or to everybody."""

    kind = models.CharField(_("kind"), max_length=12, choices=NoticeKind)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="+", verbose_name=_("conversation")
    )
    text = models.CharField(_("text"), max_length=1000, blank=True)
    member = models.ForeignKey(
        Membership, on_delete=models.CASCADE, null=True, related_name="+", verbose_name=_("member")
    )
    for_supervisors = models.BooleanField(_("for supervisors"), default=False)
    created_at = models.DateTimeField(_("created at"))
    # When its mail is due, or an attempt under way counts as lost; NULL where none is to be sent.
    mail_due_at = models.DateTimeField(null=True, editable=False)
    mail_attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    mailed_at = models.DateTimeField(_("mailed at"), null=True, editable=False)

    class Meta(TenantModel.Meta):
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ("-created_at",)
        indexes = [
            models.Index(fields=("tenant", "-created_at"), name="notice_by_time"),
            models.Index(
                fields=("mail_due_at",),
                condition=models.Q(mail_due_at__isnull=False),
                name="notice_mail_due",
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
