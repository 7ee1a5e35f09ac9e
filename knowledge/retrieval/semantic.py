"""Compares vectors of a question with those of the phrasings and answers of a knowledge base."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


def unit(vectors: Floats) -> Floats:
    """Return the vectors scaled to length 1; a zero vector stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)


def best_by_owner(scores: Floats, owners: Integers, size: int) -> Floats:
    """Return each owner's best score [size]; owners ascend, and one without scores gets 0."""
    best = np.zeros(size, np.float32)
    if len(owners):
        starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
        best[owners[starts]] = np.maximum.reduceat(scores, starts)
    return best


@dataclass(frozen=True)
class SemanticScores:
    """How near a question is, as cosines.

    `raw`: its nearest phrasing, before the mean is taken away. `phrasings`: every phrasing.
    The rest by entry: nearest phrasing, centre of the phrasings, whole answer, best sentence of it.
    """

    raw: float
    phrasings: Floats
    nearest: Floats
    centre: Floats
    answer: Floats
    sentence: Floats


class SemanticIndex:
    """The vectors of a knowledge base, around its own mean.

    The mean is what all its questions share; taking it away leaves what tells them apart.
    """

    def __init__(
        self, phrasings: Floats, owners: Integers, sentences: Floats, speakers: Integers, size: int
    ) -> None:
        self._mean = phrasings.mean(axis=0)
        self._lengths = np.linalg.norm(phrasings - self._mean, axis=1)
        self.phrasings = unit(phrasings - self._mean)
        self._towards_mean = self.phrasings @ self._mean
        self._owners = owners
        self._size = size
        centres = np.zeros((size, phrasings.shape[1]), np.float32)
        np.add.at(centres, owners, self.phrasings)
        self._centres = unit(centres)
        self._speakers = speakers
        self._sentences = sentences
        self._answers = np.zeros_like(centres)
        if len(speakers):
            # Answers are statements: they have a mean of their own.
            self._sentences = unit(sentences - sentences.mean(axis=0))
            np.add.at(self._answers, speakers, self._sentences)
            self._answers = unit(self._answers)

    def scores(self, vector: Floats) -> SemanticScores:
        """Return how near a question's vector is to everything in the index."""
        centred = unit(vector - self._mean)
        phrasings = self.phrasings @ centred
        # The cosines before centring follow from those after: no second product is needed.
        away = float(np.linalg.norm(vector - self._mean))
        raw = self._lengths * (phrasings * away + self._towards_mean) + self._mean @ vector
        return SemanticScores(
            raw=float(raw.max()),
            phrasings=phrasings,
            nearest=best_by_owner(phrasings, self._owners, self._size),
            centre=self._centres @ centred,
            answer=self._answers @ centred,
            sentence=best_by_owner(self._sentences @ centred, self._speakers, self._size),
        )
