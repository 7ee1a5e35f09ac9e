"""The commands that measure: what they print, and when they say that it falls short."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from knowledge.management.commands.bench_answers import missed


def _row(**changes: float) -> dict[str, float]:
    return {"phrasings": 5000, "p50_ms": 8, "p95_ms": 15, "build_s": 3, "rss_mb": 600} | changes


def _tenants(each: float = 4.0, in_turn: float = 8.0) -> list[dict[str, float]]:
    return [
        {
            "tenants": n,
            "rss_mb": 500 + each * (n - 1),
            "p50_alone_ms": 8.0,
            "p50_in_turn_ms": in_turn,
        }
        for n in (1, 21)
    ]


@pytest.mark.parametrize(
    ("sizes", "tenants", "short"),
    [
        ([_row()], _tenants(), []),
        ([_row(p50_ms=16)], _tenants(), ["p50_ms"]),
        ([_row(p95_ms=31), _row(build_s=6)], _tenants(), ["p95_ms", "build_s"]),
        ([_row(rss_mb=779)], _tenants(), []),
        ([_row(rss_mb=781)], _tenants(), ["rss_mb"]),
        ([_row(phrasings=50000, p50_ms=99)], _tenants(), []),
        ([_row()], _tenants(each=6), ["6.0 MB each"]),
        ([_row()], _tenants(in_turn=10), ["1.25 times"]),
    ],
)
def test_missed_promises_are_told(sizes, tenants, short) -> None:
    told = missed({"sizes": sizes, "tenants": tenants})

    assert len(told) == len(short)
    for part, line in zip(short, told, strict=True):
        assert part in line


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    folder = tmp_path / "public" / "clinc150"
    folder.mkdir(parents=True)
    words = {"pay": "bill invoice payment charge", "fly": "flight airport plane boarding"}
    known = [
        {"text": f"{first} {second} please", "label": label}
        for label, own in words.items()
        for first in own.split()
        for second in own.split()
    ]
    asked = [{"text": f"about my {own.split()[0]} today", "label": k} for k, own in words.items()]
    for name, rows in (
        ("train", known),
        ("val", asked),
        ("oos_val", [{"text": "meaning of life", "label": "oos"}]),
    ):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path


def test_an_intent_set_is_asked_what_was_kept_out(sets: Path, capsys) -> None:
    call_command("evaluate_intents", str(sets), "--json")

    found = json.loads(capsys.readouterr().out)
    assert (found["questions"], found["top1"], found["top3"]) == (2, 1.0, 1.0)
    assert 0 <= found["oos_auroc"] <= 1


def test_a_share_that_is_not_reached_fails_the_command(sets: Path) -> None:
    with pytest.raises(CommandError, match=r"top1 is 1\.0, at least 1\.5"):
        call_command("evaluate_intents", str(sets), top1=1.5)
