"""Tell of contracts and their calendar: what is to be signed, what moved, what runs out.

Source: contract R2, R11, R46 and the notification matrix.
"""

from collections.abc import Iterable
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import clock
from tenants.models import AlertLevel, Approval, ApprovalState, ObligationKind
from tenants.roles import FOR_BOTH, FOR_PROVIDER
from tenants.services.notifications import Alert, in_tenants_words, notify, notify_many
from tenants.services.obligations import EarlyWarning


def calendar_missing(year: int) -> None:
    """Tell account managers that the working days of a year are not loaded; once a day (R2)."""
    with in_tenants_words():
        notify(
            "calendar.missing",
            title=_("The working days of %(year)s are not loaded") % {"year": year},
            body=_(
                "Deadlines that reach into %(year)s wait. A platform operator enters the State "
                "Council's notice under Working-day calendar."
            )
            % {"year": year},
            roles=FOR_PROVIDER,
            level=AlertLevel.WARNING,
            dedupe=f"calendar.missing:{year}:{clock.now():%Y-%m-%d}",
        )


def deadlines_changed(count: int) -> None:
    """Tell both parties that the calendar moved open deadlines (R2)."""
    now = clock.now()
    with in_tenants_words():
        notify(
            "calendar.changed",
            title=_("Deadlines were counted anew: %(count)s") % {"count": count},
            body=_("The working-day calendar changed. Old and new deadlines are in the ledger."),
            roles=FOR_BOTH,
            level=AlertLevel.WARNING,
            link=reverse("admin:tenants_obligation_changelist"),
            dedupe=f"calendar.changed:{now.isoformat()}",
        )


def approval_requested(row: Approval) -> None:
    """Tell those who sign that a content waits for both signatures (R46)."""
    with in_tenants_words():
        notify(
            "approval.requested",
            title=_("To be signed: %(title)s") % {"title": _named(row)},
            body=_("Read it and sign with your password, or refuse and say why."),
            roles=FOR_BOTH,
            subject=str(row.pk),
            level=AlertLevel.WARNING,
            link=_page(row),
            dedupe=f"approval:{row.pk}",
        )


def approval_settled(row: Approval) -> None:
    """Tell both parties that both signed, or that one refused (R46)."""
    refused = row.state == ApprovalState.REFUSED
    with in_tenants_words():
        title = _("Refused: %(title)s") if refused else _("Signed by both: %(title)s")
        notify(
            "approval.settled",
            title=title % {"title": _named(row)},
            body=row.refused_reason if refused else _("It takes effect as it says."),
            roles=FOR_BOTH,
            subject=str(row.pk),
            level=AlertLevel.WARNING if refused else AlertLevel.INFO,
            link=_page(row),
            dedupe=f"approval:{row.pk}:{row.state}",
        )


def running_out(warnings: Iterable[EarlyWarning]) -> None:
    """Tell account managers of promises whose time is half or nearly over; each share once (R11)."""
    with in_tenants_words():
        notify_many([_running_out(each) for each in warnings])


def _running_out(warning: EarlyWarning) -> Alert:
    row = warning.obligation
    assert row.due_at is not None
    return Alert(
        kind="obligation.running_out",
        title=_("%(percent)s %% of the time is over: %(promise)s")
        % {"percent": warning.percent, "promise": ObligationKind(row.kind).label},
        body=_("Due %(due)s; left: %(days)s days.")
        % {
            "due": timezone.localtime(row.due_at).strftime("%Y-%m-%d %H:%M"),
            "days": max((row.due_at - clock.now()) // timedelta(days=1), 0),
        },
        roles=FOR_PROVIDER,
        dedupe=f"early:{warning.key}",
        subject=str(row.subject_id),
        level=AlertLevel.WARNING,
        link=reverse("admin:tenants_obligation_change", args=[row.pk]),
    )


def _named(row: Approval) -> str:
    return row.title or row.get_kind_display()


def _page(row: Approval) -> str:
    return reverse("admin:tenants_approval_change", args=[row.pk])
