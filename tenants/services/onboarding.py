"""Take a client company on."""

from django.core.exceptions import ValidationError
from django.db import transaction

from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tenants.services import ledger
from tenants.services.ledger import Event


def create_tenant(
    *,
    slug: str,
    name: str,
    language: str = "zh-hans",
    time_zone: str = "Asia/Shanghai",
    is_demo: bool = False,
) -> Tenant:
    """Create a tenant with its evidence chain, whose first entry says so.

    Raises ValidationError if a value is malformed or the short name is taken; then nothing is
    written.
    """
    tenant = Tenant(slug=slug, name=name, language=language, time_zone=time_zone, is_demo=is_demo)
    tenant.full_clean()
    return open_tenant(tenant)


def open_tenant(tenant: Tenant) -> Tenant:
    """Write a checked, new tenant and open its evidence chain."""
    if not tenant._state.adding:
        raise ValidationError("the tenant exists already")
    with transaction.atomic():
        tenant.save()
        with tenant_scope(tenant):
            ledger.open_chain()
            ledger.append(Event("tenant.created", tenant.code, {"language": tenant.language}))
    return tenant
