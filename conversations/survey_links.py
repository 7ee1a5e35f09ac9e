"""Signed links to surveys: whoever holds one may answer, once, and nobody can make one up."""

import hashlib
import hmac

from django.core import signing

from conversations.models import SurveyInvite
from tenants.models import Tenant
from tenants.scoping import active_tenant_id, as_uuid

_SALT = "conversations.survey"


def token_of(invite: SurveyInvite) -> str:
    """Return the token of the invitation's link: `sv_`, the tenant's code, its id, a signature."""
    code = Tenant.objects.values_list("code", flat=True).get(pk=active_tenant_id())
    named = f"sv_{code}_{invite.pk.hex}"
    return f"{named}_{_signature(named)}"


def path_of(invite: SurveyInvite) -> str:
    """Return the path of the invitation's page on this server."""
    return f"/s/{token_of(invite)}/"


def invite_of(token: str) -> SurveyInvite | None:
    """Return the invitation of a token, in the tenant in scope, with what its page needs.

    None for a token that was not made here, and for one that the invitation does not know.
    """
    named, _mark, signature = _split(token)
    if not hmac.compare_digest(signature.encode(), _signature(named).encode()):
        return None
    invite: SurveyInvite | None = (
        SurveyInvite.objects.select_related(
            "month__terms", "inquiry__conversation__contact", "inquiry__conversation__channel"
        )
        .filter(pk=as_uuid(named.rpartition("_")[2]), token_hash=digest(token))
        .first()
    )
    return invite


def digest(token: str) -> str:
    """Return the hash under which a token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def _split(token: str) -> tuple[str, str, str]:
    parts = token.split("_", 3)
    return "_".join(parts[:3]), "_", parts[3] if len(parts) == 4 else ""


def _signature(named: str) -> str:
    return signing.Signer(salt=_SALT).signature(named)
