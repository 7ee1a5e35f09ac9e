"""Measure the retrieval engine on a public intent set: a knowledge base of its training part."""

import json
import random
from argparse import ArgumentParser
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from knowledge.retrieval.encoder import load_encoder
from knowledge.retrieval.gate import ANSWER_THRESHOLD
from knowledge.retrieval.index import IndexEntry, build_index
from knowledge.training.encoder import is_kept_out

OUT_OF_SCOPE = "oos_val.jsonl"
SETS = ("clinc150", "banking77", "hwu64")


class Command(BaseCommand):
    """Ask what was kept out of a set, and print how much was found and how sure the gate was."""

    help = (
        "Build an index of an intent set's training part and ask the rest: clinc150's val and "
        "oos_val, a tenth of the others that no training saw. Exits 1 if --require is missed."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="holds public/clinc150 and the others")
        parser.add_argument("--set", choices=SETS, default="clinc150")
        parser.add_argument("--shots", type=int, default=0, help="phrasings an intent; 0 for all")
        parser.add_argument("--questions", type=int, default=1500, help="questions at most")
        parser.add_argument("--top1", type=float, default=0.0, help="the share to reach")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        known, asked, foreign = read_set(options["folder"], options["set"])
        rng = random.Random(7)  # noqa: S311 -- no secret
        shots = options["shots"]
        entries = []
        for label, texts in known.items():
            first, *rest = rng.sample(texts, min(shots, len(texts))) if shots else texts
            entries.append(IndexEntry(label, first, tuple(rest), "", ""))
        asked = rng.sample(asked, min(options["questions"], len(asked)))
        index = build_index(entries, encoder=load_encoder())
        found = figures(index, asked, foreign)
        found = {"set": options["set"], "shots": shots or "all", "questions": len(asked)} | found
        text = "\n".join(f"{name:<12} {value}" for name, value in found.items())
        self.stdout.write(json.dumps(found) if options["json"] else text)
        if found["top1"] < options["top1"]:
            raise CommandError(f"top1 is {found['top1']}, at least {options['top1']} stated")


def read_set(
    folder: Path, name: str
) -> tuple[dict[str, list[str]], list[tuple[str, str]], list[str]]:
    """Return texts by label to know, (text, label) to ask, and texts that belong to no label."""
    known: dict[str, list[str]] = defaultdict(list)
    asked = []
    foreign = []
    for row in _rows(folder / "public" / name / "train.jsonl"):
        if is_kept_out(name, row["text"]):
            asked.append((row["text"], row["label"]))
        else:
            known[row["label"]].append(row["text"])
    if name == "clinc150":
        asked = [
            (row["text"], row["label"]) for row in _rows(folder / "public" / name / "val.jsonl")
        ]
        foreign = [row["text"] for row in _rows(folder / "public" / name / OUT_OF_SCOPE)]
    return known, asked, foreign


def _rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def figures(index: Any, asked: list[tuple[str, str]], foreign: list[str]) -> dict[str, Any]:
    """Return top1, top3, what is answered at the shipped threshold and how right, and the gap.

    ece: mean gap between probability and share of right first candidates, in ten bins. oos_auroc:
    how well the probability of being in scope parts known questions from foreign ones.
    """
    found = [(index.search(text, limit=3), label) for text, label in asked]
    rows = [(result.candidates, label) for result, label in found]
    first = np.array([bool(hits) and hits[0].key == label for hits, label in rows])
    three = np.array([any(hit.key == label for hit in hits) for hits, label in rows])
    p = np.array([hits[0].p if hits else 0.0 for hits, _label in rows])
    strangers = [index.search(text, limit=3) for text in foreign]
    foreign_p = np.array([r.candidates[0].p if r.candidates else 0.0 for r in strangers])
    inside = np.array([result.in_scope for result, _label in found])
    outside = np.array([result.in_scope for result in strangers])
    answered = p >= ANSWER_THRESHOLD
    bins = np.minimum((p * 10).astype(int), 9)
    gaps = np.bincount(bins, p - first, minlength=10)
    return {
        "top1": round(float(first.mean()), 4),
        "top3": round(float(three.mean()), 4),
        "answered": round(float(answered.mean()), 4),
        "precision": round(float(first[answered].mean()), 4) if answered.any() else None,
        "ece": round(float(np.abs(gaps).sum() / len(p)), 4),
        "oos_auroc": _auroc(inside, outside) if foreign else None,
        "oos_answered": round(float((foreign_p >= ANSWER_THRESHOLD).mean()), 4)
        if foreign
        else None,
    }


def _auroc(inside: np.ndarray, outside: np.ndarray) -> float:
    higher = (inside[:, None] > outside[None]).mean() + (
        inside[:, None] == outside[None]
    ).mean() / 2
    return round(float(higher), 4)
