"""Turns the evidence for a candidate into the probability that it is the right answer."""

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# How sure the first candidate must be to be sent, and that one of three is meant to offer them.
ANSWER_THRESHOLD = 0.8
CLARIFY_THRESHOLD = 0.7
# How sure the third gate must be that people alone may handle a question. Words alone are a poorer
# witness than vectors.
EXCLUDED_THRESHOLD, EXCLUDED_THRESHOLD_BY_WORDS = 0.35, 0.6
EXACT_P = 0.99

FEATURE_CLIP = 6.0


class Evidence(NamedTuple):
    """What speaks for one candidate; figures that mean the same whatever a knowledge base's size.

    closeness: cosine of the question with the nearest phrasing anywhere, by vectors where there is
    an encoder, else by words. strangeness: how much closer a question of the background is. head:
    score of the learned head; head_margin: its lead over the best other candidate there. agreement: share of the single rankings it leads. spread: lead over the
    average entry in the plain comparison, and lead: over the best other candidate in the final
    ranking, both in standard deviations over the entries. offtopic: log odds that the question is
    nobody's business. excluded: log odds that it is one for people alone.
    chinese: 1 for a question in Chinese, else 0; the figures are a little lower in English.
    """

    closeness: float
    head: float
    head_margin: float
    agreement: float
    spread: float
    lead: float
    offtopic: float
    strangeness: float
    excluded: float
    chinese: float


Row = NDArray[np.float64]


@dataclass(frozen=True)
class Gate:
    """A logistic model over standardised evidence."""

    mean: Row
    deviation: Row
    weights: Row
    bias: float

    def probability(self, evidence: Evidence) -> float:
        """Return the probability that a candidate with this evidence is right."""
        row = np.array(evidence)
        scaled = np.clip((row - self.mean) / self.deviation, -FEATURE_CLIP, FEATURE_CLIP)
        return 1 / (1 + math.exp(-float(scaled @ self.weights) - self.bias))


@lru_cache(maxsize=6)
def load_gate(mode: str) -> Gate:
    """Return the shipped gate of a mode, semantic or lexical.

    With ".scope" it says whether any of the first three candidates is right, with ".excluded"
    whether the question is one for people alone. The constants come from
    `python -m knowledge.training.gate`.
    """
    constants = json.loads((resources.files(__package__) / "gate.json").read_text("utf-8"))[mode]
    return Gate(
        mean=np.array(constants["mean"]),
        deviation=np.array(constants["deviation"]),
        weights=np.array(constants["weights"]),
        bias=float(constants["bias"]),
    )
