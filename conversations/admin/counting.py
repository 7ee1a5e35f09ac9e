"""Which rows the figures of reports count, as conditions of the lists that show them (R34)."""

from datetime import date

from django.db.models import Q

from conversations.models import Conversation
from conversations.satisfaction import month_bounds
from tenants.admin_filters import MonthFilter
from tenants.models import ObligationState, Tenant
from tenants.scoping import active_tenant_id

JUDGED = (ObligationState.MET, ObligationState.BREACHED)


def of_real_conversations(path: str = "conversation__") -> Q:
    """Return the condition of what was said by real visitors, not by probers or in demonstrations.

    `path` leads from the row to its conversation. In a tenant that is itself a demonstration, those
    are its visitors.
    """
    condition = Q(**{f"{path}is_probe": False})
    if not _is_demo():
        condition &= Q(**{f"{path}is_demo": False})
    return condition


def of_demonstrations(path: str = "conversation__") -> Q:
    """Return the condition of what reports list as left out: tests and demonstrations.

    Probes are the platform's own and in no list of a report.
    """
    if _is_demo():
        return Q(pk__in=())
    return Q(**{f"{path}is_probe": False, f"{path}is_demo": True})


def taken_handoffs() -> Q:
    """Return the condition of hand-offs that an agent took, demonstrations aside."""
    condition = Q(accepted_at__isnull=False)
    return condition if _is_demo() else condition & Q(conversation__is_demo=False)


def judged_promises() -> Q:
    """Return the condition of promises that are kept or broken, demonstrations aside."""
    condition = Q(state__in=JUDGED)
    if not _is_demo():
        shown = Conversation.objects.filter(is_demo=True)
        condition &= ~Q(conversation_id__in=shown.values("pk"))
    return condition


class EndedInMonthFilter(MonthFilter):
    """Rows of surveys whose inquiry ended in a month of the tenant's calendar."""

    path = ""

    def of_month(self, month: date) -> Q:
        zone = Tenant.objects.get(pk=active_tenant_id()).zone
        start, end = month_bounds(month, zone)
        name = f"{self.path}ended_at"
        return Q(**{f"{name}__gte": start, f"{name}__lt": end})


def _is_demo() -> bool:
    return bool(Tenant.objects.values_list("is_demo", flat=True).get(pk=active_tenant_id()))
