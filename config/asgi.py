"""The ASGI application: pages and APIs by Django, sockets by our consumers."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402 -- apps must be loaded first
from channels.sessions import CookieMiddleware  # noqa: E402 -- apps must be loaded first

from config.sockets import sockets  # noqa: E402 -- apps must be loaded first

application = ProtocolTypeRouter(
    {"http": django_application, "websocket": CookieMiddleware(sockets)}
)
