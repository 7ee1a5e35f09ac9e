import numpy as np
import pytest

from knowledge.retrieval.lexical import CJK, PART, SKETCH, WORD, LexicalIndex, distinct, terms

TEXTS = ["怎么取消订单", "运费怎么算", "reset my password", "password help", "order怎么取消"]


def test_terms_of_chinese_are_runs_of_characters():
    found = terms("退货吧")

    assert dict(found[CJK]) == dict.fromkeys(["退", "货", "吧", "退货", "货吧", "退货吧"], 1)
    assert not found[WORD]
    assert not found[PART]


def test_terms_of_english_are_words_pairs_and_parts():
    found = terms("my car")

    assert set(found[WORD]) == {"my", "car", "my car"}
    assert {" ca", "car ", " m", "y "} <= set(found[PART])
    assert not found[CJK]


def test_terms_of_a_mixed_text_do_not_pair_words_across_chinese():
    assert set(terms("check一下order")[WORD]) == {"check", "order"}


def test_scores_are_cosines_and_rank_the_same_text_first():
    index = LexicalIndex(TEXTS)

    for row, text in enumerate(TEXTS):
        scores = index.scores(index.weigh(text))

        assert scores[row] == pytest.approx(1, abs=1e-5)
        assert scores.argmax() == row
        assert scores.min() >= 0


def test_similarities_agree_with_scores():
    index = LexicalIndex(TEXTS)
    rows = np.array([0, 2, 3, 4])

    expected = [index.scores(index.weigh(TEXTS[row]))[rows] for row in rows]

    np.testing.assert_allclose(index.similarities(rows), expected, atol=1e-5)


def test_unknown_terms_make_a_question_less_like_anything():
    index = LexicalIndex(TEXTS)

    whole = index.scores(index.weigh("怎么取消订单"))[0]
    diluted = index.scores(index.weigh("怎么取消订单蚂蚁庄园"))[0]

    assert 0 < diluted < whole


@pytest.mark.parametrize("question", ["蚂蚁", "", "!!!"])
def test_a_question_without_known_terms_scores_nothing(question):
    index = LexicalIndex(TEXTS)

    assert not index.scores(index.weigh(question)).any()


def test_an_index_of_nothing_scores_nothing():
    index = LexicalIndex([])

    assert index.scores(index.weigh("退货")).shape == (0,)


def test_distinct_keeps_the_first_spelling():
    assert distinct(["请问运费？", "运费", "退货"]) == ["请问运费？", "退货"]


def test_products_of_sketches_come_close_to_the_cosines():
    texts = [f"{first}{second}怎么办理业务" for first in "挂开销改贷" for second in "失户密款汇"]
    index = LexicalIndex(texts)
    query = index.weigh("贷款业务怎么办理呢")

    found = index.sketches() @ index.sketch(query)

    np.testing.assert_allclose(found, index.scores(query), atol=0.15)
    assert index.sketches().shape == (25, SKETCH)
