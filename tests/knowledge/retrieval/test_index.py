import numpy as np
import pytest

from knowledge.retrieval.gate import ANSWER_THRESHOLD, EXACT_P
from knowledge.retrieval.index import IndexEntry, build_index, missing_texts, texts_to_embed
from knowledge.retrieval.text import text_key


@pytest.mark.parametrize(
    ("question", "key"),
    [
        ("订单下错了，没发货能取消吗", "cancel"),
        ("邮费要多少钱呀", "shipping"),
        ("电子发票去哪申请", "invoice"),
        ("坏了质保几年免费修", "warranty"),
        ("hello, i forgot the password", "password"),
        ("are you open sundays?", "opening"),
    ],
)
def test_search_puts_the_right_entry_first(shop, question, key):
    result = shop.search(question)

    assert result.candidates[0].key == key
    assert result.in_scope >= result.candidates[0].p


@pytest.mark.parametrize(
    "question", ["运费怎么算", "您好，请问运费怎么算？？谢谢", "运 费 怎 么 算", "快递费多少钱!"]
)
def test_a_phrasing_but_for_politeness_is_certain(shop, question):
    first, *others = shop.search(question).candidates

    assert (first.key, first.p, first.exact) == ("shipping", EXACT_P, True)
    assert all(other.p <= 1 - EXACT_P and not other.exact for other in others)


def test_a_phrasing_of_two_entries_decides_nothing(entries, encoder):
    twin = IndexEntry("twin", "大件运费", ("快递费多少钱",), "大件另算。", "")

    candidates = build_index([*entries, twin], encoder=encoder).search("快递费多少钱").candidates

    assert {candidate.key for candidate in candidates[:2]} == {"shipping", "twin"}
    assert all(0.5 < c.p < ANSWER_THRESHOLD and c.exact for c in candidates[:2])


@pytest.mark.parametrize(
    "question", ["今天天气怎么样啊", "who won the football match", "给我讲个笑话"]
)
def test_what_nobody_knows_is_not_answered(shop, question):
    assert all(c.p < ANSWER_THRESHOLD for c in shop.search(question).candidates)


@pytest.mark.parametrize("question", ["你好", "？？", "谢谢", "12345"])
def test_low_content_finds_nothing(shop, question):
    result = shop.search(question)

    assert result.low_content
    assert result.candidates == ()


def test_a_phrasing_may_itself_be_low_in_content(entries, encoder):
    greeting = IndexEntry("greeting", "你好", (), "您好，请问有什么可以帮您？", "")

    result = build_index([*entries, greeting], encoder=encoder).search("你好！")

    assert [result.candidates[0].key, result.candidates[0].p] == ["greeting", EXACT_P]


@pytest.mark.parametrize("question", ["发票和运费", "password", "怎么办理"])
def test_probabilities_descend_and_share_one(shop, question):
    shares = [candidate.p for candidate in shop.search(question, limit=5).candidates]

    assert shares == sorted(shares, reverse=True)
    assert shares[0] + shares[1] <= 1 + 1e-9


def test_limit_is_kept(shop):
    assert len(shop.search("运费怎么收", limit=2).candidates) == 2
    assert len(shop.search("运费怎么算", limit=1).candidates) == 1


def test_language_decides_between_equals(encoder):
    pair = [
        IndexEntry("zh", "退款 refund", (), "三天。", ""),
        IndexEntry("en", "How long does a refund take", (), "Three days.", ""),
    ]
    index = build_index(pair, encoder=encoder)

    plain = {c.key: c.score for c in index.search("refund退款怎么弄").candidates}
    zh = {c.key: c.score for c in index.search("refund退款怎么弄", language="zh").candidates}

    assert zh["zh"] - zh["en"] > plain["zh"] - plain["en"]


def test_the_answer_helps_to_find_an_entry(encoder):
    pair = [
        IndexEntry("a", "会员等级说明", ("会员有什么等级",), "黄金会员每月送两张洗车券。", ""),
        IndexEntry("b", "会员积分说明", ("会员的积分怎么算",), "积分一年有效。", ""),
    ]

    assert build_index(pair, encoder=encoder).search("洗车券").candidates[0].key == "a"


def test_an_empty_knowledge_base_finds_nothing(encoder):
    empty = IndexEntry("empty", "？", (), "", "")

    for entries in ([], [empty]):
        assert build_index(entries, encoder=encoder).search("怎么退货").candidates == ()


def test_one_entry_alone_can_be_found_and_missed(encoder):
    index = build_index(
        [IndexEntry("only", "怎么退货", ("退货流程",), "七天内。", "")], encoder=encoder
    )

    assert index.search("怎么退货呢").candidates[0].key == "only"
    assert index.search("天气预报").candidates[0].p < ANSWER_THRESHOLD


def test_a_very_long_message_is_searched(shop):
    assert shop.search("我想知道运费怎么算" + "，真的很着急" * 400).candidates


def test_texts_to_embed_are_distinct_and_cover_answers(entries):
    texts = texts_to_embed([*entries, entries[0]])

    assert len({text_key(text) for text in texts}) == len(texts)
    assert "运费怎么算？" in texts
    assert "主要部件三年" in "".join(texts)


def test_stored_vectors_give_the_same_answers(entries, encoder, shop):
    texts = texts_to_embed(entries)
    vectors = {}
    if encoder is not None:
        rows = encoder.encode(texts).astype(np.float16)
        vectors = {text_key(text): row for text, row in zip(texts, rows, strict=True)}
        assert missing_texts(entries, vectors) == []
    question = "没发货能取消吗"

    stored = build_index(entries, encoder=encoder, vectors=vectors).search(question).candidates

    fresh = shop.search(question).candidates
    assert [candidate.key for candidate in stored] == [candidate.key for candidate in fresh]
    assert [c.p for c in stored] == pytest.approx([c.p for c in fresh], abs=0.01)


def test_missing_texts_are_what_the_vectors_lack(entries):
    texts = texts_to_embed(entries)
    known = {text_key(text): np.zeros(3) for text in texts[2:]}

    assert missing_texts(entries, known) == texts[:2]


def test_words_alone_still_find_an_entry(entries):
    index = build_index(entries)

    first = index.search("发票去哪申请").candidates[0]

    assert index.encoder is None
    assert first.key == "invoice"


def test_one_question_for_people_alone_makes_the_whole_message_so(shop):
    for_people = "我已经委托律师起诉你们了，知道吗？"
    alone = shop.search(for_people)
    both = shop.search(f"运费怎么算？怎么开电子发票？{for_people}")

    assert both.excluded >= alone.excluded > 0.6
    assert len(both.parts) >= 2
