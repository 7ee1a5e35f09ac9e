import numpy as np
import pytest

from knowledge.retrieval.semantic import Part, SemanticIndex, best_by_owner, unit


def test_best_by_owner_leaves_zero_where_nothing_speaks():
    scores = np.array([0.1, 0.4, -0.2], np.float32)

    best = best_by_owner(scores, np.array([0, 0, 2]), 4)

    np.testing.assert_allclose(best, [0.4, 0, -0.2, 0])


def test_scores_match_the_plain_formula():
    rng = np.random.default_rng(3)
    phrasings = unit(rng.normal(1, 1, (6, 8)).astype(np.float32))
    sentences = unit(rng.normal(1, 1, (3, 8)).astype(np.float32))
    owners, speakers = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 2, 2])
    question = unit(rng.normal(1, 1, 8).astype(np.float32))

    found = SemanticIndex(phrasings, owners, sentences, speakers, 3, (Part(8, 1.0, 1.0),)).scores(
        question
    )

    mean = phrasings.mean(axis=0)
    cosines = unit(phrasings - mean) @ unit(question - mean)
    assert found.raw == pytest.approx(float((phrasings @ question).max()), abs=1e-5)
    np.testing.assert_allclose(found.phrasings, cosines, atol=1e-5)
    np.testing.assert_allclose(found.nearest, cosines.reshape(3, 2).max(axis=1), atol=1e-5)
    assert found.answer[1] == 0
    assert found.sentence[1] == 0


def test_an_index_without_answers_scores_them_zero():
    phrasings = np.eye(3, dtype=np.float32)
    nothing = np.empty((0, 3), np.float32)

    found = SemanticIndex(
        phrasings, np.arange(3), nothing, np.arange(0), 3, (Part(3, 1.0, 1.0),)
    ).scores(phrasings[0])

    assert not found.answer.any()
    assert not found.sentence.any()
    assert found.nearest.argmax() == 0


def test_parts_count_by_their_share_whatever_their_length():
    rng = np.random.default_rng(4)
    phrasings = rng.normal(0, 1, (40, 8)).astype(np.float32)
    phrasings[:, 4:] *= 9
    question = rng.normal(0, 1, 8).astype(np.float32)
    nothing = np.empty((0, 8), np.float32)

    found = SemanticIndex(
        phrasings, np.arange(40), nothing, np.arange(0), 40, (Part(4, 0.8, 1.0), Part(4, 0.2, 1.0))
    ).scores(question)

    mean = phrasings.mean(axis=0)
    moved, asked = phrasings - mean, question - mean
    first = unit(moved[:, :4]) @ unit(asked[:4])
    second = unit(moved[:, 4:]) @ unit(asked[4:])
    np.testing.assert_allclose(found.phrasings, 0.8 * first + 0.2 * second, atol=1e-5)
    cosines = unit(phrasings[:, :4]) @ unit(question[:4])
    plain = cosines[np.argsort(-found.phrasings)[:20]].max()
    assert found.raw == pytest.approx(float(plain), rel=1e-4)
