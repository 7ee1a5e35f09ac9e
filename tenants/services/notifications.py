"""Tell people what they have to know: in the bell, by mail, and through their groups' robots.

Source: contract R6-R9 and its notification matrix.
"""

import logging
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext

from tenants import clock
from tenants.ids import new_id
from tenants.masking import masked
from tenants.models import (
    AlertChannel,
    AlertLevel,
    AlertRobot,
    Membership,
    Notification,
    NotificationDelivery,
    NotificationRecipient,
    NotificationSettings,
    Tenant,
    User,
)
from tenants.quiet import quiet_until
from tenants.roles import Role
from tenants.scoping import active_tenant_id
from tenants.services import alert_settings, ledger
from tenants.services.alert_sending import deliver
from tenants.services.ledger import Event

__all__ = [
    "Alert",
    "acknowledge",
    "acknowledge_about",
    "acknowledge_all",
    "deliver",
    "escalate",
    "in_tenants_words",
    "latest",
    "mark_read",
    "notify",
    "notify_many",
    "proofs",
    "unread",
]

logger = logging.getLogger(__name__)

# What is critical and acknowledged by nobody goes up after this (R9).
UNACKNOWLEDGED = timedelta(minutes=15)
ESCALATED = ".escalated"
# Whom it goes up to, beside the operators of the platform.
ABOVE = frozenset({Role.ACCOUNT_MANAGER})
MOST_SHOWN = 30
_ORDER = [AlertLevel.INFO, AlertLevel.WARNING, AlertLevel.CRITICAL]
_TITLE_LENGTH = 200


@dataclass(frozen=True)
class Alert:
    """One thing to tell; see `notify` for what its fields mean."""

    kind: str
    title: str
    body: str
    roles: Collection[Role]
    dedupe: str
    subject: str = ""
    level: str = AlertLevel.INFO
    link: str = ""
    always_mailed: bool = False


@contextmanager
def in_tenants_words() -> Iterator[None]:
    """Speak the language of the tenant in scope, in its time zone."""
    tenant = Tenant.objects.get(pk=active_tenant_id())
    with translation.override(tenant.language), timezone.override(tenant.zone):
        yield


def notify(
    kind: str,
    *,
    title: str,
    body: str,
    roles: Collection[Role],
    subject: str = "",
    level: str = AlertLevel.INFO,
    link: str = "",
    dedupe: str,
    always_mailed: bool = False,
) -> None:
    """Tell everybody with one of the roles, and the tenant's robots; once per `dedupe` and recipient.

    Writes rows only, in the caller's transaction; the sweepers send them. `kind` is `noun.what` and
    names what is gathered into digests; `link` is a path of the product; `subject` the id of what
    it is about. Title and body are in the tenant's language, and hold nothing of what visitors
    wrote: what looks like a number or an address of a person is masked all the same. Mails go by
    urgency, as the tenant has set it, unless `always_mailed`.
    """
    notify_many([Alert(kind, title, body, roles, dedupe, subject, level, link, always_mailed)])


def notify_many(alerts: Sequence[Alert]) -> list[Notification]:
    """Tell several things like `notify`, with as many queries as for one; return what is new."""
    if not alerts:
        return []
    members = list(
        Membership.objects.filter(
            is_active=True,
            user__is_active=True,
            role__in={role for alert in alerts for role in alert.roles},
        ).values_list("role", "user_id")
    )
    people = [
        {user_id: role for role, user_id in members if role in alert.roles} for alert in alerts
    ]
    return _write(alerts, people)


def escalate() -> int:
    """Tell those above of what was critical and nobody acknowledged in time; return of how much.

    Account managers and operators get mails, and every robot in use is told once more, under
    another title. Safe to run twice at once.
    """
    with transaction.atomic():
        rows = list(
            Notification.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(escalate_at__lte=clock.now())
            .order_by("escalate_at")[:1000]
        )
        if not rows:
            return 0
        alerts = [
            Alert(
                kind=row.kind + ESCALATED,
                title=row.title,
                body=row.body,
                roles=ABOVE,
                dedupe=row.dedupe + ESCALATED,
                subject=row.subject,
                level=AlertLevel.CRITICAL,
                link=row.link,
            )
            for row in rows
        ]
        above = {
            **dict.fromkeys(
                User.objects.filter(is_operator=True, is_active=True).values_list("pk", flat=True),
                "",
            ),
            **dict(
                Membership.objects.filter(
                    is_active=True, user__is_active=True, role__in=ABOVE
                ).values_list("user_id", "role")
            ),
        }
        _write(alerts, [above] * len(alerts), goes_up=False)
        now = clock.now()
        Notification.objects.filter(pk__in=[row.pk for row in rows]).update(
            escalate_at=None, escalated_at=now
        )
        ledger.append(*(Event("alert.escalated", row.pk, {"kind": row.kind}, now) for row in rows))
    logger.warning("Alerts escalated: %s", len(rows))
    return len(rows)


def latest(user: User) -> list[NotificationRecipient]:
    """Return what the person was told last, latest first, 30 at most."""
    return list(
        NotificationRecipient.objects.filter(user_id=user.pk)
        .select_related("notification__acknowledged_by")
        .order_by("-pk")[:MOST_SHOWN]
    )


@dataclass(frozen=True)
class Proof:
    """That somebody was told, or not yet: `to` whom, by which `way`, and how far it came."""

    to: str
    way: str
    words: str


def proofs(dedupe: str) -> list[Proof]:
    """Return who was told of the notification with this key, and when: people first, then robots."""
    read = NotificationRecipient.objects.filter(notification__dedupe=dedupe)
    found = [
        Proof(
            str(row.user),
            gettext("In the product"),
            gettext("read %(at)s") % {"at": _moment(row.read_at)}
            if row.read_at
            else gettext("delivered %(at)s, not read")
            % {"at": _moment(row.notification.created_at)},
        )
        for row in read.select_related("user", "notification").order_by("user__email")
    ]
    copies = NotificationDelivery.objects.filter(notification__dedupe=dedupe)
    return found + [
        Proof(
            str(row.recipient or row.robot),
            row.get_channel_display(),
            gettext("handed over %(at)s") % {"at": _moment(row.sent_at)}
            if row.sent_at
            else row.get_state_display(),
        )
        for row in copies.select_related("recipient", "robot").order_by("created_at", "pk")
    ]


def unread(user: User) -> int:
    """Return how many of the person's notifications they have not read."""
    return NotificationRecipient.objects.filter(user_id=user.pk, read_at=None).count()


def mark_read(user: User, ids: Collection[uuid.UUID] | None) -> int:
    """Note that the person has read these of their lines, all of them without `ids`."""
    rows = NotificationRecipient.objects.filter(user_id=user.pk, read_at=None)
    if ids is not None:
        rows = rows.filter(pk__in=ids)
    return rows.update(read_at=clock.now())


def acknowledge(user: User, ids: Collection[uuid.UUID]) -> int:
    """Note that the person sees to what these of their lines tell; return how many that were.

    One acknowledgement speaks for all who were told, and keeps it from going up.
    """
    told = NotificationRecipient.objects.filter(user_id=user.pk, pk__in=ids)
    return _acknowledge(user, Q(pk__in=told.values("notification_id")))


def acknowledge_all(user: User) -> int:
    """Note that the person sees to everything critical they were told; return how many that were."""
    told = NotificationRecipient.objects.filter(user_id=user.pk)
    return _acknowledge(user, Q(pk__in=told.values("notification_id"), level=AlertLevel.CRITICAL))


def acknowledge_about(user: User, kind: str, subject: str) -> int:
    """Note that the person sees to what was told of one subject, who did so on its own page."""
    return _acknowledge(user, Q(kind__in=(kind, kind + ESCALATED), subject=subject))


def _acknowledge(user: User, which: Q) -> int:
    at = clock.now()
    with transaction.atomic():
        named = list(
            Notification.objects.filter(which, acknowledged_at=None).values_list("pk", "dedupe")
        )
        if not named:
            return 0
        # Who sees to what went up sees to what it went up from, and the other way round.
        pairs = {
            name
            for _pk, dedupe in named
            for name in (dedupe.removesuffix(ESCALATED), dedupe.removesuffix(ESCALATED) + ESCALATED)
        }
        rows = Notification.objects.select_for_update().filter(
            dedupe__in=pairs, acknowledged_at=None
        )
        found = list(rows.values_list("pk", flat=True))
        Notification.objects.filter(pk__in=found).update(
            acknowledged_at=at, acknowledged_by=user.pk, escalate_at=None
        )
        NotificationRecipient.objects.filter(
            user_id=user.pk, notification__in=found, read_at=None
        ).update(read_at=at)
        ledger.append(*(Event("alert.acknowledged", pk, {"by": user.pk}, at) for pk in found))
    return len(named)


def _moment(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S")


def _write(
    alerts: Sequence[Alert], people: Sequence[dict[int, str]], *, goes_up: bool = True
) -> list[Notification]:
    tenant = Tenant.objects.get(pk=active_tenant_id())
    at = clock.now()
    rows, made = _rows_of(alerts, at, goes_up=goes_up)
    entries, copies = [], []
    settings = alert_settings.current()
    robots = [] if not alerts else list(AlertRobot.objects.filter(is_active=True))
    for alert, told in zip(alerts, people, strict=True):
        row = rows[alert.dedupe]
        due = _due(alert, at, tenant, settings)
        for user_id, role in told.items():
            entries.append(NotificationRecipient(notification=row, user_id=user_id))
            if not tenant.is_demo and _is_mailed(alert, role, settings):
                copies.append(_copy(row, at, due, AlertChannel.MAIL, recipient_id=user_id))
        copies += [
            _copy(row, at, due, AlertChannel(robot.kind), robot=robot)
            for robot in robots
            if _is_heard(alert, robot)
        ]
    NotificationRecipient.objects.bulk_create(entries, ignore_conflicts=True, batch_size=500)
    NotificationDelivery.objects.bulk_create(copies, ignore_conflicts=True, batch_size=500)
    return made


def _rows_of(
    alerts: Sequence[Alert], at: datetime, *, goes_up: bool
) -> tuple[dict[str, Notification], list[Notification]]:
    """Return the row of each `dedupe`, and those among them that were made now."""
    names = {alert.dedupe for alert in alerts}
    found = _found(names)
    missing = {
        alert.dedupe: _row(alert, at, goes_up=goes_up)
        for alert in alerts
        if alert.dedupe not in found
    }
    try:
        with transaction.atomic():
            made = list(missing.values())
            Notification.objects.bulk_create(made, batch_size=500)
    except IntegrityError:
        # Somebody else told the same at the same moment, and has committed by now.
        found = _found(names)
        made = [row for dedupe, row in missing.items() if dedupe not in found]
        Notification.objects.bulk_create(made, batch_size=500)
    return found | {row.dedupe: row for row in made}, made


def _found(names: Iterable[str]) -> dict[str, Notification]:
    return {row.dedupe: row for row in Notification.objects.filter(dedupe__in=names)}


def _row(alert: Alert, at: datetime, *, goes_up: bool) -> Notification:
    level = AlertLevel(alert.level)
    return Notification(
        pk=new_id(),
        kind=alert.kind,
        level=level,
        title=masked(alert.title)[:_TITLE_LENGTH],
        body=masked(alert.body),
        subject=alert.subject,
        link=alert.link,
        dedupe=alert.dedupe,
        created_at=at,
        escalate_at=at + UNACKNOWLEDGED if goes_up and level == AlertLevel.CRITICAL else None,
    )


def _due(alert: Alert, at: datetime, tenant: Tenant, settings: NotificationSettings) -> datetime:
    if alert.level == AlertLevel.CRITICAL:
        return at
    return quiet_until(at, tenant.zone, settings.quiet_from, settings.quiet_until)


def _is_mailed(alert: Alert, role: str, settings: NotificationSettings) -> bool:
    least = settings.mail_levels.get(role, AlertLevel.WARNING)
    return alert.always_mailed or _reaches(alert.level, least)


def _is_heard(alert: Alert, robot: AlertRobot) -> bool:
    kind = alert.kind.removesuffix(ESCALATED)
    return _reaches(alert.level, robot.minimum_level) and (not robot.kinds or kind in robot.kinds)


def _reaches(level: str, least: str) -> bool:
    return _ORDER.index(AlertLevel(level)) >= _ORDER.index(AlertLevel(least))


def _copy(
    row: Notification,
    at: datetime,
    due: datetime,
    channel: AlertChannel,
    *,
    recipient_id: int | None = None,
    robot: AlertRobot | None = None,
) -> NotificationDelivery:
    return NotificationDelivery(
        notification=row,
        channel=channel,
        recipient_id=recipient_id,
        robot=robot,
        thread=row.kind,
        created_at=at,
        due_at=due,
    )
