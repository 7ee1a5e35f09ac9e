"""Fits the gate's constants on public intent data: python -m knowledge.retrieval.calibrate FOLDER.

FOLDER holds clinc150, banking77 and hwu64 as JSON lines {text, label}. Small knowledge bases are
drawn from them, asked what they know, what a neighbour knows and what nobody knows, and a logistic
model learns when the first candidate was right.
"""

import argparse
import json
import logging
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from knowledge.retrieval.encoder import Encoder, Vectors, load_encoder
from knowledge.retrieval.gate import (
    ANSWER_THRESHOLD,
    FEATURE_CLIP,
    Evidence,
    Gate,
    Row,
)
from knowledge.retrieval.index import IndexEntry, build_index
from knowledge.retrieval.text import text_key

logger = logging.getLogger(__name__)

DATA_SETS = ("clinc150", "banking77", "hwu64")
# Texts of a label that phrasings are drawn from, and the ones asked.
DRAWN, ASKED = 30, 12
SIZES = (20, 45, 80)
PHRASINGS = (1, 2, 4, 6, 10, 20)
SEEDS = (0, 1)
HELD_OUT = 0.25
QUESTIONS = 240
# What visitors are taken to ask: mostly what is known, the rest half near and half far.
KNOWN_SHARE, NEAR_SHARE, FAR_SHARE = 0.70, 0.15, 0.15
PENALTY = 1e-3
STEPS = 30
# Figures whose meaning is the same in other languages and styles. Without an encoder, the plain
# cosines are not: Chinese phrasings share fewer terms than English ones do.
USED = {
    "semantic": Evidence._fields,
    "lexical": ("head", "agreement", "spread", "lead"),
}
CONSTANTS = Path(__file__).with_name("gate.json")

Intents = dict[str, list[str]]


@dataclass(frozen=True)
class Tenant:
    """A small knowledge base with questions: the label expected, or None where none is right."""

    entries: list[IndexEntry]
    questions: list[tuple[str, str | None, float]]


@dataclass(frozen=True)
class Sample:
    """Gate inputs with outcomes and weights."""

    rows: Row
    right: Row
    weights: Row


class Remembering:
    """An encoder that keeps every vector, for asking the same texts of many knowledge bases."""

    def __init__(self, encoder: Encoder, vectors: dict[str, Vectors] | None = None) -> None:
        self.id = encoder.id
        self.dim = encoder.dim
        self._encoder = encoder
        self._known = {} if vectors is None else vectors

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return L2-normalised vectors [len(texts), dim]."""
        keys = [text_key(text) for text in texts]
        lacking = {k: t for k, t in zip(keys, texts, strict=True) if k not in self._known}
        if lacking:
            fresh = self._encoder.encode(list(lacking.values()))
            self._known.update(zip(lacking, fresh, strict=True))
        if not keys:
            return np.empty((0, self.dim), np.float32)
        return np.stack([self._known[key] for key in keys])


def _lines(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


def read_intents(folder: Path) -> Intents:
    """Return a data set's texts by label, in a fixed random order and cut to what is used."""
    texts: Intents = defaultdict(list)
    for row in _lines(folder / "train.jsonl"):
        texts[row["label"]].append(row["text"])
    for label in texts:
        random.Random(1).shuffle(texts[label])  # noqa: S311 -- no secret
    return {label: texts[label][: DRAWN + ASKED] for label in sorted(texts)}


def draw_tenants(name: str, intents: Intents, far: list[str]) -> Iterator[Tenant]:
    """Yield knowledge bases of every size in SIZES with every number of phrasings."""
    for seed in SEEDS:
        for size in SIZES:
            for count in PHRASINGS:
                rng = random.Random(f"{name} {seed} {size} {count}")  # noqa: S311 -- no secret
                yield _draw(rng, intents, far, size, count)


def _draw(rng: random.Random, intents: Intents, far: list[str], size: int, count: int) -> Tenant:
    labels = rng.sample(sorted(intents), min(size, len(intents)))
    unknown = set(labels[: int(len(labels) * HELD_OUT)])
    entries = []
    known: list[tuple[str, str | None]] = []
    near: list[tuple[str, str | None]] = []
    for label in labels:
        asked = intents[label][DRAWN:]
        if label in unknown:
            near += [(text, None) for text in asked]
            continue
        first, *rest = rng.sample(intents[label][:DRAWN], count)
        entries.append(IndexEntry(label, first, tuple(rest), "", ""))
        known += [(text, label) for text in asked]
    kinds = (
        (known, KNOWN_SHARE, QUESTIONS),
        (near, NEAR_SHARE, QUESTIONS // 2),
        ([(text, None) for text in far], FAR_SHARE, QUESTIONS // 2),
    )
    questions = []
    for pool, share, most in kinds:
        chosen = rng.sample(pool, min(most, len(pool)))
        questions += [(text, label, share / len(chosen)) for text, label in chosen]
    return Tenant(entries, questions)


def observe(tenants: Iterator[Tenant], encoder: Encoder | None) -> Sample:
    """Ask every tenant its questions and return what the gate would have seen."""
    rows, right, weights = [], [], []
    for tenant in tenants:
        index = build_index(tenant.entries, encoder=encoder)
        for text, label, weight in tenant.questions:
            found = index.evidence(text)
            if found is None:
                continue
            rows.append(found[1])
            right.append(float(found[0] == label))
            weights.append(weight)
    return Sample(np.array(rows), np.array(right), np.array(weights))


def join(samples: Sequence[Sample]) -> Sample:
    """Return the samples as one."""
    return Sample(
        np.concatenate([sample.rows for sample in samples]),
        np.concatenate([sample.right for sample in samples]),
        np.concatenate([sample.weights for sample in samples]),
    )


def fit_gate(sample: Sample, used: Sequence[str] = Evidence._fields) -> Gate:
    """Return the logistic model of greatest penalised likelihood, by Newton's method.

    Fields of the evidence that are not `used` get no weight.
    """
    weights = sample.weights / sample.weights.sum()
    mean = weights @ sample.rows
    deviation = np.sqrt(weights @ (sample.rows - mean) ** 2)
    deviation[deviation < 1e-6] = 1.0
    scaled = np.clip((sample.rows - mean) / deviation, -FEATURE_CLIP, FEATURE_CLIP)
    scaled[:, [field not in used for field in Evidence._fields]] = 0
    design = np.column_stack([scaled, np.ones(len(scaled))])
    penalty = np.full(design.shape[1], PENALTY)
    penalty[-1] = 0
    solution = np.zeros(design.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-design @ solution))
        slope = design.T @ (weights * (p - sample.right)) + penalty * solution
        curve = (design * (weights * p * (1 - p))[:, None]).T @ design + np.diag(penalty + 1e-9)
        step = np.linalg.solve(curve, slope)
        solution -= step
        if np.abs(step).max() < 1e-8:
            break
    return Gate(mean, deviation, solution[:-1], float(solution[-1]))


def probabilities(gate: Gate, rows: Row) -> Row:
    """Return the gate's probability for every row."""
    return np.array([gate.probability(Evidence(*row)) for row in rows])


def describe(gate: Gate, sample: Sample) -> dict[str, float]:
    """Return how well a gate does on a sample.

    auroc: right against wrong first candidates. ece: mean gap between probability and frequency.
    answered: share of everything at or above ANSWER_THRESHOLD; precision: share of that right.
    """
    p = probabilities(gate, sample.rows)
    weights = sample.weights / sample.weights.sum()
    order = np.argsort(p)
    below = np.cumsum((weights * (1 - sample.right))[order])
    positive = (weights * sample.right)[order]
    share = positive.sum()
    bins = np.minimum((p * 10).astype(int), 9)
    gaps = np.bincount(bins, weights * (p - sample.right), minlength=10)
    answered = p >= ANSWER_THRESHOLD
    mass = weights[answered].sum()
    return {
        "auroc": float(positive @ below / (share * (1 - share))),
        "ece": float(np.abs(gaps).sum()),
        "answered": float(mass),
        "precision": float(weights[answered] @ sample.right[answered] / mass) if mass else 0.0,
    }


def _constants(gate: Gate) -> dict[str, object]:
    return {
        "bias": round(gate.bias, 6),
        "mean": np.round(gate.mean, 6).tolist(),
        "deviation": np.round(gate.deviation, 6).tolist(),
        "weights": np.round(gate.weights, 6).tolist(),
    }


def far_questions(folder: Path) -> list[str]:
    """Return questions that no entry of any of the data sets answers."""
    return [
        row["text"]
        for name in ("oos_train", "oos_val")
        for row in _lines(folder / "clinc150" / f"{name}.jsonl")
    ]


def calibrate(folder: Path, encoder: Encoder | None) -> tuple[Gate, dict[str, dict[str, float]]]:
    """Fit the gate of one mode; also return how it does on each data set fitted without it."""
    used = USED["lexical" if encoder is None else "semantic"]
    intents = {name: read_intents(folder / name) for name in DATA_SETS}
    far = far_questions(folder)
    samples = {}
    for name in DATA_SETS:
        # Banking questions are foreign to the two general sets, and the other way round.
        stranger = "banking77" if name == "hwu64" else "hwu64"
        foreign = far if name == "clinc150" else far + [t[-1] for t in intents[stranger].values()]
        samples[name] = observe(draw_tenants(name, intents[name], foreign), encoder)
        logger.info("Observed %s: %d questions", name, len(samples[name].right))
    report = {
        name: describe(
            fit_gate(join([samples[other] for other in DATA_SETS if other != name]), used), sample
        )
        for name, sample in samples.items()
    }
    return fit_gate(join(list(samples.values())), used), report


def main() -> None:
    """Fit both modes and write gate.json; the semantic one needs the encoder installed."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Fit the gate's constants on public intent data.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    encoder = load_encoder()
    if encoder is None:
        parser.error("the encoder is not installed: run manage.py fetch_models first")
    constants = {}
    for mode, used in (("semantic", Remembering(encoder)), ("lexical", None)):
        gate, report = calibrate(folder, used)
        constants[mode] = _constants(gate)
        logger.info("%s, each set fitted without itself: %s", mode, json.dumps(report, indent=1))
    CONSTANTS.write_text(json.dumps(constants, indent=1) + "\n")


if __name__ == "__main__":
    main()
