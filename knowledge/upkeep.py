"""Where the knowledge base wants work: entries with few phrasings, doubles, open questions."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Count, Sum
from numpy.typing import NDArray

from knowledge import vectors
from knowledge.models import Entry, Phrasing, Proposal, ProposalState
from knowledge.retrieval.encoder import Encoder, load_encoder
from knowledge.retrieval.text import text_key

Floats = NDArray[np.float32]

# Plain cosines of our encoder: of the questions of different entries one pair in a thousand lies
# above 0.73, one in ten thousand above 0.82; the same in other words at 0.3 to 0.8.
SAME_QUESTION = 0.75
SAME_WORDS = 0.85
# What one page compares at most.
_COMPARED_UNKNOWNS = 300
_BLOCK = 512


@dataclass(frozen=True)
class Thin:
    """An entry in use with few wordings, its standard question being one.

    `asked` is how often words of visitors were proposed for it.
    """

    entry_id: uuid.UUID
    question: str
    wordings: int
    asked: int


@dataclass(frozen=True)
class Said:
    """One wording, question or phrasing, of an entry."""

    entry_id: uuid.UUID
    question: str
    text: str


@dataclass(frozen=True)
class NearDuplicate:
    """Two entries whose nearest wordings are all but the same."""

    first: Said
    second: Said
    cosine: float


@dataclass(frozen=True)
class Unknown:
    """Pending questions without an entry that mean much the same, the most frequent first."""

    proposals: tuple[Proposal, ...]
    times: int

    @property
    def text(self) -> str:
        """The wording that stands for the group."""
        return self.proposals[0].text


def thin_entries(at_least: int = 5) -> list[Thin]:
    """Return the entries in use with fewer wordings than that, the most asked first."""
    asked = dict(
        Proposal.objects.filter(entry__isnull=False)
        .order_by()
        .values_list("entry")
        .annotate(asked=Sum("times"))
    )
    rows = (
        Entry.objects.filter(is_active=True)
        .order_by()
        .annotate(wordings=Count("phrasings") + 1)
        .filter(wordings__lt=at_least)
        .values_list("pk", "question", "wordings")
    )
    thin = [Thin(pk, question, wordings, asked.get(pk, 0)) for pk, question, wordings in rows]
    return sorted(thin, key=lambda entry: (-entry.asked, entry.wordings, entry.question))


def near_duplicates(limit: int = 20, cosine: float = SAME_WORDS) -> list[NearDuplicate]:
    """Return the pairs of entries in use that share wordings this close, the closest first.

    Compares stored vectors of the current encoder: what no release has learned yet, or
    everything without an encoder, is found only where the words are the same.
    """
    said = list(_wordings())
    keys = [text_key(each.text) for each in said]
    best: dict[tuple[uuid.UUID, uuid.UUID], tuple[float, int, int]] = {}

    def found(near: float, i: int, j: int) -> None:
        first, second = sorted((said[i].entry_id, said[j].entry_id))
        if first != second and near > best.get((first, second), (0.0, 0, 0))[0]:
            best[first, second] = (near, min(i, j), max(i, j))

    same: defaultdict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        for earlier in same[key]:
            found(1.0, earlier, place)
        same[key].append(place)
    encoder = load_encoder()
    known = vectors.stored(encoder, set(keys)) if encoder else {}
    places = [place for place, key in enumerate(keys) if key in known]
    if places:
        matrix = np.stack([known[keys[place]] for place in places])
        for start in range(0, len(places), _BLOCK):
            near = matrix[start : start + _BLOCK] @ matrix.T
            for row, column in np.argwhere(near >= cosine):
                if start + row < column:
                    found(min(float(near[row, column]), 1.0), places[start + row], places[column])
    closest = sorted(best.values(), key=lambda pair: (-pair[0], pair[1], pair[2]))
    return [NearDuplicate(said[i], said[j], near) for near, i, j in closest[:limit]]


def repeated_unknowns(limit: int = 20, cosine: float = SAME_QUESTION) -> list[Unknown]:
    """Return the pending questions without an entry in groups, the most frequent group first.

    Greedy: each joins the first group whose first question it is this close to. Without an
    encoder each stands alone.
    """
    rows = Proposal.objects.filter(entry=None, state=ProposalState.PENDING)
    proposals = list(rows[:_COMPARED_UNKNOWNS])
    groups: list[list[Proposal]] = []
    encoder = load_encoder()
    if encoder is None or not proposals:
        groups = [[proposal] for proposal in proposals]
    else:
        table = _vectors(encoder, proposals)
        leaders: list[int] = []
        for place, proposal in enumerate(proposals):
            near = table[leaders] @ table[place]
            close = np.flatnonzero(near >= cosine)
            if len(close):
                groups[int(close[0])].append(proposal)
            else:
                leaders.append(place)
                groups.append([proposal])
    unknowns = [Unknown(tuple(group), sum(row.times for row in group)) for group in groups]
    return sorted(unknowns, key=lambda group: -group.times)[:limit]


def _wordings() -> Iterator[Said]:
    for pk, question in Entry.objects.filter(is_active=True).values_list("pk", "question"):
        yield Said(pk, question, question)
    phrasings = Phrasing.objects.filter(entry__is_active=True).order_by("entry", "position", "id")
    for pk, question, text in phrasings.values_list("entry", "entry__question", "text"):
        yield Said(pk, question, text)


def _vectors(encoder: Encoder, proposals: Sequence[Proposal]) -> Floats:
    known = vectors.stored(encoder, {proposal.text_key for proposal in proposals})
    missing = [proposal for proposal in proposals if proposal.text_key not in known]
    if missing:
        made = encoder.encode([proposal.text for proposal in missing])
        known |= {row.text_key: vector for row, vector in zip(missing, made, strict=True)}
    return np.stack([known[proposal.text_key] for proposal in proposals])
