"""Fits the gate's constants: python -m knowledge.training.gate FOLDER WEIGHTS REHEARSAL.

Small knowledge bases are drawn from intents that the encoder has not learnt from: our own
paraphrases, and the sets in FOLDER/public, JSON lines {text, label}. They are asked what they know,
what a neighbour knows and what nobody knows, and two logistic models learn when the first candidate
was right, and when one of the first three was. Asked what only people may handle, and what merely
sounds like it, a third learns to tell these apart.

REHEARSAL is what `knowledge.training.encoder --rehearsal` wrote: an adaptation learnt without our
own paraphrases. With the one that ships, every question here would look easier than a stranger's.
Where texts were added, the adaptation that shipped before will do: --trades and --since name what
it has not learnt from.
"""

import argparse
import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np

from knowledge.retrieval import conversion_e5, gate
from knowledge.retrieval.adaptation import unpacked
from knowledge.retrieval.background import Background
from knowledge.retrieval.encoder import Encoder, LocalEncoder
from knowledge.retrieval.gate import (
    ANSWER_THRESHOLD,
    FEATURE_CLIP,
    Evidence,
    Gate,
    Row,
)
from knowledge.retrieval.models import E5_FOLDER, USE_FOLDER, encoder_folder
from knowledge.retrieval.semantic import unit
from knowledge.retrieval.text import has_cjk
from knowledge.retrieval.topics import EXCLUDED
from knowledge.training import topics
from knowledge.training.drawing import (
    DATA_SETS,
    Strangers,
    draw_tenants,
    draw_trades,
    far_questions,
    read_intents,
)
from knowledge.training.paraphrases import Intent
from knowledge.training.paraphrases import read_intents as read_paraphrases
from knowledge.training.samples import (
    Remembering,
    Sample,
    Surroundings,
    for_people,
    in_scope,
    join,
    observe,
    of_knowledge,
)
from knowledge.training.topics import Sentence

logger = logging.getLogger(__name__)

# How much the trades count beside the public sets.
TRADES_WEIGHT = 8.0
OFF_TOPIC, ALIKE = "offtopic", "lookalike"
PENALTY = 1e-3
STEPS = 30
# Figures whose meaning is the same in other languages and styles. Without an encoder, the plain
# cosines are not: Chinese phrasings share fewer terms than English ones do.
USED = {
    "semantic": tuple(name for name in Evidence._fields if name != "excluded"),
    "lexical": ("head", "agreement", "spread", "lead", "offtopic", "chinese"),
    "semantic.excluded": ("excluded", "closeness", "head", "lead", "spread", "strangeness"),
    "lexical.excluded": ("excluded", "head", "lead", "spread"),
}
CONSTANTS = Path(gate.__file__).with_name("gate.json")


@dataclass(frozen=True)
class Unseen:
    """What the rehearsal has not learnt from: trades (none named: all), and sentences from a line on."""

    trades: frozenset[str] = frozenset()
    since: int = 0

    def intents(self) -> list[Intent]:
        """Return our own intents that may be asked."""
        return [one for one in read_paraphrases() if not self.trades or one.trade in self.trades]

    def parted(self, sentences: Sequence[Sentence]) -> tuple[list[Sentence], list[Sentence]]:
        """Return the sentences the topic model may learn from here, and those that are asked.

        Of what the rehearsal has not seen each gets half.
        """
        told: list[Sentence] = []
        asked: list[Sentence] = []
        for place, one in enumerate(sentences):
            held = place >= self.since and crc32(one.text.encode()) % 2
            (asked if held else told).append(one)
        return told, asked


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


def calibrate(
    folder: Path, encoder: Encoder | None, unseen: Unseen = Unseen()
) -> tuple[dict[str, Gate], dict[str, dict[str, float]]]:
    """Fit the gates of one mode; also return how the first does on each source fitted without it.

    The topic model used learns from half of the unseen sentences; the other half is asked.
    """
    mode = "lexical" if encoder is None else "semantic"
    sentences = topics.read_sentences(folder)
    told, asked = unseen.parted(sentences)
    topic_model = topics.fit_sentences(told, encoder)
    samples = {}
    own = unseen.intents()
    for language in ("zh", "en"):
        spoken = [one for one in asked if (language == "zh") == has_cjk(one.text)]
        strangers = Strangers(
            far=[one.text for one in spoken if one.topic == OFF_TOPIC],
            people=[one for one in spoken if one.topic in EXCLUDED or one.kind == ALIKE],
        )
        intents = [one for one in own if one.language == language]
        surroundings = Surroundings(topic_model, _backgrounds(intents, told, encoder))
        samples[language] = observe(
            draw_trades(intents, strangers, _closeness(intents, encoder)),
            encoder,
            surroundings,
            weight=TRADES_WEIGHT,
        )
        logger.info("Observed the trades, %s: %d questions", language, len(samples[language].right))
    intents_of = {name: read_intents(folder / "public" / name) for name in DATA_SETS}
    public_far = far_questions(folder)
    for name in DATA_SETS:
        # Banking questions are foreign to the two general sets, and the other way round.
        stranger = "banking77" if name == "hwu64" else "hwu64"
        others = [texts[-1] for texts in intents_of[stranger].values()]
        far = public_far if name == "clinc150" else public_far + others
        surroundings = Surroundings(topic_model, _backgrounds(own, told, encoder))
        samples[name] = observe(draw_tenants(name, intents_of[name], far), encoder, surroundings)
        logger.info("Observed %s: %d questions", name, len(samples[name].right))
    used = USED[mode]
    report = {}
    for name, sample in samples.items():
        others_joined = join([samples[other] for other in samples if other != name])
        report[name] = describe(fit_gate(of_knowledge(others_joined), used), of_knowledge(sample))
    everything = join(list(samples.values()))
    knowledge = of_knowledge(everything)
    gates = {
        "": fit_gate(knowledge, used),
        ".scope": fit_gate(in_scope(knowledge), used),
        ".excluded": fit_gate(for_people(everything), USED[f"{mode}.excluded"]),
    }
    return gates, report


def _closeness(intents: Sequence[Intent], encoder: Encoder | None) -> Row:
    if encoder is None:
        # Without vectors nobody can tell which intents are parallel: none counts as foreign.
        return np.ones((len(intents), len(intents)))
    first = encoder.parts[0].dim
    vectors = unit(encoder.encode([intent.texts[0] for intent in intents])[:, :first])
    return np.asarray(vectors @ vectors.T, np.float64)


def _backgrounds(
    intents: Sequence[Intent], told: Sequence[Sentence], encoder: Encoder | None
) -> Callable[[frozenset[str]], Background] | None:
    """Return what makes the background of a knowledge base: nothing of its own trades."""
    if encoder is None:
        return None
    first = encoder.parts[0].dim
    names = [intent.trade for intent in intents]
    trades = encoder.encode([intent.texts[0] for intent in intents])[:, :first]
    off_topic = [one.text for one in told if one.topic == OFF_TOPIC]
    nobodys = encoder.encode(off_topic)[:, :first]

    def without(own: frozenset[str]) -> Background:
        rows = [place for place, name in enumerate(names) if name not in own]
        return Background(np.concatenate([trades[rows], nobodys]))

    return without


def rehearsal_encoder(folder: Path, weights: Path, rehearsal: Path) -> Encoder:
    """Return the encoder as an adaptation other than the shipped one makes it, kept in `folder`."""
    (folder / E5_FOLDER).mkdir()
    with np.load(rehearsal, allow_pickle=False) as stored:
        adaptation = unpacked({name: stored[name] for name in stored.files})
    conversion_e5.convert(weights, folder / E5_FOLDER, adaptation)
    shutil.copytree(encoder_folder() / USE_FOLDER, folder / USE_FOLDER)
    return LocalEncoder(folder)


def main() -> None:
    """Fit both modes and write gate.json; the semantic one needs the encoder installed."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Fit the gate's constants.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("rehearsal", type=Path)
    parser.add_argument("--trades", nargs="+", default=[], help="the rehearsal has not learnt them")
    parser.add_argument("--since", type=int, default=0, help="nor the sentences from this line on")
    parser.add_argument(
        "--mode", choices=("semantic", "lexical"), help="fit this one; the other's constants stay"
    )
    arguments = parser.parse_args()
    unseen = Unseen(frozenset(arguments.trades), arguments.since)
    constants: dict[str, object] = json.loads(CONSTANTS.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as kept:
        encoder = rehearsal_encoder(Path(kept), arguments.weights, arguments.rehearsal)
        for mode, used in (("semantic", Remembering(encoder)), ("lexical", None)):
            if arguments.mode not in (None, mode):
                continue
            gates, report = calibrate(arguments.folder, used, unseen)
            constants |= {f"{mode}{kind}": _constants(each) for kind, each in gates.items()}
            logger.info("%s, each fitted without itself: %s", mode, json.dumps(report, indent=1))
    CONSTANTS.write_text(json.dumps(constants, indent=1) + "\n")


if __name__ == "__main__":
    main()
