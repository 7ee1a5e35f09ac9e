"""Fits the topic model's weights: python -m knowledge.training.topics FOLDER.

The topics' sentences stand beside this module. FOLDER holds ordinary questions: `paraphrase`, JSON
lines {lang, trade, intent, text}, and `public/banking77`, JSON lines {text, label}.
"""

import argparse
import json
import logging
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.retrieval import background, topics
from knowledge.retrieval.encoder import Encoder, load_encoder
from knowledge.retrieval.topics import BUCKETS, ORDINARY, TopicModel, hashed_terms, packed
from knowledge.training.paraphrases import ANSWER, DATA, read_intents, rows

logger = logging.getLogger(__name__)

Floats = NDArray[np.float32]

SENTENCES = "topics.jsonl"
# What is asked about harmless things in alarming words, and about broken things, is ordinary.
LOOKALIKES = frozenset({"lookalike", "fault_lookalike"})
# Intents of the ordinary trades that lie across a border; they would teach the model nothing.
UNCLEAR = re.compile(
    "投诉|索赔|赔偿|身体不适|过敏|骗|诈|仲裁|跑路|隐私|被盗|举报|泄漏|困人|争议|骚扰|恶意|假货|死亡|强制"
    "|complaint|safety|third-party|accident|GDPR|denied|appeal|dispute"
)
FAULTY = re.compile(
    "故障|闪退|卡顿|异响|漏水|渗漏|黑屏|失灵|不热|异常|失败|开裂|起拱|停电|水压|发黄|充不上|拔不下|不通电|鼓包"
    "|无声音|连不上|缓冲|不同步|空鼓|塌陷|损坏|缩水|开胶|not working|crash|problem|outage|slow"
)
FOLDS = 4
PENALTY = 3e-5
TERM_PENALTY = 1.5e-4
STEPS = 250
RATE = 0.08
LOOKALIKE_WEIGHT, ORDINARY_WEIGHT = 2.0, 1.0
# One line in so many of the bank's questions is enough.
BANK_STEP = 5
WEIGHTS = Path(topics.__file__).with_name(topics.WEIGHTS)
BACKGROUND = Path(background.__file__).with_name(background.FILE)


@dataclass(frozen=True)
class Sentence:
    """A text with its topic, and how much it counts."""

    text: str
    topic: str
    kind: str
    weight: float


def is_clear(row: Mapping[str, str]) -> bool:
    """Return whether a paraphrase is an ordinary question beyond doubt."""
    intent = row["intent"]
    told = row.get("style") == ANSWER
    return not (told or UNCLEAR.search(intent) or FAULTY.search(intent))


def read_sentences(folder: Path) -> list[Sentence]:
    """Return the topics' own sentences and the ordinary ones of the trades."""
    lines = (DATA / SENTENCES).read_text("utf-8").splitlines()
    found = []
    for line in lines:
        row = json.loads(line)
        alike = row["topic"] in LOOKALIKES
        topic = ORDINARY if alike else row["topic"]
        found.append(Sentence(row["text"], topic, row["topic"], LOOKALIKE_WEIGHT if alike else 1.0))
    found += [
        Sentence(row["text"], ORDINARY, ORDINARY, ORDINARY_WEIGHT)
        for row in rows(folder / "paraphrase")
        if is_clear(row)
    ]
    bank = folder / "public" / "banking77" / "train.jsonl"
    if bank.exists():
        lines = bank.read_text("utf-8").splitlines()[::BANK_STEP]
        texts = [json.loads(line)["text"] for line in lines]
        found += [Sentence(text, ORDINARY, ORDINARY, ORDINARY_WEIGHT) for text in texts]
    return found


@dataclass(frozen=True)
class Terms:
    """The hashed terms of texts: for each text its columns and weights, one after the other."""

    columns: NDArray[np.int64]
    weights: Floats
    starts: NDArray[np.int64]

    def chosen(self, texts: NDArray[np.bool_]) -> "Terms":
        """Return the terms of some of the texts."""
        sizes = np.diff(self.starts)
        kept = np.repeat(texts, sizes)
        starts = np.concatenate([[0], np.cumsum(sizes[texts])])
        return Terms(self.columns[kept], self.weights[kept], starts)

    def times(self, by_term: Floats) -> Floats:
        """Return the product with a matrix [BUCKETS, topics], one row a text."""
        parts = by_term[self.columns] * self.weights[:, None]
        summed = np.concatenate([np.zeros((1, parts.shape[1])), np.cumsum(parts, axis=0)])
        return np.asarray(summed[self.starts[1:]] - summed[self.starts[:-1]], np.float32)

    def back(self, errors: Floats) -> Floats:
        """Return the product of the transpose with errors [texts, topics]."""
        owners = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        parts = errors[owners] * self.weights[:, None]
        return np.stack(
            [np.bincount(self.columns, column, minlength=BUCKETS) for column in parts.T], axis=1
        ).astype(np.float32)


def design(texts: Sequence[str]) -> Terms:
    """Return the hashed terms of the texts."""
    found = [hashed_terms(text) for text in texts]
    return Terms(
        np.concatenate([columns for columns, _weights in found]),
        np.concatenate([weights for _columns, weights in found]),
        np.cumsum([0] + [len(columns) for columns, _weights in found]),
    )


def fit(
    names: Sequence[str], target: NDArray[np.int64], weight: Floats, terms: Terms, vectors: Floats
) -> TopicModel:
    """Return the softmax model of greatest penalised likelihood, by Adam on all texts at once.

    The topics' weights are brought halfway together, whatever the number of their sentences.
    """
    size = len(names)
    centre = vectors.mean(axis=0)
    rows = np.hstack([vectors - centre, np.ones((len(target), 1), np.float32)])
    wanted = np.eye(size, dtype=np.float32)[target]
    share = wanted.T @ weight
    weight = weight * np.sqrt(share.mean() / share)[target]
    weight = weight / weight.sum()
    by_term, by_row = (
        _Learnt((BUCKETS, size), TERM_PENALTY),
        _Learnt((rows.shape[1], size), PENALTY),
    )
    for step in range(1, STEPS + 1):
        scores = terms.times(by_term.values) + rows @ by_row.values
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        errors = weight[:, None] * (odds / odds.sum(axis=1, keepdims=True) - wanted)
        rate = RATE * min(1.0, 2 * (1 - step / (STEPS + 1)))
        by_term.move(terms.back(errors), rate, step)
        by_row.move(rows.T @ errors, rate, step)
    return TopicModel(tuple(names), centre, by_row.values[:-1], by_term.values, by_row.values[-1])


class _Learnt:
    """Values that Adam moves against their slope, pulled towards nothing by a penalty."""

    def __init__(self, shape: tuple[int, int], penalty: float) -> None:
        self.values: Floats = np.zeros(shape, np.float32)
        self._first, self._second = np.zeros_like(self.values), np.zeros_like(self.values)
        self._penalty = penalty

    def move(self, slope: Floats, rate: float, step: int) -> None:
        slope = slope + self._penalty * self.values
        self._first = 0.9 * self._first + 0.1 * slope
        self._second = 0.999 * self._second + 0.001 * slope**2
        first, second = self._first / (1 - 0.9**step), self._second / (1 - 0.999**step)
        self.values -= (rate * first / (np.sqrt(second) + 1e-9)).astype(np.float32)


def predict(model: TopicModel, terms: Terms, vectors: Floats) -> Floats:
    """Return the probabilities of every topic for prepared texts."""
    scores = model.bias + terms.times(model.by_term) + (vectors - model.centre) @ model.by_vector
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float32)


def report(
    sentences: Sequence[Sentence], names: Sequence[str], found: Floats
) -> dict[str, dict[str, float]]:
    """Return, for each kind of sentence, the share that each topic gets at an even chance or more."""
    kinds: dict[str, list[int]] = {}
    for row, sentence in enumerate(sentences):
        kinds.setdefault(sentence.kind, []).append(row)
    return {
        kind: {
            name: round(float((found[rows, column] >= 0.5).mean()), 4)
            for column, name in enumerate(names)
        }
        for kind, rows in kinds.items()
    }


def fit_sentences(sentences: Sequence[Sentence], encoder: Encoder | None) -> TopicModel:
    """Return the model that these sentences teach."""
    return fit(*_prepared(sentences, encoder))


def _prepared(
    sentences: Sequence[Sentence], encoder: Encoder | None
) -> tuple[list[str], NDArray[np.int64], Floats, Terms, Floats]:
    names = [ORDINARY, *sorted({sentence.topic for sentence in sentences} - {ORDINARY})]
    target = np.array([names.index(sentence.topic) for sentence in sentences])
    weight = np.array([sentence.weight for sentence in sentences], np.float32)
    texts = [sentence.text for sentence in sentences]
    vectors = np.zeros((len(texts), 0), np.float32) if encoder is None else encoder.encode(texts)
    return names, target, weight, design(texts), vectors


def train(
    sentences: Sequence[Sentence], encoder: Encoder | None
) -> tuple[TopicModel, dict[str, dict[str, float]]]:
    """Fit the model of one mode; also return how it does on sentences kept out of the fit."""
    names, target, weight, terms, vectors = _prepared(sentences, encoder)
    fold = np.array(_folds(len(sentences)))
    found = np.zeros((len(sentences), len(names)), np.float32)
    for out in range(FOLDS):
        seen, held = fold != out, fold == out
        model = fit(names, target[seen], weight[seen], terms.chosen(seen), vectors[seen])
        found[held] = predict(model, terms.chosen(held), vectors[held])
    return fit(names, target, weight, terms, vectors), report(sentences, names, found)


def _folds(size: int) -> Iterable[int]:
    order = list(range(size))
    random.Random(1).shuffle(order)  # noqa: S311 -- no secret
    return [place % FOLDS for place in order]


def background_texts(sentences: Sequence[Sentence], folder: Path) -> list[str]:
    """Return one question of every intent of every trade, and what is nobody's business."""
    asked = [intent.texts[0] for intent in read_intents(folder / "paraphrase")]
    return asked + [one.text for one in sentences if one.topic == "offtopic"]


def main() -> None:
    """Fit both modes and write the weights; the semantic one needs the encoder installed.

    The background is written along with them.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Fit the topic model on written sentences.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    sentences = read_sentences(folder)
    encoder = load_encoder()
    if encoder is None:
        parser.error("the encoder is not installed: run manage.py fetch_models first")
    stored: dict[str, Any] = {}
    for mode, used in (("semantic", encoder), ("lexical", None)):
        model, shares = train(sentences, used)
        stored |= packed(model, mode)
        logger.info("%s, on sentences kept out: %s", mode, json.dumps(shares, indent=1))
    np.savez_compressed(WEIGHTS, **stored)
    vectors = encoder.encode(background_texts(sentences, folder))[:, : encoder.parts[0].dim]
    np.savez_compressed(BACKGROUND, vectors=background.packed(vectors))


if __name__ == "__main__":
    main()
