"""What visitors of a website are told before they ask."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.channel import Channel
from conversations.page_patterns import is_pattern
from tenants.scoping import TenantModel

MAX_PATTERNS = 20


def validate_patterns(value: object) -> None:
    """Raise ValidationError unless `value` is a list of page patterns such as /cart*."""
    if not isinstance(value, list) or len(value) > MAX_PATTERNS:
        raise ValidationError(
            _("Write one page per line, %(limit)s at most."),
            code="patterns",
            params={"limit": MAX_PATTERNS},
        )
    for item in value:
        if not is_pattern(item):
            raise ValidationError(
                _(
                    "“%(value)s” is no page: write a path such as /cart*, or an address such as "
                    "https://www.example.com/help/*, with at most five *."
                ),
                code="pattern",
                params={"value": item},
            )


class InvitationAudience(models.TextChoices):
    """Which visitors are invited."""

    EVERYONE = "everyone", _("Everybody")
    NEW = "new", _("First visit")
    RETURNING = "returning", _("Came before")


class Invitation(TenantModel):
    """Words that appear beside the chat button on some pages, after some time."""

    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, related_name="+", verbose_name=_("channel")
    )
    name = models.CharField(_("name"), max_length=80)
    is_active = models.BooleanField(_("in use"), default=True)
    position = models.PositiveIntegerField(
        _("order"), default=10, help_text=_("Of several that fit, the first one is shown.")
    )
    patterns = models.JSONField(
        _("pages"),
        default=list,
        blank=True,
        validators=[validate_patterns],
        help_text=_(
            "One per line: /cart*, or https://www.example.com/help/*; * stands for anything. "
            "Empty: every page."
        ),
    )
    seconds = models.PositiveIntegerField(
        _("seconds on the page"), default=20, validators=[MaxValueValidator(3600)]
    )
    audience = models.CharField(
        _("which visitors"),
        max_length=10,
        choices=InvitationAudience,
        default=InvitationAudience.EVERYONE,
    )
    hours_from = models.TimeField(_("from (time of day)"), null=True, blank=True)
    hours_until = models.TimeField(
        _("until (time of day)"),
        null=True,
        blank=True,
        help_text=_("Both empty: around the clock. 18:00 until 09:00 is the night."),
    )
    words_zh = models.CharField(_("words in Chinese"), max_length=200)
    words_en = models.CharField(
        _("words in English"),
        max_length=200,
        blank=True,
        help_text=_("Empty: visitors who read English are not invited."),
    )
    every_days = models.PositiveIntegerField(
        _("at most once in … days"),
        default=7,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text=_("Per visitor; their browser remembers it."),
    )
    shown_count = models.PositiveIntegerField(_("shown"), default=0, editable=False)
    clicked_count = models.PositiveIntegerField(_("clicked"), default=0, editable=False)
    dismissed_count = models.PositiveIntegerField(_("dismissed"), default=0, editable=False)
    updated_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ("position", "name")
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "channel", "name"),
                name="invitation_name_once_per_channel",
                violation_error_message=_("The channel has an invitation with this name."),
            ),
            models.CheckConstraint(
                condition=models.Q(hours_from__isnull=True, hours_until__isnull=True)
                | models.Q(hours_from__isnull=False, hours_until__isnull=False),
                name="invitation_both_hours_or_none",
                violation_error_message=_("Give both hours, or none."),
            ),
        ]

    def __str__(self) -> str:
        return self.name
