"""Choose the tenant to work in."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from tenants.actors import SESSION_TENANT, actor_for, oversees_several, tenants_of
from tenants.models import User
from tenants.scoping import tenant_scope
from tenants.services import ledger
from tenants.services.ledger import Event


@login_required
@never_cache
def switch(request: HttpRequest) -> HttpResponse:
    """Show the tenants a person may work in, and enter the one they choose.

    An operator's choice goes to the tenant's ledger: the client can see who looked in. Whoever
    comes to another tenant in the admin is told there where they are now.
    """
    assert isinstance(request.user, User)
    choices = tenants_of(request.user)
    if request.method == "POST":
        chosen = next((t for t in choices if str(t.pk) == request.POST.get("tenant")), None)
        if chosen is not None:
            actor = actor_for(request.user, chosen.pk)
            is_new = request.session.get(SESSION_TENANT) != chosen.pk
            request.session[SESSION_TENANT] = chosen.pk
            if actor is not None and actor.membership is None:
                with tenant_scope(chosen), transaction.atomic():
                    ledger.append(Event("operator.entered", request.user.pk, {}))
            target = _next(request)
            # Other pages show no messages: it would wait for the next one that does.
            if is_new and target.startswith(reverse("admin:index")):
                messages.info(request, _("You work in %(tenant)s now.") % {"tenant": chosen})
            return HttpResponseRedirect(target)
    return render(
        request,
        "tenants/switch.html",
        {
            "choices": choices,
            "next": _next(request),
            "current": request.session.get(SESSION_TENANT),
            "oversees": oversees_several(request.user),
        },
    )


def _next(request: HttpRequest) -> str:
    asked = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(
        asked, {request.get_host()}, require_https=request.is_secure()
    )
    return asked if safe else "/admin/"
