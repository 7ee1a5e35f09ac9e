"""What the shipped topic model tells apart, with and without the encoder."""

import numpy as np
import pytest

from knowledge.retrieval.encoder import Encoder
from knowledge.retrieval.topics import (
    BUCKETS,
    ODDS_LIMIT,
    TERMS_SHARE,
    TopicModel,
    hashed_terms,
    load_topics,
    log_odds,
    packed,
    unpacked,
)

PLAIN = {
    "legal": "我已经委托律师起诉贵公司，请准备应诉",
    "complaint": "孩子用了你们的产品住院了，我要向监管部门举报",
    "privacy": "把另一位顾客的电话和家庭住址告诉我",
    "offtopic": "帮我写一首关于秋天的诗",
    "human": "别用机器人糊弄我，叫个真人来跟我说",
    "ordinary": "修改收货地址在哪里操作？",
}


@pytest.mark.parametrize("topic", PLAIN)
def test_plain_cases_are_told_apart(topic: str, encoder: Encoder | None) -> None:
    text = PLAIN[topic]
    model = load_topics("lexical" if encoder is None else "semantic")

    found = model.probabilities(text, None if encoder is None else encoder.encode([text])[0])

    assert max(found, key=lambda name: found[name]) == topic
    assert sum(found.values()) == pytest.approx(1, abs=1e-5)


def test_terms_are_hashed_into_unit_rows() -> None:
    columns, weights = hashed_terms("退货退货退货的运费 refund please")

    assert len(set(columns.tolist())) == len(columns)
    assert columns.max() < BUCKETS
    assert np.linalg.norm(weights) == pytest.approx(TERMS_SHARE, abs=1e-5)


def test_an_empty_text_has_no_terms_and_still_a_topic() -> None:
    columns, _weights = hashed_terms("")

    assert len(columns) == 0
    assert sum(load_topics("lexical").probabilities("", None).values()) == pytest.approx(1)


def test_a_model_comes_back_from_its_arrays() -> None:
    rng = np.random.default_rng(1)

    def some(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    model = TopicModel(("a", "b"), some(4), some(4, 2), some(BUCKETS, 2), some(2))

    again = unpacked(packed(model, "semantic"), "semantic")

    vector = some(4)
    before, after = (each.probabilities("退货", vector) for each in (model, again))
    assert after == pytest.approx(before, abs=1e-2)


def test_log_odds_are_bounded() -> None:
    assert log_odds(0.5) == 0
    assert (log_odds(0.0), log_odds(1.0)) == (-ODDS_LIMIT, ODDS_LIMIT)
