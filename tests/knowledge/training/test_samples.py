import numpy as np
import pytest

from knowledge.retrieval.gate import Evidence
from knowledge.training import drawing, samples


@pytest.fixture
def intents():
    """Return ninety made-up intents with enough texts each."""
    count = drawing.DRAWN + drawing.ASKED
    return {f"intent{i}": [f"thing{i} wish{j} form{i}" for j in range(count)] for i in range(90)}


def test_observe_sees_right_and_wrong_first_candidates(intents):
    tenants = list(drawing.draw_tenants("made up", intents, ["nothing of the kind"]))[:2]

    sample = samples.observe(iter(tenants), None)

    assert sample.rows.shape == (len(sample.right), len(Evidence._fields))
    assert set(sample.right) == {0.0, 1.0}


def test_the_second_model_learns_from_the_first_three_and_from_strangers():
    rows, nothing = np.zeros((100, len(Evidence._fields))), np.zeros(100)
    among = (np.arange(100) % 2).astype(float)
    far = (np.arange(100) % 4 == 0).astype(float)
    sample = samples.Sample(rows, nothing, among, far, nothing, np.ones(100))

    scope = samples.in_scope(sample)

    assert len(scope.right) == 75
    np.testing.assert_array_equal(scope.right, scope.among)
