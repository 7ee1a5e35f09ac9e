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
