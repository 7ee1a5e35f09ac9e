"""Tell both parties each day how far the evidence chain reaches, so that nobody rewrites it (R12).

A chain that is cut off or written anew up to its head holds in itself; not against a hash that
lies in two parties' mailboxes.
"""

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import clock
from tenants.models import LedgerHead, Tenant, TenantStatus
from tenants.roles import FOR_BOTH
from tenants.scoping import active_tenant_id
from tenants.services.notifications import in_tenants_words, notify


def tell() -> None:
    """Mail the tenant's account managers and client administrators the head of its chain, daily.

    Calling it again on the same day of the tenant's zone does nothing; nor does it for a suspended
    tenant, or where nothing was ever recorded.
    """
    tenant = Tenant.objects.get(pk=active_tenant_id())
    head = LedgerHead.objects.first()
    if tenant.status == TenantStatus.SUSPENDED or head is None or not head.position:
        return
    with in_tenants_words(), transaction.atomic():
        day = timezone.localtime(clock.now()).strftime("%Y-%m-%d")
        notify(
            "ledger.head",
            title=_("Evidence ledger on %(day)s") % {"day": day},
            body=_(
                "It reaches entry %(position)s, hash:\n%(hash)s\nKeep this mail: whoever changes "
                "earlier entries can no longer give that entry this hash."
            )
            % {"position": head.position, "hash": head.hash},
            roles=FOR_BOTH,
            link=reverse("admin:tenants_ledgerentry_changelist"),
            dedupe=f"ledger.head:{day}",
            always_mailed=True,
        )
