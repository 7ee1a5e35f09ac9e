"""What agents say often, kept ready under a short word."""

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from conversations.models.message import TEXT_LENGTH
from tenants.models import Membership
from tenants.scoping import TenantModel


class CannedLanguage(models.TextChoices):
    """In which language a visitor must write for the reply to fit."""

    ANY = "", _("Any language")
    CHINESE = "zh-CN", _("Chinese")
    ENGLISH = "en", _("English")


class CannedReply(TenantModel):
    """One ready text, of the whole team or of one agent."""

    owner = models.ForeignKey(
        Membership,
        on_delete=models.CASCADE,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("whose"),
    )
    shortcut = models.CharField(
        _("shortcut"),
        max_length=30,
        help_text=_("What agents type after “/” to find it: one short word without spaces."),
    )
    title = models.CharField(_("title"), max_length=80)
    text = models.TextField(
        _("text"),
        max_length=TEXT_LENGTH,
        help_text=_(
            "{{visitor}}, {{agent}}, {{brand}}, {{channel}}, {{order_no}}, {{product}}, "
            "{{phone}} and {{ticket}} are filled in. Whatever else stands in double braces, or is not known, the "
            "agent is asked to complete before sending."
        ),
    )
    category = models.CharField(_("category"), max_length=40, blank=True)
    language = models.CharField(
        _("language"), max_length=5, choices=CannedLanguage, default=CannedLanguage.ANY, blank=True
    )
    is_active = models.BooleanField(_("in use"), default=True)
    use_count = models.PositiveIntegerField(_("times used"), default=0, editable=False)
    updated_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("canned reply")
        verbose_name_plural = _("canned replies")
        ordering = ("category", "shortcut")
        constraints = [
            models.UniqueConstraint(
                "tenant",
                Lower("shortcut"),
                "language",
                condition=models.Q(owner__isnull=True),
                name="canned_shared_shortcut_once",
                violation_error_message=_("This shortcut is taken already."),
            ),
            models.UniqueConstraint(
                "owner",
                Lower("shortcut"),
                "language",
                condition=models.Q(owner__isnull=False),
                name="canned_own_shortcut_once",
                violation_error_message=_("This shortcut is taken already."),
            ),
        ]

    def __str__(self) -> str:
        return f"/{self.shortcut} {self.title}"
