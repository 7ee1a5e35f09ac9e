"""An encoder that needs no files: vectors of the characters a text holds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from conversations.bench.model_server import spelled
from knowledge.retrieval.semantic import Part, unit


class Spelling:
    """Takes the place of the local encoder where a test needs one for certain."""

    def __init__(self, name: str, parts: Sequence[Part]) -> None:
        self.id, self.parts = name, parts
        self.dim = sum(part.dim for part in parts)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors [len(texts), dim]."""
        rows = [
            [unit(np.array(spelled(text, part.dim), np.float32)) for part in self.parts]
            for text in texts
        ]
        scales = [np.sqrt(part.share) for part in self.parts]
        return np.array(
            [np.concatenate([v * s for v, s in zip(row, scales, strict=True)]) for row in rows],
            np.float32,
        ).reshape(len(texts), self.dim)
