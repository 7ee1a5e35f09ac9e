"""How much of a request's body the web server takes before anybody looks at it.

Daphne gathers a body on disk before the application hears of the request, so a limit in a view
comes too late for the disk.
"""

import logging
from typing import Any

from daphne.http_protocol import HTTPFactory, WebRequest
from django.conf import settings

logger = logging.getLogger(__name__)

_MEGABYTE = 1024 * 1024
# Room for the largest import of the administration, whatever files in conversations may have.
_LEAST_MB = 16
_REFUSAL = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def longest_body() -> int:
    """Return how many bytes the body of any request may have."""
    return max(_LEAST_MB, int(settings.ATTACHMENT_MB) + 1) * _MEGABYTE


class BoundedRequest(WebRequest):
    """A request whose body ends at `longest_body`, announced or not.

    An announced length above it is answered with 413; a body that grows beyond it ends the
    connection.
    """

    left = 0

    def gotLength(self, length: int | None) -> None:  # noqa: N802 -- Twisted's name
        """Take the announced length, None where there is none."""
        self.left = longest_body()
        if length is not None and length > self.left:
            super().gotLength(0)
            self.channel.transport.write(_REFUSAL)
            self._refuse()
        else:
            super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 -- Twisted's name
        """Keep a piece of the body."""
        if self.left < 0:
            return
        self.left -= len(data)
        if self.left < 0:
            self._refuse()
        else:
            super().handleContentChunk(data)

    def _refuse(self) -> None:
        self.left = -1
        logger.warning("Request body too large: connection closed")
        self.channel.transport.loseConnection()


class BoundedFactory(HTTPFactory):
    """Daphne's factory with requests of bounded size."""

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802 -- Twisted's name
        """Return the protocol of one connection."""
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = BoundedRequest
        return protocol
