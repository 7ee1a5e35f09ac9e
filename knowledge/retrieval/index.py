"""Finds the entries of a knowledge base that answer a question."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.retrieval.background import Background, load_background
from knowledge.retrieval.encoder import Encoder
from knowledge.retrieval.gate import EXACT_P, Evidence, load_gate
from knowledge.retrieval.head import Head, LinearHead, fit_head, fit_linear, head_rows
from knowledge.retrieval.lexical import LexicalIndex, distinct
from knowledge.retrieval.models import ENCODER_ID
from knowledge.retrieval.semantic import SemanticIndex, best_by_owner, unit
from knowledge.retrieval.sound import spelled
from knowledge.retrieval.text import (
    Language,
    guess_language,
    is_low_content,
    normalise,
    questions_in,
    text_key,
)
from knowledge.retrieval.topics import TopicModel, excluded_share, load_topics, log_odds

Floats = NDArray[np.float32]
Vectors = Mapping[str, NDArray[Any]]

MAX_SENTENCES = 6
MAX_QUERY = 400
# A text with more questions than this is a story, not a list.
MAX_PARTS = 3
# An exact phrasing that two entries share cannot decide between them.
SHARED_EXACT_P = 0.6

# Weights of the ranking. Answers and the entry's whole text are weak: they only tip a balance.
NEAREST_WEIGHT, CENTRE_WEIGHT, HEAD_WEIGHT = 0.4, 0.45, 1.0
LEXICAL_WEIGHT, SOUND_WEIGHT = 0.2, 0.25
ANSWER_WEIGHT, SENTENCE_WEIGHT, DOCUMENT_WEIGHT = 0.2, 0.15, 0.25
LEXICAL_MODE_DOCUMENT_WEIGHT = 0.6
LANGUAGE_WEIGHT = 0.03
# Keeps a knowledge base whose entries all score alike from dividing by nothing.
FLOOR = 0.02

_SENTENCE_END = re.compile(r"(?<=[。！？；!?;])|(?<=\.)\s+|\n+")


@dataclass(frozen=True)
class IndexEntry:
    """A question with its other phrasings and its answer."""

    key: str
    question: str
    phrasings: tuple[str, ...]
    answer: str
    category: str


@dataclass(frozen=True)
class Scored:
    """A candidate: its probability of being the right answer, and its place in the ranking."""

    key: str
    question: str
    p: float
    score: float
    exact: bool


@dataclass(frozen=True)
class SearchResult:
    """Candidates, best first, and whether the question said anything at all.

    `in_scope` is the probability that one of the first three is right, `excluded` that the text is
    about something for people alone, `topics` that of each topic it may be about. `parts` are the best candidates of a text's single questions, where it
    asks several. `evidence` is what the first candidate's probability rests on; None when there is
    none, or when the question is a phrasing word for word.
    """

    candidates: tuple[Scored, ...]
    low_content: bool
    topics: Mapping[str, float]
    in_scope: float = 0.0
    excluded: float = 0.0
    parts: tuple[Scored, ...] = ()
    evidence: Evidence | None = None


def _phrasings(entry: IndexEntry) -> list[str]:
    return distinct(text for text in (entry.question, *entry.phrasings) if normalise(text))


def _sentences(entry: IndexEntry) -> list[str]:
    parts = (part.strip() for part in _SENTENCE_END.split(entry.answer))
    return [part for part in parts if normalise(part)][:MAX_SENTENCES]


def texts_to_embed(entries: Iterable[IndexEntry]) -> list[str]:
    """Return the texts whose vectors an index of these entries needs, each once."""
    texts = (text for entry in entries for text in (*_phrasings(entry), *_sentences(entry)))
    return list({text_key(text): text for text in texts}.values())


def missing_texts(entries: Iterable[IndexEntry], vectors: Vectors) -> list[str]:
    """Return the texts of these entries that `vectors`, keyed by text_key, does not hold yet."""
    return [text for text in texts_to_embed(entries) if text_key(text) not in vectors]


@dataclass(frozen=True)
class _Scores:
    ranking: Floats
    base: Floats
    nearest: Floats
    centre: Floats
    lexical: Floats
    document: Floats
    head: Floats
    closeness: float
    elsewhere: float
    chinese: float


class Index:
    """Everything needed to rank the entries of one knowledge base; never changes once built."""

    def __init__(
        self,
        entries: Sequence[IndexEntry],
        encoder: Encoder | None,
        vectors: Vectors,
        topics: TopicModel | None = None,
        background: Background | None = None,
    ) -> None:
        self.entries = [entry for entry in entries if _phrasings(entry)]
        self.encoder = encoder
        texts = [_phrasings(entry) for entry in self.entries]
        flat = [text for own in texts for text in own]
        self._owners = np.repeat(np.arange(len(texts)), [len(own) for own in texts])
        self._exact: dict[str, list[int]] = {}
        for text, owner in zip(flat, self._owners, strict=True):
            self._exact.setdefault(normalise(text), []).append(int(owner))
        self._languages = [guess_language(entry.question) for entry in self.entries]
        self._mode = "lexical" if encoder is None else "semantic"
        self._topics = topics or load_topics(self._mode)
        self._background = background
        if background is None and encoder is not None and encoder.id.startswith(ENCODER_ID):
            self._background = load_background()
        if not self.entries:
            return
        self._lexical = LexicalIndex(flat)
        self._sound = LexicalIndex([spelled(text) for text in flat])
        self._documents = LexicalIndex(
            [
                "\n".join((*own, entry.answer, entry.category))
                for own, entry in zip(texts, self.entries, strict=True)
            ]
        )
        self._semantic = None if encoder is None else self._embed(encoder, flat, vectors)
        self._head = self._fit()

    def _embed(self, encoder: Encoder, flat: list[str], vectors: Vectors) -> SemanticIndex:
        spoken = [_sentences(entry) for entry in self.entries]
        speakers = np.repeat(np.arange(len(spoken)), [len(own) for own in spoken])
        texts = flat + [text for own in spoken for text in own]
        keys = [text_key(text) for text in texts]
        lacking = {key: text for key, text in zip(keys, texts, strict=True) if key not in vectors}
        known = dict(zip(lacking, encoder.encode(list(lacking.values())), strict=True))
        table = np.empty((len(texts), encoder.dim), np.float32)
        for row, key in enumerate(keys):
            table[row] = known[key] if key in known else vectors[key]
        count = len(flat)
        return SemanticIndex(
            table[:count],
            self._owners,
            table[count:],
            speakers,
            len(self.entries),
            encoder.parts,
        )

    def _fit(self) -> Head | LinearHead | None:
        rows = head_rows(self._owners)
        size = len(self.entries)
        if len(rows) < len(self._owners) and self._semantic is not None:
            sketches = self._lexical.sketches()
            return fit_linear(self._semantic.phrasings, sketches, self._owners, size)
        if len(rows) <= size:
            return None
        semantic = None
        if self._semantic is not None:
            own = self._semantic.phrasings[rows]
            semantic = own @ own.T
        lexical = self._lexical.similarities(rows)
        return fit_head(rows, self._owners, size, lexical, semantic)

    def search(
        self, text: str, *, limit: int = 5, language: Language | None = None
    ) -> SearchResult:
        """Return at most `limit` entries that may answer the text, the likeliest first.

        A text equal to a phrasing but for spelling and politeness is a certain match. Entries in
        `language` are preferred where two are equally good.
        """
        text = text[:MAX_QUERY]
        vector = None if self.encoder is None else self.encoder.encode([text])[0]
        topics = self._about(text, vector)
        owners = self._exact.get(normalise(text), [])
        if not self.entries or (not owners and is_low_content(text)):
            return SearchResult(
                (),
                low_content=is_low_content(text),
                topics=topics,
                excluded=excluded_share(topics),
            )
        scores = self._score(text, vector, language)
        if len(set(owners)) == 1:
            candidates = self._decided(scores, owners[0], limit)
            return SearchResult(candidates, low_content=False, topics=topics, in_scope=EXACT_P)
        ranking = scores.ranking.copy()
        ranking[owners] += 10
        order = [int(i) for i in np.argsort(-ranking, kind="stable")[: max(limit, 1)]]
        gate = load_gate(self._mode)
        top = self._evidence(scores, order[0], topics)
        found: list[Scored] = []
        ceiling = 1.0
        for i in order:
            p = gate.probability(top if i == order[0] else self._evidence(scores, i, topics))
            p = SHARED_EXACT_P if i in owners else min(p, ceiling)
            # Two answers are never both right: what the first has, the others lack.
            ceiling = min(ceiling, p) if found else min(p, 1 - p) if p > 0.5 else p
            found.append(self._scored(i, p, scores, exact=i in owners))
        in_scope = (
            EXACT_P
            if owners
            else max(load_gate(f"{self._mode}.scope").probability(top), found[0].p)
        )
        # What is for people alone in one of several questions is so for the whole message (R26).
        excluded = load_gate(f"{self._mode}.excluded").probability(top)
        results = self._single(text, language)
        return SearchResult(
            tuple(found),
            low_content=False,
            topics=topics,
            in_scope=in_scope,
            excluded=max([excluded, *(result.excluded for result in results)]),
            parts=_different(results),
            evidence=top,
        )

    def _single(self, text: str, language: Language | None) -> list[SearchResult]:
        questions = questions_in(text)
        if not 1 < len(questions) <= MAX_PARTS:
            return []
        return [self.search(question, limit=1, language=language) for question in questions]

    def _about(self, text: str, vector: Floats | None) -> Mapping[str, float]:
        # The topics were learnt from the vectors of the encoder that comes first.
        own = None if vector is None else unit(vector[: len(self._topics.by_vector)])
        return self._topics.probabilities(text, own)

    def evidence(self, text: str) -> tuple[list[str], Evidence] | None:
        """Return the first three's keys and what speaks for the first, phrasings disregarded."""
        if not self.entries:
            return None
        text = text[:MAX_QUERY]
        vector = None if self.encoder is None else self.encoder.encode([text])[0]
        topics = self._about(text, vector)
        scores = self._score(text, vector, None)
        order = [int(i) for i in np.argsort(-scores.ranking, kind="stable")[:3]]
        return [self.entries[i].key for i in order], self._evidence(scores, order[0], topics)

    def _decided(self, scores: _Scores, owner: int, limit: int) -> tuple[Scored, ...]:
        others = [int(i) for i in np.argsort(-scores.ranking, kind="stable")[:limit] if i != owner]
        found = [self._scored(owner, EXACT_P, scores, exact=True)]
        found += [self._scored(i, 1 - EXACT_P, scores, exact=False) for i in others[: limit - 1]]
        return tuple(found)

    def _scored(self, i: int, p: float, scores: _Scores, *, exact: bool) -> Scored:
        entry = self.entries[i]
        return Scored(entry.key, entry.question, p, float(scores.ranking[i]), exact)

    def _score(
        self, text: str, vector: NDArray[np.float32] | None, language: Language | None
    ) -> _Scores:
        size = len(self.entries)
        query = self._lexical.weigh(text)
        by_phrasing = self._lexical.scores(query)
        lexical = best_by_owner(by_phrasing, self._owners, size)
        sound = best_by_owner(
            self._sound.scores(self._sound.weigh(spelled(text))), self._owners, size
        )
        document = self._documents.scores(self._documents.weigh(text))
        zeros = np.zeros(size, np.float32)
        nearest, centre, near, question = zeros, zeros, None, None
        closeness, elsewhere = float(lexical.max()), 0.0
        chinese = float(guess_language(text) == "zh")
        if self._semantic is None or vector is None:
            base = lexical + SOUND_WEIGHT * sound
            weak = LEXICAL_MODE_DOCUMENT_WEIGHT * document
        else:
            found = self._semantic.scores(vector)
            nearest, centre = found.nearest, found.centre
            near, question = found.phrasings, found.question
            closeness = found.raw
            if self._background is not None and self.encoder is not None:
                elsewhere = self._background.closeness(vector[: self.encoder.parts[0].dim])
            base = (
                NEAREST_WEIGHT * nearest
                + CENTRE_WEIGHT * centre
                + LEXICAL_WEIGHT * lexical
                + SOUND_WEIGHT * sound
            )
            weak = (
                ANSWER_WEIGHT * found.answer
                + SENTENCE_WEIGHT * found.sentence
                + DOCUMENT_WEIGHT * document
            )
        head = zeros
        if isinstance(self._head, Head):
            head = self._head.scores(by_phrasing, near)
        elif self._head is not None and question is not None:
            head = self._head.scores(question, self._lexical.sketch(query))
        ranking = base + HEAD_WEIGHT * head + weak
        if language is not None:
            ranking = ranking + LANGUAGE_WEIGHT * np.array(
                [own == language for own in self._languages], np.float32
            )
        return _Scores(
            ranking, base, nearest, centre, lexical, document, head, closeness, elsewhere, chinese
        )

    def _evidence(self, scores: _Scores, i: int, topics: Mapping[str, float]) -> Evidence:
        rankings = [scores.lexical, scores.document]
        if self._semantic is not None:
            rankings += [scores.nearest, scores.centre]
        if self._head is not None:
            rankings.append(scores.head)
        leads = sum(bool(ranking[i] >= ranking.max()) for ranking in rankings)
        return Evidence(
            closeness=scores.closeness,
            head=float(scores.head[i]),
            head_margin=_lead(scores.head, i),
            agreement=leads / len(rankings),
            spread=float((scores.base[i] - scores.base.mean()) / (scores.base.std() + FLOOR)),
            lead=_lead(scores.ranking, i) / (float(scores.ranking.std()) + FLOOR),
            offtopic=log_odds(topics.get("offtopic", 0.0)),
            strangeness=scores.elsewhere - scores.closeness if scores.elsewhere else 0.0,
            excluded=log_odds(excluded_share(topics)),
            chinese=scores.chinese,
        )


def _different(results: Iterable[SearchResult]) -> tuple[Scored, ...]:
    best: dict[str, Scored] = {}
    for result in results:
        for found in result.candidates:
            best.setdefault(found.key, found)
    return tuple(best.values()) if len(best) > 1 else ()


def _lead(scores: Floats, i: int) -> float:
    others = max(scores[:i].max(initial=-1.0), scores[i + 1 :].max(initial=-1.0))
    return float(scores[i] - others) if len(scores) > 1 else float(scores[i])


def build_index(
    entries: Sequence[IndexEntry],
    *,
    encoder: Encoder | None = None,
    vectors: Vectors | None = None,
    topics: TopicModel | None = None,
    background: Background | None = None,
) -> Index:
    """Return an index of the entries; without an encoder it compares words alone.

    `vectors` holds vectors the encoder computed earlier, keyed by text_key; any float type will
    do. What it lacks of texts_to_embed(entries) is computed here. `topics` and `background` are
    others than the shipped ones.
    """
    return Index(entries, encoder, vectors or {}, topics, background)
