"""Groups of agents: whom they serve, who is in them, and when they work."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import Membership
from tenants.scoping import TenantModel

ACCEPT_SECONDS = 30
CAPACITY = 5


class Strategy(models.TextChoices):
    """Which of the agents who fit is asked first."""

    LEAST_BUSY = "least_busy", _("The least busy")
    ROUND_ROBIN = "round_robin", _("In turn")


class Weekday(models.IntegerChoices):
    """Days of the week as Python counts them."""

    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


class AgentGroup(TenantModel):
    """Agents who look after the same conversations, with their hours and how they are asked."""

    name = models.CharField(_("name"), max_length=60)
    is_active = models.BooleanField(_("in use"), default=True)
    is_default = models.BooleanField(
        _("default group"),
        default=False,
        help_text=_("Gets what no other group serves. There is one at most."),
    )
    order = models.PositiveSmallIntegerField(
        _("order"), default=10, help_text=_("Of several groups that serve, the lowest is chosen.")
    )
    # Empty lists mean "all".
    reasons = models.JSONField(_("hand-off reasons"), default=list, blank=True)
    channels = models.JSONField(_("channels"), default=list, blank=True)
    languages = models.JSONField(_("languages"), default=list, blank=True)
    auto_assign = models.BooleanField(
        _("assign automatically"),
        default=True,
        help_text=_("Waiting conversations ring at one agent after the other."),
    )
    strategy = models.CharField(
        _("who is asked first"), max_length=12, choices=Strategy, default=Strategy.LEAST_BUSY
    )
    accept_seconds = models.PositiveSmallIntegerField(
        _("seconds to accept"),
        default=ACCEPT_SECONDS,
        validators=[MinValueValidator(5), MaxValueValidator(600)],
        help_text=_("Then the next agent is asked, and the silent one is set to “on a break”."),
    )
    keeps_statutory_calendar = models.BooleanField(
        _("keeps the statutory calendar"),
        default=False,
        help_text=_("Closed on public holidays of mainland China, open on make-up days."),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("agent group")
        verbose_name_plural = _("agent groups")
        ordering = ("order", "name")
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "name"),
                name="agent_group_name",
                violation_error_message=_("There is already a group of this name."),
            ),
            models.UniqueConstraint(
                fields=("tenant",),
                condition=models.Q(is_default=True),
                name="agent_group_one_default",
                violation_error_message=_("Another group is the default group already."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class GroupMember(TenantModel):
    """An agent's place in a group: what they can do there, and how much at once."""

    group = models.ForeignKey(
        AgentGroup, on_delete=models.CASCADE, related_name="members", verbose_name=_("agent group")
    )
    member = models.ForeignKey(
        Membership, on_delete=models.CASCADE, related_name="+", verbose_name=_("agent")
    )
    skills = models.JSONField(_("skills"), default=list, blank=True)
    languages = models.JSONField(_("languages"), default=list, blank=True)
    capacity = models.PositiveSmallIntegerField(
        _("conversations at once"),
        default=CAPACITY,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
    )
    order = models.PositiveSmallIntegerField(_("order"), default=10)

    class Meta(TenantModel.Meta):
        verbose_name = _("group member")
        verbose_name_plural = _("group members")
        ordering = ("order", "member__display_name")
        constraints = [
            models.UniqueConstraint(
                fields=("group", "member"),
                name="group_member_once",
                violation_error_message=_("This agent is in the group already."),
            )
        ]

    def __str__(self) -> str:
        return str(self.member)


class WorkingSpan(TenantModel):
    """One span of a weekday in which a group works; a day may have several."""

    group = models.ForeignKey(
        AgentGroup, on_delete=models.CASCADE, related_name="spans", verbose_name=_("agent group")
    )
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday)
    starts_at = models.TimeField(_("from"))
    ends_at = models.TimeField(
        _("to"), help_text=_("At or before the start it means the next day; 00:00 is midnight.")
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("working span")
        verbose_name_plural = _("working spans")
        ordering = ("weekday", "starts_at")
        constraints = [
            models.UniqueConstraint(
                fields=("group", "weekday", "starts_at"),
                name="working_span_once",
                violation_error_message=_("This span is there already."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.starts_at:%H:%M}–{self.ends_at:%H:%M}"


class HoursException(TenantModel):
    """One day on which a group keeps other hours than usual, or none."""

    group = models.ForeignKey(
        AgentGroup,
        on_delete=models.CASCADE,
        related_name="exceptions",
        verbose_name=_("agent group"),
    )
    date = models.DateField(_("date"))
    name = models.CharField(_("occasion"), max_length=60, blank=True)
    is_closed = models.BooleanField(_("closed all day"), default=False)
    starts_at = models.TimeField(_("from"), null=True, blank=True)
    ends_at = models.TimeField(_("to"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("exceptional day")
        verbose_name_plural = _("exceptional days")
        ordering = ("date", "starts_at")
        constraints = [
            models.UniqueConstraint(
                fields=("group", "date", "starts_at"),
                name="hours_exception_once",
                violation_error_message=_("This span is there already."),
            ),
            models.CheckConstraint(
                condition=models.Q(is_closed=True)
                | models.Q(starts_at__isnull=False, ends_at__isnull=False),
                name="hours_exception_closed_or_span",
                violation_error_message=_("Give both times, or mark the day as closed."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.date:%Y-%m-%d} {self.name}".strip()
