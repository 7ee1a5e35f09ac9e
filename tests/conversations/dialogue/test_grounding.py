"""Other words for an answer: kinder ones pass, and none that say something else."""

import pytest

from conversations.dialogue.grounding import faults, invented

ZH = "签收后 7 天内可无理由退货，运费由买家承担。已拆封的食品不支持退货。我们的门店环境舒适。"
EN = "You can return it within 30 days. Sale items cannot be returned. Our staff like to help."


@pytest.mark.parametrize(
    ("wording", "answer"),
    [
        (ZH, ZH),
        (f"您好，{ZH}希望对您有所帮助！", ZH),
        ("签收后7天内可无理由退货哦，运费由买家承担。已拆封的食品是不支持退货的。", ZH),
        (EN, EN),
        ("Hello! You can return it within 30 days. Sale items cannot be returned.", EN),
        ("Sale items cannot be returned. You can return it within 30 days. Hope this helps!", EN),
    ],
)
def test_courtesy_and_order_of_sentences_say_the_same(wording: str, answer: str) -> None:
    assert faults(wording, answer) == ()


@pytest.mark.parametrize(
    ("wording", "answer", "fault"),
    [
        ("", ZH, "empty"),
        ("您好！", ZH, "omission"),
        (ZH.replace("7", "15"), ZH, "claim"),
        (ZH.replace("买家", "卖家"), ZH, "claim"),
        (ZH.replace("不支持", "支持"), ZH, "claim"),
        (f"{ZH}另赠优惠券。", ZH, "claim"),
        ("签收后 7 天内可无理由退货，运费由买家承担。", ZH, "omission"),
        ("已拆封的食品不支持退货。", ZH, "omission"),
        (ZH.replace("。", "？"), ZH, "markup"),
        (f"{ZH}😀", ZH, "markup"),
        (f"{ZH}\u202e", ZH, "markup"),
        (f"[{ZH}](https://evil.example)", ZH, "markup"),
        ("您好，" * 40 + ZH, ZH, "long"),
        (EN.replace("30", "60"), EN, "claim"),
        (EN.replace("cannot", "can"), EN, "claim"),
        ("Sale items can be returned within 30 days.", EN, "claim"),
        (f"{EN} Delivery is free.", EN, "claim"),
        (f"{EN} See https://evil.example", EN, "claim"),
        ("商家赔付买家。", "买家赔付商家。", "claim"),
        ("京东客服在上海，运费由我们承担。", "京东客服在上海，运费由您承担。", "claim"),
    ],
)
def test_what_says_more_less_or_else_is_refused(wording: str, answer: str, fault: str) -> None:
    assert fault in faults(wording, answer)


def test_figures_of_nobody_are_found() -> None:
    sources = "换新需要 3 天，运费 12.5 元，见 https://shop.example/a"

    assert invented("3 天内换新，运费 12.5 元。", sources) == frozenset()
    assert invented("5 天内换新，运费 12 元。", sources) == {"5", "12"}
    assert invented("见 https://evil.example/a", sources) == {"https://evil.example/a"}
