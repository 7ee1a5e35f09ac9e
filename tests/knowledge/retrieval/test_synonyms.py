"""A tenant's own words, said as its entries say them."""

import pytest

from knowledge.retrieval.synonyms import parsed, rewritten

PAIRS = (("小冰", "云S冰箱"), ("小冰冰", "冰柜"), ("nas", "storage box"), ("冰箱", "冷藏柜"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("小冰多重", "云S冰箱多重"),
        ("小冰冰多重", "冰柜多重"),
        ("我的 NAS 坏了", "我的 storage box 坏了"),
        ("NASA tickets", "NASA tickets"),
        ("what is a NAS?", "what is a storage box"),
        ("冰箱", "冷藏柜"),
        ("洗衣机多重？", "洗衣机多重？"),
    ],
)
def test_words_are_said_otherwise(text: str, expected: str) -> None:
    assert rewritten(text, PAIRS) == expected


def test_traditional_characters_and_full_width_letters_are_the_same_word() -> None:
    assert rewritten("ＮＡＳ", PAIRS) == "storage box"
    assert rewritten("冰箱", (("冰箱", "甲"),)) == "甲"


def test_without_synonyms_nothing_is_touched() -> None:
    assert rewritten("　ＡＢＣ？", ()) == "　ＡＢＣ？"


def test_lines_are_read() -> None:
    pairs, bad = parsed(["小冰，冰冰 = 云S冰箱", "NAS＝storage box"])

    assert bad is None
    assert pairs == [["小冰", "云S冰箱"], ["冰冰", "云S冰箱"], ["NAS", "storage box"]]


@pytest.mark.parametrize(
    "line",
    [
        "小冰",
        "= 冰箱",
        "小冰 =",
        "冰箱 = 冰箱",
        "冰 = 冰箱",
        "甲甲 = 乙乙 = 丙丙",
        "小冰, 小冰 = 冰箱",
    ],
)
def test_a_line_that_cannot_be_meant_is_named(line: str) -> None:
    assert parsed(["电视 = 彩电", line]) == ([], line)
