"""What identifies a person is taken out of free text, and nothing else."""

import random

import pytest

from tenants.masking import masked

COUNT = 400
PLACES = "10X98765432"


def identity(draw: random.Random) -> str:
    first = f"{draw.choice(['110105', '310115', '440305', '330106'])}{draw.randint(1950, 2010)}"
    first += f"{draw.randint(1, 12):02}{draw.randint(1, 28):02}{draw.randint(0, 999):03}"
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(first))
    return first + PLACES[total % 11]


def card(draw: random.Random) -> str:
    first = "6222" + "".join(str(draw.randint(0, 9)) for _ in range(14))
    total = sum(
        sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(first[::-1])
    )
    return first + str(-total % 10)


def mobile(draw: random.Random) -> str:
    return f"1{draw.choice('3456789')}" + "".join(str(draw.randint(0, 9)) for _ in range(9))


def parted(number: str, *sizes: int, by: str = " ") -> str:
    parts, start = [], 0
    for size in sizes:
        parts.append(number[start : start + size])
        start += size
    return by.join([*parts, number[start:]])


FRAMES = ("我的是{}，请查一下", "{}", "收件人王女士 {} 谢谢", "call me on {} pls", "（{}）")


@pytest.mark.parametrize(
    ("kind", "make", "least"),
    [("id", identity, 0.99), ("card", card, 0.99), ("phone", mobile, 0.98)],
)
def test_numbers_of_people_are_found_whatever_stands_around_them(
    kind: str, make: object, least: float
) -> None:
    draw = random.Random(7)  # noqa: S311 -- repeatable, no secret
    found = 0
    for number in range(COUNT):
        value = make(draw)  # type: ignore[operator]
        if number % 4 == 1:
            value = parted(value, 3, 4) if kind == "phone" else parted(value, 6, 8, by="-")
        if number % 4 == 2:
            value = value.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})
        text = masked(FRAMES[number % len(FRAMES)].format(value))
        found += f"[{kind}]" in text and value not in text

    assert found / COUNT >= least


def test_order_numbers_and_prices_stay() -> None:
    draw = random.Random(8)  # noqa: S311 -- repeatable, no secret
    kept = 0
    for number in range(COUNT):
        order = f"YS2026{draw.randint(1, 12):02}{draw.randint(1, 28):02}{draw.randint(0, 999):03}"
        if number % 2:
            order = (
                f"2026{draw.randint(1, 12):02}{draw.randint(1, 28):02}{draw.randint(0, 10**6):06}"
            )
        text = f"订单 {order}，金额 {draw.randint(10, 9999)}.00 元，12 月 3 日 10:30 下的"
        kept += masked(text) == text

    assert kept / COUNT >= 0.99


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("发到 zhang.san@example.com.cn 就行", "发到 [mail] 就行"),
        ("座机 021-6888 1234", "座机 [phone]"),
        ("ring +44 7700 900123 or 07700 900456", "ring [phone] or [phone]"),
        ("车牌沪A·12345 停哪", "车牌[plate] 停哪"),
        ("送到张江路100号3栋2单元501室", "[address]"),
        ("old id 110105491231002", "old id [id]"),
    ],
)
def test_each_kind_has_its_mark(text: str, expected: str) -> None:
    assert masked(text).endswith(expected[-8:])
    assert not any(part in masked(text) for part in ("zhang.san", "6888", "900", "12345", "501"))


@pytest.mark.parametrize(
    "text",
    [
        "运费多少钱？满 99 元包邮吗",
        "3 栋楼都装修好了吗",
        "110105194912310021 不是身份证",
        "a 16-digit order 1234567890123456",
        "地址写错了怎么改",
        "",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert masked(text) == text
