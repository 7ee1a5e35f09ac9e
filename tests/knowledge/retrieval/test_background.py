import numpy as np
import pytest

from knowledge.retrieval.background import Background, load_background, packed
from knowledge.retrieval.encoder import Encoder


def test_closeness_is_the_cosine_of_the_nearest() -> None:
    background = Background(np.array([[2.0, 0.0], [0.0, 1.0]], np.float32))

    assert background.closeness(np.array([1.0, 1.0], np.float32)) == pytest.approx(0.5**0.5)
    assert background.closeness(np.array([-1.0, 0.0], np.float32)) == pytest.approx(0.0)


def test_an_empty_background_is_close_to_nothing() -> None:
    assert Background(np.empty((0, 2), np.float32)).closeness(np.ones(2, np.float32)) == 0


def test_directions_survive_the_eight_bits() -> None:
    vectors = np.random.default_rng(8).normal(size=(20, 64)).astype(np.float32)

    again = Background(packed(vectors).astype(np.float32))

    for vector in vectors:
        assert again.closeness(vector) == pytest.approx(1, abs=1e-3)


def test_the_shipped_background_knows_what_is_asked_elsewhere(encoder: Encoder | None) -> None:
    if encoder is None:
        # Without an encoder nothing is compared with it; the file must be readable all the same.
        assert load_background() is load_background()
        return
    first = encoder.parts[0].dim
    elsewhere, nonsense = encoder.encode(["航班延误怎么赔偿？", "嘟嘟嘟嘟嘟呀呀呀"])[:, :first]

    background = load_background()

    assert background.closeness(elsewhere) > background.closeness(nonsense)
