"""Who calls the client API: the contact token in the Authorization header."""

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from conversations.models import Contact, ContactSession
from conversations.services import contacts
from conversations.services.contacts import ChannelDisabledError, TokenExpiredError
from tenants.errors import DomainError
from tenants.models import Tenant
from tenants.scoping import active_scope

CLIENT_API = "/api/client/v1/"


def contact_token(request: HttpRequest) -> Tenant | None:
    """Resolve the tenant of a client API request by the tenant code inside its token."""
    if not request.path.startswith(CLIENT_API):
        return None
    return tenant_of(bearer(request.headers.get("Authorization", "")))


def tenant_of(token: str) -> Tenant | None:
    """Return the active tenant that a key or token of ours names, or None."""
    tenant = _named_by(token)
    return tenant if tenant is not None and tenant.is_active else None


def absence(token: str, unknown: type[DomainError]) -> DomainError:
    """Return why `tenant_of` found none: the tenant's service is suspended, or it is `unknown`."""
    return ChannelDisabledError() if _named_by(token) is not None else unknown()


def _named_by(token: str) -> Tenant | None:
    code = contacts.tenant_code_of(token)
    if not code.isalnum() or "\x00" in token:
        return None
    return Tenant.objects.filter(code=code).first()


def bearer(header: str) -> str:
    """Return the token of an Authorization header, "" where there is none."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


class ContactTokenAuthentication(BaseAuthentication):
    """Authenticate a visitor's device: `request.user` is the contact, `request.auth` the session."""

    def authenticate(self, request: Request) -> tuple[Contact, ContactSession]:
        token = bearer(request.headers.get("Authorization", ""))
        if active_scope() is None:
            raise absence(token, TokenExpiredError)
        session = contacts.session_of(token)
        return session.contact, session

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
