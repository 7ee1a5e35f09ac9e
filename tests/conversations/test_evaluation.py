"""The judge of the answers: its shares, its limits, and the command that runs it."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from conversations.dialogue.types import Outcome
from conversations.evaluation import Judged, Question, curve, figures, kinds, missed, spread
from tests.conftest import KNOWLEDGE
from tests.conversations.conftest import UNKNOWN


def judged(kind: str, expected: str = "", **fields: Any) -> Judged:
    defaults = {
        "outcome": Outcome.ANSWER,
        "rule": "gate.answer",
        "answered_with": "",
        "choices": (),
        "candidates": (),
        "seconds": 0.01,
    }
    return Judged(Question("?", expected, kind), **{**defaults, **fields})


SCOPE = [
    judged("short", "a", answered_with="a", candidates=("a", "b")),
    judged("short", "a", answered_with="b", candidates=("b", "a")),
    judged("long", "a", choices=("b", "a"), candidates=("b", "c", "a")),
    judged("long", "a", candidates=("b", "c", "d", "a")),
]


def test_questions_in_scope() -> None:
    found = figures(SCOPE)

    assert found["n_in_scope"] == 4
    assert (found["top1"], found["top3"]) == (0.25, 0.75)
    assert (found["answered"], found["precision_answered"]) == (0.5, 0.5)
    assert found["resolved"] == 0.5
    assert found["far_oos_rejected"] is None
    assert kinds(SCOPE) == {
        "short": {"n": 2, "top1": 0.5, "resolved": 0.5},
        "long": {"n": 2, "top1": 0.0, "resolved": 0.5},
    }


def test_questions_nobody_may_answer() -> None:
    found = figures(
        [
            judged("oos_far", answered_with="a"),
            judged("oos_far", choices=("a",)),
            judged("oos_near"),
            judged("exclusion_legal", outcome=Outcome.HANDOFF, rule="topic.complaint"),
            judged("exclusion_legal", outcome=Outcome.HANDOFF, rule="gate.unknown"),
            judged("lookalike", "a", outcome=Outcome.HANDOFF, rule="asked"),
            judged("lookalike", "a", answered_with="a"),
            judged("human", outcome=Outcome.HANDOFF, rule="asked"),
            judged("smalltalk", outcome=Outcome.SMALLTALK, rule="smalltalk.hello"),
        ]
    )

    assert found["n_in_scope"] == 0
    assert (found["far_oos_rejected"], found["far_oos_buttons"]) == (0.5, 0.5)
    assert found["near_oos_rejected"] == 1.0
    assert found["exclusion_recall"] == {"legal": 0.5, "complaint": None, "privacy": None}
    assert found["lookalike_false_alarm"] == 0.5
    assert (found["human_recall"], found["smalltalk_ok"]) == (1.0, 1.0)


def test_percentiles_are_values_that_occurred() -> None:
    assert spread([float(n) for n in range(1, 101)]) == {"p50": 50.0, "p95": 95.0, "p99": 99.0}
    assert spread([7.0]) == {"p50": 7.0, "p95": 7.0, "p99": 7.0}
    assert spread([]) == {"p50": None, "p95": None, "p99": None}


@pytest.mark.parametrize(
    ("name", "bound", "short"),
    [
        ("top1", 0.25, False),
        ("top1", 0.26, True),
        ("latency_ms.p95", 10.0, False),
        ("latency_ms.p95", 9.9, True),
        ("near_oos_rejected", 0.0, True),
        ("exclusion_recall.legal", 0.0, True),
    ],
)
def test_what_falls_short_is_told(name: str, bound: float, short: bool) -> None:
    assert bool(missed(figures(SCOPE), {name: bound})) is short


def test_a_figure_that_does_not_exist_is_no_figure() -> None:
    with pytest.raises(KeyError):
        missed(figures(SCOPE), {"top4": 1})


def evaluate(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    with (folder / "kb.csv").open("w", encoding="utf-8", newline="") as output:
        writer = csv.writer(output)
        writer.writerow(("category", "question", "phrasings", "answer"))
        for category, question, phrasings, answer in KNOWLEDGE:
            writer.writerow((category, question, "|".join(phrasings), answer))
    with (folder / "questions.csv").open("w", encoding="utf-8", newline="") as output:
        writer = csv.writer(output)
        writer.writerow(("text", "expected", "kind"))
        writer.writerow((KNOWLEDGE[0][2][0], KNOWLEDGE[0][1], "paraphrase"))
        writer.writerow((UNKNOWN, "", "oos_far"))
        writer.writerow(("转人工", "", "human"))
    return subprocess.run(
        [sys.executable, "manage.py", "evaluate_answers", "--kb", str(folder / "kb.csv"),
         "--questions", str(folder / "questions.csv"), "--json", *options],
        cwd=settings.BASE_DIR, env=os.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_command_prints_its_figures_and_fails_below_a_stated_one(tmp_path: Path) -> None:
    done = evaluate(tmp_path, "--require", "top1=1", "--require", "smalltalk_ok=0.5")
    found = json.loads(done.stdout)

    assert (found["n_in_scope"], found["top1"], found["resolved"]) == (1, 1.0, 1.0)
    assert (found["far_oos_rejected"], found["human_recall"]) == (1.0, 1.0)
    assert found["build_s"] > 0
    assert done.returncode == 1
    assert done.stderr.strip().endswith("Falls short. smalltalk_ok is None, at least 0.5 stated")


def test_the_command_knows_only_its_own_figures(tmp_path: Path) -> None:
    done = evaluate(tmp_path, "--require", "top4=1")

    assert done.returncode == 1
    assert "There is no figure 'top4'" in done.stderr


def test_the_curve_tells_coverage_and_precision_at_other_thresholds() -> None:
    found = curve(
        [
            judged("short", "a", candidates=("a",), p=0.95),
            judged("short", "a", candidates=("b",), p=0.75),
            judged("oos_far", candidates=("b",), p=0.85),
        ]
    )

    assert found["0.9"] == {"answered": 0.5, "precision": 1.0, "far_answered": 0.0}
    assert found["0.8"] == {"answered": 0.5, "precision": 1.0, "far_answered": 1.0}
    assert found["0.7"] == {"answered": 1.0, "precision": 0.5, "far_answered": 1.0}
    assert curve([])["0.5"] == {"answered": None, "precision": None, "far_answered": None}
