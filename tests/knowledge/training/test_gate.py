import numpy as np

from knowledge.retrieval.gate import Evidence
from knowledge.training import gate as calibrate
from knowledge.training.samples import Sample


def _sample(size=4000, seed=5):
    """Return evidence whose first two figures decide, by a known formula."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, 1, (size, len(Evidence._fields)))
    truth = 1 / (1 + np.exp(-(2 * rows[:, 0] - rows[:, 1] + 0.5)))
    right = (rng.random(size) < truth).astype(float)
    return Sample(rows, right, right, 1 - right, 1 - right, np.ones(size)), truth


def test_fit_gate_finds_the_formula_behind_the_outcomes():
    sample, truth = _sample()

    gate = calibrate.fit_gate(sample)

    assert np.abs(calibrate.probabilities(gate, sample.rows) - truth).mean() < 0.03


def test_fit_gate_ignores_rows_without_weight():
    sample, truth = _sample()
    rows = np.vstack([sample.rows, sample.rows])
    right = np.concatenate([sample.right, 1 - sample.right])
    weights = np.concatenate([sample.weights, np.zeros(len(truth))])

    gate = calibrate.fit_gate(Sample(rows, right, right, right, right, weights))

    np.testing.assert_allclose(gate.weights, calibrate.fit_gate(sample).weights, atol=1e-6)


def test_describe_of_a_calibrated_gate():
    sample, _ = _sample()

    figures = calibrate.describe(calibrate.fit_gate(sample), sample)

    assert figures["ece"] < 0.03
    assert 0.8 < figures["auroc"] < 1
    assert figures["precision"] > calibrate.ANSWER_THRESHOLD
    assert 0 < figures["answered"] < 1
