"""Draws small knowledge bases from intents, with what visitors would ask of them."""

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from knowledge.retrieval.gate import Row
from knowledge.retrieval.index import IndexEntry
from knowledge.retrieval.topics import EXCLUDED
from knowledge.training.paraphrases import Intent
from knowledge.training.topics import Sentence

DATA_SETS = ("clinc150", "banking77", "hwu64")
# Texts of a label that phrasings are drawn from, and the ones asked.
DRAWN, ASKED = 30, 12
SIZES = (20, 45, 80)
PHRASINGS = (1, 2, 4, 6, 10, 20)
# Rounds of drawing from the trades.
ROUNDS = 3
HELD_OUT = 0.25
QUESTIONS = 240
# What visitors are taken to ask: mostly what is known, the rest half near and half far.
KNOWN_SHARE, NEAR_SHARE, FAR_SHARE = 0.70, 0.15, 0.15
# How much a question for people, and one that sounds like it, counts beside one of a trade.
EXCLUDED_WEIGHT, ALIKE_WEIGHT = 1.0, 2.0
# Questions of other trades that a trade's knowledge base is asked. Where another trade's intent
# is this close to one of its own, the knowledge base may well answer it, so it is left out.
STRANGERS, PARALLEL = 150, 0.6
# What stands for the label where none is right.
NEAR, FAR = " near", " far"

Intents = dict[str, list[str]]


@dataclass(frozen=True)
class Tenant:
    """A small knowledge base with questions: the label expected, NEAR or FAR where none is right.

    `people` are questions with weights and whether only people may handle them. `trades` are
    those whose questions are no strangers to it.
    """

    entries: list[IndexEntry]
    questions: list[tuple[str, str, float]]
    people: tuple[tuple[str, bool, float], ...] = ()
    trades: frozenset[str] = frozenset()


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
    for size in SIZES:
        for count in PHRASINGS:
            rng = random.Random(f"{name} 0 {size} {count}")  # noqa: S311 -- no secret
            yield _draw(rng, intents, far, size, count)


def _draw(rng: random.Random, intents: Intents, far: list[str], size: int, count: int) -> Tenant:
    labels = rng.sample(sorted(intents), min(size, len(intents)))
    unknown = set(labels[: int(len(labels) * HELD_OUT)])
    entries = []
    known: list[tuple[str, str]] = []
    near: list[tuple[str, str]] = []
    for label in labels:
        asked = intents[label][DRAWN:]
        if label in unknown:
            near += [(text, NEAR) for text in asked]
            continue
        first, *rest = rng.sample(intents[label][:DRAWN], count)
        entries.append(IndexEntry(label, first, tuple(rest), "", ""))
        known += [(text, label) for text in asked]
    kinds = (
        (known, KNOWN_SHARE, QUESTIONS),
        (near, NEAR_SHARE, QUESTIONS // 2),
        ([(text, FAR) for text in far], FAR_SHARE, QUESTIONS // 2),
    )
    questions = []
    for pool, share, most in kinds:
        chosen = rng.sample(pool, min(most, len(pool)))
        questions += [(text, label, share / len(chosen)) for text, label in chosen]
    return Tenant(entries, questions)


@dataclass(frozen=True)
class Strangers:
    """What the knowledge bases of trades are asked beside what they know."""

    far: Sequence[str]
    people: Sequence[Sentence]


def draw_trades(
    intents: Sequence[Intent], strangers: Strangers, closeness: Row
) -> Iterator[Tenant]:
    """Yield knowledge bases of one to three trades, each with four to six phrasings an entry.

    `closeness` holds the cosines of the intents with each other.
    """
    trades: dict[str, list[Intent]] = defaultdict(list)
    for intent in intents:
        trades[intent.trade].append(intent)
    for turn in range(ROUNDS):
        rng = random.Random(f"trades {turn}")  # noqa: S311 -- no secret
        order = rng.sample(sorted(trades), len(trades))
        for place, trade in enumerate(order):
            names = (trade, *(order + order)[place + 1 : place + 1 + rng.choice((0, 1, 1, 2))])
            own = [intent for name in names for intent in trades[name]]
            inside = np.array([intent.trade in names for intent in intents])
            foreign = ~inside & (closeness[:, inside].max(axis=1) < PARALLEL)
            elsewhere = [
                text
                for intent, is_foreign in zip(intents, foreign, strict=True)
                if is_foreign
                for text in intent.texts[1:]
            ]
            far = [*strangers.far, *rng.sample(elsewhere, min(len(elsewhere), STRANGERS))]
            yield _draw_trades(rng, frozenset(names), own, far, strangers.people)


def _draw_trades(
    rng: random.Random,
    trades: frozenset[str],
    intents: Sequence[Intent],
    far: Sequence[str],
    people: Sequence[Sentence],
) -> Tenant:
    count = rng.choice((4, 5, 6))
    unknown = set(rng.sample(range(len(intents)), int(len(intents) * HELD_OUT)))
    entries = []
    known: list[tuple[str, str]] = []
    near: list[tuple[str, str]] = []
    for place, intent in enumerate(intents):
        first, *rest = intent.texts
        rng.shuffle(rest)
        if place in unknown:
            near += [(text, NEAR) for text in rest[:2]]
            continue
        key = f"{intent.trade} {intent.name}"
        phrasings, asked = tuple(rest[: count - 1]), rest[count - 1 :]
        entries.append(IndexEntry(key, first, phrasings, intent.answer, intent.category))
        known += [(text, key) for text in asked]
    questions = []
    kinds = ((known, KNOWN_SHARE), (near, NEAR_SHARE), ([(text, FAR) for text in far], FAR_SHARE))
    for pool, share in kinds:
        chosen = rng.sample(pool, min(QUESTIONS, len(pool)))
        questions += [(text, label, share / len(chosen)) for text, label in chosen]
    drawn = rng.sample(list(people), min(QUESTIONS, len(people)))
    asked_of_people = tuple(
        (
            one.text,
            one.topic in EXCLUDED,
            (EXCLUDED_WEIGHT if one.topic in EXCLUDED else ALIKE_WEIGHT) / max(len(drawn), 1),
        )
        for one in drawn
    )
    return Tenant(entries, questions, asked_of_people, trades)


def far_questions(folder: Path) -> list[str]:
    """Return questions that no entry of any of the public sets answers."""
    return [
        row["text"]
        for name in ("oos_train", "oos_val")
        for row in _lines(folder / "public" / "clinc150" / f"{name}.jsonl")
    ]
