"""What came of an inquiry, in the words of the agent who closed it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Conversation, Inquiry
from tenants.models import Membership
from tenants.scoping import TenantModel

SUMMARY_LENGTH = 1000


class Resolution(models.TextChoices):
    """Whether the visitor was helped."""

    YES = "yes", _("Resolved")
    PARTLY = "partly", _("Partly resolved")
    NO = "no", _("Not resolved")


class WrapUpDemand(models.TextChoices):
    """Whether agents must say what came of it before they close."""

    OPTIONAL = "optional", _("Asked for, may be left out")
    REQUIRED = "required", _("Required")


class WrapUpCategory(TenantModel):
    """One heading under which agents file what they dealt with."""

    name = models.CharField(_("name"), max_length=60)
    position = models.PositiveSmallIntegerField(
        _("position"), default=0, help_text=_("Smaller numbers stand first.")
    )
    is_active = models.BooleanField(
        _("in use"),
        default=True,
        help_text=_("Switched off, it is offered no more; what was filed under it stays."),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("wrap-up category")
        verbose_name_plural = _("wrap-up categories")
        ordering = ("position", "name")
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "name"),
                name="wrap_up_category_once",
                violation_error_message=_("This category stands in the list already."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class WrapUp(TenantModel):
    """The agent's account of one inquiry."""

    inquiry = models.OneToOneField(
        Inquiry, on_delete=models.CASCADE, related_name="wrap_up", verbose_name=_("inquiry")
    )
    conversation = models.ForeignKey(
        Conversation,
        on_delete=models.CASCADE,
        related_name="wrap_ups",
        verbose_name=_("conversation"),
    )
    category = models.ForeignKey(
        WrapUpCategory,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("category"),
    )
    resolved = models.CharField(_("resolved"), max_length=6, choices=Resolution)
    summary = models.TextField(_("summary"), max_length=SUMMARY_LENGTH, blank=True)
    by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="+", verbose_name=_("written by")
    )
    at = models.DateTimeField(_("written at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("wrap-up")
        verbose_name_plural = _("wrap-ups")
        ordering = ("-at",)
        indexes = [models.Index(fields=("tenant", "-at"), name="wrap_up_by_time")]

    def __str__(self) -> str:
        return self.get_resolved_display()


class DeskSettings(TenantModel):
    """How a tenant's agents work: one row."""

    wrap_up = models.CharField(
        _("wrap-up at closing"),
        max_length=8,
        choices=WrapUpDemand,
        default=WrapUpDemand.OPTIONAL,
        help_text=_("Whether an agent must say what came of a conversation to close it."),
    )
    updated_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("desk settings")
        verbose_name_plural = _("desk settings")
        constraints = [
            models.UniqueConstraint(fields=("tenant",), name="desk_settings_one_per_tenant")
        ]

    def __str__(self) -> str:
        return self.get_wrap_up_display()
