"""What people ask about their own data, and what came of it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.contact import Contact
from tenants.models import Membership
from tenants.scoping import TenantModel


class SubjectRequestKind(models.TextChoices):
    """The rights of a person over what is kept of them (PIPL 44-47)."""

    ACCESS = "access", _("Access and copy")
    CORRECT = "correct", _("Correction")
    DELETE = "delete", _("Erasure")
    WITHDRAW = "withdraw", _("Withdrawal of consent")


class SubjectRequest(TenantModel):
    """One wish of a person about their own data, with its deadline and its outcome (L4)."""

    contact = models.ForeignKey(
        Contact, on_delete=models.PROTECT, related_name="requests", verbose_name=_("contact")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=SubjectRequestKind)
    identity_check = models.CharField(
        _("how the identity was checked"),
        max_length=300,
        help_text=_("What proved that the person is who they say, without copying their papers."),
    )
    requested_at = models.DateTimeField(_("requested at"))
    # Null while it reaches into a year whose holidays are not announced.
    due_at = models.DateTimeField(_("due at"), null=True)
    working_days = models.PositiveSmallIntegerField(_("working days"), default=15)
    created_by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="+", verbose_name=_("taken down by")
    )
    exported_at = models.DateTimeField(_("last exported at"), null=True)
    done_at = models.DateTimeField(_("done at"), null=True)
    done_by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("done by")
    )
    refused_reason = models.CharField(_("reason for the refusal"), max_length=300, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("subject request")
        verbose_name_plural = _("subject requests")
        ordering = ("-requested_at", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(refused_reason="") | models.Q(done_at__isnull=False),
                name="subjectrequest_refused_is_done",
            )
        ]
        indexes = [
            models.Index(
                fields=("tenant", "due_at"),
                condition=models.Q(done_at__isnull=True),
                name="subjectrequest_open_by_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.requested_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        """Whether nobody has met or refused it yet."""
        return self.done_at is None
