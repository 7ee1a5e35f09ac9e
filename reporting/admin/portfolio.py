"""The page on which a person sees all of their own tenants."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from reporting import portfolio
from tenants.admin_base import actor_of


def portfolio_page(request: HttpRequest) -> HttpResponse:
    """Show how each tenant stands whose admin the person enters as a member."""
    request.current_app = admin.site.name
    return TemplateResponse(
        request,
        "admin/reporting/portfolio.html",
        {
            **admin.site.each_context(request),
            "title": _("My tenants"),
            "portfolio": portfolio.of(actor_of(request).user, request.GET.get("q", "")),
        },
    )
