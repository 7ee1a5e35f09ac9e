import threading

import numpy as np

from knowledge.retrieval.encoder import load_encoder
from knowledge.retrieval.lexical import LexicalIndex

TEXTS = ["怎么退货", "How do I return this?", "今天天气不错", "退货的运费由谁承担"]


def _similarity(encoder, left, right):
    """Cosine by the encoder, or by words where none is installed."""
    if encoder is None:
        index = LexicalIndex([right])
        return float(index.scores(index.weigh(left))[0])
    return float(np.prod(encoder.encode([left, right]), axis=0).sum())


def test_load_encoder_returns_the_same_one(encoder):
    assert load_encoder() is encoder


def test_related_questions_are_nearer_than_strangers(encoder):
    near = _similarity(encoder, "怎么退货", "退货的运费由谁承担")
    far = _similarity(encoder, "怎么退货", "今天天气不错")

    assert near > far


def test_threads_get_what_one_would(encoder):
    expected = [_similarity(encoder, "怎么退货", text) for text in TEXTS]
    found: dict[int, list[float]] = {}

    def work(number):
        found[number] = [_similarity(encoder, "怎么退货", text) for text in TEXTS]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert list(found.values()) == [expected] * 4


def test_vectors_are_unit_and_alike_alone_or_in_a_batch(encoder):
    encode = encoder.encode if encoder else _count_vectors
    batch = encode([*TEXTS, TEXTS[0], "请问怎么退货？"])

    np.testing.assert_allclose(np.linalg.norm(batch, axis=1), 1, atol=1e-4)
    np.testing.assert_array_equal(batch[0], batch[4])
    np.testing.assert_allclose(batch[0], batch[5], atol=1e-5)
    np.testing.assert_allclose(
        encode([TEXTS[3] + "呢"])[0], encode([*TEXTS, TEXTS[3] + "呢"])[4], atol=1e-3
    )


def _count_vectors(texts):
    index = LexicalIndex(TEXTS)
    rows = np.array([index.scores(index.weigh(text)) for text in texts])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
