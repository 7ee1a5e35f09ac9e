"""Learns from all phrasings together which entry a question belongs to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

# Bounds for memory and time: a kernel of 3,000 phrasings is 36 MB while it is solved, and the
# coefficients stay.
MAX_ROWS = 3000
MAX_COEFFICIENTS = 8_000_000

# How fast the influence of a phrasing fades with distance, and the part of shared words in it.
SHARPNESS = 2.0
LEXICAL_SHARE = 0.5
RIDGE = 0.5
LEXICAL_RIDGE = 1.0
LINEAR_RIDGE = 3.0
# What words count beside vectors there.
SKETCH_WEIGHT = 0.6


def kernel(lexical: Floats, semantic: Floats | None) -> Floats:
    """Return the influence of texts on each other from their cosines."""
    if semantic is None:
        return lexical
    return np.asarray(
        np.exp(SHARPNESS * (semantic - 1)) + LEXICAL_SHARE * lexical, dtype=np.float32
    )


def head_rows(owners: Integers) -> Integers:
    """Return which phrasings take part: the first ones of every entry, MAX_ROWS in all."""
    starts = np.searchsorted(owners, owners)
    rank = np.arange(len(owners)) - starts
    allowed = np.arange(1, int(rank.max()) + 2)
    totals = np.array([(rank < most).sum() for most in allowed])
    fitting = allowed[totals <= MAX_ROWS]
    return np.flatnonzero(rank < (fitting[-1] if len(fitting) else 1))


@dataclass(frozen=True)
class Head:
    """Kernel ridge regression onto entries: one linear solve, and a product for each question."""

    rows: Integers
    coefficients: Floats

    def scores(self, lexical: Floats, semantic: Floats | None) -> Floats:
        """Return a score by entry, about 1 for the right one, from the cosines with phrasings."""
        part = None if semantic is None else semantic[self.rows]
        return np.asarray(kernel(lexical[self.rows], part) @ self.coefficients, np.float32)


def fit_head(
    rows: Integers, owners: Integers, size: int, lexical: Floats, semantic: Floats | None
) -> Head | None:
    """Return the head for phrasings `rows`, given their cosines with each other [rows, rows].

    None when every entry has a single phrasing, so there is nothing to generalise from, or when
    the knowledge base is too large for one.
    """
    if len(rows) <= size or len(rows) > MAX_ROWS or len(rows) * size > MAX_COEFFICIENTS:
        return None
    targets = np.full((len(rows), size), -1 / size, np.float32)
    targets[np.arange(len(rows)), owners[rows]] += 1
    influence = kernel(lexical, semantic)
    influence[np.diag_indices(len(rows))] += LEXICAL_RIDGE if semantic is None else RIDGE
    coefficients = np.linalg.solve(influence, targets)
    return Head(rows, np.ascontiguousarray(coefficients, np.float32))


@dataclass(frozen=True)
class LinearHead:
    """Ridge regression from vectors and words onto entries: for more phrasings than a kernel holds."""

    coefficients: Floats

    def scores(self, question: Floats, sketch: Floats) -> Floats:
        """Return a score by entry, about 1 for the right one, from the question's vector and words."""
        return np.asarray(_joined(question, sketch) @ self.coefficients, np.float32)


def fit_linear(vectors: Floats, sketches: Floats, owners: Integers, size: int) -> LinearHead | None:
    """Return the head for unit vectors of phrasings with their sketches; None when too large."""
    known = _joined(vectors, sketches)
    width = known.shape[1]
    if width * size > MAX_COEFFICIENTS:
        return None
    targets = np.zeros((size, width), np.float32)
    np.add.at(targets, owners, known)
    # What every entry gets of a phrasing that is another's.
    targets -= known.sum(axis=0) / size
    influence = known.T @ known
    influence[np.diag_indices(width)] += LINEAR_RIDGE
    solution = np.linalg.solve(influence, targets.T)
    return LinearHead(np.ascontiguousarray(solution, np.float32))


def _joined(vectors: Floats, sketches: Floats) -> Floats:
    return np.concatenate([vectors, SKETCH_WEIGHT * sketches], axis=-1).astype(np.float32)
