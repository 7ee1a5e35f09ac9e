"""Which pages a pattern means."""

import time

import pytest

from conversations.page_patterns import is_pattern, matches

CART = "https://shop.example.com/cart?step=2#pay"


@pytest.mark.parametrize(
    ("pattern", "address", "fits"),
    [
        ("/cart*", CART, True),
        ("/cart", CART, False),
        ("/cart?step=2", CART, True),
        ("/cart", "https://shop.example.com/cart#pay", True),
        ("/*/help", "https://a.example/zh/help", True),
        ("/*/help", "https://a.example/help", False),
        ("https://shop.example.com/*", CART, True),
        ("https://other.example.com/*", CART, False),
        ("*step=2", CART, True),
        ("*pay", CART, False),
        ("/", "https://shop.example.com", True),
        ("/a.b", "https://x.example/aXb", False),
        ("/a+(b)", "https://x.example/a+(b)", True),
        ("/购物车*", "https://x.example/购物车/1", True),
    ],
)
def test_pattern(pattern: str, address: str, fits: bool) -> None:
    assert matches(pattern, address) is fits


@pytest.mark.parametrize("value", ["/cart*", "https://a.example/*", "*", "*/help", "/" + "*" * 5])
def test_what_is_a_pattern(value: str) -> None:
    assert is_pattern(value)


@pytest.mark.parametrize(
    "value", ["", "cart", "javascript:*", "/a b", "/" + "*" * 6, "/" + "x" * 300, 7, None]
)
def test_what_is_none(value: object) -> None:
    assert not is_pattern(value)


def test_a_hostile_address_costs_no_time() -> None:
    began = time.perf_counter()

    assert not matches("/*a*a*a*ab", "https://x.example/" + "a" * 100_000)

    assert time.perf_counter() - began < 1
