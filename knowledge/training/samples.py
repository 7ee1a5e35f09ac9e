"""What the gate would have seen: questions whose outcome is known, asked of small knowledge bases."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from knowledge.retrieval.background import Background
from knowledge.retrieval.encoder import Encoder, Vectors
from knowledge.retrieval.gate import Evidence, Row
from knowledge.retrieval.index import build_index
from knowledge.retrieval.semantic import Part
from knowledge.retrieval.text import text_key
from knowledge.retrieval.topics import TopicModel
from knowledge.training.drawing import FAR, Tenant


@dataclass(frozen=True)
class Sample:
    """Gate inputs with weights and outcomes.

    right: the first candidate is the answer; among: one of the first three is; far: the question
    is a stranger's; excluded: it is one for people alone.
    """

    rows: Row
    right: Row
    among: Row
    far: Row
    excluded: Row
    weights: Row


class Remembering:
    """An encoder that keeps every vector, for asking the same texts of many knowledge bases."""

    def __init__(self, encoder: Encoder, vectors: dict[str, Vectors] | None = None) -> None:
        self.id = encoder.id
        self.dim = encoder.dim
        self.parts: Sequence[Part] = encoder.parts
        self._encoder = encoder
        self._known = {} if vectors is None else vectors

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return L2-normalised vectors [len(texts), dim]."""
        keys = [text_key(text) for text in texts]
        lacking = {k: t for k, t in zip(keys, texts, strict=True) if k not in self._known}
        if lacking:
            fresh = self._encoder.encode(list(lacking.values()))
            self._known.update(zip(lacking, fresh, strict=True))
        if not keys:
            return np.empty((0, self.dim), np.float32)
        return np.stack([self._known[key] for key in keys])


@dataclass(frozen=True)
class Surroundings:
    """What an index is built with here, none of it learnt from what will be asked."""

    topic_model: TopicModel | None = None
    background: Callable[[frozenset[str]], Background] | None = None


def observe(
    tenants: Iterator[Tenant],
    encoder: Encoder | None,
    surroundings: Surroundings = Surroundings(),
    *,
    weight: float = 1.0,
) -> Sample:
    """Ask every tenant its questions and return what the gate would have seen."""
    rows: list[Evidence] = []
    outcomes: list[tuple[bool, bool, bool, bool, float]] = []
    for tenant in tenants:
        background = surroundings.background and surroundings.background(tenant.trades)
        index = build_index(
            tenant.entries,
            encoder=encoder,
            topics=surroundings.topic_model,
            background=background,
        )
        for text, label, share in tenant.questions:
            found = index.evidence(text)
            if found is not None:
                keys, evidence = found
                rows.append(evidence)
                outcomes.append(
                    (keys[0] == label, label in keys, label == FAR, False, share * weight)
                )
        for text, excluded, share in tenant.people:
            found = index.evidence(text)
            if found is not None:
                rows.append(found[1])
                # Weighed for the third model alone: the others leave such questions to it.
                outcomes.append((False, False, False, excluded, -share * weight))
    columns = np.array(outcomes, float).T
    return Sample(np.array(rows), *columns)


def join(samples: Sequence[Sample]) -> Sample:
    """Return the samples as one."""
    return Sample(
        np.concatenate([sample.rows for sample in samples]),
        np.concatenate([sample.right for sample in samples]),
        np.concatenate([sample.among for sample in samples]),
        np.concatenate([sample.far for sample in samples]),
        np.concatenate([sample.excluded for sample in samples]),
        np.concatenate([sample.weights for sample in samples]),
    )


def of_knowledge(sample: Sample) -> Sample:
    """Return the part of the sample that the first two models learn from."""
    return _chosen(sample, sample.weights > 0)


def in_scope(sample: Sample) -> Sample:
    """Return the sample as the second model sees it: right where one of the first three is.

    Only strangers' questions are wrong: asked what a neighbour knows, buttons do no harm.
    """
    part = _chosen(sample, (sample.among > 0) | (sample.far > 0))
    return replace(part, right=part.among)


def for_people(sample: Sample) -> Sample:
    """Return the sample as the third model sees it: right where only people may handle it."""
    return replace(sample, right=sample.excluded, weights=np.abs(sample.weights))


def _chosen(sample: Sample, rows: NDArray[np.bool_]) -> Sample:
    return Sample(
        sample.rows[rows],
        sample.right[rows],
        sample.among[rows],
        sample.far[rows],
        sample.excluded[rows],
        sample.weights[rows],
    )
