"""Pictures and files that people send with their messages."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.contact import Contact
from conversations.models.conversation import Conversation
from conversations.models.message import Message
from tenants.models import Membership
from tenants.scoping import TenantModel

NAME_LENGTH = 100


class Attachment(TenantModel):
    """One picture or file, uploaded by a contact or a member; sent once it has a message.

    The file lies under MEDIA_ROOT at `path`, whose name is random; `name` is what people see. A
    removed one keeps its row without name and file.
    """

    conversation = models.ForeignKey(
        Conversation,
        on_delete=models.CASCADE,
        null=True,
        related_name="attachments",
        verbose_name=_("conversation"),
    )
    message = models.ForeignKey(
        Message,
        on_delete=models.CASCADE,
        null=True,
        related_name="attachments",
        verbose_name=_("message"),
    )
    contact = models.ForeignKey(
        Contact,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("sent by the visitor"),
    )
    member = models.ForeignKey(
        Membership,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("sent by the agent"),
    )
    name = models.CharField(_("name"), max_length=NAME_LENGTH, blank=True)
    mime = models.CharField(_("kind of file"), max_length=80)
    size = models.PositiveIntegerField(_("size in bytes"))
    sha256 = models.CharField(_("fingerprint"), max_length=64)
    width = models.PositiveIntegerField(_("width"), null=True)
    height = models.PositiveIntegerField(_("height"), null=True)
    path = models.CharField(max_length=120, blank=True)
    # Order among those of one message.
    place = models.PositiveSmallIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(_("created at"))
    removed_at = models.DateTimeField(_("removed at"), null=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ("created_at", "id")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(contact__isnull=False, member__isnull=True)
                | models.Q(contact__isnull=True, member__isnull=False),
                name="attachment_of_contact_or_member",
            ),
            models.CheckConstraint(
                condition=models.Q(message__isnull=True) | models.Q(conversation__isnull=False),
                name="attachment_sent_in_conversation",
            ),
        ]
        indexes = [
            # What a visitor, and what a tenant, may still send today.
            models.Index(fields=("contact", "created_at"), name="attachment_by_contact"),
            models.Index(fields=("tenant", "created_at"), name="attachment_by_time"),
            # Never sent: the sweeper's question.
            models.Index(
                fields=("created_at",),
                condition=models.Q(message__isnull=True),
                name="attachment_unsent",
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.pk)

    @property
    def is_image(self) -> bool:
        """Whether browsers may show it: its pixels were decoded when it came."""
        return self.width is not None
