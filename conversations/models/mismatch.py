"""Replies that are not what they should have been: who answers for it, and what was done."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.message import Message
from knowledge.models import EntryVersion
from tenants import clock
from tenants.scoping import TenantModel

NOTE_LENGTH = 1000


class MismatchKind(models.TextChoices):
    """How a reply differs from what it should have been."""

    WRONG_ENTRY = "wrong_entry", _("Wrong entry")
    STALE = "stale", _("Stale version")
    MISCONFIGURED = "configured", _("Configured differs from submitted")
    DRIFT = "drift", _("Wording differs")
    TEMPLATE = "template", _("Template filled in wrongly")
    TRUNCATED = "truncated", _("Cut off")
    CLIENT_TEXT = "client_text", _("Client's text is wrong")


class MismatchOwner(models.TextChoices):
    """Whose fault it is."""

    PROVIDER = "provider", _("Provider")
    CLIENT = "client", _("Client company")
    THIRD_PARTY = "third_party", _("Third party")


class MismatchFinder(models.TextChoices):
    """Who noticed it."""

    MACHINE = "machine", _("Comparison by machine")
    AUDIT = "audit", _("Audit of samples")
    AGENT = "agent", _("Agent")
    CLIENT = "client", _("Client company")
    VISITOR = "visitor", _("Visitor")


class MismatchReport(TenantModel):
    """One fault of the replies that one entry version gave; open until somebody closes it (R91)."""

    entry_version = models.ForeignKey(
        EntryVersion, on_delete=models.PROTECT, related_name="+", verbose_name=_("entry version")
    )
    kind = models.CharField(_("kind"), max_length=12, choices=MismatchKind)
    owner = models.CharField(
        _("at fault"),
        max_length=12,
        choices=MismatchOwner,
        help_text=_("Whose fault it is that visitors heard this."),
    )
    found_by = models.CharField(_("found by"), max_length=8, choices=MismatchFinder)
    # The first reply in which it was found. Which others there are, `affected_replies()` tells.
    message = models.ForeignKey(
        Message,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("first found in"),
    )
    note = models.TextField(
        _("note"),
        max_length=NOTE_LENGTH,
        blank=True,
        help_text=_("What is wrong, and how it came about."),
    )
    fix = models.TextField(
        _("correction"),
        max_length=NOTE_LENGTH,
        blank=True,
        help_text=_("What was done about it."),
    )
    client_told_at = models.DateTimeField(_("client told at"), null=True, blank=True)
    corrected_at = models.DateTimeField(_("corrected at"), null=True, blank=True)
    created_at = models.DateTimeField(_("reported at"), editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("reported by"),
    )
    closed_at = models.DateTimeField(_("closed at"), null=True, editable=False)

    class Meta(TenantModel.Meta):
        verbose_name = _("mismatch report")
        verbose_name_plural = _("mismatch reports")
        ordering = ("-created_at", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=("entry_version", "kind"),
                condition=models.Q(closed_at__isnull=True),
                name="mismatch_one_open_per_version_and_kind",
                violation_error_message=_(
                    "A report of this kind about this version is open already."
                ),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.entry_version}"

    def clean(self) -> None:
        now = clock.now()
        for name in ("client_told_at", "corrected_at"):
            instant = getattr(self, name)
            if instant is not None and instant > now:
                raise ValidationError({name: _("This instant has not come yet.")}, code="future")

    @property
    def is_open(self) -> bool:
        """Return whether nobody has closed the report yet."""
        return self.closed_at is None

    def affected_replies(self) -> "models.QuerySet[Any]":
        """Return every reply that the entry version gave, the first one first (R91)."""
        return Message.objects.filter(entry_version=self.entry_version_id).order_by("pk")
