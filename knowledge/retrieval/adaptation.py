"""What our own training adds to the encoder's matrices, as products of two thin ones."""

import io
from collections.abc import Mapping
from importlib import resources

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
# By the name of the matrix: what is added is the product of the two, [out, rank] and [rank, in].
Adaptation = Mapping[str, tuple[Floats, Floats]]

FILE = "adaptation.npz"
LIMIT = 127


def load_adaptation() -> Adaptation:
    """Return the shipped adaptation, made by `python -m knowledge.training.encoder`."""
    data = (resources.files(__package__) / FILE).read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        return unpacked({name: stored[name] for name in stored.files})


def packed(adaptation: Adaptation) -> dict[str, NDArray[np.generic]]:
    """Return the thin matrices as 8-bit integers, one scale for every place of the rank."""
    stored: dict[str, NDArray[np.generic]] = {}
    for name, (left, right) in adaptation.items():
        for side, matrix, axis in (("left", left, 0), ("right", right, 1)):
            scale = np.maximum(np.abs(matrix).max(axis=axis, keepdims=True), 1e-12) / LIMIT
            stored[f"{name}.{side}"] = np.round(matrix / scale).astype(np.int8)
            stored[f"{name}.{side}.scale"] = scale.astype(np.float32)
    return stored


def unpacked(stored: Mapping[str, NDArray[np.generic]]) -> Adaptation:
    """Return the adaptation that `packed` stored."""
    names = [name.removesuffix(".left") for name in stored if name.endswith(".left")]

    def side(name: str) -> Floats:
        values, scale = stored[name].astype(np.float32), stored[f"{name}.scale"]
        return np.asarray(values * scale.astype(np.float32), np.float32)

    return {name: (side(f"{name}.left"), side(f"{name}.right")) for name in names}
