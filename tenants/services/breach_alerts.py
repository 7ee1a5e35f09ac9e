"""Tell of missed promises: whom, and in which words. Source: the notification matrix."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants.durations import in_words
from tenants.models import AlertLevel, Breach, ObligationKind
from tenants.roles import SUPERVISING, Role
from tenants.services.notifications import Alert, in_tenants_words, notify_many

# Whom a missed promise of each kind is told. Supervisors are the people on call.
ROLES: dict[str, frozenset[Role]] = {
    ObligationKind.FIRST_REPLY: SUPERVISING,
    ObligationKind.HANDOFF: SUPERVISING,
}
# Who sees such a breach has more to say of it, and tells of it at the same instant: the alarm that
# names the report and what kept it (R33).
TOLD_ELSEWHERE = frozenset({ObligationKind.REPORT_DUE})
# Breaches told of in one transaction.
AT_ONCE = 250
_OTHERS = frozenset({*SUPERVISING, Role.ACCOUNT_MANAGER})


def kind_of(obligation_kind: str) -> str:
    """Return what notifications about missed promises of this kind are called."""
    return f"obligation.{obligation_kind}"


def tell_waiting(most: int = AT_ONCE) -> int:
    """Tell of the tenant's breaches that nobody was told of yet, oldest first; return of how many.

    One notification each, in the transaction that notes that they are told of: once (R7). Safe to
    run twice at once. Nothing is told here of the kinds in TOLD_ELSEWHERE.
    """
    with transaction.atomic():
        breaches = list(
            Breach.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
            .select_related("obligation")
            .filter(is_untold=True)
            .order_by("detected_at", "due_at")[:most]
        )
        if breaches:
            _tell([one for one in breaches if one.obligation.kind not in TOLD_ELSEWHERE])
            Breach.objects.filter(pk__in=[breach.pk for breach in breaches]).update(is_untold=False)
    return len(breaches)


def _tell(breaches: Sequence[Breach]) -> None:
    # Resolving an address costs more than the row it leads to.
    pages = reverse("admin:tenants_breach_changelist")
    with in_tenants_words():
        notify_many([_alert(breach, f"{pages}{breach.pk}/change/") for breach in breaches])


def _alert(breach: Breach, page: str) -> Alert:
    obligation = breach.obligation
    return Alert(
        kind=kind_of(obligation.kind),
        title=_("%(promise)s not kept in time")
        % {"promise": ObligationKind(obligation.kind).label},
        body=_(
            "Clause %(clause)s: begun %(started)s, promised within %(limit)s, found late %(found)s "
            "(no. %(number)s)."
        )
        % {
            "clause": breach.clause,
            "started": _second(breach.started_at),
            "limit": in_words(breach.due_at - breach.started_at),
            "found": _second(breach.detected_at),
            "number": breach.pk.hex[-8:],
        },
        roles=ROLES.get(obligation.kind, _OTHERS),
        subject=str(breach.subject_id),
        level=AlertLevel.CRITICAL,
        link=page,
        dedupe=f"breach:{breach.pk}",
    )


def _second(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S")
