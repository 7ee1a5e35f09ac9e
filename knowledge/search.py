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

from knowledge import embedders, vectors
from knowledge.embedders import SilentError
from knowledge.models import (
    ActiveRelease,
    EntryVersion,
    MatchingSettings,
    ReleaseItem,
)
from knowledge.retrieval.companion import CombinedEncoder, Companion
from knowledge.retrieval.encoder import Encoder, load_encoder
from knowledge.retrieval.gate import (
    ANSWER_THRESHOLD,
    CLARIFY_THRESHOLD,
    EXCLUDED_THRESHOLD,
    EXCLUDED_THRESHOLD_BY_WORDS,
)
from knowledge.retrieval.index import (
    MAX_PARTS,
    MAX_QUERY,
    Index,
    IndexEntry,
    Scored,
    SearchResult,
    build_index,
    texts_to_embed,
)
from knowledge.retrieval.synonyms import rewritten
from knowledge.retrieval.text import questions_in, text_key
from tenants.scoping import active_tenant_id

logger = logging.getLogger(__name__)

# Tenants whose index one process keeps; the least recently asked is dropped first.
KEPT_INDEXES = 200


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

    `in_scope`, `excluded`, `topics` and `parts` as in retrieval's SearchResult. `model_picks` and
    `model_words` are what the tenant lets a language model do.
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
    model_picks: bool = False
    model_words: bool = False


@dataclass(frozen=True)
class _Loaded:
    """What one process knows of a release: `used` is the second embedder it was built with.

    `known` are the keys of phrasings, for which no embedder needs to be asked.
    """

    release_id: uuid.UUID | None
    index: Index
    answers: Mapping[str, tuple[uuid.UUID, str]]
    used: Mapping[str, object] = field(default_factory=dict)
    companion: Companion | None = None
    known: frozenset[str] = frozenset()


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
    return _answers(_current(settings) or _nothing(), settings, text, limit)


def trial(entries: Sequence[IndexEntry]) -> Callable[[str], Answers]:
    """Return what answers questions from entries that are not released yet, as they would be then.

    Their candidates name the entries' own keys in the place of versions. Makes the embeddings that
    are missing; a second embedder takes part only with what it has read already.
    """
    settings = MatchingSettings.objects.first() or MatchingSettings()
    answers = {entry.key: (uuid.UUID(entry.key), entry.answer) for entry in entries}
    loaded = _built(entries, settings.embedder_used, answers, release_id=None)
    return lambda text: _answers(loaded, settings, text, 5)


def _answers(loaded: _Loaded, settings: MatchingSettings, text: str, limit: int) -> Answers:
    _hear_companion(loaded, text, settings)
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
        model_picks=settings.model_picks,
        model_words=settings.model_words,
    )


def _said_otherwise(
    index: Index, text: str, settings: MatchingSettings, limit: int
) -> SearchResult:
    """Return what the words find, or what they find said as the entries say it, if that is surer.

    What is for people alone stays so, in whatever words.
    """
    found = index.search(text, limit=limit)
    otherwise = _otherwise(text, settings)
    if otherwise == text or (found.candidates and found.candidates[0].exact):
        return found
    again = index.search(otherwise, limit=limit)
    if _surest(again) <= _surest(found):
        return found
    return replace(again, topics=found.topics, excluded=max(found.excluded, again.excluded))


def _otherwise(text: str, settings: MatchingSettings) -> str:
    return rewritten(text, tuple((word, meaning) for word, meaning in settings.synonyms))


def _hear_companion(loaded: _Loaded, text: str, settings: MatchingSettings) -> None:
    """Have the second embedder read the question in all its forms: one call, or none."""
    encoder = loaded.index.encoder
    if loaded.companion is None or not isinstance(encoder, CombinedEncoder):
        return
    forms = [text, _otherwise(text, settings), *questions_in(text)[:MAX_PARTS]]
    cut = dict.fromkeys(form[:MAX_QUERY] for form in forms)
    unread = [form for form in cut if form.strip() and not encoder.knows(form)]
    if not unread or text_key(text) in loaded.known:
        return
    try:
        encoder.remember(unread, loaded.companion.encode(unread))
    except SilentError as error:
        logger.info("Second embedder not heard: %s", error.cause)


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


def is_semantic() -> bool:
    """Return whether this process compares meanings; without its models it compares words alone."""
    return load_encoder() is not None


def warm(release_id: uuid.UUID) -> None:
    """Build and keep the index of a release before visitors are sent to it."""
    _keep(_load(release_id, _used(MatchingSettings.objects.first(), release_id)))


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
    """Make and store what this process's encoder lacks of the entries; see vectors.embed.

    Does nothing without an encoder.
    """
    encoder = load_encoder()
    if encoder is not None:
        vectors.embed(encoder, entries, progress=progress)


def _used(settings: MatchingSettings | None, release_id: uuid.UUID) -> Mapping[str, object]:
    """Return the second embedder that takes part in answers from a release; {} for none."""
    used: dict[str, object] = settings.embedder_used if settings else {}
    return used if used.get("release") == str(release_id) else {}


def _current(settings: MatchingSettings) -> _Loaded | None:
    release_id = ActiveRelease.objects.values_list("release_id", flat=True).first()
    if release_id is None:
        return None
    used = _used(settings, release_id)

    def fits(loaded: _Loaded | None) -> bool:
        return loaded is not None and (loaded.release_id, loaded.used) == (release_id, used)

    loaded = _loaded.get(active_tenant_id())
    if loaded is not None and fits(loaded):
        return _keep(loaded)
    with _lock:
        building = _building.setdefault(active_tenant_id(), threading.Lock())
    with building:
        loaded = _loaded.get(active_tenant_id())
        return _keep(loaded if loaded and fits(loaded) else _load(release_id, used))


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


def release_entries(release_id: uuid.UUID) -> tuple[list[EntryVersion], list[IndexEntry]]:
    """Return the entry versions of a release, and the same in the form the engine indexes."""
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
    return versions, entries


def _load(release_id: uuid.UUID, used: Mapping[str, object]) -> _Loaded:
    versions, entries = release_entries(release_id)
    answers = {str(version.pk): (version.pk, version.answer) for version in versions}
    loaded = _built(entries, used, answers, release_id=release_id)
    logger.info("Knowledge index built: release %s, %s entries", release_id, len(entries))
    return loaded


def _built(
    entries: Sequence[IndexEntry],
    used: Mapping[str, object],
    answers: Mapping[str, tuple[uuid.UUID, str]],
    *,
    release_id: uuid.UUID | None,
) -> _Loaded:
    encoder = load_encoder()
    companion: Companion | None = None
    table: Mapping[str, np.ndarray] | None = None
    keys = [text_key(text) for text in texts_to_embed(entries)]
    if encoder is not None:
        vectors.embed(encoder, entries)
        companion, combined, table = _joined(encoder, keys, used)
        encoder = combined or encoder
    return _Loaded(
        release_id=release_id,
        index=build_index(entries, encoder=encoder, vectors=table),
        answers=answers,
        used=used,
        companion=companion,
        known=frozenset(keys) if companion else frozenset(),
    )


def _joined(
    local: Encoder, keys: Sequence[str], used: Mapping[str, object]
) -> tuple[Companion | None, CombinedEncoder | None, Mapping[str, np.ndarray]]:
    """Return the second embedder with what both have read; without one, the encoder's vectors."""
    own = vectors.stored(local, keys)
    if not used:
        return None, None, own
    try:
        companion = embedders.find(str(used["name"]))
    except SilentError as error:
        logger.warning("Second embedder not used: %s", error.cause)
        return None, None, own
    others = vectors.stored(companion, keys)
    if companion.id != used["id"] or not keys or any(key not in others for key in keys):
        logger.warning("Second embedder not used: it is another, or has not read all")
        return None, None, own
    encoder = vectors.combined_with(local, companion, others, float(str(used["share"])))
    return companion, encoder, vectors.join(encoder, own, others)
