"""Keep the client's own systems: set up, switched off, left alone while they fail."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from conversations.adapters.base import Connection
from conversations.models import DisabledReason, HandoffTarget, TargetStatus
from tenants import clock, secrets
from tenants.models import User
from tenants.services import ledger
from tenants.services.ledger import Event

# The circuit: after so many hand-offs in a row that were not acknowledged, new ones go to the
# console at once, but for one at the end of each rest that tries.
FAILURES = 3
REST = timedelta(seconds=60)

# What the ledger keeps of a change; secrets and masks of them never.
_FACTS = ("kind", "name", "base_url", "status", "masks_contact", "chatwoot_account")


def current() -> HandoffTarget | None:
    """Return the tenant's active target, or None: then hand-offs go to our own console."""
    return HandoffTarget.objects.filter(status=TargetStatus.ACTIVE).first()


def save_target(
    target: HandoffTarget,
    *,
    by: User | None,
    signing_secret: str | None = None,
    inbound_secrets: list[str] | None = None,
    token: str | None = None,
) -> HandoffTarget:
    """Write a target; a secret given replaces the one kept, None keeps it. Recorded in the ledger.

    Whatever changes, the circuit is closed: a new address deserves a new chance. A disabled target
    hands what it held to our console.
    """
    from conversations.services import failover  # noqa: PLC0415 -- which asks for targets

    with transaction.atomic():
        created = target._state.adding
        if signing_secret is not None:
            target.sealed_signing_secret = secrets.seal(signing_secret)
        if inbound_secrets is not None:
            target.sealed_inbound_secrets = secrets.seal("\n".join(inbound_secrets))
        if token is not None:
            target.sealed_token = secrets.seal(token)
        target.failures, target.rests_until, target.throttled_until = 0, None, None
        if target.is_active:
            target.disabled_reason, target.disabled_at = "", None
        elif target.disabled_at is None:
            target.disabled_reason, target.disabled_at = DisabledReason.PERSON, clock.now()
        target.save()
        facts = {name: getattr(target, name) for name in _FACTS}
        renewed = [
            name
            for name, value in (
                ("signing", signing_secret),
                ("inbound", inbound_secrets),
                ("token", token),
            )
            if value is not None
        ]
        kind = "target.created" if created else "target.changed"
        ledger.append(
            Event(kind, target.pk, {**facts, "secrets": renewed, "by": by.pk if by else None})
        )
    if not target.is_active:
        failover.fail_over_all(target, cause="disabled")
    return target


def disable_gone(target: HandoffTarget) -> None:
    """Disable a target that said it is gone for good, and take back what it held (410)."""
    from conversations.services import failover  # noqa: PLC0415 -- which asks for targets

    at = clock.now()
    with transaction.atomic():
        disabled = HandoffTarget.objects.filter(pk=target.pk, status=TargetStatus.ACTIVE).update(
            status=TargetStatus.DISABLED, disabled_reason=DisabledReason.GONE, disabled_at=at
        )
        if disabled:
            ledger.append(Event("target.disabled", target.pk, {"reason": "gone"}, at))
    failover.fail_over_all(target, cause="gone")


def admit(target: HandoffTarget, at: datetime, *, latest: datetime) -> datetime | None:
    """Return from when on a new hand-off may be sent there; None: it goes to the console at once.

    Decided by the target's row, so that all processes agree: the circuit is closed, or its rest is
    over and this hand-off is the one that tries. What the target asked to wait for is waited for
    unless that leads past `latest`.
    """
    begin = max(at, target.throttled_until or at)
    if begin >= latest:
        return None
    if target.failures < FAILURES:
        return begin
    tries = HandoffTarget.objects.filter(pk=target.pk).filter(
        Q(rests_until=None) | Q(rests_until__lte=at)
    )
    return begin if tries.update(rests_until=at + REST) else None


def succeeded(target: HandoffTarget, at: datetime) -> None:
    """Note that the target acknowledged something: the circuit closes.

    Written at most once a second where nothing changes: all its hand-offs meet at this row.
    """
    rows = HandoffTarget.objects.filter(pk=target.pk)
    unknown = Q(last_success_at=None) | Q(last_success_at__lt=at - timedelta(seconds=1))
    troubled = Q(failures__gt=0) | ~Q(throttled_until=None)
    rows.filter(unknown | troubled).update(
        failures=0, rests_until=None, throttled_until=None, last_success_at=at
    )


def failed(target_id: object, at: datetime) -> None:
    """Note that a hand-off was not acknowledged in time; the circuit opens after several."""
    rows = HandoffTarget.objects.filter(pk=target_id)
    rows.update(failures=F("failures") + 1)
    rows.filter(failures__gte=FAILURES).update(rests_until=at + REST)


def throttle(target_id: object, until: datetime) -> None:
    """Send nothing to the target before `until`, as it asked."""
    HandoffTarget.objects.filter(pk=target_id).filter(
        Q(throttled_until=None) | Q(throttled_until__lt=until)
    ).update(throttled_until=until)


def connection(target: HandoffTarget) -> Connection:
    """Return how the target is reached, secrets opened. Raises SecretUnreadableError."""
    return Connection(
        base_url=target.base_url,
        signing_secret=target.signing_secret,
        inbound_secrets=tuple(target.inbound_secrets),
        token=target.token,
        account=target.chatwoot_account,
        inbox=target.chatwoot_inbox,
        team=target.chatwoot_team,
        email=target.zendesk_email,
    )
