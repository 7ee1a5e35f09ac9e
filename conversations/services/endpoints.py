"""Keep the addresses that hear of events, and their secrets."""

from datetime import timedelta

from django.db import transaction

from conversations.models import EventKind, WebhookDelivery, WebhookEndpoint
from conversations.services import deliveries, following
from tenants import clock, webhooks
from tenants.errors import DomainError
from tenants.models import User
from tenants.outward import why_refused
from tenants.secrets import seal
from tenants.services import ledger
from tenants.services.ledger import Event

# What an address may subscribe to: a wait is long by the measure of a rule, which then calls it.
KINDS = tuple(kind for kind in EventKind if kind != EventKind.WAITING)
# For so long after a new secret the old one signs, too.
OVERLAP = timedelta(hours=24)


class AddressRefusedError(DomainError):
    """Nothing may be sent to this address."""

    code = "address_refused"
    status = 422
    message = "%(reason)s"


def save_endpoint(endpoint: WebhookEndpoint, *, by: User | None) -> str | None:
    """Write an address; return the secret of a new one, for the only time, else None.

    Switched on again, an address forgets that it failed, and what waits for it goes on. Raises
    AddressRefusedError. Recorded in the ledger.
    """
    reason = why_refused(endpoint.url)
    if reason is not None:
        raise AddressRefusedError(reason=reason)
    secret = None
    with transaction.atomic():
        created = endpoint._state.adding
        if created:
            secret = webhooks.new_secret()
            endpoint.sealed_secret = seal(secret)
        else:
            standing = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
            _keep_standing(endpoint, standing)
        endpoint.save()
        following.begin()
        facts = {
            "by": by.pk if by else None,
            "url_sha256": ledger.fingerprint(endpoint.url),
            "kinds": list(endpoint.kinds),
            "with_contents": endpoint.with_contents,
            "active": endpoint.is_active,
        }
        kind = "webhook.created" if created else "webhook.changed"
        ledger.append(Event(kind, endpoint.pk, facts))
    return secret


def rotate_secret(endpoint: WebhookEndpoint, *, by: User) -> str:
    """Give the address a new secret and return it, for the only time.

    For 24 hours every message carries the signatures of both, so that the receiver can change over.
    """
    secret = webhooks.new_secret()
    with transaction.atomic():
        standing = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
            sealed_secret=seal(secret),
            sealed_previous=standing.sealed_secret,
            previous_until=clock.now() + OVERLAP,
        )
        ledger.append(Event("webhook.secret_rotated", endpoint.pk, {"by": by.pk}))
    return secret


def ping(endpoint: WebhookEndpoint, *, by: User) -> WebhookDelivery:
    """Send the address a test message now and return how it went; it is tried only this once."""
    delivery = deliveries.queue_ping(endpoint)
    with transaction.atomic():
        ledger.append(Event("webhook.pinged", endpoint.pk, {"by": by.pk}))
    deliveries.deliver(delivery.pk)
    return WebhookDelivery.objects.get(pk=delivery.pk)


def delete_endpoint(endpoint: WebhookEndpoint, *, by: User | None) -> None:
    """Remove an address with its log, and the actions that call it. Recorded in the ledger."""
    with transaction.atomic():
        key = endpoint.pk
        endpoint.delete()
        ledger.append(Event("webhook.deleted", key, {"by": by.pk if by else None}))


def _keep_standing(endpoint: WebhookEndpoint, standing: WebhookEndpoint) -> None:
    for name in ("sealed_secret", "sealed_previous", "previous_until"):
        setattr(endpoint, name, getattr(standing, name))
    restarted = endpoint.is_active and not standing.is_active
    endpoint.failures = 0 if restarted else standing.failures
    endpoint.failing_since = None if restarted else standing.failing_since
    endpoint.disabled_reason = "" if restarted else standing.disabled_reason
    endpoint.disabled_at = None if endpoint.is_active else standing.disabled_at or clock.now()
