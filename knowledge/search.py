"""The only reading door: what the active release has to say to a visitor's question.

Each process keeps an index per tenant in memory, built from the release it was built for. A
question costs two small queries, for the stamp of the active release and the thresholds; only a
changed stamp rebuilds.
"""

import logging
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from knowledge.models import (
    ActiveRelease,
    EntryVersion,
    MatchingSettings,
    ReleaseItem,
    TextVector,
)
from knowledge.retrieval.encoder import Encoder, load_encoder
from knowledge.retrieval.gate import (
    ANSWER_THRESHOLD,
    CLARIFY_THRESHOLD,
    EXCLUDED_THRESHOLD,
    EXCLUDED_THRESHOLD_BY_WORDS,
)
from knowledge.retrieval.index import (
    Index,
    IndexEntry,
    Scored,
    SearchResult,
    build_index,
    texts_to_embed,
)
from knowledge.retrieval.synonyms import rewritten
from knowledge.retrieval.text import text_key
from tenants.scoping import active_tenant_id

logger = logging.getLogger(__name__)

# Tenants whose index one process keeps; the least recently asked is dropped first.
KEPT_INDEXES = 200
_EMBED_BATCH = 64


@dataclass(frozen=True)
class Candidate:
    """One entry version that may answer, with the calibrated probability that it does."""

    version_id: uuid.UUID
    question: str
    answer: str
    p: float
    score: float
    exact: bool


@dataclass(frozen=True)
class Answers:
    """What one release offers for one question, best first; no release, no candidates.

    `in_scope`, `excluded`, `topics` and `parts` as in retrieval's SearchResult.
    """

    release_id: uuid.UUID | None
    candidates: tuple[Candidate, ...]
    low_content: bool
    semantic: bool
    answer_threshold: float = ANSWER_THRESHOLD
    clarify_threshold: float = CLARIFY_THRESHOLD
    excluded_threshold: float = EXCLUDED_THRESHOLD
    in_scope: float = 0.0
    excluded: float = 0.0
    topics: Mapping[str, float] = field(default_factory=dict)
    parts: tuple[Candidate, ...] = ()


@dataclass(frozen=True)
class _Loaded:
    release_id: uuid.UUID | None
    index: Index
    answers: dict[str, tuple[uuid.UUID, str]]


_loaded: OrderedDict[int, _Loaded] = OrderedDict()
_lock = threading.Lock()
_building: dict[int, threading.Lock] = {}


def answer_candidates(text: str, *, limit: int = 5) -> Answers:
    """Return up to `limit` candidates of the tenant in scope for a visitor's words.

    One release answers the whole question. `p` is between 0 and 1, comparable between tenants;
    at or above `answer_threshold` an answer may be given, from `clarify_threshold` on it may be
    offered. Needs the database for the release's stamp and the thresholds only.
    """
    settings = MatchingSettings.objects.first() or MatchingSettings()
    loaded = _current() or _nothing()
    found = _said_otherwise(loaded.index, text, settings, limit)
    semantic = loaded.index.encoder is not None

    def offered(hit: Scored) -> Candidate:
        version_id, answer = loaded.answers[hit.key]
        p = hit.p if hit.exact else settings.adjusted(hit.p)
        return Candidate(version_id, hit.question, answer, p, hit.score, hit.exact)

    candidates = tuple(offered(hit) for hit in found.candidates)
    parts = tuple(offered(hit) for hit in found.parts)
    return Answers(
        release_id=loaded.release_id,
        candidates=candidates,
        low_content=found.low_content,
        semantic=semantic,
        answer_threshold=settings.answer_threshold or ANSWER_THRESHOLD,
        clarify_threshold=settings.clarify_threshold or CLARIFY_THRESHOLD,
        excluded_threshold=EXCLUDED_THRESHOLD if semantic else EXCLUDED_THRESHOLD_BY_WORDS,
        in_scope=found.in_scope,
        excluded=found.excluded,
        topics=found.topics,
        parts=parts if all(part.p >= ANSWER_THRESHOLD for part in parts) else (),
    )


def _said_otherwise(
    index: Index, text: str, settings: MatchingSettings, limit: int
) -> SearchResult:
    """Return what the words find, or what they find said as the entries say it, if that is surer.

    What is for people alone stays so, in whatever words.
    """
    found = index.search(text, limit=limit)
    otherwise = rewritten(text, tuple((word, meaning) for word, meaning in settings.synonyms))
    if otherwise == text or (found.candidates and found.candidates[0].exact):
        return found
    again = index.search(otherwise, limit=limit)
    if _surest(again) <= _surest(found):
        return found
    return replace(again, topics=found.topics, excluded=max(found.excluded, again.excluded))


def _surest(found: SearchResult) -> float:
    return found.candidates[0].p if found.candidates else 0.0


def released_answer(version_id: uuid.UUID) -> Candidate | None:
    """Return the entry version as a certain candidate if the active release holds it."""
    version = EntryVersion.objects.filter(
        pk=version_id,
        pk__in=ReleaseItem.objects.filter(
            release__in=ActiveRelease.objects.values("release")
        ).values("version"),
    ).first()
    if version is None:
        return None
    return Candidate(
        version_id=version.pk,
        question=version.question,
        answer=version.answer,
        p=1.0,
        score=1.0,
        exact=True,
    )


def warm(release_id: uuid.UUID) -> None:
    """Build and keep the index of a release before visitors are sent to it."""
    _keep(_load(release_id))


def forget() -> None:
    """Drop every index of this process; the next question builds anew."""
    _nothing.cache_clear()
    with _lock:
        _loaded.clear()


def index_entry(
    key: uuid.UUID, *, category: str, question: str, phrasings: Sequence[str], answer: str
) -> IndexEntry:
    """Return one entry in the form the retrieval engine indexes."""
    return IndexEntry(
        key=str(key),
        question=question,
        phrasings=tuple(phrasings),
        answer=answer,
        category=category,
    )


def embed(
    entries: Iterable[IndexEntry], *, progress: Callable[[int, int], None] | None = None
) -> None:
    """Make and store the embeddings these entries need and the database does not hold yet.

    `progress(done, total)` is called after each batch. Does nothing without an encoder.
    """
    encoder = load_encoder()
    if encoder is None:
        return
    texts = {text_key(text): text for text in texts_to_embed(entries)}
    stored = set(TextVector.objects.filter(encoder=encoder.id).values_list("text_key", flat=True))
    missing = [(key, text) for key, text in texts.items() if key not in stored]
    for start in range(0, len(missing), _EMBED_BATCH):
        batch = missing[start : start + _EMBED_BATCH]
        vectors = encoder.encode([text for _, text in batch])
        TextVector.objects.bulk_create(
            [
                TextVector(encoder=encoder.id, text_key=key, vector=vector.astype("<f2").tobytes())
                for (key, _), vector in zip(batch, vectors, strict=True)
            ],
            ignore_conflicts=True,
        )
        if progress:
            progress(min(start + _EMBED_BATCH, len(missing)), len(missing))


def _current() -> _Loaded | None:
    release_id = ActiveRelease.objects.values_list("release_id", flat=True).first()
    if release_id is None:
        return None
    loaded = _loaded.get(active_tenant_id())
    if loaded is not None and loaded.release_id == release_id:
        return _keep(loaded)
    with _lock:
        building = _building.setdefault(active_tenant_id(), threading.Lock())
    with building:
        loaded = _loaded.get(active_tenant_id())
        if loaded is None or loaded.release_id != release_id:
            loaded = _load(release_id)
        return _keep(loaded)


@lru_cache(maxsize=1)
def _nothing() -> _Loaded:
    """Return what is known before the first release: topics, and no answers."""
    return _Loaded(None, build_index([], encoder=load_encoder()), {})


def _keep(loaded: _Loaded) -> _Loaded:
    with _lock:
        _loaded[active_tenant_id()] = loaded
        _loaded.move_to_end(active_tenant_id())
        while len(_loaded) > KEPT_INDEXES:
            _loaded.popitem(last=False)
    return loaded


def _load(release_id: uuid.UUID) -> _Loaded:
    versions = list(EntryVersion.objects.filter(releases=release_id))
    entries = [
        index_entry(
            version.pk,
            category=version.category_name,
            question=version.question,
            phrasings=version.phrasings,
            answer=version.answer,
        )
        for version in versions
    ]
    encoder = load_encoder()
    if encoder is not None:
        embed(entries)
    index = build_index(
        entries,
        encoder=encoder,
        vectors=stored_vectors(encoder, map(text_key, texts_to_embed(entries)))
        if encoder
        else None,
    )
    logger.info("Knowledge index built: release %s, %s entries", release_id, len(entries))
    return _Loaded(
        release_id=release_id,
        index=index,
        answers={str(version.pk): (version.pk, version.answer) for version in versions},
    )


def stored_vectors(encoder: Encoder, keys: Iterable[str]) -> dict[str, np.ndarray]:
    """Return the vectors that the database holds under these keys of texts."""
    wanted = set(keys)
    rows = TextVector.objects.filter(encoder=encoder.id).values_list("text_key", "vector")
    return {
        key: np.frombuffer(bytes(vector), dtype="<f2").astype(np.float32)
        for key, vector in rows
        if key in wanted
    }
