"""Ask a knowledge base its own phrasings, each left out in turn: how well would it answer?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.retrieval.encoder import Encoder
from knowledge.retrieval.index import IndexEntry, build_index
from knowledge.retrieval.text import text_key

FOLDS = 4
MOST_QUESTIONS = 600
# Less says nothing.
LEAST_QUESTIONS = 20
# What may be lost by chance alone.
TOLERANCE = 0.005


@dataclass(frozen=True)
class SelfTest:
    """How many phrasings found their entry, and how well certainty tells right from wrong.

    `auroc` is that a right first candidate is surer than a wrong one; 0.5 where all are alike.
    """

    questions: int
    top1: float
    auroc: float

    def is_no_worse_than(self, other: "SelfTest") -> bool:
        """Return whether neither figure falls below the other's by more than chance."""
        return self.top1 >= other.top1 - TOLERANCE and self.auroc >= other.auroc - TOLERANCE


def self_test(
    entries: Sequence[IndexEntry], encoder: Encoder | None, vectors: Mapping[str, NDArray[Any]]
) -> SelfTest:
    """Return how the entries' own phrasings fare, each asked of an index that lacks it.

    `vectors` as for build_index, and the questions' own. Standard questions stay in. The same
    entries always ask the same questions.
    """
    recalling = None if encoder is None else _Recalling(encoder, vectors)
    right: list[bool] = []
    sure: list[float] = []
    told = [
        (key, place) for key, entry in enumerate(entries) for place in range(len(entry.phrasings))
    ]
    step = max(1, -(-len(told) // MOST_QUESTIONS))
    asked = told[::step]
    for fold in range(FOLDS):
        out = asked[fold::FOLDS]
        if not out:
            continue
        held = {(key, place) for key, place in out}
        left = [
            replace(
                entry,
                phrasings=tuple(
                    text for place, text in enumerate(entry.phrasings) if (key, place) not in held
                ),
            )
            for key, entry in enumerate(entries)
        ]
        index = build_index(left, encoder=recalling, vectors=vectors)
        for key, place in out:
            found = index.search(entries[key].phrasings[place], limit=1).candidates
            right.append(bool(found) and found[0].key == entries[key].key)
            sure.append(found[0].p if found else 0.0)
    return SelfTest(
        len(right), round(float(np.mean(right)), 4) if right else 0.0, _auroc(right, sure)
    )


class _Recalling:
    """An encoder that knows the vectors of the phrasings by heart."""

    def __init__(self, encoder: Encoder, vectors: Mapping[str, NDArray[Any]]) -> None:
        self._encoder, self._vectors = encoder, vectors
        self.id, self.dim, self.parts = encoder.id, encoder.dim, encoder.parts

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        keys = [text_key(text) for text in texts]
        if all(key in self._vectors for key in keys):
            return np.array([self._vectors[key] for key in keys], np.float32)
        return self._encoder.encode(texts)


def _auroc(right: Sequence[bool], sure: Sequence[float]) -> float:
    good = np.array([p for p, yes in zip(sure, right, strict=True) if yes])
    bad = np.array([p for p, yes in zip(sure, right, strict=True) if not yes])
    if not len(good) or not len(bad):
        return 0.5 if not len(good) else 1.0
    wins = (good[:, None] > bad[None]).mean() + 0.5 * (good[:, None] == bad[None]).mean()
    return round(float(wins), 4)
