"""What is to be told of a ticket by mail: an outbox of rows."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.ticket import Ticket, TicketComment
from tenants.models import Membership
from tenants.scoping import TenantModel


class TicketNoticeKind(models.TextChoices):
    """What a mail tells."""

    CREATED = "created", _("Ticket opened")
    ANSWERED = "answered", _("Answer to the visitor")
    SOLVED = "solved", _("Ticket solved")
    ASSIGNED = "assigned", _("Ticket assigned")
    REPLIED = "replied", _("Visitor replied")
    OVERDUE = "overdue", _("Ticket overdue")


class TicketNotice(TenantModel):
    """One mail about a ticket, to its visitor or to a member: due, sent, or given up."""

    ticket = models.ForeignKey(
        Ticket, on_delete=models.CASCADE, related_name="notices", verbose_name=_("ticket")
    )
    comment = models.ForeignKey(
        TicketComment,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=_("comment"),
    )
    kind = models.CharField(_("kind"), max_length=10, choices=TicketNoticeKind)
    # Nobody of the tenant: the visitor, at the address given with the ticket.
    member = models.ForeignKey(
        Membership,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=_("member"),
    )
    address = models.CharField(_("recipient"), max_length=254)
    created_at = models.DateTimeField(_("created at"))
    # When it is to be tried; moved on by the one who tries it, so that nobody else does meanwhile.
    due_at = models.DateTimeField(_("due"), null=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    sent_at = models.DateTimeField(_("sent at"), null=True)
    error = models.CharField(_("error"), max_length=200, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("ticket notice")
        verbose_name_plural = _("ticket notices")
        ordering = ("-created_at", "-pk")
        indexes = [
            models.Index(
                fields=("due_at",),
                condition=models.Q(due_at__isnull=False),
                name="ticket_notice_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.created_at:%Y-%m-%d %H:%M}"
