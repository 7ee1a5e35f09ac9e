"""The pages visitors and agents open, and the widget's boot."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_http_methods

from conversations import visitors
from conversations.api.authentication import tenant_of
from conversations.models import Channel, ChannelKind
from conversations.origins import boot_ticket, may_embed
from conversations.services import invitations
from tenants.errors import RateLimitedError
from tenants.middleware import request_address
from tenants.models import Tenant
from tenants.scoping import tenant_scope

BOOTS_PER_ADDRESS = 120
COUNTS_PER_ADDRESS = 60
_LOADER = "widget/loader.js"


@require_GET
def loader(request: HttpRequest) -> HttpResponse:
    """Serve the script that clients put on their pages; its address never changes."""
    path = (
        finders.find(_LOADER)
        if settings.WHITENOISE_USE_FINDERS
        else str(Path(staticfiles_storage.path(_LOADER)))
    )
    if not path:
        raise Http404
    script = Path(path).read_bytes()
    response = HttpResponse(script, content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "public, max-age=300"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@csrf_exempt
@require_http_methods(["POST", "OPTIONS"])
def boot(request: HttpRequest) -> HttpResponse:
    """Check that a page may show the widget; give it the looks and a boot ticket (§4.3)."""
    origin = request.headers.get("Origin", "")
    if request.method == "OPTIONS":
        # The preflight carries no channel: the answer to the POST is what decides.
        return _cross_origin(HttpResponse(status=204), origin)
    try:
        visitors.limit_address("boot", request_address(request), BOOTS_PER_ADDRESS)
    except RateLimitedError as error:
        refused = JsonResponse({"code": error.code}, status=error.status)
        refused["Retry-After"] = str(error.retry_after)
        return _cross_origin(refused, origin)
    channel = _channel(_posted_key(request))
    if channel is None:
        return _cross_origin(JsonResponse({"code": "not_found"}, status=404), origin)
    if not channel.is_active:
        return _cross_origin(JsonResponse({"code": "channel_disabled"}, status=403), origin)
    with tenant_scope(channel.tenant_id):
        if not may_embed(origin, channel, request.get_host()):
            # Readable, so that the page of a website that is not listed shows nothing at all.
            return _cross_origin(JsonResponse({"code": "origin_refused"}, status=403), origin)
        frame_url = request.build_absolute_uri(reverse("conversations:widget-frame"))
        body: dict[str, Any] = {
            "ticket": boot_ticket(channel, origin),
            "frame_url": f"{frame_url}?k={channel.key}",
            "config": {
                "brand": {"name": channel.brand_name, "color": channel.colour, "logo_url": None},
                "assistant_name": channel.assistant_name,
                "locale": "en" if channel.language == "en" else "zh-CN",
                "position": "right",
            },
        }
        offered = invitations.offered(channel)
        if offered is not None:
            script = request.build_absolute_uri(static("widget/invite.js"))
            body["invitations"] = {**offered, "script": script}
    return _cross_origin(JsonResponse(body), origin)


@csrf_exempt
@require_http_methods(["POST", "OPTIONS"])
def invitation(request: HttpRequest) -> HttpResponse:
    """Count that a page showed an invitation, or what was done with it; nothing else is kept."""
    origin = request.headers.get("Origin", "")
    if request.method == "OPTIONS":
        return _cross_origin(HttpResponse(status=204), origin)
    try:
        visitors.limit_address("invitation", request_address(request), COUNTS_PER_ADDRESS)
    except RateLimitedError as error:
        refused = JsonResponse({"code": error.code}, status=error.status)
        refused["Retry-After"] = str(error.retry_after)
        return _cross_origin(refused, origin)
    body = _posted(request)
    channel = _channel(str(body.get("k", "")))
    counted = False
    if channel is not None and channel.is_active:
        with tenant_scope(channel.tenant_id):
            counted = may_embed(origin, channel, request.get_host()) and invitations.count(
                channel, body.get("id"), str(body.get("what", ""))
            )
    if not counted:
        return _cross_origin(JsonResponse({"code": "not_found"}, status=404), origin)
    return _cross_origin(HttpResponse(status=204), origin)


@xframe_options_exempt
@never_cache
@require_GET
def frame(request: HttpRequest) -> HttpResponse:
    """Show the conversation, inside a client's page or, opened by itself, as a page of its own."""
    channel = _channel(request.GET.get("k", ""))
    if channel is None or not channel.is_active:
        return render(request, "widget/blocked.html", status=404)
    ancestors = ["'self'", *channel.allowed_origins]
    # Older Safari does not take 'self' for the socket of the same host.
    socket = f"{'wss' if request.is_secure() else 'ws'}://{request.get_host()}"
    context = {
        "channel_key": channel.key,
        "locale": "en" if channel.language == "en" else "zh-CN",
    }
    response = render(request, "widget/frame.html", context)
    policy = {"frame-ancestors": ancestors, "connect-src": ["'self'", socket]}
    response._csp_replace = policy  # type: ignore[attr-defined]  # how django-csp is told
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_GET
def demo(request: HttpRequest) -> HttpResponse:
    """Show a page of a pretend shop with the demonstration tenant's widget on it."""
    language = "en" if request.GET.get("lang", "").lower().startswith("en") else "zh-hans"
    slug = "demo-en" if language == "en" else "demo"
    tenant = Tenant.objects.filter(slug=slug, is_demo=True).first()
    channel = None
    if tenant is not None:
        with tenant_scope(tenant):
            channel = Channel.objects.filter(kind=ChannelKind.WEB).order_by("created_at").first()
    if channel is None:
        raise Http404
    return render(
        request,
        "demo/shop.html",
        {
            "loader_url": request.build_absolute_uri(reverse("conversations:widget-loader")),
            "channel_key": channel.key,
            "language": language,
            "shop_name": channel.brand_name,
        },
    )


@login_required
@never_cache
@ensure_csrf_cookie
@require_GET
def console_page(request: HttpRequest) -> HttpResponse:
    """Show the agents' console; somebody who has no place in it is told where theirs is."""
    actor = request.actor  # type: ignore[attr-defined]
    if actor is None:
        raise PermissionDenied
    if actor.tenant is None:
        return redirect("tenants:switch")
    if not actor.can("console.enter"):
        raise PermissionDenied
    return render(request, "console/console.html", {"tenant": actor.tenant})


def _channel(key: str) -> Channel | None:
    tenant = tenant_of(key)
    if tenant is None:
        return None
    with tenant_scope(tenant):
        return Channel.objects.filter(key=key).first()


def _posted_key(request: HttpRequest) -> str:
    return str(_posted(request).get("k", ""))


def _posted(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _cross_origin(response: HttpResponse, origin: str) -> HttpResponse:
    response["Access-Control-Allow-Origin"] = origin or "null"
    response["Access-Control-Allow-Methods"] = "POST"
    response["Access-Control-Allow-Headers"] = "Content-Type"
    response["Access-Control-Max-Age"] = "600"
    response["Vary"] = "Origin"
    return response
