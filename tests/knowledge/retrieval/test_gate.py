import pytest

from knowledge.retrieval.gate import (
    ANSWER_THRESHOLD,
    CLARIFY_THRESHOLD,
    EXACT_P,
    Evidence,
    load_gate,
)

STRONG = {
    "semantic": Evidence(
        closeness=0.95, head=0.8, head_margin=0.7, agreement=1.0,
        spread=6.0, lead=6.0,
    ),
    "lexical": Evidence(
        closeness=0.8, head=0.8, head_margin=0.7, agreement=1.0,
        spread=6.0, lead=6.0,
    ),
}  # fmt: skip
WEAK = {
    "semantic": Evidence(
        closeness=0.75, head=0.02, head_margin=0.01, agreement=0.2,
        spread=1.0, lead=0.1,
    ),
    "lexical": Evidence(
        closeness=0.05, head=0.02, head_margin=0.01, agreement=0.2,
        spread=1.0, lead=0.1,
    ),
}  # fmt: skip

MODES = ("semantic", "lexical")


def test_thresholds_are_ordered():
    assert 0 < CLARIFY_THRESHOLD < ANSWER_THRESHOLD < EXACT_P < 1


@pytest.mark.parametrize("mode", MODES)
def test_gate_answers_strong_evidence_and_rejects_weak(mode):
    gate = load_gate(mode)

    assert gate.probability(STRONG[mode]) > ANSWER_THRESHOLD
    assert gate.probability(WEAK[mode]) < CLARIFY_THRESHOLD


@pytest.mark.parametrize("mode", MODES)
def test_gate_constants_fit_the_evidence(mode):
    gate = load_gate(mode)

    assert len(gate.mean) == len(gate.deviation) == len(gate.weights) == len(Evidence._fields)
    assert (gate.deviation > 0).all()


@pytest.mark.parametrize("mode", MODES)
def test_gate_stays_between_zero_and_one_far_outside_what_it_was_fitted_on(mode):
    absurd = STRONG[mode]._replace(lead=1e6, head=-1e6, spread=1e6)

    assert 0 <= load_gate(mode).probability(absurd) <= 1
