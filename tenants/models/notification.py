"""What people are told on their own account, and what became of each copy of it."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.scoping import TenantModel


class AlertLevel(models.TextChoices):
    """How soon somebody must look."""

    INFO = "info", _("For information")
    WARNING = "warning", _("Warning")
    CRITICAL = "critical", _("Critical")


class AlertChannel(models.TextChoices):
    """The way a copy takes."""

    MAIL = "mail", _("E-mail")
    DINGTALK = "dingtalk", _("DingTalk robot")
    FEISHU = "feishu", _("Feishu robot")
    WECOM = "wecom", _("WeCom robot")
    WEBHOOK = "webhook", _("Signed webhook")


ROBOT_CHANNELS = [choice for choice in AlertChannel.choices if choice[0] != AlertChannel.MAIL]


class AlertState(models.TextChoices):
    """How far a copy is."""

    PENDING = "pending", _("To be sent")
    SENT = "sent", _("Handed over")
    FAILED = "failed", _("To be tried again")
    DEAD = "dead", _("Given up")


UNFINISHED = (AlertState.PENDING, AlertState.FAILED)
# A living sender would have taken what has been due for so long.
OVERDUE = timedelta(minutes=1)


class Notification(TenantModel):
    """One thing people have to know, once per `dedupe`; who was told are its recipients."""

    # `noun.what`, such as "obligation.first_reply": copies of one kind are gathered into digests.
    kind = models.CharField(_("event"), max_length=60)
    level = models.CharField(_("urgency"), max_length=10, choices=AlertLevel)
    title = models.CharField(_("title"), max_length=200)
    body = models.TextField(_("text"), blank=True)
    subject = models.CharField(_("subject"), max_length=64, blank=True)
    link = models.CharField(_("page"), max_length=300, blank=True)
    dedupe = models.CharField(max_length=160, editable=False)
    created_at = models.DateTimeField(_("created at"))
    # When it goes up, if nobody has acknowledged it by then; NULL where it does not.
    escalate_at = models.DateTimeField(_("goes up at"), null=True, editable=False)
    escalated_at = models.DateTimeField(_("gone up at"), null=True, editable=False)
    acknowledged_at = models.DateTimeField(_("acknowledged at"), null=True, editable=False)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("acknowledged by"),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(fields=("tenant", "dedupe"), name="notification_once")
        ]
        indexes = [
            models.Index(fields=("tenant", "-created_at"), name="notification_by_time"),
            models.Index(
                fields=("escalate_at",),
                condition=models.Q(escalate_at__isnull=False),
                name="notification_goes_up",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class NotificationRecipient(TenantModel):
    """One person who was told of a notification: their line in the bell."""

    notification = models.ForeignKey(
        Notification,
        on_delete=models.CASCADE,
        related_name="recipients",
        verbose_name=_("notification"),
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("person"),
    )
    read_at = models.DateTimeField(_("read at"), null=True, editable=False)

    class Meta(TenantModel.Meta):
        verbose_name = _("recipient of a notification")
        verbose_name_plural = _("recipients of notifications")
        # Ids rise with time.
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(fields=("notification", "user"), name="notification_told_once")
        ]
        indexes = [
            models.Index(fields=("tenant", "user", "-id"), name="notification_bell"),
            models.Index(
                fields=("tenant", "user"),
                condition=models.Q(read_at__isnull=True),
                name="notification_unread",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.notification}"


class AlertRobot(TenantModel):
    """A group chat's robot, or an address of the client's own, that is told of alerts."""

    kind = models.CharField(_("kind"), max_length=10, choices=ROBOT_CHANNELS)
    name = models.CharField(_("name"), max_length=80, help_text=_("Such as the group's name."))
    minimum_level = models.CharField(
        _("from urgency"), max_length=10, choices=AlertLevel, default=AlertLevel.WARNING
    )
    kinds = models.JSONField(
        _("events"), default=list, blank=True, help_text=_("Nothing ticked: of all events.")
    )
    is_active = models.BooleanField(_("in use"), default=True)
    sealed_address = models.TextField(editable=False)
    sealed_secret = models.TextField(blank=True, editable=False)
    # Messages in a row that it refused, and how it refused the latest.
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    last_error = models.CharField(_("latest error"), max_length=40, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("alert robot")
        verbose_name_plural = _("alert robots")
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "name"),
                name="alertrobot_name_once",
                violation_error_message=_("A robot with this name exists already."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class NotificationDelivery(TenantModel):
    """One copy of a notification: by one channel, to one person or robot.

    Copies that leave together share a `letter`; it is the key by which a receiver tells repeats.
    """

    notification = models.ForeignKey(
        Notification,
        on_delete=models.CASCADE,
        related_name="deliveries",
        verbose_name=_("notification"),
    )
    channel = models.CharField(_("way"), max_length=10, choices=AlertChannel)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("person"),
    )
    robot = models.ForeignKey(
        AlertRobot, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("robot")
    )
    # The notification's kind: what is gathered with what.
    thread = models.CharField(_("event"), max_length=60)
    state = models.CharField(
        _("state"), max_length=10, choices=AlertState, default=AlertState.PENDING
    )
    created_at = models.DateTimeField(_("created at"))
    # When the next attempt is due; a sender at work has it until `lease_until`.
    due_at = models.DateTimeField(_("due at"))
    lease_until = models.DateTimeField(null=True, editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    attempted_at = models.DateTimeField(_("latest attempt"), null=True)
    letter = models.UUIDField(_("letter"), null=True)
    lettered_at = models.DateTimeField(null=True, editable=False)
    content_hash = models.CharField(_("SHA-256 of the text"), max_length=64, blank=True)
    provider_id = models.CharField(_("provider's id"), max_length=160, blank=True)
    last_status = models.PositiveSmallIntegerField(_("status"), null=True)
    last_error = models.CharField(_("error"), max_length=40, blank=True)
    sent_at = models.DateTimeField(_("handed over at"), null=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("copy of a notification")
        verbose_name_plural = _("copies of notifications")
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(
                fields=("notification", "channel", "recipient"),
                condition=models.Q(recipient__isnull=False),
                name="delivery_once_per_person",
            ),
            models.UniqueConstraint(
                fields=("notification", "robot"),
                condition=models.Q(robot__isnull=False),
                name="delivery_once_per_robot",
            ),
            models.CheckConstraint(
                condition=models.Q(recipient__isnull=True, robot__isnull=False)
                | models.Q(recipient__isnull=False, robot__isnull=True),
                name="delivery_to_one",
            ),
        ]
        indexes = [
            models.Index(
                fields=("due_at",),
                condition=models.Q(state__in=("pending", "failed")),
                name="notificationdelivery_due",
            ),
            models.Index(fields=("letter",), name="notificationdelivery_letter"),
            models.Index(
                fields=("recipient", "thread", "-lettered_at"), name="notificationdelivery_person"
            ),
            models.Index(
                fields=("robot", "thread", "-lettered_at"), name="notificationdelivery_robot"
            ),
            models.Index(fields=("tenant", "-created_at"), name="notificationdelivery_time"),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}: {self.recipient or self.robot}"

    @staticmethod
    def due(at: datetime) -> models.Q:
        """Return the condition of copies that a sender may take at this instant."""
        free = models.Q(lease_until=None) | models.Q(lease_until__lte=at)
        return models.Q(state__in=UNFINISHED, due_at__lte=at) & free

    @classmethod
    def overdue(cls, at: datetime) -> models.Q:
        """Return the condition of copies that should have been taken a minute before."""
        return cls.due(at - OVERDUE)


class NotificationSettings(TenantModel):
    """How a tenant wants to be told: who gets mails from which urgency, and when it is quiet."""

    quiet_from = models.TimeField(
        _("quiet from"),
        null=True,
        blank=True,
        help_text=_(
            "In the tenant's time zone. Between the two times only critical alerts are sent; all "
            "else waits. Empty: never quiet."
        ),
    )
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)
    # Role -> the lowest urgency it gets mails of; what is missing gets warnings.
    mail_levels = models.JSONField(_("mails by role"), default=dict, blank=True)
    updated_at = models.DateTimeField(_("changed at"), auto_now=True)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("changed by"),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("notification settings")
        verbose_name_plural = _("notification settings")
        constraints = [
            models.UniqueConstraint(fields=("tenant",), name="notificationsettings_one"),
            models.CheckConstraint(
                condition=models.Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | models.Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="notificationsettings_quiet_span",
                violation_error_message=_("Give both times, or neither."),
            ),
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)
