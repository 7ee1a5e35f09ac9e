"""Tell of incidents, planned work and down time: what happens, what is claimed, what is spent.

Source: contract R85, R87, I1, I2 and the notification matrix. Every function writes rows only, in
the caller's transaction.
"""

from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from reporting.availability import Burn
from reporting.models import (
    ClaimDecision,
    ExclusionClaim,
    Incident,
    IncidentLevel,
    MaintenanceWindow,
)
from tenants.models import AlertLevel
from tenants.roles import FOR_BOTH, FOR_CLIENT, FOR_PROVIDER, SUPERVISING
from tenants.services.notifications import in_tenants_words, notify

_EVERYBODY = SUPERVISING | FOR_BOTH


def incident_opened(incident: Incident) -> None:
    """Tell both parties and who supervises of an incident (I1); P1 and P2 are critical."""
    grave = incident.level in (IncidentLevel.P1, IncidentLevel.P2)
    with in_tenants_words():
        notify(
            "incident.opened",
            title=f"{incident.level.upper()} {incident.title}",
            body=_("Since %(start)s. Somebody has to acknowledge it by %(due)s.")
            % {"start": _moment(incident.opened_at), "due": _moment(incident.acknowledge_due_at)},
            roles=_EVERYBODY,
            subject=str(incident.pk),
            level=AlertLevel.CRITICAL if grave else AlertLevel.WARNING,
            link=_incident(incident),
            dedupe=f"incident.opened:{incident.pk}",
        )


def incident_told(incident: Incident, text: str, key: object) -> None:
    """Pass on how an incident stands."""
    with in_tenants_words():
        notify(
            "incident.told",
            title=_("How it stands: %(incident)s") % {"incident": incident.title},
            body=text,
            roles=_EVERYBODY,
            subject=str(incident.pk),
            link=_incident(incident),
            dedupe=f"incident.told:{key}",
        )


def incident_restored(incident: Incident) -> None:
    """Tell that the service works again, and since when."""
    assert incident.restored_at is not None
    with in_tenants_words():
        notify(
            "incident.restored",
            title=_("Works again: %(incident)s") % {"incident": incident.title},
            body=_("Since %(end)s.") % {"end": _moment(incident.restored_at)},
            roles=_EVERYBODY,
            subject=str(incident.pk),
            link=_incident(incident),
            dedupe=f"incident.restored:{incident.pk}",
        )


def claim_made(row: ExclusionClaim) -> None:
    """Ask client administrators to decide about a claim (R85)."""
    with in_tenants_words():
        notify(
            "availability.claimed",
            title=_("Down time that the provider wants left out"),
            body=_("%(start)s – %(end)s. It counts until you accept the claim.")
            % {"start": _moment(row.start_at), "end": _moment(row.end_at)},
            roles=FOR_CLIENT,
            subject=str(row.pk),
            level=AlertLevel.WARNING,
            link=_claim(row),
            dedupe=f"claim:{row.pk}",
        )


def claim_decided(row: ExclusionClaim) -> None:
    """Tell account managers what the client decided."""
    accepted = row.decision == ClaimDecision.ACCEPTED
    with in_tenants_words():
        notify(
            "availability.decided",
            title=_("Exclusion claim accepted") if accepted else _("Exclusion claim rejected"),
            body=row.remark,
            roles=FOR_PROVIDER,
            subject=str(row.pk),
            link=_claim(row),
            dedupe=f"claim.decided:{row.pk}",
        )


def maintenance_announced(row: MaintenanceWindow) -> None:
    """Announce planned work to the client (I2)."""
    with in_tenants_words():
        notify(
            "maintenance.announced",
            title=_("Planned work: %(title)s") % {"title": row.title},
            body=f"{_moment(row.start_at)} – {_moment(row.end_at)}\n{row.description}",
            roles=_EVERYBODY,
            subject=str(row.pk),
            level=AlertLevel.WARNING,
            link=reverse("admin:reporting_maintenancewindow_change", args=[row.pk]),
            dedupe=maintenance_key(row),
        )


def maintenance_key(row: MaintenanceWindow) -> str:
    """Return the key of the notification that announced planned work."""
    return f"maintenance:{row.pk}"


def maintenance_cancelled(row: MaintenanceWindow) -> None:
    """Tell the client that planned work is called off."""
    with in_tenants_words():
        notify(
            "maintenance.cancelled",
            title=_("Called off: %(title)s") % {"title": row.title},
            body=f"{_moment(row.start_at)} – {_moment(row.end_at)}",
            roles=_EVERYBODY,
            subject=str(row.pk),
            link=reverse("admin:reporting_maintenancewindow_change", args=[row.pk]),
            dedupe=f"maintenance.cancelled:{row.pk}",
        )


def of_budget(burn: Burn, now: datetime) -> None:
    """Tell how much of the month's down time is spent, each step once (R87).

    Account managers hear of the steps; who is on call hears if the last hour alone took more than
    5 % of it.
    """
    if not burn.step and not burn.pages:
        return
    with in_tenants_words():
        month = timezone.localtime(now).strftime("%Y-%m")
        if burn.step:
            notify(
                "availability.budget",
                title=_("%(percent)s %% of the down time of %(month)s is spent")
                % {"percent": burn.step, "month": month},
                body=_("%(spent)s of %(budget)s seconds.")
                % {
                    "spent": int(burn.spent.total_seconds()),
                    "budget": int(burn.budget.total_seconds()),
                },
                roles=FOR_PROVIDER,
                level=AlertLevel.CRITICAL if burn.step >= 100 else AlertLevel.WARNING,
                link=reverse("admin:reporting_downinterval_changelist"),
                dedupe=f"budget:{month}:{burn.step}",
            )
        if burn.pages:
            notify(
                "availability.burning",
                title=_("The last hour took more than 5 %% of the down time of %(month)s")
                % {"month": month},
                body=_("Look at the incidents now."),
                roles=_EVERYBODY,
                level=AlertLevel.CRITICAL,
                link=reverse("admin:reporting_incident_changelist"),
                dedupe=f"burning:{now:%Y-%m-%dT%H}",
            )


def _moment(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S")


def _incident(row: Incident) -> str:
    return reverse("admin:reporting_incident_change", args=[row.pk])


def _claim(row: ExclusionClaim) -> str:
    return reverse("admin:reporting_exclusionclaim_change", args=[row.pk])
