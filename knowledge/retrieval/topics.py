"""Says what a message is about where its words alone cannot: disputes, complaints, privacy, faults."""

import io
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from knowledge.retrieval.lexical import terms

Floats = NDArray[np.float32]

WEIGHTS = "topics.npz"
# Everything a knowledge base may be asked, whatever its trade.
ORDINARY = "ordinary"
# What only people may handle, whatever a knowledge base holds.
EXCLUDED = ("legal", "complaint", "privacy")
# Columns that terms are hashed into.
BUCKETS = 1 << 14
# Length of the vector of terms beside a sentence vector of length 1.
TERMS_SHARE = 0.5
ODDS_LIMIT = 6.0


@dataclass(frozen=True)
class TopicModel:
    """Softmax regression over a sentence's vector and its hashed terms."""

    names: tuple[str, ...]
    centre: Floats
    by_vector: Floats
    by_term: Floats
    bias: Floats

    def probabilities(self, text: str, vector: Floats | None) -> dict[str, float]:
        """Return the probability of every topic; they sum to 1."""
        columns, weights = hashed_terms(text)
        scores = self.bias + weights @ self.by_term[columns]
        if vector is not None:
            scores = scores + (vector - self.centre) @ self.by_vector
        odds = np.exp(scores - scores.max())
        return dict(zip(self.names, (odds / odds.sum()).tolist(), strict=True))


def excluded_share(topics: Mapping[str, float]) -> float:
    """Return the probability that a message is about one of the topics for people alone."""
    return sum(topics.get(topic, 0.0) for topic in EXCLUDED)


def log_odds(p: float) -> float:
    """Return the logarithm of the odds of a probability, between -ODDS_LIMIT and ODDS_LIMIT."""
    p = min(max(p, 1e-6), 1 - 1e-6)
    return max(-ODDS_LIMIT, min(ODDS_LIMIT, math.log(p / (1 - p))))


def hashed_terms(text: str) -> tuple[NDArray[np.int64], Floats]:
    """Return the columns of a text's terms and their weights, together of length TERMS_SHARE.

    Terms that share a column are added up.
    """
    counts: dict[int, float] = {}
    for term, count in _counted(text):
        column = zlib.crc32(term.encode()) % BUCKETS
        counts[column] = counts.get(column, 0.0) + 1 + math.log(count)
    columns = np.fromiter(counts, np.int64, len(counts))
    weights = np.fromiter(counts.values(), np.float32, len(counts))
    length = float(np.linalg.norm(weights)) or 1.0
    return columns, np.asarray(weights * (TERMS_SHARE / length), np.float32)


def _counted(text: str) -> Iterator[tuple[str, int]]:
    characters, words, _parts = terms(text)
    yield from characters.items()
    yield from words.items()


@lru_cache(maxsize=2)
def load_topics(mode: str) -> TopicModel:
    """Return the shipped model of a mode, semantic or lexical.

    Its weights come from `python -m knowledge.training.topics`.
    """
    data = (resources.files(__package__) / WEIGHTS).read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        return unpacked({name: stored[name] for name in stored.files}, mode)


def packed(model: TopicModel, mode: str) -> dict[str, NDArray[np.generic]]:
    """Return a model's arrays under the names they are stored by, in half precision."""
    return {
        f"{mode}.names": np.array(model.names),
        f"{mode}.centre": model.centre.astype(np.float16),
        f"{mode}.by_vector": model.by_vector.astype(np.float16),
        f"{mode}.by_term": model.by_term.astype(np.float16),
        f"{mode}.bias": model.bias,
    }


def unpacked(stored: Mapping[str, NDArray[np.generic]], mode: str) -> TopicModel:
    """Return the model that `packed` stored."""
    return TopicModel(
        names=tuple(str(name) for name in stored[f"{mode}.names"]),
        centre=stored[f"{mode}.centre"].astype(np.float32),
        by_vector=stored[f"{mode}.by_vector"].astype(np.float32),
        by_term=stored[f"{mode}.by_term"].astype(np.float32),
        bias=stored[f"{mode}.bias"].astype(np.float32),
    )
