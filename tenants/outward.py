"""Requests to addresses that people entered: bounded in time and size, never into our own network.

Every connection goes to an address that was looked at after its name was resolved, so a name that
changes its mind in between (DNS rebinding) leads nowhere. Redirects and proxies of the environment
are not followed.
"""

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpcore2
import httpx2
from django.conf import settings
from django.utils.translation import gettext

from tenants.net import in_networks

MAX_BYTES = 8 * 1024 * 1024
# The prefixes under which IPv6 carries IPv4 addresses that it does not itself call private.
_CARRIES_IPV4 = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")))


class ForbiddenAddressError(httpcore2.ConnectError):
    """The address lies in a network that requests may not go to."""


class OverdueError(httpcore2.ReadTimeout):
    """The time given to the whole request is over."""


class TooMuchError(httpcore2.ReadError):
    """The other side sent more than anybody reads."""


@dataclass
class _Bounds:
    until: float
    bytes_left: int

    def seconds(self, wanted: float | None) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise OverdueError
        return left if wanted is None else min(wanted, left)


_here = threading.local()


@contextlib.contextmanager
def within(seconds: float, *, max_bytes: int = MAX_BYTES) -> Iterator[None]:
    """Bound all requests this thread makes in the block, together.

    What is not done in time, or sends more, fails however slowly or steadily it drips.
    """
    before = getattr(_here, "bounds", None)
    _here.bounds = _Bounds(time.monotonic() + seconds, max_bytes)
    try:
        yield
    finally:
        _here.bounds = before


@lru_cache(maxsize=1)
def http_client() -> httpx2.Client:
    """Return this process's client for such requests; call it inside `within`."""
    return httpx2.Client(transport=GuardedTransport(), follow_redirects=False, trust_env=False)


def close_client() -> None:
    """Close this process's connections; the next request opens new ones. For tests."""
    if http_client.cache_info().currsize:
        http_client().close()
        http_client.cache_clear()


def why_refused(url: str) -> str | None:
    """Return why nothing may be sent to this URL, in words, or None.

    Only what the URL itself says is looked at; what its name resolves to is judged at each request.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return gettext("This is not a web address.")
    if parts.scheme not in ("http", "https") or not host or port == 0:
        return gettext("Enter an address that begins with https://.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        return gettext("Leave name, password and # out of the address.")
    if _is_allowed_host(host):
        return None
    if parts.scheme != "https":
        return gettext("Enter an address that begins with https://: others could read along.")
    try:
        forbidden = is_forbidden(host)
    except ValueError:
        forbidden = host == "localhost" or host.endswith((".localhost", ".internal", ".local"))
    return gettext("Addresses inside our own network are not allowed.") if forbidden else None


def is_forbidden(address: str) -> bool:
    """Return whether requests may not go to this IP address.

    Only public addresses are allowed, and those of OUTWARD_ALLOWED. Raises ValueError for what is
    no IP address.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if in_networks(str(parsed), _networks()):
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    if mapped is not None:
        return is_forbidden(str(mapped))
    if parsed.version == 6 and any(parsed in network for network in _CARRIES_IPV4):
        return True
    return not parsed.is_global or parsed.is_multicast


class GuardedTransport(httpx2.BaseTransport):
    """Sends requests over connections that keep the bounds of `within`."""

    def __init__(self) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False),
            max_connections=64,
            max_keepalive_connections=16,
            keepalive_expiry=30.0,
            network_backend=_GuardedBackend(),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        asked = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _told_as_httpx():
            _bounds().seconds(None)
            response = self._pool.handle_request(asked)
        return httpx2.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response),
            extensions=response.extensions,
        )

    def close(self) -> None:
        self._pool.close()


class _Body(httpx2.SyncByteStream):
    def __init__(self, response: httpcore2.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with _told_as_httpx():
            yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class _GuardedBackend(httpcore2.NetworkBackend):
    """Connects to the addresses a name stands for, if none of them is forbidden."""

    def __init__(self) -> None:
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        bounds = _bounds()
        failure: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in _addresses(host, port, bounds.seconds(timeout)):
            try:
                stream = self._sockets.connect_tcp(
                    address, port, bounds.seconds(timeout), local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _BoundedStream(stream)
        raise failure

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
        raise ForbiddenAddressError


class _BoundedStream(httpcore2.NetworkStream):
    """A connection that looks at the clock, and at the sum of what came, each time it waits."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        bounds = _bounds()
        data = self._stream.read(max_bytes, bounds.seconds(timeout))
        bounds.bytes_left -= len(data)
        if bounds.bytes_left < 0:
            raise TooMuchError
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _bounds().seconds(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        seconds = _bounds().seconds(timeout)
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


@contextlib.contextmanager
def _told_as_httpx() -> Iterator[None]:
    """Raise what goes wrong below as the errors that users of the client know."""
    try:
        yield
    except httpcore2.TimeoutException as error:
        raise httpx2.ReadTimeout(str(error)) from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        raise httpx2.NetworkError(str(error)) from error


def _bounds() -> _Bounds:
    bounds = getattr(_here, "bounds", None)
    if bounds is None:
        raise RuntimeError("requests to other companies' addresses need outward.within()")
    return bounds


def _addresses(host: str, port: int, seconds: float) -> list[str]:
    found = [row[4][0] for row in _resolved(host, port, seconds)]
    addresses = [str(address) for address in dict.fromkeys(found)]
    if not _is_allowed_host(host):
        for address in addresses:
            if is_forbidden(address):
                raise ForbiddenAddressError(f"{host} lies in a network of our own")
    return addresses


def _resolved(host: str, port: int, seconds: float) -> list[Any]:
    """Return what the resolver says, within the time; the resolver itself knows no limit."""
    answer: Future[list[Any]] = Future()

    def resolve() -> None:
        try:
            answer.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            answer.set_exception(httpcore2.ConnectError(str(error)))
        except UnicodeError as error:
            answer.set_exception(httpcore2.ConnectError(str(error)))

    threading.Thread(target=resolve, name="resolver", daemon=True).start()
    try:
        return answer.result(seconds)
    except FutureTimeoutError as error:
        raise httpcore2.ConnectTimeout(f"{host} was not resolved in time") from error


def _is_allowed_host(host: str) -> bool:
    return host.lower() in settings.OUTWARD_ALLOWED or in_networks(host, _networks())


def _networks() -> list[str]:
    networks = []
    for item in settings.OUTWARD_ALLOWED:
        with contextlib.suppress(ValueError):
            networks.append(str(ipaddress.ip_network(item, strict=False)))
    return networks
