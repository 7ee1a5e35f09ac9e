"""Which web pages may show a channel's widget, and the ticket that proves one did."""

from urllib.parse import urlsplit

from django.core import signing

from conversations.models import Channel
from tenants.net import origin_matches

TICKET_SECONDS = 60
_SALT = "widget-boot"


def may_embed(origin: str, channel: Channel, host: str) -> bool:
    """Return whether a page of `origin` may show the channel's widget.

    This server's own pages (`host`, with port) always may; others must be on the channel's list.
    An Origin can be forged outside a browser: it stops mis-embedding, not abuse.
    """
    return urlsplit(origin).netloc == host or origin_matches(origin, channel.allowed_origins)


def boot_ticket(channel: Channel, origin: str) -> str:
    """Return a signed ticket, good for 60 s, that says which page asked for the widget."""
    return signing.dumps({"k": channel.key, "o": origin}, salt=_SALT, compress=True)


def read_ticket(ticket: str, channel: Channel) -> str:
    """Return the origin in a ticket of this channel. Raises signing.BadSignature."""
    content = signing.loads(ticket, salt=_SALT, max_age=TICKET_SECONDS)
    if content.get("k") != channel.key:
        raise signing.BadSignature("for another channel")
    return str(content["o"])
