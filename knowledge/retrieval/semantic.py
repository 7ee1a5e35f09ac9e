"""Compares vectors of a question with those of the phrasings and answers of a knowledge base."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


# Phrasings whose plain cosine is looked at: the nearest by that is among the nearest by the other.
LIKELIEST = 20


class Part(NamedTuple):
    """One encoder's piece of a vector, and what it counts among questions and among answers."""

    dim: int
    share: float
    share_of_answers: float


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

    `raw`: its nearest phrasing, by the first encoder, before the mean is taken away.
    `question`: its vector in the space of the phrasings. `phrasings`: every phrasing.
    The rest by entry: nearest phrasing, centre of the phrasings, whole answer, best sentence of it.
    """

    raw: float
    question: Floats
    phrasings: Floats
    nearest: Floats
    centre: Floats
    answer: Floats
    sentence: Floats


class Space:
    """Vectors around a mean of their own, each encoder's part brought to its share.

    The mean is what all texts of a kind share; taking it away leaves what tells them apart.
    """

    def __init__(self, vectors: Floats, parts: Sequence[tuple[int, float]]) -> None:
        ends = np.cumsum([dim for dim, _share in parts])
        self._spans = [
            slice(int(end) - dim, int(end)) for end, (dim, _) in zip(ends, parts, strict=True)
        ]
        self._scales = [math.sqrt(share) for _dim, share in parts]
        self.mean = vectors.mean(axis=0)
        self.vectors = self.place(vectors)
        self._lengths = np.stack(
            [np.linalg.norm((vectors - self.mean)[:, span], axis=1) for span in self._spans], axis=1
        ).astype(np.float32)

    def place(self, vectors: Floats, absent: Sequence[int] = ()) -> Floats:
        """Return the vectors, of length 1, as this space sees them.

        Parts that are `absent` say nothing, and the others speak for them.
        """
        moved = vectors - self.mean
        spoken = 1 - sum(self._scales[part] ** 2 for part in absent)
        for part, (span, scale) in enumerate(zip(self._spans, self._scales, strict=True)):
            weight = 0.0 if part in absent else scale / spoken
            moved[..., span] = unit(moved[..., span]) * np.float32(weight)
        return np.asarray(moved, np.float32)

    def absent(self, vector: Floats) -> tuple[int, ...]:
        """Return which parts of a vector hold nothing: their encoder could not be asked."""
        return tuple(part for part, span in enumerate(self._spans) if not vector[span].any())

    def original(self, rows: Integers) -> Floats:
        """Return vectors of the space as they were before."""
        found = self.vectors[rows].copy()
        for part, (span, scale) in enumerate(zip(self._spans, self._scales, strict=True)):
            found[:, span] *= self._lengths[rows, part, None] / np.float32(scale)
        return np.asarray(found + self.mean, np.float32)


class SemanticIndex:
    """The vectors of a knowledge base: its phrasings in one space, its answers in another.

    Answers are statements: what they share, and what each encoder sees in them, differs.
    """

    def __init__(
        self,
        phrasings: Floats,
        owners: Integers,
        sentences: Floats,
        speakers: Integers,
        size: int,
        parts: Sequence[Part],
    ) -> None:
        self._asked = Space(phrasings, [(part.dim, part.share) for part in parts])
        self._first = parts[0].dim
        self._told = None
        self._owners, self._speakers, self._size = owners, speakers, size
        self._centres = np.zeros((size, phrasings.shape[1]), np.float32)
        np.add.at(self._centres, owners, self._asked.vectors)
        self._centres = unit(self._centres)
        if len(speakers):
            self._told = Space(sentences, [(part.dim, part.share_of_answers) for part in parts])
            self._answers = np.zeros((size, phrasings.shape[1]), np.float32)
            np.add.at(self._answers, speakers, self._told.vectors)
            self._answers = unit(self._answers)

    @property
    def phrasings(self) -> Floats:
        """The vectors of the phrasings in their space."""
        return self._asked.vectors

    def scores(self, vector: Floats) -> SemanticScores:
        """Return how near a question's vector is to everything in the index."""
        absent = self._asked.absent(vector)
        question = self._asked.place(vector, absent)
        phrasings = self._asked.vectors @ question
        likeliest = np.argsort(-phrasings)[:LIKELIEST]
        answer = sentence = np.zeros(self._size, np.float32)
        if self._told is not None:
            # A question has no place among statements but by the mean of the questions.
            told = self._told.place(vector - self._asked.mean + self._told.mean, absent)
            answer = self._answers @ told
            spoken = self._told.vectors @ told
            sentence = best_by_owner(spoken, self._speakers, self._size)
        return SemanticScores(
            raw=self._raw(likeliest, vector),
            question=question,
            phrasings=phrasings,
            nearest=best_by_owner(phrasings, self._owners, self._size),
            centre=self._centres @ question,
            answer=answer,
            sentence=sentence,
        )

    def _raw(self, rows: Integers, vector: Floats) -> float:
        span = slice(0, self._first)
        return float((unit(self._asked.original(rows)[:, span]) @ unit(vector[span])).max())
