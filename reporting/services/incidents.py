"""Incidents: opened by people or by down time, acknowledged, told about, restored, explained."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reporting.models import (
    AuthorityWay,
    DownInterval,
    Incident,
    IncidentKind,
    IncidentLevel,
    IncidentUpdate,
    IntervalKind,
)
from reporting.services import availability_alerts, deadlines
from tenants import clock
from tenants.errors import DomainError, NotFoundError
from tenants.models import LedgerEntry, ObligationKind, Tenant, User
from tenants.scoping import active_tenant_id
from tenants.services import contracts, ledger, notifications, obligations
from tenants.services.ledger import Event
from tenants.terms import IncidentTime

# R87: longer than this is an incident of the highest level.
DOWN_IS_INCIDENT = timedelta(seconds=60)
# Contract L14: the authority within 4 hours.
AUTHORITY = timedelta(hours=4)
_CLAUSE = "2.3"
_AUTHORITY_TOLD = "incident.authority_told"
REPORTED_LEVELS = frozenset({IncidentLevel.P1, IncidentLevel.P2})


class IncidentRestoredError(DomainError):
    """The step was made before, or the incident is over."""

    code = "incident_restored"
    status = 409
    message = gettext_lazy("This step was made already.")


class AuthorityMissingError(DomainError):
    """That an authority was told is of use only with its name and the way."""

    code = "authority_missing"
    status = 422
    message = gettext_lazy("Say which authority was told, and by what.")


@dataclass(frozen=True)
class Told:
    """Which authority was told of an incident, by what, and under which reference, if any."""

    authority: str
    way: AuthorityWay
    reference: str


def open_incident(
    *,
    title: str,
    level: str,
    kind: str = IncidentKind.OTHER,
    at: datetime | None = None,
    by: User | None,
) -> Incident:
    """Open an incident that began at `at`; its two clocks run from now (contract I1)."""
    with transaction.atomic():
        now = clock.now()
        incident, opened = _open(title, level, kind, at or now, now, by=by)
        ledger.append(*opened)
    return incident


def acknowledge(incident_id: uuid.UUID, *, by: User) -> Incident:
    """Note that somebody looks after the incident. Raises IncidentRestoredError the second time."""
    with transaction.atomic():
        incident = _locked(incident_id)
        if incident.acknowledged_at is not None:
            raise IncidentRestoredError
        now = clock.now()
        incident.acknowledged_at, incident.acknowledged_by = now, by
        incident.save(update_fields=["acknowledged_at", "acknowledged_by"])
        kept = obligations.meet(ObligationKind.INCIDENT_ACK, subject_id=incident.pk, at=now)
        ledger.append(_step("incident.acknowledged", incident, now, by), *kept)
        notifications.acknowledge_about(by, "incident.opened", str(incident.pk))
    return incident


def tell(incident_id: uuid.UUID, text: str, *, by: User | None) -> IncidentUpdate:
    """Tell how the incident stands; the next word is due after the level's interval."""
    with transaction.atomic():
        incident = _locked(incident_id)
        update, event = _tell(incident, text, clock.now(), by=by)
        ledger.append(event)
    return update


def restore(incident_id: uuid.UUID, *, at: datetime | None = None, by: User) -> Incident:
    """Note that the service works again since `at`. Raises IncidentRestoredError the second time."""
    with transaction.atomic():
        incident = _locked(incident_id)
        if incident.restored_at is not None:
            raise IncidentRestoredError
        now = clock.now()
        ledger.append(*_restore(incident, min(at or now, now), now, by=by))
    return incident


def explain(
    incident_id: uuid.UUID, *, cause: str, owner_party: str, report: str, by: User
) -> Incident:
    """Keep cause, responsible party and the root cause report; the first report ends its clock."""
    with transaction.atomic():
        incident = _locked(incident_id)
        now = clock.now()
        incident.cause, incident.owner_party, incident.report = cause, owner_party, report
        if report and incident.reported_at is None:
            incident.reported_at = now
        incident.save(update_fields=["cause", "owner_party", "report", "reported_at"])
        facts = {"party": owner_party, "report": ledger.fingerprint(report) if report else None}
        ledger.append(_step("incident.explained", incident, now, by, facts))
    return incident


def tell_authority(
    incident_id: uuid.UUID, *, authority: str, way: str, reference: str = "", by: User
) -> Incident:
    """Note which authority was told of a security incident, and by what (contract L14).

    Both are kept in the ledger, with the reference it gave. Raises AuthorityMissingError, and
    IncidentRestoredError the second time.
    """
    authority, reference = authority.strip(), reference.strip()
    if not authority or way not in AuthorityWay.values:
        raise AuthorityMissingError
    with transaction.atomic():
        incident = _locked(incident_id)
        if incident.authority_due_at is None or incident.authority_told_at is not None:
            raise IncidentRestoredError
        now = clock.now()
        incident.authority_told_at = now
        incident.save(update_fields=["authority_told_at"])
        facts = {"authority": authority, "way": str(way), "reference": reference}
        ledger.append(_step(_AUTHORITY_TOLD, incident, now, by, facts))
    return incident


def authority_of(incident: Incident) -> Told | None:
    """Return what was noted when the authority was told; None where nothing but the time was."""
    entry = LedgerEntry.objects.filter(kind=_AUTHORITY_TOLD, subject=str(incident.pk)).last()
    if entry is None or "authority" not in entry.data:
        return None
    facts = entry.data
    return Told(facts["authority"], AuthorityWay(facts["way"]), facts["reference"])


def follow_downtime(now: datetime) -> list[Event]:
    """Open an incident for down time of more than 60 seconds, restore it when it ends.

    Returns the ledger events; part of the transaction that keeps the down time. Down time that
    begins while such an incident is open belongs to it (R87).
    """
    events: list[Event] = []
    unheard = DownInterval.objects.filter(
        kind=IntervalKind.DOWN, withdrawn_at=None, incident=None
    ).order_by("start_at")
    for row in unheard:
        if row.end_at - row.start_at <= DOWN_IS_INCIDENT:
            continue
        incident = Incident.objects.filter(is_automatic=True, restored_at=None).first()
        if incident is None:
            tenant = Tenant.objects.get(pk=active_tenant_id())
            with translation.override(tenant.language):
                title = _("The service does not answer")
            incident, opened = _open(
                title,
                IncidentLevel.P1,
                IncidentKind.AVAILABILITY,
                row.start_at,
                now,
                by=None,
                is_automatic=True,
            )
            events += opened
        DownInterval.objects.filter(pk=row.pk).update(incident=incident)
    for incident in Incident.objects.filter(is_automatic=True, restored_at=None):
        rows = list(incident.intervals.filter(withdrawn_at=None).order_by("-end_at"))
        if any(row.is_open for row in rows):
            continue
        end = rows[0].end_at if rows else now
        events += _restore(incident, end, now, by=None)
    return events


def _open(
    title: str,
    level: str,
    kind: str,
    at: datetime,
    now: datetime,
    *,
    by: User | None,
    is_automatic: bool = False,
) -> tuple[Incident, list[Event]]:
    agreed = contracts.terms_at(now)
    times = agreed.incident_times[level.upper()]
    reported = level in REPORTED_LEVELS or kind == IncidentKind.SECURITY
    incident = Incident.objects.create(
        title=title,
        level=level,
        kind=kind,
        opened_at=at,
        is_automatic=is_automatic,
        acknowledge_due_at=deadlines.after(now, times.acknowledge, working=times.working),
        restore_due_at=_due(now, times.restore, times),
        update_due_at=_due(now, times.update, times),
        report_due_at=(
            deadlines.working_days(now, agreed.incident_report_working_days) if reported else None
        ),
        authority_due_at=now + AUTHORITY if kind == IncidentKind.SECURITY else None,
    )
    availability_alerts.incident_opened(incident)
    facts = {"level": str(level), "kind": str(kind), "automatic": is_automatic, "since": at}
    clocks = (
        (ObligationKind.INCIDENT_ACK, incident.acknowledge_due_at),
        (ObligationKind.INCIDENT_RESTORE, incident.restore_due_at),
    )
    promised = [
        obligations.start(
            clock_kind,
            clause=_CLAUSE,
            subject_id=incident.pk,
            conversation_id=None,
            at=now,
            limit=due - now,
            terms_version=agreed.version,
        )
        for clock_kind, due in clocks
        if due is not None
    ]
    return incident, [_step("incident.opened", incident, now, by, facts), *promised]


def _tell(
    incident: Incident, text: str, now: datetime, *, by: User | None
) -> tuple[IncidentUpdate, Event]:
    update = IncidentUpdate.objects.create(incident=incident, text=text, at=now, by=by)
    times = contracts.terms_at(incident.opened_at).incident_times[incident.level.upper()]
    if incident.restored_at is None:
        incident.update_due_at = _due(now, times.update, times)
        incident.save(update_fields=["update_due_at"])
    availability_alerts.incident_told(incident, text, update.pk)
    facts = {"text": ledger.fingerprint(text)}
    return update, _step("incident.told", incident, now, by, facts)


def _restore(incident: Incident, at: datetime, now: datetime, *, by: User | None) -> list[Event]:
    incident.restored_at, incident.update_due_at = max(at, incident.opened_at), None
    incident.save(update_fields=["restored_at", "update_due_at"])
    availability_alerts.incident_restored(incident)
    facts = {"restored_at": incident.restored_at}
    kept = obligations.meet(
        ObligationKind.INCIDENT_RESTORE, subject_id=incident.pk, at=incident.restored_at
    )
    if incident.is_automatic and incident.acknowledged_at is None:
        # Over before anybody had to say that they look after it: nothing is owed any more.
        kept += obligations.meet(
            ObligationKind.INCIDENT_ACK, subject_id=incident.pk, at=incident.restored_at
        )
    return [_step("incident.restored", incident, now, by, facts), *kept]


def _due(start: datetime, minutes: int | None, times: IncidentTime) -> datetime | None:
    return None if minutes is None else deadlines.after(start, minutes, working=times.working)


def _locked(incident_id: uuid.UUID) -> Incident:
    incident = Incident.objects.select_for_update().filter(pk=incident_id).first()
    if incident is None:
        raise NotFoundError
    return incident


def _step(kind: str, incident: Incident, at: datetime, by: User | None, facts: Any = None) -> Event:
    return Event(kind, incident.pk, {**(facts or {}), "by": by.pk if by else None}, at)
