"""Tickets: work that outlives a conversation, and what was said about it."""

from datetime import datetime, timedelta
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.channel import Channel
from conversations.models.contact import Contact
from conversations.models.conversation import Conversation
from conversations.ticket_states import UNSETTLED, TicketOrigin, TicketPriority, TicketStatus
from tenants.models import Membership
from tenants.scoping import TenantModel

SUBJECT_LENGTH = 120
DESCRIPTION_LENGTH = 8000
COMMENT_LENGTH = 4000

# Working hours to the first response and to the solution, where no category says otherwise.
DEFAULT_HOURS: dict[str, tuple[int, int]] = {
    TicketPriority.LOW: (16, 72),
    TicketPriority.NORMAL: (8, 36),
    TicketPriority.HIGH: (4, 18),
    TicketPriority.URGENT: (1, 9),
}


def _hours(label: Any, priority: TicketPriority, which: int) -> models.PositiveSmallIntegerField:  # type: ignore[type-arg]  # of no rows
    return models.PositiveSmallIntegerField(
        label, default=DEFAULT_HOURS[priority][which], validators=[MinValueValidator(1)]
    )


class TicketCategory(TenantModel):
    """One kind of ticket, with the working hours people have to respond to and to solve it."""

    name = models.CharField(_("name"), max_length=60)
    respond_low = _hours(_("respond: low"), TicketPriority.LOW, 0)
    respond_normal = _hours(_("respond: normal"), TicketPriority.NORMAL, 0)
    respond_high = _hours(_("respond: high"), TicketPriority.HIGH, 0)
    respond_urgent = _hours(_("respond: urgent"), TicketPriority.URGENT, 0)
    resolve_low = _hours(_("solve: low"), TicketPriority.LOW, 1)
    resolve_normal = _hours(_("solve: normal"), TicketPriority.NORMAL, 1)
    resolve_high = _hours(_("solve: high"), TicketPriority.HIGH, 1)
    resolve_urgent = _hours(_("solve: urgent"), TicketPriority.URGENT, 1)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("ticket category")
        verbose_name_plural = _("ticket categories")
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "name"),
                name="ticket_category_name_once",
                violation_error_message=_("A category with this name exists already."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    def hours(self, priority: str) -> tuple[timedelta, timedelta]:
        """Return the working time to the first response and to the solution."""
        respond, resolve = (getattr(self, f"{what}_{priority}") for what in ("respond", "resolve"))
        return timedelta(hours=respond), timedelta(hours=resolve)


class TicketDay(TenantModel):
    """The last number given to a ticket on one day; locked to give the next one."""

    day = models.DateField(_("day"))
    last_number = models.PositiveIntegerField(_("last number"), default=0)

    class Meta(TenantModel.Meta):
        verbose_name = _("day of tickets")
        verbose_name_plural = _("days of tickets")
        constraints = [models.UniqueConstraint(fields=("tenant", "day"), name="ticket_day_once")]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d} {self.last_number}"


class Ticket(TenantModel):
    """One piece of work for a contact, with a number they can ask after it by."""

    number = models.CharField(_("number"), max_length=20, editable=False)
    subject = models.CharField(_("title"), max_length=SUBJECT_LENGTH)
    description = models.TextField(_("description"), max_length=DESCRIPTION_LENGTH)
    category = models.ForeignKey(
        TicketCategory,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("category"),
    )
    priority = models.CharField(
        _("priority"), max_length=8, choices=TicketPriority, default=TicketPriority.NORMAL
    )
    status = models.CharField(
        _("status"), max_length=8, choices=TicketStatus, default=TicketStatus.NEW
    )
    origin = models.CharField(_("origin"), max_length=12, choices=TicketOrigin)
    channel = models.ForeignKey(
        Channel, on_delete=models.PROTECT, related_name="+", verbose_name=_("channel")
    )
    contact = models.ForeignKey(
        Contact, on_delete=models.PROTECT, related_name="tickets", verbose_name=_("contact")
    )
    conversation = models.ForeignKey(
        Conversation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="tickets",
        verbose_name=_("conversation"),
    )
    # As given with the ticket: whoever knows the number and one of these may read it.
    name = models.CharField(_("name of the person"), max_length=60, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    email = models.EmailField(_("e-mail address"), blank=True)
    assignee = models.ForeignKey(
        Membership,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("assignee"),
    )
    # The id its maker gave it, under which making it again gives the same ticket.
    client_id = models.CharField(max_length=100, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("last activity"))
    respond_due_at = models.DateTimeField(_("response due"))
    resolve_due_at = models.DateTimeField(_("solution due"))
    # The next of the two that still runs; none while neither does.
    due_at = models.DateTimeField(_("due"), null=True)
    overdue_since = models.DateTimeField(_("overdue since"), null=True)
    first_responded_at = models.DateTimeField(_("first response at"), null=True)
    # Since when the clock of the solution stands still: the visitor has the word.
    paused_at = models.DateTimeField(null=True, editable=False)
    # Working time for which it has stood still before.
    paused_for = models.DurationField(default=timedelta, editable=False)
    solved_at = models.DateTimeField(_("solved at"), null=True)
    closed_at = models.DateTimeField(_("closed at"), null=True)
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="merged",
        verbose_name=_("merged into"),
    )
    is_demo = models.BooleanField(_("demonstration"), default=False, editable=False)

    class Meta(TenantModel.Meta):
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(fields=("tenant", "number"), name="ticket_number_once"),
            models.UniqueConstraint(
                fields=("contact", "client_id"),
                condition=~models.Q(client_id=""),
                name="ticket_once_per_client_id",
            ),
            models.CheckConstraint(
                condition=~models.Q(status__in=("solved",)) | models.Q(solved_at__isnull=False),
                name="ticket_solved_at",
            ),
            models.CheckConstraint(
                condition=models.Q(merged_into__isnull=True) | models.Q(status="closed"),
                name="ticket_merged_is_closed",
            ),
        ]
        indexes = [
            models.Index(fields=("tenant", "-updated_at"), name="ticket_by_activity"),
            models.Index(fields=("contact", "-created_at"), name="ticket_by_contact"),
            # What the sweepers ask: which is late and nobody was told, which was solved long ago?
            models.Index(
                fields=("due_at",),
                condition=models.Q(due_at__isnull=False, overdue_since__isnull=True),
                name="ticket_due",
            ),
            models.Index(
                fields=("solved_at",),
                condition=models.Q(status="solved"),
                name="ticket_solved_long_ago",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.subject}"

    @property
    def is_unsettled(self) -> bool:
        """Whether somebody still has something to do or to say."""
        return self.status in UNSETTLED

    def is_overdue(self, at: datetime) -> bool:
        """Return whether a running due time has passed at the instant `at`."""
        return self.due_at is not None and self.due_at <= at


class TicketComment(TenantModel):
    """One remark on a ticket, by a member or by its contact; the contact sees the public ones."""

    ticket = models.ForeignKey(
        Ticket, on_delete=models.CASCADE, related_name="comments", verbose_name=_("ticket")
    )
    member = models.ForeignKey(
        Membership,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("member"),
    )
    contact = models.ForeignKey(
        Contact,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("contact"),
    )
    is_public = models.BooleanField(_("public"), default=False)
    text = models.TextField(_("text"), max_length=DESCRIPTION_LENGTH)
    # The number of the merged ticket it was written on.
    merged_from = models.CharField(_("merged from"), max_length=20, blank=True)
    client_id = models.CharField(max_length=64, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("ticket comment")
        verbose_name_plural = _("ticket comments")
        ordering = ("created_at", "pk")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(member__isnull=False, contact__isnull=True)
                | models.Q(member__isnull=True, contact__isnull=False),
                name="ticket_comment_has_one_author",
            ),
            models.UniqueConstraint(
                fields=("member", "client_id"),
                condition=~models.Q(client_id=""),
                name="ticket_comment_once_per_member",
            ),
            models.UniqueConstraint(
                fields=("contact", "client_id"),
                condition=~models.Q(client_id=""),
                name="ticket_comment_once_per_contact",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M}"
