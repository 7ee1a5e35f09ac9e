"""The bell: what a person was told, as JSON for the admin's and the console's page."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from tenants.actors import Actor
from tenants.admin_base import moment
from tenants.models import AlertLevel, NotificationRecipient
from tenants.scoping import as_uuid
from tenants.services import notifications

_MOST_BYTES = 20_000
_MOST_IDS = 200

View = Callable[[HttpRequest, Actor], HttpResponse]


def _for_people(view: View) -> Callable[[HttpRequest], HttpResponse]:
    """Let people in a tenant call the view; everybody else is told to sign in."""

    @wraps(view)
    @never_cache
    def inside(request: HttpRequest) -> HttpResponse:
        actor = getattr(request, "actor", None)
        if not isinstance(actor, Actor) or actor.tenant is None:
            return JsonResponse({"detail": _("Please sign in again.")}, status=401)
        return view(request, actor)

    return inside


@require_GET
@_for_people
def lines(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Answer with the person's latest lines and how many they have not read."""
    return _answer(actor)


@require_POST
@_for_people
def read(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Note that the person has read the lines of `ids`, all of them without it."""
    notifications.mark_read(actor.user, _ids(request))
    return _answer(actor)


@require_POST
@_for_people
def acknowledge(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Note that the person sees to the lines of `ids`, to all that is critical without it."""
    ids = _ids(request)
    if ids is None:
        notifications.acknowledge_all(actor.user)
    else:
        notifications.acknowledge(actor.user, ids)
    return _answer(actor)


def _answer(actor: Actor) -> HttpResponse:
    told = notifications.latest(actor.user)
    return JsonResponse(
        {
            "unread": notifications.unread(actor.user),
            "lines": [_line(line, actor) for line in told],
        }
    )


def _line(line: NotificationRecipient, actor: Actor) -> dict[str, Any]:
    told = line.notification
    level = AlertLevel(told.level)
    return {
        "id": str(line.pk),
        "level": level,
        "urgency": level.label,
        "title": told.title,
        "body": told.body,
        # Those who may not enter the admin have nothing to open there.
        "link": told.link if actor.can("admin.enter") else "",
        "at": moment(told.created_at),
        "is_read": line.read_at is not None,
        "acknowledged": str(told.acknowledged_by) if told.acknowledged_by else "",
        "can_acknowledge": level == AlertLevel.CRITICAL and told.acknowledged_at is None,
    }


def _ids(request: HttpRequest) -> list[UUID] | None:
    """Return the ids of the body; malformed ones are rows that are not there."""
    if len(request.body) > _MOST_BYTES:
        return []
    try:
        given = json.loads(request.body or b"{}")
    except ValueError:
        return []
    if not isinstance(given, dict):
        return []
    if given.get("ids") is None:
        return None
    ids = given["ids"] if isinstance(given["ids"], list) else []
    return [found for found in map(as_uuid, ids[:_MOST_IDS]) if found is not None]
