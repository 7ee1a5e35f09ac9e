"""Colleagues who were called to look at a note."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Conversation
from conversations.models.message import Note
from tenants.models import Membership
from tenants.scoping import TenantModel


class Mention(TenantModel):
    """One colleague's name in one note, and when they saw it."""

    note = models.ForeignKey(
        Note, on_delete=models.CASCADE, related_name="mentions", verbose_name=_("note")
    )
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="+", verbose_name=_("conversation")
    )
    member = models.ForeignKey(
        Membership, on_delete=models.CASCADE, related_name="mentions", verbose_name=_("member")
    )
    created_at = models.DateTimeField(_("created at"))
    read_at = models.DateTimeField(_("read at"), null=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("mention")
        verbose_name_plural = _("mentions")
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(fields=("note", "member"), name="mention_once_per_note")
        ]
        indexes = [
            models.Index(fields=("member", "-created_at"), name="mention_by_member"),
            models.Index(
                fields=("member",),
                condition=models.Q(read_at__isnull=True),
                name="mention_unread",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member_id}"
