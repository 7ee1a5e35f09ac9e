"""Trains what is added to the encoder: python -m knowledge.training.encoder WEIGHTS FOLDER.

WEIGHTS is the weight file that fetch_models takes out of its package. FOLDER holds `public`, the
intent sets as JSON lines {text, label}, and `paraphrase`, JSON lines {lang, trade, intent, text};
our own paraphrases and the topics' sentences stand beside this module. Needs PyTorch, which the
product does not (requirements-training.txt), and about 40 minutes on two cores; --onward goes on
from the adaptation that ships, in a third of the steps.

Every matrix of the layers gets a thin product added, and only that is learnt: questions of one
intent shall lie together, apart from the other intents of their trade. At the same time a plain
classifier learns the topics from the same vectors, so that they tell those apart as well.
"""

import argparse
import json
import logging
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from tokenizers import Tokenizer

from knowledge.retrieval import adaptation
from knowledge.retrieval.adaptation import Adaptation, packed
from knowledge.retrieval.conversion_e5 import WeightFile, read_weight_file
from knowledge.retrieval.encoder import E5_PREFIX
from knowledge.retrieval.graph import kept_rows
from knowledge.retrieval.models import E5_FOLDER, TOKENIZER_FILE, encoder_folder
from knowledge.retrieval.text import normalise
from knowledge.retrieval.topics import ORDINARY
from knowledge.training.paraphrases import DATA, rows, shared_rows
from knowledge.training.topics import LOOKALIKES, SENTENCES, is_clear

logger = logging.getLogger(__name__)

PUBLIC = ("clinc150", "banking77", "hwu64")
PUBLIC_SHARE = 0.25
TOKENS = 64
RANK = 32
STEPS, WARM_UP, LOG_EVERY = 1300, 25, 50
RATE, HEAD_RATE = 5e-4, 3e-3
# Going on from what ships: texts were added, and most is known.
ONWARD_STEPS, ONWARD_RATE = 450, 3e-4
TEMPERATURE, HEAD_SCALE, TOPIC_WEIGHT = 0.05, 12.0, 0.5
# Intents of a batch, all of one trade, and some of another; two texts of each.
INTENTS, STRANGERS = 22, 8
# Sentences of each topic in a batch, and ordinary questions of the trades beside them.
TOPIC_TEXTS = {ORDINARY: 8, "legal": 3, "complaint": 3, "privacy": 3, "offtopic": 3}
OTHER_TOPIC_TEXTS, TRADE_TEXTS = 2, 6
# Part of what was learnt that ships: between the old weights and the new, strangers do best.
GAIN = 0.8
MATRICES = ("q", "k", "v", "ao", "fi", "fo")
ADAPTATION = Path(adaptation.__file__).with_name(adaptation.FILE)

Groups = dict[str, dict[str, list[list[int]]]]


@dataclass(frozen=True)
class Material:
    """Texts as token ids: by trade and intent, by topic, and the plainly ordinary ones."""

    trades: Groups
    public: Groups
    topics: dict[str, list[list[int]]]
    ordinary: list[list[int]]


def read_material(folder: Path, tokenizer: Tokenizer, *, rehearsal: bool) -> Material:
    """Return everything there is to learn from; for a rehearsal, without our own paraphrases."""

    def ids(texts: Sequence[str]) -> list[list[int]]:
        prefixed = [E5_PREFIX + normalise(text) for text in texts]
        return [found.ids for found in tokenizer.encode_batch(prefixed)]

    trades: Groups = defaultdict(lambda: defaultdict(list))
    ordinary: list[list[int]] = []
    trades_read = shared_rows(folder / "paraphrase") if rehearsal else rows(folder / "paraphrase")
    for row in trades_read:
        (tokens,) = ids([row["text"]])
        trades[f"{row['lang']} {row['trade']}"][row["intent"]].append(tokens)
        if is_clear(row):
            ordinary.append(tokens)
    public: Groups = defaultdict(lambda: defaultdict(list))
    for name in PUBLIC:
        for row in seen(folder, name):
            public[name][row["label"]] += ids([row["text"]])
    topics: dict[str, list[list[int]]] = defaultdict(list)
    for line in (DATA / SENTENCES).read_text("utf-8").splitlines():
        row = json.loads(line)
        topic = ORDINARY if row["topic"] in LOOKALIKES else row["topic"]
        topics[topic] += ids([row["text"]])
    return Material(trades, public, topics, ordinary)


def seen(folder: Path, name: str) -> Iterator[dict[str, str]]:
    """Yield the lines of a public set that may be learnt from: the tenth kept out judges."""
    for line in (folder / "public" / name / "train.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        if not is_kept_out(name, row["text"]):
            yield row


def is_kept_out(name: str, text: str) -> bool:
    """Return whether a text of a public set is kept for judging; clinc150 has files for that."""
    return name != "clinc150" and crc32(text.encode()) % 10 == 0


class Network:
    """The encoder in PyTorch, its matrices fixed but for the thin products beside them."""

    def __init__(self, torch: Any, weights: WeightFile, topics: int, known: Adaptation) -> None:
        self.torch, self._weights, self._known = torch, weights, known
        hidden = weights.hidden
        rows = kept_rows(weights.pieces, 4)
        words = weights.matrix("emb.word", len(weights.pieces), hidden)[rows]
        self._words = torch.tensor(words)
        kinds = weights.floats("emb.type").reshape(-1, hidden)[:1]
        self._positions = torch.tensor(weights.floats("emb.pos").reshape(-1, hidden) + kinds)
        self._floats: dict[str, Any] = {}
        self._matrices: dict[str, Any] = {}
        self.thin: dict[str, tuple[Any, Any]] = {}
        for layer in range(weights.layers):
            for name in MATRICES:
                self._take(f"l{layer}.{name}")
        self.head = torch.nn.Linear(hidden, topics)

    def _take(self, key: str) -> None:
        torch, hidden, wide = self.torch, self._weights.hidden, self._weights.feed_forward
        shape = {"fi": (wide, hidden), "fo": (hidden, wide)}.get(key.split(".")[1], (hidden,) * 2)
        self._matrices[key] = torch.tensor(self._weights.matrix(f"{key}.w", *shape))
        right = torch.randn(RANK, shape[1]) / math.sqrt(shape[1])
        left = torch.zeros(shape[0], RANK)
        if f"{key}.w" in self._known:
            shipped, kept = self._known[f"{key}.w"]
            left, right = torch.tensor(shipped / np.float32(GAIN)), torch.tensor(kept)
        self.thin[key] = (left.requires_grad_(), right.requires_grad_())

    def _float(self, name: str) -> Any:
        if name not in self._floats:
            self._floats[name] = self.torch.tensor(self._weights.floats(name))
        return self._floats[name]

    def _linear(self, key: str, state: Any) -> Any:
        left, right = self.thin[key]
        matrix = self._matrices[key] + left @ right
        return self.torch.nn.functional.linear(state, matrix, self._float(f"{key}.b"))

    def _norm(self, key: str, state: Any) -> Any:
        weight, bias = self._float(f"{key}.w"), self._float(f"{key}.b")
        size, epsilon = (self._weights.hidden,), self._weights.epsilon
        return self.torch.nn.functional.layer_norm(state, size, weight, bias, epsilon)

    def _forward(self, texts: Sequence[list[int]]) -> Any:
        torch = self.torch
        width = max(map(len, texts))
        ids = torch.zeros(len(texts), width, dtype=torch.long)
        seen = torch.zeros(len(texts), width)
        for row, tokens in enumerate(texts):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            seen[row, : len(tokens)] = 1
        state = self._norm("emb.ln", self._words[ids] + self._positions[:width])
        mask = seen[:, None, None, :].bool()

        def heads(part: Any) -> Any:
            return part.view(len(texts), width, self._weights.heads, -1).transpose(1, 2)

        functional = torch.nn.functional
        for layer in range(self._weights.layers):
            key = f"l{layer}"
            query, known, value = (heads(self._linear(f"{key}.{name}", state)) for name in "qkv")
            mixed = functional.scaled_dot_product_attention(query, known, value, attn_mask=mask)
            mixed = mixed.transpose(1, 2).reshape(len(texts), width, -1)
            state = self._norm(f"{key}.aln", state + self._linear(f"{key}.ao", mixed))
            wide = functional.gelu(self._linear(f"{key}.fi", state))
            state = self._norm(f"{key}.oln", state + self._linear(f"{key}.fo", wide))
        summed = (state * seen[..., None]).sum(1) / seen.sum(1, keepdim=True)
        return functional.normalize(summed, dim=-1)

    def encode(self, texts: Sequence[list[int]]) -> Any:
        """Return unit vectors [len(texts), hidden]; texts of like length share the padding."""
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        cuts = [round(len(order) * share) for share in (0, 0.4, 0.75, 0.92, 1)]
        parts = [
            self._forward([texts[row] for row in order[start:stop]])
            for start, stop in pairwise(cuts)
            if stop > start
        ]
        places = self.torch.tensor(np.argsort(order))
        return self.torch.cat(parts)[places]


class Lessons:
    """Draws batches and says how wrong the network is about them."""

    def __init__(self, material: Material, network: Network, names: Sequence[str]) -> None:
        self._material, self._network, self._names = material, network, names
        self._rng = random.Random(0)  # noqa: S311 -- no secret

    def loss(self) -> Any:
        """Return the loss of one batch of intents and one of topics."""
        torch = self._network.torch
        intents, labels = self._intents()
        sentences, topics = self._topics()
        vectors = self._network.encode(intents + sentences)
        near, told = vectors[: len(intents)], vectors[len(intents) :]
        label = torch.tensor(labels)
        scores = near @ near.T / TEMPERATURE
        scores.fill_diagonal_(-1e4)
        alike = (label[:, None] == label[None]) & ~torch.eye(len(labels), dtype=torch.bool)
        shares = scores - scores.logsumexp(1, keepdim=True)
        apart = -((shares * alike).sum(1) / alike.sum(1).clamp(min=1)).mean()
        guessed = self._network.head(told) * HEAD_SCALE
        return apart + TOPIC_WEIGHT * torch.nn.functional.cross_entropy(
            guessed, torch.tensor(topics)
        )

    def _intents(self) -> tuple[list[list[int]], list[int]]:
        rng, material = self._rng, self._material
        if rng.random() < PUBLIC_SHARE:
            group = material.public[rng.choice(sorted(material.public))]
            drawn = [group[name] for name in rng.sample(sorted(group), INTENTS + STRANGERS)]
        else:
            drawn = []
            for trade, most in zip(
                rng.sample(sorted(material.trades), 2), (INTENTS, STRANGERS), strict=True
            ):
                group = material.trades[trade]
                names = rng.sample(sorted(group), min(most, len(group)))
                drawn += [group[name] for name in names]
        texts: list[list[int]] = []
        labels: list[int] = []
        for label, own in enumerate(drawn):
            chosen = rng.sample(own, min(2, len(own)))
            texts += chosen
            labels += [label] * len(chosen)
        return texts, labels

    def _topics(self) -> tuple[list[list[int]], list[int]]:
        texts = self._rng.sample(self._material.ordinary, TRADE_TEXTS)
        labels = [self._names.index(ORDINARY)] * TRADE_TEXTS
        for place, name in enumerate(self._names):
            count = TOPIC_TEXTS.get(name, OTHER_TOPIC_TEXTS)
            texts += self._rng.sample(self._material.topics[name], count)
            labels += [place] * count
        return texts, labels


def train(torch: Any, weights: WeightFile, material: Material, *, known: Adaptation) -> Network:
    """Return the network after its steps of AdamW, the rate rising briefly, then falling.

    From nothing STEPS of them; from what is `known` ONWARD_STEPS.
    """
    torch.manual_seed(0)
    names = sorted(material.topics)
    network = Network(torch, weights, len(names), known)
    steps, rate = (ONWARD_STEPS, ONWARD_RATE) if known else (STEPS, RATE)
    lessons = Lessons(material, network, names)
    thin = [matrix for pair in network.thin.values() for matrix in pair]
    head = list(network.head.parameters())
    groups = [{"params": thin, "peak": rate}, {"params": head, "peak": HEAD_RATE}]
    optimiser = torch.optim.AdamW(groups, lr=rate, weight_decay=0.01)
    for step in range(steps):
        pace = min(1.0, (step + 1) / WARM_UP) * max(0.03, 1 - step / steps)
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * pace
        loss = lessons.loss()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*thin, *head], 1.0)
        optimiser.step()
        if step % LOG_EVERY == 0:
            logger.info("step %d of %d: loss %.3f", step, steps, loss.item())
    return network


def main() -> None:
    """Train, and write the adaptation that ships; afterwards fit topics and gate anew."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Train what is added to the encoder.")
    parser.add_argument("weights", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--rehearsal", type=Path, help="learn without our own paraphrases, and write to this file"
    )
    parser.add_argument(
        "--onward", action="store_true", help="go on from the adaptation that ships"
    )
    arguments = parser.parse_args()
    try:
        torch = import_module("torch")
    except ImportError:
        parser.error("PyTorch is not installed: pip install -r requirements-training.txt")
    tokenizer = Tokenizer.from_file(str(encoder_folder() / E5_FOLDER / TOKENIZER_FILE))
    tokenizer.enable_truncation(TOKENS)
    tokenizer.no_padding()
    material = read_material(arguments.folder, tokenizer, rehearsal=arguments.rehearsal is not None)
    known = adaptation.load_adaptation() if arguments.onward else {}
    network = train(torch, read_weight_file(arguments.weights), material, known=known)
    thin = {
        f"{key}.w": (left.detach().numpy() * np.float32(GAIN), right.detach().numpy())
        for key, (left, right) in network.thin.items()
    }
    arrays: dict[str, Any] = dict(packed(thin))
    np.savez_compressed(arguments.rehearsal or ADAPTATION, **arrays)


if __name__ == "__main__":
    main()
