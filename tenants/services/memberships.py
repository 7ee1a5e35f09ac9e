"""Let people in, change what they may do, and show them out."""

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from tenants.actors import Actor
from tenants.errors import DomainError
from tenants.models import Membership, User
from tenants.roles import Role
from tenants.services import ledger
from tenants.services.ledger import Event

# Who stands above whom: nobody grants, changes or ends a role above their own.
_RANKS = {Role.ACCOUNT_MANAGER: 2, Role.CLIENT_ADMIN: 1}


class RoleTooHighError(DomainError):
    """The role stands above that of the person who wants to grant, change or end it."""

    code = "role_too_high"
    status = 403
    message = _("This role is above yours: only somebody who holds it can change it.")


class OwnMembershipError(DomainError):
    """People must not lock themselves out."""

    code = "own_membership"
    status = 409
    message = _("You cannot change your own role or deactivate yourself.")


class AlreadyMemberError(DomainError):
    """The person is in the tenant already, perhaps deactivated."""

    code = "already_member"
    status = 409
    message = _("This person is a member already. Open their entry in the list to change it.")


def may_grant(role: str, *, by: Actor) -> bool:
    """Return whether the person may give somebody this role: it is not above their own."""
    if by.user.is_operator:
        return True
    return by.membership is not None and _rank(role) <= _rank(by.membership.role)


def add_member(
    *,
    email: str,
    password: str,
    role: str,
    display_name: str,
    by: Actor,
) -> Membership:
    """Make the person with this e-mail a member of the tenant in scope.

    Somebody who has an account keeps it, with their own password and name; anybody else gets one
    with `password`. Both take the same time and look the same from outside. Raises
    AlreadyMemberError or RoleTooHighError.
    """
    _require_grant(role, by=by)
    with transaction.atomic():
        user = User.objects.filter(email=email.strip().lower()).first()
        if user is None:
            user = User.objects.create_user(email.strip(), password, name=display_name)
        else:
            # Hashing takes a twentieth of a second: without it the clock tells who has an account.
            make_password(password)
        if Membership.objects.filter(user_id=user.pk).exists():
            raise AlreadyMemberError
        member = Membership.objects.create(user=user, role=role, display_name=display_name)
        ledger.append(_event("membership.added", member, by))
    return member


def change_member(
    member: Membership,
    *,
    role: str,
    display_name: str,
    is_active: bool,
    by: Actor,
) -> Membership:
    """Change a member's role, name and activity.

    Raises OwnMembershipError where people would change their own role or activity, and
    RoleTooHighError where the old or the new role stands above theirs.
    """
    with transaction.atomic():
        standing = Membership.objects.select_for_update().get(pk=member.pk)
        changed = (standing.role, standing.is_active) != (role, is_active)
        if changed:
            if standing.user_id == by.user.pk:
                raise OwnMembershipError
            _require_grant(standing.role, by=by)
            _require_grant(role, by=by)
        member.role, member.display_name, member.is_active = role, display_name, is_active
        member.save(update_fields=["role", "display_name", "is_active"])
        if changed:
            ledger.append(_event("membership.changed", member, by))
    return member


def _require_grant(role: str, *, by: Actor) -> None:
    if not may_grant(role, by=by):
        raise RoleTooHighError


def _rank(role: str) -> int:
    return _RANKS.get(Role(role), 0)


def _event(kind: str, member: Membership, by: Actor) -> Event:
    return Event(
        kind,
        member.pk,
        {"user": member.user_id, "role": member.role, "active": member.is_active, "by": by.user.pk},
    )
