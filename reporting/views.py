"""Pages that everybody may read."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from conversations import visitors
from conversations.models import Channel, ChannelStatus
from reporting import status as pages
from reporting.models import AvailabilitySettings
from reporting.services import sightings
from tenants import clock
from tenants.errors import RateLimitedError
from tenants.middleware import request_address
from tenants.models import Tenant
from tenants.scoping import tenant_scope

PAGES_PER_ADDRESS = 120


@require_GET
def status(request: HttpRequest, code: str) -> HttpResponse:
    """Show whether the service of a tenant works, if the tenant lets everybody see it."""
    try:
        visitors.limit_address("status", request_address(request), PAGES_PER_ADDRESS)
    except RateLimitedError as error:
        return HttpResponse(error.detail, status=429, content_type="text/plain; charset=utf-8")
    tenant = Tenant.objects.filter(code=code).first() if code.isalnum() else None
    if tenant is None:
        raise Http404
    with tenant_scope(tenant), timezone.override(tenant.zone):
        if not AvailabilitySettings.objects.filter(has_status_page=True).exists():
            raise Http404
        now = clock.now()
        brand = (
            Channel.objects.filter(status=ChannelStatus.ACTIVE)
            .order_by("created_at")
            .values_list("brand_name", flat=True)
            .first()
        )
        shown = pages.status(now, tenant.zone, sightings.watched_since())
        return render(request, "status/status.html", {"status": shown, "brand": brand, "now": now})
