import pytest

from knowledge.retrieval.text import (
    fold,
    guess_language,
    is_low_content,
    normalise,
    questions_in,
    text_key,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＡＢＣ　１２３", "abc 123"),
        ("怎么退货？？？！！", "怎么退货"),
        ("退 货 流 程", "退货流程"),
        ("soooooo  slow", "soo slow"),
        ("订单10000000号", "订单10000000号"),
        ("你好\u200b，世界", "你好,世界"),
        ("發票怎麼開", "发票怎么开"),
    ],
)
def test_fold_brings_spellings_together(text, expected):
    assert fold(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("你好，请问怎么退货？谢谢！", "怎么退货"),
        ("您好 麻烦问一下发票怎么开", "发票怎么开"),
        ("亲，在吗？运费多少", "运费多少"),
        ("在哪里看订单", "在哪里看订单"),
        ("咨询电话是多少", "咨询电话是多少"),
        ("问题反馈", "问题反馈"),
        ("Hi there, could you please tell me how to reset my password? Thanks", "how to reset my password"),
        ("please cancel my order, thank you very much", "cancel my order"),
        ("this is high", "this is high"),
        ("data", "data"),
        ("你好", "你好"),
        ("thanks", "thanks"),
        ("", ""),
    ],
)  # fmt: skip
def test_normalise_strips_politeness_and_nothing_else(text, expected):
    assert normalise(text) == expected


def test_text_key_is_shared_by_spellings_of_one_question():
    assert text_key("请问怎么退货？") == text_key("怎么退货")
    assert text_key("怎么退货") != text_key("怎么换货")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("怎么退货", "zh"),
        ("想check一下我的order到哪步了", "zh"),
        ("How do I reset my password", "en"),
        ("12345", "en"),
    ],
)
def test_guess_language(text, expected):
    assert guess_language(text) == expected


@pytest.mark.parametrize(
    "text", ["", "？？？", "123", "你好", "在吗", "嗯嗯", "谢谢啦", "hi", "ok", "😂😂", "a", "退"]
)
def test_low_content_of_greetings_sounds_and_numbers(text):
    assert is_low_content(text)


@pytest.mark.parametrize(
    "text", ["退款", "运费", "refund", "你好，怎么退货", "转人工", "hi, opening hours?"]
)
def test_low_content_spares_short_questions(text):
    assert not is_low_content(text)


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        ("运费谁出？多久到账？", ["运费谁出", "多久到账"]),
        ("我昨天买的。运费谁出？谢谢", ["运费谁出"]),
        (
            "How long does it take? And what does it cost?",
            ["how long does it take", "and what does it cost"],
        ),
        ("在吗？发票怎么开？", ["发票怎么开"]),
        ("运费谁出", []),
        ("？？？", []),
    ],
)
def test_single_questions_of_a_text(text, questions):
    assert questions_in(text) == questions
