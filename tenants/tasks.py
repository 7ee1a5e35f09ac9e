"""The tenants' regular chores."""

import logging

from celery import shared_task
from django.conf import settings

from tenants import clock
from tenants.models import Obligation, ObligationState
from tenants.scoping import platform_scope, tenant_scope

logger = logging.getLogger(__name__)

_BATCH = 500


@shared_task(name="tenants.find_breaches", platform=True, alone_for=30)
def find_breaches() -> None:
    """Turn every running obligation that is late into a breach (R5, R6)."""
    from tenants.services import obligations  # noqa: PLC0415 -- leaf

    with platform_scope("obligations that are late, of all tenants"):
        late = list(
            Obligation.objects.using(settings.PLATFORM_DATABASE)
            .filter(state=ObligationState.RUNNING, due_at__lt=clock.now())
            .order_by("due_at")
            .values_list("tenant_id", "pk")[:_BATCH]
        )
    for tenant_id, obligation_id in late:
        with tenant_scope(tenant_id):
            try:
                breached = obligations.sweep(obligation_id)
            except Exception:
                # One tenant's damage must not hide the breaches of all others.
                logger.exception("Sweep failed: obligation %s", obligation_id)
                continue
            if breached:
                logger.warning("Obligation breached: %s", obligation_id)
