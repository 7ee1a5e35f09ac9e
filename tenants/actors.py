"""Who is asking, and in which tenant."""

from dataclasses import dataclass, replace

from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from tenants.models import Membership, Tenant, TenantStatus, User
from tenants.roles import CAPABILITIES, OPERATOR_CAPABILITIES
from tenants.scoping import platform_scope, tenant_scope

# Under this key the session remembers the tenant a person works in.
SESSION_TENANT = "tenant"

_ENTERING = [role for role, granted in CAPABILITIES.items() if "admin.enter" in granted]


@dataclass(frozen=True)
class Actor:
    """A signed-in person inside one tenant, or an operator who has chosen none yet."""

    user: User
    tenant: Tenant | None
    membership: Membership | None
    # They chose none of their several tenants, and so are in the first of them.
    is_by_default: bool = False

    def can(self, capability: str) -> bool:
        """Return whether this person may, here. Operators may all but handle conversations."""
        if self.membership is not None and self.membership.can(capability):
            return True
        return self.user.is_operator and capability in OPERATOR_CAPABILITIES


def tenants_of(user: User) -> list[Tenant]:
    """Return the active tenants the person may work in, by name; all of them for an operator."""
    tenants = Tenant.objects.filter(status=TenantStatus.ACTIVE)
    if user.is_operator:
        return list(tenants)
    return list(tenants.filter(pk__in=_own(user)))


def overseen_by(user: User) -> list[Actor]:
    """Return the person as an actor in each active tenant whose admin they enter as a member.

    By name of the tenant. Being an operator adds none: they enter a tenant that is not their own
    one at a time, and each time goes to its ledger.
    """
    tenants = Tenant.objects.filter(
        status=TenantStatus.ACTIVE, pk__in=_own(user, role__in=_ENTERING)
    )
    return [actor for actor in (_member(user, tenant) for tenant in tenants) if actor is not None]


def oversees_several(user: User) -> bool:
    """Return whether `overseen_by` has more than one tenant for this person; costs two queries."""
    own = _own(user, role__in=_ENTERING)
    return Tenant.objects.filter(status=TenantStatus.ACTIVE, pk__in=own).count() > 1


def actor_for(user: User | AnonymousUser, tenant_id: int | None) -> Actor | None:
    """Return the person as an actor in the tenant their session names, else in their first one.

    None for somebody who is not signed in, not active, or belongs to no active tenant. An operator
    is put into no tenant they have not chosen.
    """
    if not isinstance(user, User) or not user.is_active:
        return None
    if tenant_id is not None:
        tenant = Tenant.objects.filter(pk=tenant_id, status=TenantStatus.ACTIVE).first()
        actor = _member(user, tenant) if tenant else None
        if actor:
            return actor
    if user.is_operator:
        return Actor(user=user, tenant=None, membership=None)
    choices = tenants_of(user)
    first = _member(user, choices[0]) if choices else None
    return replace(first, is_by_default=len(choices) > 1) if first else None


def _own(user: User, **which: object) -> list[int]:
    with platform_scope("which tenants a person belongs to is asked before one is in scope"):
        return list(
            Membership.objects.using(settings.PLATFORM_DATABASE)
            .filter(user_id=user.pk, is_active=True, **which)
            .values_list("tenant_id", flat=True)
        )


def _member(user: User, tenant: Tenant) -> Actor | None:
    with tenant_scope(tenant):
        membership = Membership.objects.filter(user_id=user.pk, is_active=True).first()
    if membership is None and not user.is_operator:
        return None
    if membership is not None:
        membership.user = user
    return Actor(user=user, tenant=tenant, membership=membership)
