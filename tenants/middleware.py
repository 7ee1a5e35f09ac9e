"""Enter the tenant's scope around each request, in one place for pages, API and admin."""

from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.module_loading import import_string

from tenants.actors import SESSION_TENANT, actor_for
from tenants.models import Tenant
from tenants.net import client_address
from tenants.scoping import tenant_scope

# A resolver returns the tenant a request belongs to, or None if that is not its business.
Resolver = Callable[[HttpRequest], Tenant | None]


class TenantMiddleware:
    """Resolve `request.tenant` and `request.actor`, then answer inside the tenant's scope.

    The resolvers named in settings.TENANT_RESOLVERS are asked in order. With no tenant the
    request runs without a scope, and touching a tenant's row in it raises.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        tenant = next(filter(None, (resolve(request) for resolve in _resolvers())), None)
        request.tenant = tenant  # type: ignore[attr-defined]
        if tenant is None:
            return self.get_response(request)
        with tenant_scope(tenant), timezone.override(tenant.zone):
            return self.get_response(request)


def request_address(request: HttpRequest) -> str:
    """Return the network address of the client, behind the trusted proxies."""
    return client_address(
        request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", "")
    )


def signed_in_person(request: HttpRequest) -> Tenant | None:
    """Resolve by the signed-in person and the tenant their session names."""
    session = getattr(request, "session", None)
    if session is None:
        return None
    actor = actor_for(request.user, session.get(SESSION_TENANT))
    request.actor = actor  # type: ignore[attr-defined]
    if actor is None or actor.tenant is None:
        return None
    return actor.tenant


class LanguageMiddleware:
    """Speak Chinese unless the person chose English: by cookie, else by `?lang=`.

    The browser's Accept-Language does not decide: the product is Chinese first.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.GET.get("lang", "")
        cookie = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        language = next(
            (code for code in map(_known_language, (asked, cookie)) if code), settings.LANGUAGE_CODE
        )
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", language)
        if _known_language(asked):
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME, language, samesite="Lax", secure=request.is_secure()
            )
        return response


def _known_language(code: str) -> str:
    code = {"zh": "zh-hans", "zh-cn": "zh-hans"}.get(code.lower(), code.lower())
    return code if code in dict(settings.LANGUAGES) else ""


@cache
def _resolvers() -> tuple[Resolver, ...]:
    return tuple(import_string(path) for path in settings.TENANT_RESOLVERS)
