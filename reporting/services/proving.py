"""Verify an evidence pack: its hashes, the ledger's chain, and the figures its rows give (R34).

Needs nothing but the pack: no table is read.
"""

import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from reporting import metrics
from tenants.models import LedgerEntry
from tenants.services import ledger

MANIFEST = "manifest.json"
# Since 2 the manifest carries the hash of itself.
FORMAT = 2
_SEALED_SINCE = 2
# A pack is small: whoever hands in something else is not given all memory.
_MOST_BYTES = 512 * 1024 * 1024
_QUANTILES = ((50, "p50"), (95, "p95"), (99, "p99"), (100, "max"))
_COUNTED = ("answered", "failed", "default")

# What a damaged archive, or one that is none, raises on its way to the manifest.
_UNREADABLE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    KeyError,
    ValueError,
    TypeError,
)

_Row = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """One fault of a pack: the file, its row from 1 (0 for the whole), and what is wrong."""

    file: str
    row: int
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What verifying a pack came to; `unproven` are figures whose rows no pack holds."""

    findings: Sequence[Finding]
    figures: int
    unproven: int
    ledger_rows: int

    @property
    def is_good(self) -> bool:
        return not self.findings


def verify(packed: bytes) -> Verdict:
    """Recompute all hashes, the ledger's chain and every figure the rows give; needs no database."""
    try:
        files = _unpacked(packed)
        manifest = json.loads(files[MANIFEST])
        named = dict(manifest["files"])
    except _UNREADABLE as error:
        return Verdict([Finding(MANIFEST, 0, f"unreadable: {type(error).__name__}")], 0, 0, 0)
    findings = _manifest_faults(manifest)
    findings += [Finding(name, 0, "not in the pack") for name in named if name not in files]
    findings += [
        Finding(name, 0, "not in the manifest") for name in files if name not in {*named, MANIFEST}
    ]
    findings += [
        Finding(name, 0, "its SHA-256 is not that of the manifest")
        for name, digest in named.items()
        if name in files and hashlib.sha256(files[name]).hexdigest() != digest
    ]
    snapshot = files.get("snapshot.json", b"")
    if hashlib.sha256(snapshot).hexdigest() != manifest.get("snapshot_sha256"):
        findings.append(Finding("snapshot.json", 0, "is not the snapshot of this report"))
    try:
        chain = _rows(files, "ledger.jsonl")
        findings += _chain_faults(chain, manifest["tenant_id"])
        wrong, figures, unproven = _figure_faults(json.loads(snapshot), files)
    except (ValueError, KeyError, TypeError) as error:
        findings.append(Finding("snapshot.json", 0, f"unreadable: {type(error).__name__}"))
        return Verdict(findings, 0, 0, 0)
    return Verdict([*findings, *wrong], figures, unproven, len(chain))


def _manifest_faults(manifest: dict[str, Any]) -> list[Finding]:
    if manifest.get("format") not in range(1, FORMAT + 1):
        return [Finding(MANIFEST, 0, "of an unknown format")]
    said = manifest.pop("sha256", None)
    if said is None and manifest["format"] < _SEALED_SINCE:
        return []
    if said != ledger.content_hash(manifest):
        return [Finding(MANIFEST, 0, "its content does not match its hash")]
    return []


def _figure_faults(
    snapshot: Mapping[str, Any], files: Mapping[str, bytes]
) -> tuple[list[Finding], int, int]:
    counted = _counted(files)
    findings, checked, unproven = [], 0, 0
    for section in snapshot["sections"]["zh-hans"]:
        for figure in section["figures"]:
            key = f"{section['key']}.{figure['key']}".removeprefix("summary.")
            if key not in counted:
                unproven += 1
                continue
            checked += 1
            if figure["value"] != counted[key]:
                reason = f"{key} is {figure['value']}, its rows give {counted[key]}"
                findings.append(Finding("snapshot.json", 0, reason))
    return findings, checked, unproven


def _counted(files: Mapping[str, bytes]) -> dict[str, float | None]:
    """Return what the rows give, by the keys of section and figure."""
    inquiries = _rows(files, "inquiries.jsonl")
    return {
        "volume.inquiries": len(inquiries),
        "volume.visitors": len({row["visitor"] for row in inquiries}),
        **_of_promise(_rows(files, "obligations.jsonl"), "first_reply", quantiles=True),
        **_of_promise(_rows(files, "obligations.jsonl"), "handoff", quantiles=False),
        **_of_promise(_rows(files, "obligations.jsonl"), "report_due", quantiles=False),
        **_of_handoffs(_rows(files, "handoffs.jsonl")),
        **_of_questions(_rows(files, "questions.jsonl")),
        **_of_ratings(_rows(files, "ratings.jsonl")),
    }


def _of_promise(rows: Sequence[_Row], kind: str, *, quantiles: bool) -> dict[str, float | None]:
    judged = [row for row in rows if row["kind"] == kind and row["state"] in ("met", "breached")]
    found = {f"{kind}.{kind}": _share(judged, lambda row: row["state"] == "met")}
    if quantiles:
        never = sum(row["met_at"] is None for row in judged)
        times = Counter(_taken(row, "started_at", "met_at") for row in judged if row["met_at"])
        found |= {f"{kind}.{kind}_{name}": each for name, each in _quantiles(times, never)}
    return found


def _of_handoffs(rows: Sequence[_Row]) -> dict[str, float | None]:
    taken = Counter(
        _taken(row, "triggered_at", "accepted_at") for row in rows if row["accepted_at"]
    )
    return {f"handoff.pick_up_{name}": each for name, each in _quantiles(taken, 0)}


def _of_questions(rows: Sequence[_Row]) -> dict[str, float | None]:
    asked = [row for row in rows if not row["is_test"]]
    own = [row for row in asked if not row["is_same_again"]]
    judged = [row for row in own if row["standing"] in _COUNTED]
    return {
        "volume.questions": len(own),
        "auto_answer.auto_answer": _share(judged, lambda row: row["standing"] == "answered"),
        "auto_answer.resolved": _share(
            judged, lambda row: row["standing"] == "answered" and not row["is_unsolved"]
        ),
        "auto_answer.default_in": sum(row["standing"] == "default" for row in judged),
        "excluded.excluded_questions": len(rows) - len(asked),
        "excluded.collapsed": sum(row["why"] == "same_again" for row in rows),
    }


def _of_ratings(rows: Sequence[_Row]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    counted = [row for row in rows if not row["excluded_reason"]]
    for part, key in (("bot", "satisfaction"), ("human", "satisfaction_human")):
        scores = [row["score"] for row in counted if row["part"] == part]
        mean = Fraction(sum(scores), len(scores)) if scores else None
        found[f"satisfaction.{key}"] = None if mean is None else float(mean)
    found["satisfaction.responses"] = sum(row["part"] == "bot" for row in counted)
    return found


def _share(rows: Sequence[_Row], won: Callable[[_Row], bool]) -> float | None:
    value = metrics.ratio(sum(won(row) for row in rows), len(rows))
    return None if value is None else float(value)


def _quantiles(times: Mapping[int, int], never: int) -> list[tuple[str, float | None]]:
    found = [
        (name, metrics.quantile(times, Fraction(part, 100), never)) for part, name in _QUANTILES
    ]
    return [(name, None if each is None else each / 1000) for name, each in found]


def _taken(row: _Row, start: str, end: str) -> int:
    span = datetime.fromisoformat(row[end]) - datetime.fromisoformat(row[start])
    # Up to the next whole millisecond, as the figures have it.
    return -(-span // timedelta(microseconds=1) // 1000)


def _chain_faults(rows: Sequence[Mapping[str, Any]], tenant_id: int) -> list[Finding]:
    before: Mapping[str, Any] | None = None
    for number, row in enumerate(rows, 1):
        if before is not None and row["position"] != before["position"] + 1:
            return [Finding("ledger.jsonl", number, "a row is missing before it")]
        if before is not None and row["previous_hash"] != before["hash"]:
            return [Finding("ledger.jsonl", number, "does not continue the row before it")]
        entry = LedgerEntry(
            tenant_id=tenant_id,
            position=row["position"],
            at=datetime.fromisoformat(row["at"]),
            kind=row["kind"],
            subject=row["subject"],
            data=row["data"],
            previous_hash=row["previous_hash"],
        )
        if ledger.seal(entry) != row["hash"]:
            return [Finding("ledger.jsonl", number, "its content does not match its hash")]
        before = row
    return []


def _rows(files: Mapping[str, bytes], name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files.get(name, b"").decode().splitlines()]


def _unpacked(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        if sum(each.file_size for each in archive.infolist()) > _MOST_BYTES:
            raise zipfile.LargeZipFile
        return {each.filename: archive.read(each) for each in archive.infolist()}
