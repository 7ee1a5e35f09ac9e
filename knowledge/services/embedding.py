"""Let a second embedder read the knowledge base, try it, and let it take part if it does no harm."""

import logging
import time
import uuid
from typing import Any

from django.db import transaction

from knowledge import embedders, search, vectors
from knowledge.embedders import READING_SECONDS, SilentError
from knowledge.models import ActiveRelease, MatchingSettings
from knowledge.retrieval.companion import SHARES, Companion
from knowledge.retrieval.encoder import Encoder, load_encoder
from knowledge.retrieval.index import IndexEntry, texts_to_embed
from knowledge.retrieval.selftest import LEAST_QUESTIONS, SelfTest, self_test
from knowledge.retrieval.text import text_key
from knowledge.services import matching
from tenants import clock
from tenants.services import ledger
from tenants.services.ledger import Event

logger = logging.getLogger(__name__)

# How often the page learns how far the reading is.
_TELL_SECONDS = 2.0


def is_due(settings: MatchingSettings) -> bool:
    """Return whether the tenant's choice or its release asks for `prepare`."""
    used = settings.embedder_used
    if not settings.embedder:
        return bool(used)
    release = ActiveRelease.objects.values_list("release_id", flat=True).first()
    if release is None:
        return False
    tried = settings.embedder_report
    if tried.get("state") == "refused" and tried.get("name") == settings.embedder:
        # Asked again by another release only.
        return bool(tried.get("release") != str(release))
    return used.get("name") != settings.embedder or used.get("release") != str(release)


def prepare() -> dict[str, Any]:
    """Bring the tenant's chosen second embedder up to the active release; return the report.

    Reads what it has not read yet. A new one is tried with the tenant's own phrasings at several
    shares, and takes part only if neither right answers nor certainty suffer; until then, and if
    not, answers are found as before. Safe to call at any time. The report's `state` is none,
    reading, used, refused (with `why`: worse, few) or silent (with `why`).
    """
    settings = matching.current()
    if not settings.embedder:
        return _store({"state": "none"}, used={})
    release = ActiveRelease.objects.values_list("release_id", flat=True).first()
    local = load_encoder()
    report: dict[str, Any] = {"name": settings.embedder, "release": str(release)}
    if release is None or local is None:
        return _store({**report, "state": "silent", "why": "absent"})
    _versions, entries = search.release_entries(release)
    try:
        companion = embedders.find(settings.embedder, seconds=READING_SECONDS)
        _read(companion, entries, report)
    except SilentError as error:
        return _store({**report, "state": "silent", "why": error.cause})
    used = settings.embedder_used
    if (used.get("name"), used.get("id")) == (settings.embedder, companion.id):
        return _store({**report, "state": "used"}, used={**used, "release": str(release)})
    return _try(local, companion, entries, report, release)


def _read(companion: Companion, entries: list[IndexEntry], report: dict[str, Any]) -> None:
    told = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told >= _TELL_SECONDS:
            told = time.monotonic()
            _store({**report, "state": "reading", "done": done, "total": total})

    search.embed(entries)
    vectors.embed(companion, entries, progress=tell)


def _try(
    local: Encoder,
    companion: Companion,
    entries: list[IndexEntry],
    report: dict[str, Any],
    release: uuid.UUID,
) -> dict[str, Any]:
    keys = [text_key(text) for text in texts_to_embed(entries)]
    known, others = vectors.stored(local, keys), vectors.stored(companion, keys)
    before = self_test(entries, local, known)
    if before.questions < LEAST_QUESTIONS:
        return _store({**report, "state": "refused", "why": "few", "before": _shown(before)})
    tried: list[tuple[SelfTest, float]] = []
    for share in SHARES:
        encoder = vectors.combined_with(local, companion, others, share)
        tried.append((self_test(entries, encoder, vectors.join(encoder, known, others)), share))
    after, share = max(tried, key=lambda each: (each[0].top1 + each[0].auroc, -each[1]))
    report |= {"before": _shown(before), "after": _shown(after), "share": share}
    if not after.is_no_worse_than(before):
        return _store({**report, "state": "refused", "why": "worse"})
    used = {
        "name": report["name"],
        "id": companion.id,
        "share": share,
        "release": str(release),
    }
    return _store({**report, "state": "used"}, used=used)


def _shown(test: SelfTest) -> dict[str, Any]:
    return {"questions": test.questions, "top1": test.top1, "auroc": test.auroc}


def _store(report: dict[str, Any], *, used: dict[str, Any] | None = None) -> dict[str, Any]:
    """Write how it stands, and what takes part from now on where that changes; return the report."""
    report = {**report, "at": clock.now().isoformat()}
    with transaction.atomic():
        row = matching.locked()
        row.embedder_report = report
        changed = used is not None and used != row.embedder_used
        if changed:
            row.embedder_used = used
        row.save(update_fields=["embedder_report", "embedder_used"])
        if changed:
            ledger.append(Event("embedder.changed", row.pk, {"used": used, "report": report}))
    return report
