import numpy as np
import pytest

from knowledge.retrieval import head


@pytest.mark.parametrize("semantic", [True, False], ids=["semantic", "lexical"])
def test_head_tells_the_entries_apart(semantic):
    points = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]], np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    owners = np.array([0, 0, 1, 1])
    cosines = points @ points.T
    rows = head.head_rows(owners)

    fitted = head.fit_head(rows, owners, 2, cosines, cosines if semantic else None)

    for row, owner in enumerate(owners):
        scores = fitted.scores(cosines[row], cosines[row] if semantic else None)
        assert scores.argmax() == owner


def test_no_head_when_every_entry_has_one_phrasing():
    cosines = np.eye(3, dtype=np.float32)

    assert head.fit_head(np.arange(3), np.arange(3), 3, cosines, cosines) is None


def test_head_rows_cut_every_entry_alike_when_there_are_too_many():
    owners = np.repeat(np.arange(300), 20)

    rows = head.head_rows(owners)

    assert len(rows) == 300 * (head.MAX_ROWS // 300)
    assert set(np.bincount(owners[rows])) == {head.MAX_ROWS // 300}


def test_no_head_beyond_its_memory_bound():
    owners = np.repeat(np.arange(head.MAX_ROWS + 1), 2)
    rows = head.head_rows(owners)

    assert head.fit_head(rows, owners, head.MAX_ROWS + 1, np.eye(1), None) is None


def test_the_linear_head_knows_every_phrasing_it_was_fitted_on():
    rng = np.random.default_rng(6)
    centres = rng.normal(size=(12, 64))
    owners = np.repeat(np.arange(12), 30)
    vectors = centres[owners] + 0.5 * rng.normal(size=(360, 64))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    nothing = np.zeros((360, 4), np.float32)

    fitted = head.fit_linear(vectors, nothing, owners, 12)

    assert fitted is not None
    found = np.array([fitted.scores(vector, nothing[0]) for vector in vectors])
    assert (found.argmax(axis=1) == owners).mean() > 0.95
    assert found[np.arange(360), owners].mean() > 0.5


def test_no_linear_head_where_it_would_not_fit():
    vectors = np.ones((2, 900), np.float32)

    sketches = np.zeros((2, 4), np.float32)

    assert head.fit_linear(vectors, sketches, np.array([0, 1]), head.MAX_COEFFICIENTS) is None


def test_the_linear_head_learns_from_words_where_vectors_say_nothing():
    rng = np.random.default_rng(8)
    owners = np.repeat(np.arange(6), 20)
    vectors = np.ones((120, 16), np.float32) / 4
    sketches = np.eye(6, dtype=np.float32)[owners] + 0.1 * rng.normal(size=(120, 6))

    fitted = head.fit_linear(vectors, sketches.astype(np.float32), owners, 6)

    assert fitted is not None
    found = [fitted.scores(vectors[0], sketch).argmax() for sketch in np.eye(6, dtype=np.float32)]
    assert found == list(range(6))
