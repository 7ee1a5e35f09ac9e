"""Where a request comes from: its address behind trusted proxies, and its origin."""

import ipaddress
import re
from collections.abc import Iterable

from django.conf import settings

# Spelled out rather than left to a URL parser: those forgive what must not reach a CSP header.
_ORIGIN = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[(?P<ipv6>[0-9a-f:.]+)\])"
    r"(:(?P<port>[0-9]{1,5}))?/?",
    re.IGNORECASE | re.ASCII,
)


def client_address(peer: str, forwarded_for: str) -> str:
    """Return the address of the client behind the proxies named in TRUSTED_PROXIES.

    `forwarded_for` is believed from right to left only as far as each hop is a trusted proxy;
    what a client wrote there itself is never believed.
    """
    hops = [hop.strip() for hop in forwarded_for.split(",") if hop.strip()]
    address = peer
    while hops and in_networks(address, settings.TRUSTED_PROXIES):
        address = hops.pop()
    parsed = _address(address)
    return address if parsed is None else str(parsed)


def in_networks(address: str, networks: Iterable[str]) -> bool:
    """Return whether the address lies in one of the networks; False for what is no address."""
    parsed = _address(address)
    return parsed is not None and any(
        parsed in ipaddress.ip_network(network, strict=False) for network in networks
    )


def origin_matches(origin: str, patterns: Iterable[str]) -> bool:
    """Return whether `origin` (scheme, host, port) is one of the patterns.

    A pattern is an origin, or one whose host starts with `*.`: that stands for one or more labels,
    not for none. Scheme and port must be equal. Source: protocols §4.3.
    """
    parts = _origin(origin)
    if parts is None or parts[1].startswith("*"):
        return False
    for pattern in patterns:
        wanted = _origin(pattern)
        if wanted is None or wanted[0] != parts[0] or wanted[2] != parts[2]:
            continue
        if wanted[1] == parts[1]:
            return True
        if wanted[1].startswith("*.") and parts[1].endswith(wanted[1][1:]):
            return True
    return False


def is_origin(value: str) -> bool:
    """Return whether `value` can stand in an allowed-origin list and in a CSP header."""
    return _origin(value) is not None


def _address(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(value)
    except ValueError:
        return None
    # A socket that listens on both families reports an IPv4 peer as ::ffff:a.b.c.d.
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _origin(value: str) -> tuple[str, str, int] | None:
    match = _ORIGIN.fullmatch(value)
    if match is None or (match["ipv6"] and _address(match["ipv6"]) is None):
        return None
    scheme = match["scheme"].lower()
    port = int(match["port"]) if match["port"] else 443 if scheme == "https" else 80
    return (scheme, match["host"].lower(), port) if 0 < port < 65536 else None
