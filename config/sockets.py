"""The way of a handshake: host check, language, path."""

from typing import Any

from channels.routing import URLRouter
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from conversations.routing import websocket_urlpatterns
from conversations.sockets import CLOSE_FORBIDDEN

_router = URLRouter(websocket_urlpatterns)
_NOT_THERE = 4404


async def sockets(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serve a socket on a known path and host; close any other with a code.

    The language is the person's cookie, as for pages. A close code reaches a browser only after
    the handshake is accepted.
    """
    headers = dict(scope["headers"])
    domain, _port = split_domain_port(headers.get(b"host", b"").decode("latin-1"))
    if not (domain and validate_host(domain, settings.ALLOWED_HOSTS)):
        await _close(receive, send, CLOSE_FORBIDDEN)
        return
    language = scope["cookies"].get(settings.LANGUAGE_COOKIE_NAME)
    known = language in dict(settings.LANGUAGES)
    scope["yingda_language"] = language if known else settings.LANGUAGE_CODE
    try:
        await _router(scope, receive, send)
    except ValueError as error:
        if "No route found" not in str(error):
            raise
        await _close(receive, send, _NOT_THERE)


async def _close(receive: Any, send: Any, code: int) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": code})
