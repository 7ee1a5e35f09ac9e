import numpy as np
import pytest

from knowledge.training import drawing
from knowledge.training.paraphrases import Intent
from knowledge.training.topics import Sentence


@pytest.fixture
def intents():
    """Return ninety made-up intents with enough texts each."""
    count = drawing.DRAWN + drawing.ASKED
    return {f"intent{i}": [f"thing{i} wish{j} form{i}" for j in range(count)] for i in range(90)}


def test_drawn_tenants_keep_questions_apart_from_phrasings(intents):
    tenants = list(drawing.draw_tenants("made up", intents, ["nothing of the kind"]))

    assert len(tenants) == len(drawing.SIZES) * len(drawing.PHRASINGS)
    for tenant in tenants:
        known = {entry.key for entry in tenant.entries}
        phrasings = {text for e in tenant.entries for text in (e.question, *e.phrasings)}
        asked = {text for text, _, _ in tenant.questions}
        expected = {label for _, label, _ in tenant.questions}
        assert not phrasings & asked
        assert expected <= known | {drawing.NEAR, drawing.FAR}
        assert sum(weight for _, _, weight in tenant.questions) == pytest.approx(1)


def test_tenants_of_trades_keep_questions_apart_from_phrasings():
    intents = [
        Intent(
            "zh",
            f"trade{i % 4}",
            f"intent{i}",
            "",
            tuple(f"{i} text {j}" for j in range(8)),
            (),
            "",
        )
        for i in range(60)
    ]

    strangers = drawing.Strangers(
        ["nothing of the kind", "nor this"],
        [
            Sentence("sue", "legal", "legal", 1.0),
            Sentence("law firm", "ordinary", "lookalike", 1.0),
        ],
    )

    tenants = list(drawing.draw_trades(intents, strangers, np.eye(60)))

    assert len(tenants) == drawing.ROUNDS * 4
    for tenant in tenants:
        phrasings = {text for e in tenant.entries for text in (e.question, *e.phrasings)}
        assert not phrasings & {text for text, _, _ in tenant.questions}
        assert {label for _, label, _ in tenant.questions} >= {drawing.NEAR, drawing.FAR}
        assert {(text, excluded) for text, excluded, _ in tenant.people} == {
            ("sue", True),
            ("law firm", False),
        }
        assert sum(weight for _, _, weight in tenant.questions) == pytest.approx(1)


def test_parallel_intents_of_other_trades_are_no_strangers():
    intents = [
        Intent(
            "zh", f"trade{i}", f"intent{i}", "", tuple(f"{i} text {j}" for j in range(8)), (), ""
        )
        for i in range(4)
    ]
    closeness = np.ones((4, 4))
    nobody = drawing.Strangers(["far away"], [])

    for tenant in drawing.draw_trades(intents, nobody, closeness):
        assert {text for text, label, _ in tenant.questions if label == drawing.FAR} == {"far away"}


def test_read_intents_is_the_same_every_time(tmp_path):
    lines = [f'{{"text": "text {i}", "label": "{"ab"[i % 2]}"}}' for i in range(200)]
    (tmp_path / "train.jsonl").write_text("\n".join(lines))

    first, second = (drawing.read_intents(tmp_path) for _ in range(2))

    assert first == second
    assert {len(texts) for texts in first.values()} == {drawing.DRAWN + drawing.ASKED}
