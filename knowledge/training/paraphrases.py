"""Reads the paraphrases written for this project: the same question in many words, by trade."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DATA = Path(__file__).with_name("data")
OWN = DATA / "paraphrases"
ANSWER = "answer"


@dataclass(frozen=True)
class Intent:
    """What an entry of a trade's knowledge base is about: its texts, the standard one first."""

    language: str
    trade: str
    name: str
    category: str
    texts: tuple[str, ...]
    styles: tuple[str, ...]
    answer: str


def shared_rows(*folders: Path) -> Iterator[dict[str, str]]:
    """Yield {lang, trade, intent, style, text} of every file in the folders."""
    for folder in folders:
        for path in sorted(folder.glob("*.jsonl")):
            yield from map(json.loads, path.read_text("utf-8").splitlines())


def rows(*folders: Path) -> Iterator[dict[str, str]]:
    """Yield the lines of the folders and of our own paraphrases."""
    return shared_rows(*folders, OWN)


@cache
def read_intents(*folders: Path) -> list[Intent]:
    """Return the intents of the folders and of our own, in the order of the files."""
    found: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    for row in rows(*folders):
        found.setdefault((row["lang"], row["trade"], row["intent"]), []).append(row)
    intents = []
    for (language, trade, name), own in found.items():
        told = [row for row in own if row["style"] != ANSWER]
        answers = [row["text"] for row in own if row["style"] == ANSWER]
        intents.append(
            Intent(
                language,
                trade,
                name,
                own[0].get("category", ""),
                tuple(row["text"] for row in told),
                tuple(row["style"] for row in told),
                answers[0] if answers else "",
            )
        )
    return intents
