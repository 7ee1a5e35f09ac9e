import numpy as np
import pytest

from knowledge.training import topics
from knowledge.training.topics import Sentence


def sentences() -> list[Sentence]:
    kinds = {"ordinary": "退货 运费 地址", "legal": "律师 法院 起诉", "privacy": "名单 泄露 底价"}
    return [
        Sentence(f"{first}{second}怎么办{number}", topic, topic, 1.0)
        for topic, words in kinds.items()
        for first in words.split()
        for second in words.split()
        for number in range(3)
    ]


def test_words_that_mark_a_topic_are_learnt() -> None:
    model = topics.fit_sentences(sentences(), None)

    for text, topic in (("律师说了", "legal"), ("给我名单", "privacy"), ("运费呢", "ordinary")):
        found = model.probabilities(text, None)
        assert max(found, key=lambda name: found[name]) == topic


def test_the_report_is_about_sentences_kept_out() -> None:
    _model, shares = topics.train(sentences(), None)

    assert set(shares) == {"ordinary", "legal", "privacy"}
    assert shares["legal"]["legal"] > 0.8
    assert shares["ordinary"]["legal"] < 0.2


def test_topics_weigh_the_same_whatever_their_number() -> None:
    rows = sentences()
    many = rows + [one for one in rows if one.topic == "ordinary"] * 20

    model = topics.fit_sentences(many, None)

    assert model.probabilities("起诉", None)["legal"] > 0.5


@pytest.mark.parametrize(
    ("intent", "clear"),
    [("修改收货地址", True), ("投诉骑手态度", False), ("app crash", False), ("refund time", True)],
)
def test_intents_across_a_border_teach_nothing(intent: str, clear: bool) -> None:
    assert topics.is_clear({"intent": intent, "style": "short"}) is clear


def test_prediction_is_that_of_the_model() -> None:
    rows = sentences()
    model = topics.fit_sentences(rows, None)
    texts = [one.text for one in rows[:5]]

    found = topics.predict(model, topics.design(texts), np.zeros((5, 0), np.float32))

    for row, text in zip(found, texts, strict=True):
        expected = list(model.probabilities(text, None).values())
        np.testing.assert_allclose(row, expected, atol=1e-4)


def test_every_written_sentence_has_a_known_topic(tmp_path) -> None:
    found = topics.read_sentences(tmp_path)

    assert {one.topic for one in found} == {
        "ordinary", "legal", "complaint", "privacy", "offtopic", "human", "smalltalk", "fault",
    }  # fmt: skip
    assert len({one.text for one in found}) > 5000
