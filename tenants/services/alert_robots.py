"""Register group robots, and try them out."""

import uuid

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tenants import clock, outward, secrets, webhooks
from tenants.alerting.letter import Outcome
from tenants.alerting.posting import WAYS, post
from tenants.errors import DomainError
from tenants.models import AlertChannel, AlertLevel, AlertRobot, Notification, Tenant, User
from tenants.scoping import active_tenant_id
from tenants.services import alert_letters, ledger
from tenants.services.ledger import Event


class AddressError(DomainError):
    """The address is none that such a robot has."""

    code = "robot_address"
    message = _(
        "This is not the address of such a robot: copy all of it from the group's settings."
    )


class SecretError(DomainError):
    """The secret is none that this kind of robot can be signed with."""

    code = "robot_secret"
    message = _("Enter the secret as whsec_ and base64, of 24 to 64 bytes.")


def check(kind: str, address: str | None, secret: str | None) -> None:
    """Raise AddressError or SecretError where these are none of such a robot; None is not judged."""
    if address is not None:
        token = WAYS[kind].token_of(address)
        refused = kind == AlertChannel.WEBHOOK and outward.why_refused(token or "") is not None
        if token is None or refused:
            raise AddressError
    if secret and kind == AlertChannel.WEBHOOK:
        try:
            webhooks.headers(secret, "check", b"", at=0)
        except ValueError as error:
            raise SecretError from error


def save(
    robot: AlertRobot, *, by: User, address: str | None = None, secret: str | None = None
) -> AlertRobot:
    """Write a robot; `address` and `secret` replace what is sealed, None keeps it.

    Of an address only what tells the robot is kept. Both are shown to nobody again. Raises
    AddressError and SecretError.
    """
    check(robot.kind, address, secret)
    if address is not None:
        robot.sealed_address = secrets.seal(WAYS[robot.kind].token_of(address) or "")
    if secret is not None:
        robot.sealed_secret = secrets.seal(secret)
    if robot.is_active and (address is not None or secret is not None):
        robot.failures, robot.last_error = 0, ""
    facts = {
        "by": by.pk,
        "kind": robot.kind,
        "active": robot.is_active,
        "minimum_level": robot.minimum_level,
        "kinds": robot.kinds,
        "new_address": address is not None,
        "new_secret": secret is not None,
    }
    with transaction.atomic():
        robot.save()
        ledger.append(Event("alert_robot.saved", robot.pk, facts))
    return robot


def ring(robot: AlertRobot, *, by: User) -> Outcome:
    """Send the robot a test message now and return what came of it; the log is left alone."""
    tenant = Tenant.objects.get(pk=active_tenant_id())
    at = clock.now()
    with translation.override(tenant.language), timezone.override(tenant.zone):
        row = Notification(
            kind="robot.test",
            level=AlertLevel.INFO,
            title=gettext("Test message"),
            body=gettext("Alerts of this tenant will arrive here."),
            created_at=at,
        )
        letter = alert_letters.compose(uuid.uuid4(), [row], tenant)
        outcome = post(robot, letter, at)
    with transaction.atomic():
        AlertRobot.objects.filter(pk=robot.pk).update(
            failures=0 if outcome.is_fine else robot.failures + 1, last_error=outcome.error
        )
        facts = {"by": by.pk, "error": outcome.error}
        ledger.append(Event("alert_robot.rung", robot.pk, facts, at))
    return outcome
