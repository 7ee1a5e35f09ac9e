"""What people ask elsewhere: questions of many trades, and of none, to tell strangers by."""

import io
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from knowledge.retrieval.semantic import unit

Floats = NDArray[np.float32]

FILE = "background.npz"
LIMIT = 127


class Background:
    """Vectors of questions that belong to no knowledge base at hand."""

    def __init__(self, vectors: Floats) -> None:
        self._vectors = unit(vectors)

    def closeness(self, vector: Floats) -> float:
        """Return the cosine of a question with the nearest of them; 0 where there are none."""
        return float((self._vectors @ unit(vector)).max(initial=0.0))


@lru_cache(maxsize=1)
def load_background() -> Background:
    """Return the shipped background, made by `python -m knowledge.training.topics`.

    Its vectors are of the first of the local encoders.
    """
    data = (resources.files(__package__) / FILE).read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        return Background(stored["vectors"].astype(np.float32))


def packed(vectors: Floats) -> NDArray[np.int8]:
    """Return the vectors in 8 bits; only their directions are kept."""
    scaled = vectors / np.abs(vectors).max(axis=1, keepdims=True)
    return np.asarray(np.round(scaled * LIMIT), np.int8)
