"""Paths of the sockets."""

from django.urls import re_path

from conversations.consumers import ConsoleConsumer, VisitorConsumer

websocket_urlpatterns = [
    re_path(r"^ws/client/v1/?$", VisitorConsumer.as_asgi()),  # type: ignore[arg-type]  # ASGI
    re_path(r"^ws/console/v1/?$", ConsoleConsumer.as_asgi()),  # type: ignore[arg-type]  # ASGI
]
