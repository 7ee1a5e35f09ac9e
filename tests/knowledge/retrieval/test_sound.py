import pytest

from knowledge.retrieval.sound import spelled


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("怎么开飘", "怎么开票"),
        ("退货运废谁出", "退货运费谁出"),
        ("kaifapiao 怎么弄", "开发票怎么弄"),
        ("zhuanren工", "转人工"),
        ("收华地址", "收花地址"),
        ("发票什么市候开", "发票什么时候开"),
        ("退貨運費", "退货运费"),
    ],
)
def test_what_sounds_alike_is_spelled_alike(written: str, meant: str) -> None:
    assert spelled(written).replace(" ", "") == spelled(meant).replace(" ", "")


def test_sounds_that_speakers_confuse_are_one() -> None:
    assert spelled("是") == spelled("四")
    assert spelled("深圳") == spelled("森镇")


def test_other_words_are_spelled_otherwise() -> None:
    assert spelled("退货") != spelled("换货")
    assert spelled("怎么开票") != spelled("怎么退票")


def test_english_in_a_chinese_message_has_no_sound() -> None:
    assert spelled("我要 refund").strip() == spelled("我要").strip()


def test_a_text_without_chinese_is_not_spelled() -> None:
    assert spelled("how do I kai fapiao") == ""
    assert spelled("") == ""
