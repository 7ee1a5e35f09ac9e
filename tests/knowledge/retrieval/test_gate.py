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
        spread=6.0, lead=6.0, offtopic=-6.0, strangeness=-0.3, excluded=-6.0, chinese=1.0,
    ),
    "lexical": Evidence(
        closeness=0.8, head=0.8, head_margin=0.7, agreement=1.0,
        spread=6.0, lead=6.0, offtopic=-6.0, strangeness=0.0, excluded=-6.0, chinese=1.0,
    ),
}  # fmt: skip
WEAK = {
    "semantic": Evidence(
        closeness=0.3, head=0.02, head_margin=0.01, agreement=0.2,
        spread=1.0, lead=0.1, offtopic=4.0, strangeness=0.3, excluded=-6.0, chinese=1.0,
    ),
    "lexical": Evidence(
        closeness=0.05, head=0.02, head_margin=0.01, agreement=0.2,
        spread=1.0, lead=0.1, offtopic=4.0, strangeness=0.0, excluded=-6.0, chinese=1.0,
    ),
}  # fmt: skip

MODES = ("semantic", "lexical")


def test_a_phrasing_met_word_for_word_is_over_both_thresholds():
    assert 0 < ANSWER_THRESHOLD < EXACT_P < 1
    assert 0 < CLARIFY_THRESHOLD < EXACT_P


@pytest.mark.parametrize("mode", MODES)
def test_gate_answers_strong_evidence_and_rejects_weak(mode):
    gate = load_gate(mode)

    assert gate.probability(STRONG[mode]) > ANSWER_THRESHOLD
    assert gate.probability(WEAK[mode]) < CLARIFY_THRESHOLD


def test_strangers_are_told_by_what_is_asked_elsewhere():
    among = load_gate("semantic.scope")
    unsure = WEAK["semantic"]._replace(offtopic=-4.0, closeness=0.6, head=0.2, strangeness=-0.1)

    assert among.probability(unsure) > among.probability(unsure._replace(strangeness=0.2))
    assert among.probability(unsure) > among.probability(unsure._replace(offtopic=2.0))


@pytest.mark.parametrize("mode", MODES)
def test_what_sounds_like_a_dispute_is_excluded_unless_the_knowledge_base_knows_it(mode):
    gate = load_gate(f"{mode}.excluded")

    assert gate.probability(WEAK[mode]) < 0.5
    assert gate.probability(WEAK[mode]._replace(excluded=5.0)) > 0.5
    known, unknown = (each[mode]._replace(excluded=0.0) for each in (STRONG, WEAK))
    assert gate.probability(known) < gate.probability(unknown)


@pytest.mark.parametrize("mode", [*MODES, *(f"{mode}.scope" for mode in MODES)])
def test_gate_constants_fit_the_evidence(mode):
    gate = load_gate(mode)

    assert len(gate.mean) == len(gate.deviation) == len(gate.weights) == len(Evidence._fields)
    assert (gate.deviation > 0).all()


@pytest.mark.parametrize("mode", MODES)
def test_gate_stays_between_zero_and_one_far_outside_what_it_was_fitted_on(mode):
    absurd = STRONG[mode]._replace(lead=1e6, head=-1e6, spread=1e6)

    assert 0 <= load_gate(mode).probability(absurd) <= 1
