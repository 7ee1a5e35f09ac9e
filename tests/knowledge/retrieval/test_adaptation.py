import numpy as np

from knowledge.retrieval.adaptation import load_adaptation, packed, unpacked


def test_products_survive_the_eight_bits() -> None:
    rng = np.random.default_rng(2)
    left = rng.normal(size=(48, 8)).astype(np.float32)
    right = rng.normal(size=(8, 32)).astype(np.float32)

    (name, (left_again, right_again)), *rest = unpacked(packed({"l0.q.w": (left, right)})).items()

    assert (name, rest) == ("l0.q.w", [])
    difference = np.abs(left_again @ right_again - left @ right)
    assert difference.max() < 0.05 * np.abs(left @ right).max()


def test_the_shipped_adaptation_has_a_product_for_every_matrix() -> None:
    adaptation = load_adaptation()

    assert len(adaptation) == 12 * 6
    for left, right in adaptation.values():
        assert left.shape[1] == right.shape[0]
        assert np.isfinite(left).all()
        assert np.abs(left @ right).max() > 0
