"""Addresses behind proxies, and origins."""

from typing import Any

import pytest

from tenants.net import client_address, in_networks, is_origin, origin_matches

PROXIES = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "expected"),
    [
        ("198.51.100.1", "", "198.51.100.1"),
        ("198.51.100.1", "203.0.113.9", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "10.9.9.9, 203.0.113.9,10.0.0.2 ,192.0.2.7", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", " , ,", "10.0.0.1"),
        ("10.0.0.1", "127.0.0.1, 203.0.113.9", "203.0.113.9"),
        ("2001:db8::1", "2001:db9::5", "2001:db9::5"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("::ffff:198.51.100.1", "203.0.113.9", "198.51.100.1"),
        ("10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("", "203.0.113.9", ""),
        ("unix:", "203.0.113.9", "unix:"),
    ],
)
def test_client_is_who_the_last_untrusted_hop_says(
    settings: Any, peer: str, forwarded_for: str, expected: str
) -> None:
    settings.TRUSTED_PROXIES = PROXIES

    assert client_address(peer, forwarded_for) == expected


def test_without_proxies_nothing_that_is_forwarded_is_believed(settings: Any) -> None:
    settings.TRUSTED_PROXIES = []

    assert client_address("127.0.0.1", "203.0.113.9") == "127.0.0.1"


@pytest.mark.parametrize(
    ("address", "networks", "expected"),
    [
        ("10.1.2.3", ["10.0.0.0/8"], True),
        ("10.1.2.3", ["10.1.2.9/24"], True),
        ("11.1.2.3", ["10.0.0.0/8"], False),
        ("192.0.2.7", ["192.0.2.7"], True),
        ("::1", ["127.0.0.1", "::1"], True),
        ("::ffff:10.1.2.3", ["10.0.0.0/8"], True),
        ("2001:db8::5", ["10.0.0.0/8", "2001:db8::/32"], True),
        ("10.1.2.3", [], False),
        ("", ["0.0.0.0/0"], False),
        ("localhost", ["127.0.0.1"], False),
        ("10.1.2.3:80", ["10.0.0.0/8"], False),
        ("0x0a.1.2.3", ["10.0.0.0/8"], False),
    ],
)
def test_address_in_networks(address: str, networks: list[str], expected: bool) -> None:
    assert in_networks(address, networks) is expected


@pytest.mark.parametrize(
    ("origin", "pattern", "expected"),
    [
        ("https://shop.example.com", "https://shop.example.com", True),
        ("https://shop.example.com", "https://shop.example.com/", True),
        ("https://SHOP.example.com", "https://shop.EXAMPLE.com", True),
        ("https://shop.example.com:443", "https://shop.example.com", True),
        ("http://shop.example.com:80", "http://shop.example.com", True),
        ("http://localhost:3000", "http://localhost:3000", True),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443", True),
        ("https://a.example.com", "https://*.example.com", True),
        ("https://a.b.example.com", "https://*.example.com", True),
        ("https://example.com", "https://*.example.com", False),
        ("https://badexample.com", "https://*.example.com", False),
        ("https://example.com.evil.net", "https://*.example.com", False),
        ("https://example.com.evil.net", "https://example.com", False),
        ("http://shop.example.com", "https://shop.example.com", False),
        ("https://shop.example.com:8443", "https://shop.example.com", False),
        ("https://shop.example.com", "https://shop.example.com:8443", False),
        ("http://a.example.com", "https://*.example.com", False),
        ("https://shop.example.com.", "https://shop.example.com", False),
        ("https://shop.example.com@evil.net", "https://shop.example.com", False),
        ("https://evil.net/https://shop.example.com", "https://shop.example.com", False),
        ("https://evil.net#.example.com", "https://*.example.com", False),
        ("https://evil.net?.example.com", "https://*.example.com", False),
        ("https://evil.net\\.example.com", "https://*.example.com", False),
        ("https://evil.net .example.com", "https://*.example.com", False),
        ("https://evil.net;.example.com", "https://*.example.com", False),
        ("https://*.example.com", "https://*.example.com", False),
        ("null", "https://shop.example.com", False),
        ("", "https://shop.example.com", False),
        ("null", "null", False),
        ("file://", "file://", False),
        ("https://shop.example.com:99999", "https://shop.example.com:99999", False),
        ("https://[::1", "https://[::1", False),
    ],
)
def test_origin_matches_a_pattern(origin: str, pattern: str, expected: bool) -> None:
    assert origin_matches(origin, [pattern]) is expected


def test_one_of_several_patterns_is_enough() -> None:
    patterns = ["nonsense", "https://a.example.com", "https://b.example.com"]

    assert origin_matches("https://b.example.com", patterns) is True
    assert origin_matches("https://c.example.com", patterns) is False
    assert origin_matches("https://b.example.com", []) is False


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://www.example.com", True),
        ("http://localhost:3000", True),
        ("https://*.example.com", True),
        ("https://xn--fiqs8s.example", True),
        ("https://[2001:db8::1]", True),
        ("https://192.0.2.1:8080", True),
        ("*", False),
        ("https://*", False),
        ("https://*.", False),
        ("https://a.*.com", False),
        ("https://*x.example.com", False),
        ("https://www.example.com/path", False),
        ("https://www.example.com?x=1", False),
        ("https://me@www.example.com", False),
        ("https://:pw@www.example.com", False),
        ("www.example.com", False),
        ("ftp://www.example.com", False),
        ("javascript:alert(1)", False),
        ("https://", False),
        ("", False),
        # What stands here goes into a Content-Security-Policy header as it is.
        ("https://a.com; script-src *", False),
        ("https://a.com 'unsafe-inline'", False),
        ("https://a.com,b.com", False),
        ("https://a.com\nb", False),
        ("https://a.com'", False),
        ("https://商城.example", False),
        (" https://www.example.com", False),
    ],
)
def test_origins_that_may_stand_in_a_list(value: str, expected: bool) -> None:
    assert is_origin(value) is expected
