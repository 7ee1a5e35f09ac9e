"""The embeddings of texts: made once, kept in the database, and those of two embedders joined."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from knowledge.models import TextVector
from knowledge.retrieval.companion import CombinedEncoder, Companion
from knowledge.retrieval.encoder import Encoder
from knowledge.retrieval.index import IndexEntry, texts_to_embed
from knowledge.retrieval.text import text_key

_BATCH = 64


def embed(
    encoder: Encoder | Companion,
    entries: Iterable[IndexEntry],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Make and store the embeddings these entries need and the database does not hold yet.

    `progress(done, total)` is called after each batch.
    """
    texts = {text_key(text): text for text in texts_to_embed(entries)}
    stored = set(TextVector.objects.filter(encoder=encoder.id).values_list("text_key", flat=True))
    missing = [(key, text) for key, text in texts.items() if key not in stored]
    for start in range(0, len(missing), _BATCH):
        batch = missing[start : start + _BATCH]
        vectors = encoder.encode([text for _, text in batch])
        TextVector.objects.bulk_create(
            [
                TextVector(encoder=encoder.id, text_key=key, vector=vector.astype("<f2").tobytes())
                for (key, _), vector in zip(batch, vectors, strict=True)
            ],
            ignore_conflicts=True,
        )
        if progress:
            progress(min(start + _BATCH, len(missing)), len(missing))


def stored(encoder: Encoder | Companion, keys: Iterable[str]) -> dict[str, np.ndarray]:
    """Return the vectors that the database holds under these keys of texts."""
    wanted = set(keys)
    rows = TextVector.objects.filter(encoder=encoder.id).values_list("text_key", "vector")
    return {
        key: np.frombuffer(bytes(vector), dtype="<f2").astype(np.float32)
        for key, vector in rows
        if key in wanted
    }


def combined_with(
    local: Encoder, companion: Companion, others: Mapping[str, np.ndarray], share: float
) -> CombinedEncoder:
    """Return the local encoder with a companion, whose vectors `others` holds some of."""
    return CombinedEncoder(local, companion.id, len(next(iter(others.values()))), share)


def join(
    encoder: CombinedEncoder, local: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the vectors of both for the texts that both know."""
    return {key: encoder.joined(local[key], others[key]) for key in local if key in others}
