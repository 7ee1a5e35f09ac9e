"""Planned work, announced in time (contract I2)."""

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from reporting.models import MaintenanceWindow
from reporting.services import availability_alerts
from tenants import clock
from tenants.errors import DomainError, NotFoundError
from tenants.models import User
from tenants.services import contracts, ledger
from tenants.services.ledger import Event


class NoticeTooShortError(DomainError):
    """The work would begin too soon, or end before it begins."""

    code = "notice_too_short"
    status = 422
    message = _("Planned work is announced at least %(hours)s hours before it begins.")


class WindowOverError(DomainError):
    """The work has begun or was cancelled."""

    code = "window_over"
    status = 409
    message = _("The work has begun already, or was cancelled.")


def notice() -> timedelta:
    """Return how long before planned work is announced, by the terms of today (72 hours)."""
    return contracts.terms_at(clock.now()).maintenance_notice


def announce(
    *, title: str, description: str, start_at: datetime, end_at: datetime, by: User
) -> MaintenanceWindow:
    """Announce planned work, which counts as down time all the same. Raises NoticeTooShortError."""
    with transaction.atomic():
        now = clock.now()
        if start_at - now < notice() or end_at <= start_at:
            raise NoticeTooShortError(hours=notice() // timedelta(hours=1))
        window = MaintenanceWindow.objects.create(
            title=title,
            description=description,
            start_at=start_at,
            end_at=end_at,
            announced_at=now,
            announced_by=by,
        )
        facts = {"start_at": start_at, "end_at": end_at, "by": by.pk}
        ledger.append(Event("maintenance.announced", window.pk, facts, now))
        availability_alerts.maintenance_announced(window)
    return window


def cancel(window_id: uuid.UUID, *, by: User) -> MaintenanceWindow:
    """Call planned work off before it begins. Raises WindowOverError."""
    with transaction.atomic():
        window = MaintenanceWindow.objects.select_for_update().filter(pk=window_id).first()
        if window is None:
            raise NotFoundError
        now = clock.now()
        if window.cancelled_at is not None or window.start_at <= now:
            raise WindowOverError
        window.cancelled_at = now
        window.save(update_fields=["cancelled_at"])
        ledger.append(Event("maintenance.cancelled", window.pk, {"by": by.pk}, now))
        availability_alerts.maintenance_cancelled(window)
    return window
