import numpy as np
import pytest

from knowledge.retrieval.gate import Evidence
from knowledge.training import drawing
from knowledge.training import gate as calibrate


def _sample(size=4000, seed=5):
    """Return evidence whose first two figures decide, by a known formula."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, 1, (size, len(Evidence._fields)))
    truth = 1 / (1 + np.exp(-(2 * rows[:, 0] - rows[:, 1] + 0.5)))
    right = (rng.random(size) < truth).astype(float)
    return calibrate.Sample(rows, right, right, 1 - right, 1 - right, np.ones(size)), truth


def test_fit_gate_finds_the_formula_behind_the_outcomes():
    sample, truth = _sample()

    gate = calibrate.fit_gate(sample)

    assert np.abs(calibrate.probabilities(gate, sample.rows) - truth).mean() < 0.03


def test_fit_gate_ignores_rows_without_weight():
    sample, truth = _sample()
    rows = np.vstack([sample.rows, sample.rows])
    right = np.concatenate([sample.right, 1 - sample.right])
    weights = np.concatenate([sample.weights, np.zeros(len(truth))])

    gate = calibrate.fit_gate(calibrate.Sample(rows, right, right, right, right, weights))

    np.testing.assert_allclose(gate.weights, calibrate.fit_gate(sample).weights, atol=1e-6)


def test_describe_of_a_calibrated_gate():
    sample, _ = _sample()

    figures = calibrate.describe(calibrate.fit_gate(sample), sample)

    assert figures["ece"] < 0.03
    assert 0.8 < figures["auroc"] < 1
    assert figures["precision"] > calibrate.ANSWER_THRESHOLD
    assert 0 < figures["answered"] < 1


@pytest.fixture
def intents():
    """Return ninety made-up intents with enough texts each."""
    count = drawing.DRAWN + drawing.ASKED
    return {f"intent{i}": [f"thing{i} wish{j} form{i}" for j in range(count)] for i in range(90)}


def test_observe_sees_right_and_wrong_first_candidates(intents):
    tenants = list(drawing.draw_tenants("made up", intents, ["nothing of the kind"]))[:2]

    sample = calibrate.observe(iter(tenants), None)

    assert sample.rows.shape == (len(sample.right), len(Evidence._fields))
    assert set(sample.right) == {0.0, 1.0}


def test_the_second_model_learns_from_the_first_three_and_from_strangers():
    sample, _ = _sample(100)
    among = (np.arange(100) % 2).astype(float)
    far = (np.arange(100) % 4 == 0).astype(float)
    sample = calibrate.replace(sample, among=among, far=far)

    scope = calibrate.in_scope(sample)

    assert len(scope.right) == 75
    np.testing.assert_array_equal(scope.right, scope.among)
