"""Compares texts by the words and characters they share."""

import math
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from knowledge.retrieval.text import normalise

_RUN = re.compile("[\u3400-\u9fff\uf900-\ufaff]+|[a-z0-9']+")
_FIRST_CJK = "\u3400"

CJK_SIZES = (1, 2, 3)
LETTER_SIZES = (2, 3, 4)

# Texts a term must be in to count as common, and how many common terms are taken at a time.
COMMON, DENSE = 48, 512

# Places that all terms share in a sketch, added or taken away: short enough to solve for.
SKETCH = 512

# Families of terms: Chinese characters, words, parts of words.
CJK, WORD, PART = range(3)
FAMILIES = 3

Terms = tuple["Counter[str]", "Counter[str]", "Counter[str]"]
Floats = NDArray[np.float64]


def terms(text: str) -> Terms:
    """Return a text's terms with their counts, by family.

    Chinese: runs of one to three characters. Otherwise: words and pairs of neighbouring words, and
    runs of two to four letters within a word, its borders included.
    """
    characters: list[str] = []
    words: list[str] = []
    parts: list[str] = []
    previous = ""
    for run in _RUN.findall(normalise(text)):
        if run >= _FIRST_CJK:
            previous = ""
            for size in CJK_SIZES:
                characters += [run[i : i + size] for i in range(len(run) - size + 1)]
            continue
        word = run.strip("'")
        if not word:
            continue
        words.append(word)
        if previous:
            words.append(f"{previous} {word}")
        previous = word
        padded = f" {word} "
        for size in LETTER_SIZES:
            parts += [padded[i : i + size] for i in range(len(padded) - size + 1)]
    return Counter(characters), Counter(words), Counter(parts)


def _scales(squares: Floats) -> Floats:
    """Return what brings weights with these sums of squares [texts, families] to unit vectors.

    Parts of words weigh together as much as the words do.
    """
    characters, words, parts = squares.T
    norm = np.sqrt(np.maximum(characters + 2 * words, 1e-12))
    balance = np.sqrt(words / np.maximum(parts, 1e-12))
    return np.stack([1 / norm, 1 / norm, balance / norm], axis=1)


@dataclass(frozen=True)
class LexicalQuery:
    """A weighed question: its terms by their column in the index."""

    columns: NDArray[np.int64]
    weights: NDArray[np.float32]


class LexicalIndex:
    """An inverted index over texts; scores are cosines of TF-IDF vectors, 0 to 1.

    Terms are known by a hash alone: a table of their letters would be most of the index.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._size = len(texts)
        hashes, counts, rows, families = array("L"), array("q"), array("q"), array("q")
        for row, text in enumerate(texts):
            for family, found in enumerate(terms(text)):
                hashes.extend([crc32(term.encode(), family) for term in found])
                counts.extend(found.values())
                rows.extend([row] * len(found))
                families.extend([family] * len(found))
        self._terms, place = np.unique(np.array(hashes, np.uint32), return_inverse=True)
        repeated, row_of, family_of = (
            np.array(values, np.int64) for values in (counts, rows, families)
        )
        frequency = np.bincount(place, minlength=len(self._terms))
        self._rarity = (np.log((1 + self._size) / (1 + frequency)) + 1).astype(np.float32)
        self._unseen = math.log(1 + self._size) + 1
        weights = (1 + np.log(repeated)) * self._rarity[place]
        cells = row_of * FAMILIES + family_of
        squares: Floats = np.zeros(self._size * FAMILIES)
        np.add.at(squares, cells, weights**2)
        weights *= _scales(squares.reshape(-1, FAMILIES)).reshape(-1)[cells]
        order = np.argsort(place, kind="stable")
        self._rows = row_of[order].astype(np.int32)
        self._weights = weights[order].astype(np.float32)
        self._starts = np.concatenate([[0], np.cumsum(frequency)]).astype(np.int32)

    def weigh(self, text: str) -> LexicalQuery:
        """Return the question in the terms of this index; terms it lacks make the rest lighter."""
        found = terms(text)
        families = np.repeat(np.arange(FAMILIES), [len(family) for family in found])
        hashes = [crc32(term.encode(), family) for family, own in enumerate(found) for term in own]
        counts = np.array([count for own in found for count in own.values()], np.float64)
        wanted = np.array(hashes, np.uint32)
        place = np.searchsorted(self._terms, wanted)
        place[place == len(self._terms)] = 0
        known = self._terms[place] == wanted if len(self._terms) else np.zeros(len(wanted), bool)
        rarity = np.full(len(wanted), self._unseen)
        rarity[known] = self._rarity[place[known]]
        weights = (1 + np.log(counts)) * rarity
        squares: Floats = np.zeros((1, FAMILIES))
        np.add.at(squares[0], families, weights**2)
        scaled = weights * _scales(squares)[0][families]
        return LexicalQuery(place[known], scaled[known].astype(np.float32))

    def scores(self, query: LexicalQuery) -> NDArray[np.float32]:
        """Return the cosine of the question with every indexed text."""
        spans = [slice(self._starts[column], self._starts[column + 1]) for column in query.columns]
        if not spans:
            return np.zeros(self._size, np.float32)
        rows = np.concatenate([self._rows[span] for span in spans])
        weights = np.concatenate([self._weights[span] for span in spans])
        factors = np.repeat(query.weights, [span.stop - span.start for span in spans])
        return np.bincount(rows, weights * factors, minlength=self._size).astype(np.float32)

    def sketch(self, query: LexicalQuery) -> NDArray[np.float32]:
        """Return the question's terms in SKETCH places; products come close to the cosines."""
        places, signs = self._places(query.columns)
        return np.bincount(places, query.weights * signs, minlength=SKETCH).astype(np.float32)

    def sketches(self) -> NDArray[np.float32]:
        """Return the sketches of the indexed texts [texts, SKETCH]."""
        columns = np.repeat(np.arange(len(self._terms)), np.diff(self._starts))
        places, signs = self._places(columns)
        cells = self._rows.astype(np.int64) * SKETCH + places
        found = np.bincount(cells, self._weights * signs, minlength=self._size * SKETCH)
        return found.reshape(self._size, SKETCH).astype(np.float32)

    def _places(self, columns: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        hashes = self._terms[columns].astype(np.int64)
        return hashes % SKETCH, np.where(hashes >> 20 & 1, 1.0, -1.0).astype(np.float32)

    def similarities(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the cosines of the indexed texts `rows` with each other [rows, rows]."""
        place = np.full(self._size, -1)
        place[rows] = np.arange(len(rows))
        result = np.zeros((len(rows), len(rows)), np.float32)
        counts = np.diff(self._starts)
        for column in np.flatnonzero((counts > 1) & (counts <= COMMON)).tolist():
            positions, weights = self._postings(column, place)
            result[np.ix_(positions, positions)] += weights[:, None] * weights
        # Common terms touch most pairs: a dense product is cheaper than pair by pair.
        common = np.flatnonzero(counts > COMMON)
        for start in range(0, len(common), DENSE):
            block = common[start : start + DENSE]
            dense = np.zeros((len(rows), len(block)), np.float32)
            for place_in_block, column in enumerate(block.tolist()):
                positions, weights = self._postings(column, place)
                dense[positions, place_in_block] = weights
            result += dense @ dense.T
        np.fill_diagonal(result, 1)
        return result

    def _postings(
        self, column: int, place: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        span = slice(self._starts[column], self._starts[column + 1])
        positions = place[self._rows[span]]
        inside = positions >= 0
        return positions[inside], self._weights[span][inside]


def distinct(texts: Iterable[str]) -> list[str]:
    """Return the texts without later ones that normalise to the same."""
    return list({normalise(text): text for text in reversed(list(texts))}.values())[::-1]
